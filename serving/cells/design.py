"""The cell that a rate is asked of: each number with its unit, range, default, and where the default comes from."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, NamedTuple, TypedDict

from pydantic import Field, create_model, model_validator

from features.candidate import ROOM_TEMPERATURE_C
from serving.answers.conditions import CONDITION_COLUMNS, Conditions
from training.properties import registry

REVIEW = "10.1002/adma.202417796"
"""Yu et al., the review of fast-charging solid-state lithium batteries."""
ASSUMED = "assumed"
LEAST_CATHOLYTE = 1e-3
"""Volume fraction of the cathode."""
MOBILE_ANIONS = (0.2, 0.5)
"""Transference numbers of polymer electrolytes, of the review."""


class _Stated(NamedTuple):
    """A condition of the cell.

    Attributes
    ----------
    label, unit
        For people.
    default
        None: what `help` says.
    at_least, at_most
        Its range, physical enough for every number of an answer to be finite.
    source
        DOI or words, of the default.
    help
        One sentence.
    """

    label: str
    unit: str
    default: float | None
    at_least: float
    at_most: float
    source: str
    help: str


CELL = {
    "c_rate": _Stated(
        "Rate", "C", 4.0, 1e-3, 1000.0, REVIEW, "Rate asked for; 1 charges the whole capacity in an hour."
    ),
    "areal_capacity_mAh_cm2": _Stated(
        "Areal capacity", "mAh/cm2", 5.0, 1e-3, 100.0, ASSUMED, "Capacity of the cathode by area."
    ),
    "charged_share": _Stated(
        "Share charged without a break",
        "",
        0.8,
        1e-3,
        1.0,
        REVIEW,
        "Share of the capacity that is charged without a break.",
    ),
    "loss_allowed_mV": _Stated(
        "Loss allowed",
        "mV",
        300.0,
        1e-3,
        5000.0,
        ASSUMED,
        "What all losses may sum to: cutoff less equilibrium potential.",
    ),
    "thickness_um": _Stated(
        "Thickness of the separator", "µm", 30.0, 1e-3, 20000.0, ASSUMED, "Of the layer between lithium and cathode."
    ),
    "anolyte_sigma_S_per_cm": _Stated(
        "Conductivity of the anolyte, measured",
        "S/cm",
        None,
        1e-15,
        100.0,
        "model",
        "Measured; without it as predicted.",
    ),
    "catholyte_sigma_S_per_cm": _Stated(
        "Conductivity of the catholyte, measured",
        "S/cm",
        None,
        1e-15,
        100.0,
        "model",
        "Measured; without it as predicted.",
    ),
    "critical_current_mA_per_cm2": _Stated(
        "Critical current density, measured", "mA/cm2", None, 1e-6, 1e6, "model", "Measured; without it as predicted."
    ),
    "interfacial_resistance_ohm_cm2": _Stated(
        "Resistance at lithium",
        "Ω cm2",
        2.0,
        0.0,
        1e7,
        "10.1021/acs.chemmater.7b03002",
        "Of the interface with lithium, by cell area.",
    ),
    "active_fraction": _Stated(
        "Active material in the cathode, by volume",
        "",
        0.55,
        1e-3,
        0.99,
        ASSUMED,
        "Volume fraction of active material in the cathode.",
    ),
    "porosity": _Stated(
        "Pores in the cathode, by volume",
        "",
        0.10,
        0.0,
        0.99,
        ASSUMED,
        "Volume fraction of pores in the cathode.",
    ),
    "tortuosity_factor": _Stated(
        "Tortuosity factor of the catholyte",
        "",
        None,
        1.0,
        1000.0,
        "10.1002/andp.19354160705",
        "Of the catholyte in the cathode: effective conductivity is conductivity times volume fraction over it; without"
        " it the fraction to the power of -0.5 (Bruggeman).",
    ),
    "specific_capacity_mAh_per_g": _Stated(
        "Capacity of the active material", "mAh/g", 200.0, 1.0, 4000.0, ASSUMED, "Of the active material (NMC811)."
    ),
    "active_density_g_per_cm3": _Stated(
        "Density of the active material", "g/cm3", 4.75, 1e-3, 25.0, ASSUMED, "Of the active material (NMC811)."
    ),
    "cathode_electronic_S_per_cm": _Stated(
        "Electronic conductivity of the cathode",
        "S/cm",
        1e-2,
        1e-12,
        1e6,
        ASSUMED,
        "Effective, of the whole composite.",
    ),
    "charge_transfer_ohm_cm2": _Stated(
        "Charge transfer in the cathode",
        "Ω cm2",
        2.0,
        0.0,
        1e7,
        ASSUMED,
        "Of the whole cathode at small currents, by cell area.",
    ),
    "particle_radius_um": _Stated(
        "Radius of active particles", "µm", 2.5, 1e-3, 1000.0, ASSUMED, "Of the active particles."
    ),
    "particle_diffusivity_cm2_per_s": _Stated(
        "Diffusion coefficient in particles", "cm2/s", 1e-10, 1e-20, 1.0, ASSUMED, "Of lithium in the active particles."
    ),
    "equilibrium_slope_V": _Stated(
        "Rise of the equilibrium potential",
        "V",
        0.8,
        0.0,
        10.0,
        ASSUMED,
        "Rise of the equilibrium potential over the whole capacity.",
    ),
    "transference_number": _Stated(
        "Transference number",
        "",
        None,
        1e-3,
        1.0,
        REVIEW,
        "Of lithium; without it 1 of inorganic materials and 0.2 to 0.5 of polymers.",
    ),
    "temperature_C": _Stated(
        "Temperature",
        "°C",
        ROOM_TEMPERATURE_C,
        -60.0,
        250.0,  # above it, kelvin were meant
        REVIEW,
        "Of the whole cell.",
    ),
    "salt_mol_per_L": _Stated(
        "Salt in a polymer separator", "mol/L", 1.2, 1e-3, 30.0, ASSUMED, "Salt in a polymer between the electrodes."
    ),
}
"""Every number of a cell by its name; those that are conditions of a property, too, mean the same."""


def _field(one: _Stated) -> Any:  # noqa: ANN401
    words = f"{one.help} Default: {one.source}."
    number: Any = Annotated[float, Field(ge=one.at_least, le=one.at_most, description=words)]
    return (number, one.default) if one.default is not None else (number | None, None)


_Fields: Any = create_model("_Fields", __base__=Conditions, **{name: _field(one) for name, one in CELL.items()})


class CellConditions(_Fields):  # type: ignore[misc]
    """What a rate depends on besides the materials: the cell, and the conditions of the properties."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_stated(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None or name not in CELL}

    @model_validator(mode="after")
    def _has_catholyte(self) -> CellConditions:
        if self.electrolyte_fraction < LEAST_CATHOLYTE:
            raise ValueError(
                f"active_fraction {self.active_fraction:g} and porosity {self.porosity:g} leave no room for a"
                f" catholyte; expected a sum below {1.0 - LEAST_CATHOLYTE:g}"
            )
        return self

    def of_models(self) -> Conditions:
        """Return what was stated of the conditions on which numbers of the materials depend.

        A default of the cell is not stated, and what no model makes use of is the cell's alone.
        """
        used = {name for _, one in registry.quantities().values() if one.role for name in one.conditions}
        told = [name for name in CONDITION_COLUMNS if name in used or name not in CELL]
        return Conditions(**{name: getattr(self, name) for name in told if name in self.model_fields_set})

    def without_effect(self) -> list[str]:
        """Return what was stated although nothing in the rate of a cell depends on it."""
        stated = self.model_dump(exclude_none=True, exclude_unset=True)
        return [name for name in stated if name not in CELL and name not in cell_conditions()]

    @property
    def electrolyte_fraction(self) -> float:
        """Volume fraction of the catholyte in the cathode."""
        return float(1.0 - self.active_fraction - self.porosity)

    @property
    def ion_factor(self) -> float:
        """Effective ionic conductivity of the cathode over that of the catholyte."""
        share = self.electrolyte_fraction
        return float(share**1.5 if self.tortuosity_factor is None else share / self.tortuosity_factor)

    @property
    def cathode_um(self) -> float:
        """Thickness of the cathode in micrometres, by its capacity."""
        by_volume = self.active_fraction * self.active_density_g_per_cm3 * self.specific_capacity_mAh_per_g
        return float(1e4 * self.areal_capacity_mAh_cm2 / by_volume)


@cache
def cell_conditions() -> tuple[str, ...]:
    """Return the conditions, besides the numbers of a cell, of the properties whose quantities play a role in cells."""
    owners = {owner for owner, one in registry.quantities().values() if one.role}
    declared = {one.name for owner in owners for one in registry.get(owner).conditions}
    return tuple(name for name in CONDITION_COLUMNS if name in declared and name not in CELL)


class CellColumn(TypedDict):
    """A number of a cell, for a form: `at_least` and `at_most` are its range."""

    name: str
    label: str
    unit: str
    help: str
    default: float | None
    source: str
    at_least: float
    at_most: float


def cell_columns() -> list[CellColumn]:
    """Return every number of a cell for `GET /vocabulary`."""
    return [
        {
            "name": name,
            "label": one.label,
            "unit": one.unit,
            "help": one.help,
            "default": one.default,
            "source": one.source,
            "at_least": one.at_least,
            "at_most": one.at_most,
        }
        for name, one in CELL.items()
    ]
