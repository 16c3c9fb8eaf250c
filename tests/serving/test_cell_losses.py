"""Losses of a cell in closed form: limits that physics knows, and what must hold for every cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.cells.losses import (
    LOSSES,
    CellArrays,
    FARADAY_C_PER_mol,
    limiting_current_A_per_cm2,
    losses_V,
    rate_at_loss,
    sand_time_s,
    sigma_needed_S_per_cm,
    surface_depletion,
    total_V,
)

USUAL = {
    "anolyte_S_per_cm": 5e-3,
    "catholyte_S_per_cm": 2e-3,
    "anolyte_transference": 1.0,
    "catholyte_transference": 1.0,
    "temperature_C": 25.0,
    "separator_cm": 30e-4,
    "cathode_cm": 100e-4,
    "cathode_ion_factor": 0.2,
    "cathode_electronic_S_per_cm": 1e-2,
    "anode_ohm_cm2": 2.0,
    "charge_transfer_ohm_cm2": 2.0,
    "capacity_mAh_per_cm2": 5.0,
    "salt_mol_per_L": 1.2,
    "charged_share": 0.8,
    "particle_cm": 2.5e-4,
    "particle_cm2_per_s": 1e-10,
    "equilibrium_slope_V": 0.8,
}
ALLOWED_V = np.asarray(0.3)
SHARES = st.floats(0.05, 0.95)
SIGMAS = st.floats(1e-6, 1e-1)


def cell(**numbers: float) -> CellArrays:
    """Return one cell, the usual one where nothing else is said."""
    return CellArrays(**{name: np.asarray(value, dtype=float) for name, value in (USUAL | numbers).items()})


def loss_mV(name: str, c_rate: float, **numbers: float) -> float:
    """Return one loss of a cell in mV."""
    return 1e3 * float(losses_V(cell(**numbers), np.asarray(c_rate))[name])


def test_a_separator_is_a_resistor() -> None:
    """20 mA/cm2 through 30 um of 5 mS/cm."""
    assert loss_mV("separator", 4.0) == pytest.approx(12.0)
    assert loss_mV("separator", 4.0, separator_cm=60e-4) == pytest.approx(24.0)


def test_ions_of_an_even_reaction_cross_a_third_of_the_cathode() -> None:
    effective = 2e-3 * 0.2
    assert loss_mV("cathode_ions", 4.0) == pytest.approx(1e3 * 0.02 * 0.01 / (3.0 * effective))


def test_charge_transfer_is_ohmic_at_small_and_logarithmic_at_large_currents() -> None:
    small, large = loss_mV("charge_transfer", 0.004), loss_mV("charge_transfer", 400.0)
    assert small == pytest.approx(0.02 * 2.0, rel=1e-4)
    assert large < 4000.0 / 10.0
    assert loss_mV("charge_transfer", 4000.0) - large == pytest.approx(2.0 * 25.69 * np.log(10.0), rel=1e-2)


def test_nothing_but_lithium_moves_at_a_transference_number_of_one() -> None:
    assert loss_mV("salt_polarisation", 100.0) == 0.0
    assert np.isinf(sand_time_s(cell(), np.asarray(0.02)))


def test_small_currents_see_the_resistance_of_evans_and_bruce() -> None:
    """At steady state a binary salt costs R / t+ in all; the separator's own part is R."""
    numbers = {"anolyte_transference": 0.3, "charged_share": 1.0, "salt_mol_per_L": 0.01}
    found = loss_mV("salt_polarisation", 0.01, **numbers) + loss_mV("separator", 0.01, **numbers)
    assert found == pytest.approx(loss_mV("separator", 0.01, **numbers) / 0.3, rel=1e-3)


def test_the_limiting_current_empties_a_surface() -> None:
    one = cell(anolyte_S_per_cm=1e-4, anolyte_transference=0.2, temperature_C=60.0, salt_mol_per_L=0.01)
    limit = limiting_current_A_per_cm2(one)
    rate = limit / one.current_A_per_cm2(np.asarray(1.0))
    assert float(surface_depletion(one, rate)) == pytest.approx(1.0)
    assert np.isinf(float(total_V(one, 1.001 * rate)))
    assert np.isfinite(float(total_V(one, 0.99 * rate)))


def test_a_short_charge_ends_before_the_salt_is_used_up() -> None:
    """Beyond the limiting current Sand's time decides; a thick separator with much salt lasts for a while."""
    thick = {"separator_cm": 0.1, "anolyte_S_per_cm": 1e-3, "anolyte_transference": 0.3, "salt_mol_per_L": 5.0}
    one, rate = cell(**thick, charged_share=1e-3), np.asarray(1.0)
    current = one.current_A_per_cm2(rate)
    assert current > limiting_current_A_per_cm2(one)
    share = float(surface_depletion(one, rate))
    assert share == pytest.approx(float(np.sqrt(3.6 / sand_time_s(one, current))))
    assert share < 1.0


def test_sand_time_follows_from_a_diffusion_coefficient() -> None:
    """pi D (F c / (2 i (1 - t)))^2 with D of Nernst and Einstein."""
    one, current, t = cell(anolyte_transference=0.3), 0.01, 0.3
    concentration = 1.2e-3
    diffusion = 2.0 * t * (1.0 - t) * 5e-3 * float(one.thermal_V) / (FARADAY_C_PER_mol * concentration)
    expected = np.pi * diffusion * (FARADAY_C_PER_mol * concentration / (2.0 * current * (1.0 - t))) ** 2
    assert float(sand_time_s(one, np.asarray(current))) == pytest.approx(expected)


@given(anolyte=SIGMAS, catholyte=SIGMAS, t=st.sampled_from([0.2, 0.5, 1.0]), allowed=st.floats(0.01, 1.0))
@settings(max_examples=60, deadline=None)
def test_the_rate_is_where_the_losses_are_what_is_allowed(
    anolyte: float, catholyte: float, t: float, allowed: float
) -> None:
    one = cell(anolyte_S_per_cm=anolyte, catholyte_S_per_cm=catholyte, anolyte_transference=t)
    rate = rate_at_loss(one, np.asarray(allowed))
    assert float(total_V(one, rate * 0.999)) < allowed < float(total_V(one, rate * 1.001))


@given(sigma=SIGMAS, factor=st.floats(1.1, 10.0), t=st.sampled_from([0.3, 1.0]))
@settings(max_examples=40, deadline=None)
def test_a_better_conductor_and_a_thinner_cell_are_never_slower(sigma: float, factor: float, t: float) -> None:
    def rate(**numbers: float) -> float:
        return float(rate_at_loss(cell(**({"anolyte_transference": t} | numbers)), ALLOWED_V))

    usual, found_to = rate(anolyte_S_per_cm=sigma), 1.0 + 2e-4
    assert rate(anolyte_S_per_cm=sigma * factor) * found_to >= usual
    assert rate(anolyte_S_per_cm=sigma, separator_cm=30e-4 / factor) * found_to >= usual
    assert rate(anolyte_S_per_cm=sigma, anode_ohm_cm2=2.0 * factor) <= usual * found_to


def test_cells_are_computed_alike_alone_and_together() -> None:
    sigma = np.geomspace(1e-5, 1e-1, 7)
    many = cell().with_sigma(sigma, sigma[::-1])
    alone = [float(rate_at_loss(cell().with_sigma(a, c), ALLOWED_V)) for a, c in zip(sigma, sigma[::-1], strict=True)]
    np.testing.assert_allclose(rate_at_loss(many, ALLOWED_V), alone, rtol=1e-6)


@pytest.mark.parametrize("layers", [("anolyte",), ("catholyte",), ("anolyte", "catholyte")])
def test_the_conductivity_needed_reaches_the_rate(layers: tuple[str, ...]) -> None:
    rate, one = np.asarray(2.0), cell(anolyte_S_per_cm=1e-2, catholyte_S_per_cm=1e-2)
    needed = sigma_needed_S_per_cm(one, rate, ALLOWED_V, layers)
    stated = {"anolyte": one.anolyte_S_per_cm, "catholyte": one.catholyte_S_per_cm} | dict.fromkeys(layers, needed)
    assert float(rate_at_loss(one.with_sigma(**stated), ALLOWED_V)) == pytest.approx(2.0, rel=1e-3)


def test_no_conductivity_helps_where_interfaces_cost_all() -> None:
    one = cell(anode_ohm_cm2=1000.0)
    assert np.isnan(sigma_needed_S_per_cm(one, np.asarray(4.0), ALLOWED_V, ("anolyte", "catholyte")))


def test_every_loss_has_a_name_and_rises_with_the_rate() -> None:
    slow, fast = (losses_V(cell(anolyte_transference=0.5), np.asarray(rate)) for rate in (0.1, 0.2))
    assert tuple(slow) == LOSSES
    assert all(float(fast[name]) > float(slow[name]) for name in LOSSES)
