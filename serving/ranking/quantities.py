"""The quantities that an objective may name: label, unit, which way is better, and which property's model says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from serving.answers.conditions import Conditions


class Quantity(StrEnum):
    """What can be ranked by; the names are those of answer rows where these have the quantity, and say the unit."""

    SIGMA = "log10_sigma_S_per_cm"
    ACTIVATION_ENERGY = "activation_energy_eV"
    HULL = "energy_above_hull_eV_per_atom"
    STABLE = "probability_stable"
    REDUCTION = "reduction_V"
    OXIDATION = "oxidation_V"
    INTERPHASE = "lithium_interphase"
    WINDOW = "window_width_V"
    MARGIN = "margin_V"
    CCD = "log10_ccd_mA_per_cm2"
    HYDROLYSIS = "hydrolysis_eV_per_H2O"
    H2S = "h2s_mmol_per_g"
    PRICE = "element_price_USD_per_kg"
    SUPPLY = "supply_concentration_HHI"
    DENSITY = "density_g_per_cm3"


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a quantity before any candidate is seen.

    Parameters
    ----------
    label
        For people.
    unit
        Of targets as users write them; of a logarithmic quantity the unit of what stands in the logarithm.
    higher_is_better
        Which way is better.
    names
        How users call it.
    lowest, highest
        Between which targets make sense, in the unit.
    property
        Whose model says it, None for what follows from the formula or the unit cell.
    is_log10
        Whether the quantity is the logarithm of what users write.
    conditions
        Conditions that it depends on.
    units
        Units that may be written instead, with the factor that brings them to `unit`.
    levels
        Of a quantity that takes few values: their names, that of 0 first; targets may be written so.
    """

    label: str
    unit: str
    higher_is_better: bool
    names: tuple[str, ...]
    lowest: float
    highest: float
    property: str | None
    is_log10: bool = False
    conditions: tuple[str, ...] = ()
    units: tuple[tuple[str, float], ...] = ()
    levels: tuple[str, ...] = ()

    def level(self, value: float) -> str | None:
        """Return the name of a value, None where it has none."""
        return self.levels[int(value)] if self.levels and value in range(len(self.levels)) else None


_EV = (("eV", 1.0), ("meV", 1e-3), ("eV/atom", 1.0), ("meV/atom", 1e-3))
_VOLT = (("V", 1.0), ("mV", 1e-3))
_CCD_CONDITIONS = (
    "temperature_C", "stack_pressure_MPa", "interlayer_type", "anode", "relative_density",
    "interfacial_resistance_ohm_cm2", "sigma_S_per_cm", "electrolyte_class",
)  # fmt: skip
_C, _S, _D = "conductivity", "stability", "ccd"

ABOUT: Mapping[Quantity, About] = {
    Quantity.SIGMA: About(
        "conductivity", "S/cm", True, ("sigma", "conductivity", "log10_sigma"), 1e-30, 1e3, _C, True,
        ("temperature_C",), (("S/cm", 1.0), ("mS/cm", 1e-3), ("uS/cm", 1e-6)),
    ),
    Quantity.ACTIVATION_ENERGY: About(
        "activation energy", "eV", False, ("activation_energy", "ea"), 0.0, 10.0, _C, units=_EV[:2]
    ),
    Quantity.HULL: About(
        "energy above the hull", "eV/atom", False, ("hull", "energy_above_hull", "ehull"), 0.0, 10.0, _S, units=_EV
    ),
    Quantity.STABLE: About(
        "probability of lying on the hull", "", True, ("stable", "p_stable"), 0.0, 1.0, _S
    ),
    Quantity.REDUCTION: About(
        "reduction limit", "V", False, ("reduction", "red"), 0.0, 10.0, _S, units=_VOLT
    ),
    Quantity.OXIDATION: About(
        "oxidation limit", "V", True, ("oxidation", "ox"), 0.0, 10.0, _S, units=_VOLT
    ),
    Quantity.INTERPHASE: About(
        "layer between the material and lithium metal", "", True, ("interphase", "lithium_layer"), 0.0, 2.0, _S,
        levels=("mixed_conducting", "protective", "stable"),
    ),
    Quantity.WINDOW: About(
        "width of the window", "V", True, ("window", "width", "window_width"), 0.0, 10.0, _S, units=_VOLT
    ),
    Quantity.MARGIN: About(
        "margin against an electrode", "V", True, ("margin",), -10.0, 10.0, _S, units=_VOLT
    ),
    Quantity.CCD: About(
        "critical current density", "mA/cm2", True, ("ccd", "critical_current", "log10_ccd"), 1e-6, 1e6, _D, True,
        _CCD_CONDITIONS, (("mA/cm2", 1.0), ("A/cm2", 1e3), ("uA/cm2", 1e-3)),
    ),
    Quantity.HYDROLYSIS: About(
        "energy of the reaction with moist air", "eV/H2O", True, ("moisture", "hydrolysis", "water"), -20.0, 20.0,
        _S, units=(("eV", 1.0), ("eV/H2O", 1.0), ("meV", 1e-3)),
    ),
    Quantity.H2S: About(
        "hydrogen sulfide given off in moist air", "mmol/g", False, ("h2s",), 0.0, 100.0, _S,
        units=(("mmol/g", 1.0),),
    ),
    Quantity.PRICE: About(
        "price of the elements", "USD/kg", False, ("cost", "price", "element_price"), 0.0, 1e6, None,
        units=(("USD/kg", 1.0), ("$/kg", 1.0)),
    ),
    Quantity.SUPPLY: About(
        "concentration of supply", "HHI", False, ("supply", "supply_risk", "hhi", "scarcity"), 0.0, 10_000.0, None,
        units=(("HHI", 1.0),),
    ),
    Quantity.DENSITY: About(
        "density", "g/cm3", False, ("density",), 0.01, 30.0, None, units=(("g/cm3", 1.0), ("g/cm^3", 1.0)),
    ),
}  # fmt: skip
CONDITION_NAMES = tuple(Conditions.model_fields)


def known_names() -> dict[str, Quantity]:
    """Return every name that a quantity answers to, in lower case."""
    names = {str(quantity).lower(): quantity for quantity in Quantity}
    return names | {name: quantity for quantity, about in ABOUT.items() for name in about.names}


def short_names() -> str:
    """Return the names to offer to somebody who wrote an unknown one."""
    return ", ".join(about.names[0] for about in ABOUT.values())
