"""Temperature: one activated process, log10(sigma T) linear in 1/T.

    log10 sigma(T) = log10 sigma(T0) + log10(T0 / T) - Ea u(T),   u(T) = (1/T - 1/T0) / (k ln 10),   T0 = 298.15 K

The formula is the Nernst-Einstein relation with one activation energy (He et al., Nat. Commun. 8, 15893 (2017),
doi 10.1038/ncomms15893, use it in this form).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

BOLTZMANN_EV_PER_K = 8.617333262e-5
"""Exact in the SI of 2019 to the digits given."""
ZERO_C_IN_K = 273.15
REFERENCE_TEMPERATURE_K = 298.15
SMALLEST_ACTIVATION_ENERGY_EV = 0.05
"""Below any solid lithium conductor of the tables (0.06 eV)."""
TRUSTED_RANGE_C = (-40.0, 200.0)


def inverse_temperature(temperature_C: ArrayLike) -> Array:
    """Return u(T) in 1/eV: by how many decades a conductivity falls per eV of activation energy; 0 at 25 C."""
    kelvin = np.asarray(temperature_C, dtype=float) + ZERO_C_IN_K
    slope: Array = (1.0 / kelvin - 1.0 / REFERENCE_TEMPERATURE_K) / (BOLTZMANN_EV_PER_K * math.log(10.0))
    return slope


def prefactor_shift(temperature_C: ArrayLike) -> Array:
    """Return log10(T0 / T), the decades that the 1/T prefactor adds; 0 at 25 C."""
    kelvin = np.asarray(temperature_C, dtype=float) + ZERO_C_IN_K
    shift: Array = np.log10(REFERENCE_TEMPERATURE_K / kelvin)
    return shift


def to_temperature(log10_sigma_25C: ArrayLike, activation_energy_eV: ArrayLike, temperature_C: ArrayLike) -> Array:
    """Carry log10 conductivity from 25 C to another temperature.

    Parameters
    ----------
    log10_sigma_25C
        log10 of S/cm at 25 C, shape (n,).
    activation_energy_eV
        In eV, shape (n,); values under `SMALLEST_ACTIVATION_ENERGY_EV` are raised to it.
    temperature_C
        Degrees Celsius, shape (n,).

    Returns
    -------
    ndarray
        log10 of S/cm, never falling with temperature: beyond T = Ea/k, where the 1/T prefactor would win, it stays.
    """
    energy = np.maximum(np.asarray(activation_energy_eV, dtype=float), SMALLEST_ACTIVATION_ENERGY_EV)
    turning_C = energy / BOLTZMANN_EV_PER_K - ZERO_C_IN_K
    effective_C = np.minimum(np.asarray(temperature_C, dtype=float), turning_C)
    carried: Array = (
        np.asarray(log10_sigma_25C, dtype=float)
        + prefactor_shift(effective_C)
        - energy * inverse_temperature(effective_C)
    )
    return carried


def to_room_temperature(log10_sigma: ArrayLike, activation_energy_eV: ArrayLike, temperature_C: ArrayLike) -> Array:
    """Carry a measured log10 conductivity (S/cm) back to 25 C, the inverse of `to_temperature` below Ea/k."""
    at_25C: Array = (
        np.asarray(log10_sigma, dtype=float)
        - prefactor_shift(temperature_C)
        + np.asarray(activation_energy_eV, dtype=float) * inverse_temperature(temperature_C)
    )
    return at_25C
