"""Calculators of the reviews' numbers: known relations, both ways, and what they take for granted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.calculators import (
    StrippingReference,
    critical_stripping_current,
    dendrite_criteria,
    diffusivity_cm2_per_s,
    sigma_of_diffusivity_S_per_cm,
)

REFERENCE = StrippingReference(0.5, 5.0, 25.0, stress_exponent=6.0, activation_energy_kJ_per_mol=40.0)
POSITIVE = st.floats(1e-9, 1e3)


@given(POSITIVE, st.floats(1e-3, 0.2), st.floats(-50.0, 200.0), st.floats(0.1, 1.0))
def test_nernst_einstein_goes_both_ways(sigma: float, lithium: float, temperature_C: float, haven: float) -> None:
    there = diffusivity_cm2_per_s(sigma, lithium, temperature_C, haven)
    assert sigma_of_diffusivity_S_per_cm(there, lithium, temperature_C, haven) == pytest.approx(sigma, rel=1e-12)


def test_one_millisiemens_of_a_sulfide() -> None:
    """sigma kT / (n e^2) by hand: n = 0.04 mol/cm3."""
    by_hand = 1e-3 * 1.380649e-23 * 298.15 / (0.04 * 6.02214076e23 * 1.602176634e-19**2)
    assert diffusivity_cm2_per_s(1e-3, 0.04, 25.0) == pytest.approx(by_hand, rel=1e-6)


def test_a_measured_limit_is_kept_where_it_was_measured() -> None:
    found = critical_stripping_current(5.0, 25.0, REFERENCE)
    assert found.current_mA_per_cm2 == pytest.approx(0.5)
    assert any("stress exponent of 6" in text for text in found.assumes)
    assert any("not of plating" in text for text in found.assumes)


def test_pressure_and_heat_follow_power_and_arrhenius() -> None:
    assert critical_stripping_current(10.0, 25.0, REFERENCE).current_mA_per_cm2 == pytest.approx(0.5 * 2.0**6)
    warm = critical_stripping_current(5.0, 60.0, REFERENCE).current_mA_per_cm2
    assert warm == pytest.approx(0.5 * math.exp(40e3 / 8.314462618 * (1.0 / 298.15 - 1.0 / 333.15)))


@pytest.mark.parametrize(("pressure", "degrees"), [(0.0, 25.0), (-1.0, 25.0), (5.0, 200.0), (5.0, -300.0)])
def test_what_cannot_be_is_refused(pressure: float, degrees: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        critical_stripping_current(pressure, degrees, REFERENCE)


def test_stiff_and_soft_electrolytes_by_monroe_and_newman() -> None:
    stiff, soft = dendrite_criteria(59.0, 106.0, volume_per_atom_A3=11.0), dendrite_criteria(8.0, 20.0)
    assert stiff.exceeds_monroe_newman
    assert not soft.exceeds_monroe_newman
    assert stiff.toughness_MPa_m05 > soft.toughness_MPa_m05
    assert len(stiff.assumes) == 3


def test_a_flaw_four_times_as_deep_opens_at_half_the_overpotential() -> None:
    small, large = (dendrite_criteria(8.0, 20.0, size).overpotential_into_flaw_mV for size in (1.0, 4.0))
    assert large == pytest.approx(small / 2.0)


@pytest.mark.parametrize("wrong", [(0.0, 20.0), (8.0, -1.0), (float("nan"), 20.0)])
def test_moduli_are_positive(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        dendrite_criteria(*wrong)
