"""Numbers that the reviews of solid-state cells use, from numbers that a user has; every assumption is said.

- Dendrites and moduli: `training.elasticity` has the formulas and their sources.
- Stripping current and stack pressure: lithium that is stripped is replaced by creep, whose rate follows a power of the
  stress with an activation energy: measured by Masias et al., J. Mater. Sci. 54, 2585 (2019), doi
  10.1007/s10853-018-2971-3, and LePage et al., J. Electrochem. Soc. 166, A89 (2019), doi 10.1149/2.0221902jes; that the
  current above which voids form rises so with pressure: Kasemchainan et al., Nat. Mater. 18, 1105 (2019), doi
  10.1038/s41563-019-0438-9.
- Diffusion and conductivity: Nernst and Einstein's relation with a Haven ratio, Murch, Solid State Ionics 7, 177
  (1982), doi 10.1016/0167-2738(82)90050-9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from training.constants import ZERO_C_IN_K, FARADAY_C_PER_mol, GAS_J_PER_mol_K
from training.elasticity import (
    USUAL_VOLUME_PER_ATOM_A3,
    MONROE_NEWMAN_GPa,
    fracture_toughness_MPa_m05,
    overpotential_into_flaw_mV,
)

LITHIUM_MELTS_C = 180.5


class DendriteCriteria(NamedTuple):
    """What moduli say of lithium at an electrolyte.

    Attributes
    ----------
    exceeds_monroe_newman
        Whether the shear modulus is above twice that of lithium, `threshold_GPa`.
    threshold_GPa
        See above.
    toughness_MPa_m05
        Fracture toughness K_Ic.
    overpotential_into_flaw_mV
        Overpotential above which lithium in a surface flaw makes it grow.
    assumes
        What was taken for granted, in words.
    """

    exceeds_monroe_newman: bool
    threshold_GPa: float
    toughness_MPa_m05: float
    overpotential_into_flaw_mV: float
    assumes: tuple[str, ...]


def dendrite_criteria(
    shear_GPa: float, bulk_GPa: float, flaw_size_um: float = 1.0, volume_per_atom_A3: float = USUAL_VOLUME_PER_ATOM_A3
) -> DendriteCriteria:
    """Return the criteria of Monroe and Newman and of Griffith from moduli.

    Parameters
    ----------
    shear_GPa, bulk_GPa
        Of the dense electrolyte.
    flaw_size_um
        Depth of the largest surface flaw.
    volume_per_atom_A3
        Of its unit cell.

    Raises
    ------
    ValueError
        For a number that is not positive.

    Examples
    --------
    >>> dendrite_criteria(8.0, 20.0).exceeds_monroe_newman
    False
    """
    numbers = {"shear_GPa": shear_GPa, "bulk_GPa": bulk_GPa, "flaw_size_um": flaw_size_um}
    _expect_positive(**numbers, volume_per_atom_A3=volume_per_atom_A3)
    toughness = fracture_toughness_MPa_m05(np.array(shear_GPa), np.array(bulk_GPa), np.array(volume_per_atom_A3))
    overpotential = overpotential_into_flaw_mV(toughness, np.array(flaw_size_um))
    assumes = (
        f"a flat, perfect interface and a shear modulus of lithium of {MONROE_NEWMAN_GPa / 2.0:g} GPa (Monroe, Newman)",
        "toughness of a crystal without grain boundaries, from its moduli",
        f"a surface flaw of {flaw_size_um:g} um, filled with lithium under even pressure",
    )
    return DendriteCriteria(
        shear_GPa > MONROE_NEWMAN_GPa, MONROE_NEWMAN_GPa, float(toughness), float(overpotential), assumes
    )


@dataclass(frozen=True, slots=True)
class StrippingReference:
    """A stripping limit that was measured, and how lithium creeps.

    Attributes
    ----------
    current_mA_per_cm2, pressure_MPa, temperature_C
        The limit, and where it was found.
    stress_exponent, activation_energy_kJ_per_mol
        Of the creep of lithium; the two papers of the module's docstring measured them.
    """

    current_mA_per_cm2: float
    pressure_MPa: float
    temperature_C: float
    stress_exponent: float
    activation_energy_kJ_per_mol: float


class StrippingCurrent(NamedTuple):
    """A stripping limit, and what was taken for granted."""

    current_mA_per_cm2: float
    assumes: tuple[str, ...]


def critical_stripping_current(
    pressure_MPa: float, temperature_C: float, reference: StrippingReference
) -> StrippingCurrent:
    """Return the current above which lithium is stripped faster than it creeps back, at another pressure.

    Parameters
    ----------
    pressure_MPa, temperature_C
        Stack pressure and temperature asked for.
    reference
        A measured limit of the same interface.

    Raises
    ------
    ValueError
        For a number that is not positive, or a temperature at which lithium is molten.
    """
    _expect_positive(
        pressure_MPa=pressure_MPa,
        reference_current_mA_per_cm2=reference.current_mA_per_cm2,
        reference_pressure_MPa=reference.pressure_MPa,
        stress_exponent=reference.stress_exponent,
    )
    for degrees in (temperature_C, reference.temperature_C):
        if not -ZERO_C_IN_K < degrees < LITHIUM_MELTS_C:
            raise ValueError(f"temperature_C: received {degrees:g}, expected solid lithium, below {LITHIUM_MELTS_C:g}")
    warm = 1.0 / (reference.temperature_C + ZERO_C_IN_K) - 1.0 / (temperature_C + ZERO_C_IN_K)
    by_heat = math.exp(1e3 * reference.activation_energy_kJ_per_mol / GAS_J_PER_mol_K * warm)
    by_pressure = (pressure_MPa / reference.pressure_MPa) ** reference.stress_exponent
    assumes = (
        "creep alone refills what is stripped: no diffusion of vacancies, the same contact and thickness of lithium",
        f"a stress exponent of {reference.stress_exponent:g} and {reference.activation_energy_kJ_per_mol:g} kJ/mol, as"
        " given; small contacts creep otherwise than thick pieces",
        "the limit of stripping, not of plating: more pressure may short a cell all the same",
    )
    return StrippingCurrent(reference.current_mA_per_cm2 * by_pressure * by_heat, assumes)


def diffusivity_cm2_per_s(
    sigma_S_per_cm: float, lithium_mol_per_cm3: float, temperature_C: float, haven_ratio: float = 1.0
) -> float:
    """Return the tracer diffusion coefficient of lithium that belongs to a conductivity.

    Parameters
    ----------
    sigma_S_per_cm
        Of lithium ions.
    lithium_mol_per_cm3
        All lithium of the material.
    temperature_C
        Of the conductivity.
    haven_ratio
        D of tracers over that of charge; 1 where ions jump by themselves, less where they move together.

    Raises
    ------
    ValueError
        For a number that is not positive.

    Examples
    --------
    >>> f"{diffusivity_cm2_per_s(1e-3, 0.04, 25.0):.1e}"
    '6.7e-09'
    """
    _expect_positive(sigma_S_per_cm=sigma_S_per_cm)
    return sigma_S_per_cm * _diffusion_per_sigma(lithium_mol_per_cm3, temperature_C, haven_ratio)


def sigma_of_diffusivity_S_per_cm(
    diffusivity_cm2_per_s: float, lithium_mol_per_cm3: float, temperature_C: float, haven_ratio: float = 1.0
) -> float:
    """Return the conductivity that belongs to a tracer diffusion coefficient; see `diffusivity_cm2_per_s`."""
    _expect_positive(diffusivity_cm2_per_s=diffusivity_cm2_per_s)
    return diffusivity_cm2_per_s / _diffusion_per_sigma(lithium_mol_per_cm3, temperature_C, haven_ratio)


def _diffusion_per_sigma(lithium_mol_per_cm3: float, temperature_C: float, haven_ratio: float) -> float:
    kelvin = temperature_C + ZERO_C_IN_K
    _expect_positive(lithium_mol_per_cm3=lithium_mol_per_cm3, kelvin=kelvin, haven_ratio=haven_ratio)
    return haven_ratio * GAS_J_PER_mol_K * kelvin / (FARADAY_C_PER_mol**2 * lithium_mol_per_cm3)


def _expect_positive(**numbers: float) -> None:
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"{name}: received {value:g}, expected more than 0")
