"""Temperature: what the Arrhenius law promises, for any activation energy and any temperature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.properties.conductivity.arrhenius import (
    BOLTZMANN_EV_PER_K,
    SMALLEST_ACTIVATION_ENERGY_EV,
    ZERO_C_IN_K,
    inverse_temperature,
    prefactor_shift,
    to_room_temperature,
    to_temperature,
)

SIGMA = st.floats(-20.0, 0.0)
ENERGY = st.floats(0.0, 3.0)
PLAUSIBLE_ENERGY = st.floats(SMALLEST_ACTIVATION_ENERGY_EV, 3.0)
TEMPERATURE_C = st.floats(-270.0, 1500.0)


@given(SIGMA, ENERGY)
def test_nothing_changes_at_25_C(sigma: float, energy: float) -> None:
    assert to_temperature(sigma, energy, 25.0) == sigma
    assert to_room_temperature(sigma, energy, 25.0) == sigma


@given(SIGMA, ENERGY, TEMPERATURE_C, TEMPERATURE_C)
def test_conductivity_never_falls_with_temperature(sigma: float, energy: float, one: float, other: float) -> None:
    cold, hot = sorted((one, other))
    at_cold, at_hot = to_temperature(np.full(2, sigma), np.full(2, energy), np.array([cold, hot]))
    assert np.isfinite([at_cold, at_hot]).all()
    assert at_hot >= at_cold - 1e-12 * abs(at_cold)


@given(SIGMA, PLAUSIBLE_ENERGY, st.floats(-270.0, 300.0))
def test_going_there_and_back_changes_nothing(sigma: float, energy: float, temperature: float) -> None:
    there = to_temperature(sigma, energy, temperature)
    assert to_room_temperature(there, energy, temperature) == pytest.approx(sigma, abs=1e-9)


@given(SIGMA, PLAUSIBLE_ENERGY)
def test_the_slope_of_log_sigma_T_against_inverse_T_is_the_activation_energy(sigma: float, energy: float) -> None:
    celsius = np.linspace(-60.0, 300.0, 10)
    kelvin = celsius + ZERO_C_IN_K
    ln_sigma_T = np.log(10.0) * to_temperature(np.full(10, sigma), np.full(10, energy), celsius) + np.log(kelvin)
    slope = np.polyfit(1.0 / kelvin, ln_sigma_T, 1)[0]
    assert -slope * BOLTZMANN_EV_PER_K == pytest.approx(energy, rel=1e-6)


def test_a_textbook_value() -> None:
    """0.35 eV between 25 and 100 C: exp(0.35 / k x (1/298.15 - 1/373.15)) x 298.15 / 373.15 = 12.35."""
    assert 10 ** float(to_temperature(0.0, 0.35, 100.0)) == pytest.approx(12.35, abs=0.01)
    assert float(inverse_temperature(25.0)) == 0.0
    assert float(prefactor_shift(25.0)) == 0.0


@given(SIGMA, st.floats(0.0, SMALLEST_ACTIVATION_ENERGY_EV), st.floats(-200.0, 200.0))
def test_energies_that_no_conductor_has_are_raised_to_the_smallest(
    sigma: float, energy: float, temperature: float
) -> None:
    floor = SMALLEST_ACTIVATION_ENERGY_EV
    assert to_temperature(sigma, energy, temperature) == to_temperature(sigma, floor, temperature)


def test_arrays_are_broadcast_row_by_row() -> None:
    sigma, energy, celsius = np.array([-3.0, -5.0]), np.array([0.3, 0.6]), np.array([25.0, 80.0])
    rows = [float(to_temperature(s, e, t)) for s, e, t in zip(sigma, energy, celsius, strict=True)]
    np.testing.assert_allclose(to_temperature(sigma, energy, celsius), rows, rtol=0, atol=1e-14)
