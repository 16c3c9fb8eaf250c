"""The cell that a rate is asked of: each number with its unit, range, default, and where the default comes from."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

from pydantic import Field, create_model, model_validator

from features.candidate import ROOM_TEMPERATURE_C
from serving.answers.conditions import CONDITION_COLUMNS, Conditions
from training.properties import registry

REVIEW = "10.1002/adma.202417796"
"""Yu et al., the review of fast-charging solid-state lithium batteries."""
ASSUMED = "assumed"
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
    above, at_most
        Its range.
    source
        DOI or words, of the default.
    help
        One sentence.
    at_least
        Instead of `above`, where 0 makes sense.
    """

    label: str
    unit: str
    default: float | None
    above: float
    at_most: float
    source: str
    help: str
    at_least: bool = False


CELL = {
    "c_rate": _Stated(
        "Rate", "C", 4.0, 0.0, 1000.0, REVIEW, "Rate asked for; 1 charges the whole capacity in an hour."
    ),
    "areal_capacity_mAh_cm2": _Stated(
        "Areal capacity", "mAh/cm2", 5.0, 0.0, 100.0, ASSUMED, "Capacity of the cathode by area."
    ),
    "charged_share": _Stated(
        "Share charged without a break",
        "",
        0.8,
        0.0,
        1.0,
        REVIEW,
        "Share of the capacity that is charged without a break.",
    ),
    "loss_allowed_mV": _Stated(
        "Loss allowed",
        "mV",
        300.0,
        0.0,
        5000.0,
        ASSUMED,
        "What all losses may sum to: cutoff less equilibrium potential.",
    ),
    "thickness_um": _Stated(
        "Thickness of the separator", "µm", 30.0, 0.0, 20000.0, ASSUMED, "Of the layer between lithium and cathode."
    ),
    "anolyte_sigma_S_per_cm": _Stated(
        "Conductivity of the anolyte, measured", "S/cm", None, 0.0, 100.0, "model", "Measured; without it as predicted."
    ),
    "catholyte_sigma_S_per_cm": _Stated(
        "Conductivity of the catholyte, measured",
        "S/cm",
        None,
        0.0,
        100.0,
        "model",
        "Measured; without it as predicted.",
    ),
    "critical_current_mA_per_cm2": _Stated(
        "Critical current density, measured", "mA/cm2", None, 0.0, 1e6, "model", "Measured; without it as predicted."
    ),
    "interfacial_resistance_ohm_cm2": _Stated(
        "Resistance at lithium",
        "Ω cm2",
        2.0,
        0.0,
        1e7,
        "10.1021/acs.chemmater.7b03002",
        "Of the interface with lithium, by cell area.",
        at_least=True,
    ),
    "active_fraction": _Stated(
        "Active material in the cathode, by volume",
        "",
        0.55,
        0.0,
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
        at_least=True,
    ),
    "tortuosity_factor": _Stated(
        "Tortuosity factor of the catholyte",
        "",
        None,
        0.0,
        1000.0,
        "10.1002/andp.19354160705",
        "Of the catholyte in the cathode: effective conductivity is conductivity times volume fraction over it; without"
        " it the fraction to the power of -0.5 (Bruggeman).",
    ),
    "specific_capacity_mAh_per_g": _Stated(
        "Capacity of the active material", "mAh/g", 200.0, 0.0, 4000.0, ASSUMED, "Of the active material (NMC811)."
    ),
    "active_density_g_per_cm3": _Stated(
        "Density of the active material", "g/cm3", 4.75, 0.0, 25.0, ASSUMED, "Of the active material (NMC811)."
    ),
    "cathode_electronic_S_per_cm": _Stated(
        "Electronic conductivity of the cathode", "S/cm", 1e-2, 0.0, 1e6, ASSUMED, "Effective, of the whole composite."
    ),
    "charge_transfer_ohm_cm2": _Stated(
        "Charge transfer in the cathode",
        "Ω cm2",
        2.0,
        0.0,
        1e7,
        ASSUMED,
        "Of the whole cathode at small currents, by cell area.",
        at_least=True,
    ),
    "particle_radius_um": _Stated(
        "Radius of active particles", "µm", 2.5, 0.0, 1000.0, ASSUMED, "Of the active particles."
    ),
    "particle_diffusivity_cm2_per_s": _Stated(
        "Diffusion coefficient in particles", "cm2/s", 1e-10, 0.0, 1.0, ASSUMED, "Of lithium in the active particles."
    ),
    "equilibrium_slope_V": _Stated(
        "Rise of the equilibrium potential",
        "V",
        0.8,
        0.0,
        10.0,
        ASSUMED,
        "Rise of the equilibrium potential over the whole capacity.",
        at_least=True,
    ),
    "transference_number": _Stated(
        "Transference number",
        "",
        None,
        0.0,
        1.0,
        REVIEW,
        "Of lithium; without it 1 of inorganic materials and 0.2 to 0.5 of polymers.",
    ),
    "salt_mol_per_L": _Stated(
        "Salt in a polymer separator", "mol/L", 1.2, 0.0, 30.0, ASSUMED, "Salt in a polymer between the electrodes."
    ),
}
"""Every number of a cell by its name; those that are conditions of a property, too, mean the same."""


def _field(one: _Stated) -> Any:  # noqa: ANN401
    low: dict[str, Any] = {"ge": one.above} if one.at_least else {"gt": one.above}
    number: Any = Annotated[float, Field(**low, le=one.at_most, description=f"{one.help} Default: {one.source}.")]
    return (number, one.default) if one.default is not None else (number | None, None)


_Fields: Any = create_model("_Fields", __base__=Conditions, **{name: _field(one) for name, one in CELL.items()})


class CellConditions(_Fields):  # type: ignore[misc]
    """What a rate depends on besides the materials: the cell, and the conditions of the properties."""

    @model_validator(mode="after")
    def _has_catholyte(self) -> CellConditions:
        if self.active_fraction + self.porosity >= 1.0:
            raise ValueError(
                f"active_fraction {self.active_fraction:g} and porosity {self.porosity:g} leave no room for a"
                " catholyte; expected a sum below 1"
            )
        return self

    def of_models(self) -> Conditions:
        """Return what was stated of the conditions on which numbers of the materials depend.

        A default of the cell is not stated, and what no model makes use of is the cell's alone.
        """
        used = {name for _, one in registry.quantities().values() if one.role for name in one.conditions}
        told = [name for name in CONDITION_COLUMNS if name in used or name not in CELL]
        return Conditions(**{name: getattr(self, name) for name in told if name in self.model_fields_set})

    @property
    def temperature(self) -> float:
        """In C, room temperature unless stated."""
        return ROOM_TEMPERATURE_C if self.temperature_C is None else float(self.temperature_C)

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


class CellColumn(TypedDict):
    """A number of a cell, for a form: `above` or `at_least` and `at_most` are its range."""

    name: str
    label: str
    unit: str
    help: str
    default: float | None
    source: str
    at_most: float
    above: NotRequired[float]
    at_least: NotRequired[float]


def cell_columns() -> list[CellColumn]:
    """Return every number of a cell for `GET /vocabulary`."""
    return [_column(name, one) for name, one in CELL.items()]


def _column(name: str, one: _Stated) -> CellColumn:
    column: CellColumn = {
        "name": name,
        "label": one.label,
        "unit": one.unit,
        "help": one.help,
        "default": one.default,
        "source": one.source,
        "at_most": one.at_most,
    }
    if one.at_least:
        return {**column, "at_least": one.above}
    return {**column, "above": one.above}
