"""What a property says of one candidate, as models of its block in an answer: the schema, not the writer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class Interval(BaseModel):
    """A value with its interval of stated coverage."""

    value: float | None = Field(description="The prediction; null where none can be given.")
    lower: float | None = Field(description="Lower end of the interval.")
    upper: float | None = Field(description="Upper end of the interval.")
    coverage: float | None = Field(description="Share of such intervals that hold the true value.")
    reason: str | None = Field(None, description="Why the ends are null, where they are.")


class ConductivityBlock(BaseModel):
    """The ionic conductivity at one temperature."""

    log10_sigma_S_per_cm: Interval
    activation_energy_eV: Interval
    probability_sigma_above_S_per_cm: dict[str, float] = Field(description="By threshold.")
    temperature_C: float
    basis: Literal["formula", "formula and unit cell"]
    explanation: dict[str, Any] | None = Field(
        None, description="Where asked for: terms in decades of S/cm that sum to log10 sigma."
    )
    explanation_reason: str | None = Field(None, description="Why there is no explanation, where there is none.")


class Species(BaseModel):
    """A formula and its formula units per formula unit of the candidate."""

    formula: str
    amount: float


class StabilityBlock(BaseModel):
    """Energies against the known phases, and the electrochemical window."""

    formation_energy_eV_per_atom: Interval
    decomposition_energy_eV_per_atom: Interval
    energy_above_hull_eV_per_atom: Interval
    probability_stable: float = Field(description="Of lying on or below the hull of the known phases.")
    basis: Literal["reference", "model"] = Field(description="Energies of the table, or predicted ones.")
    decomposition_products: list[Species]
    decomposition: str | None = Field(description="The reaction, null for a stable compound.")
    competing_phases: list[Species]
    reduction_V: Interval | None = Field(description="V against Li/Li+.")
    oxidation_V: Interval | None = Field(description="V against Li/Li+.")
    reduction_products: list[Species] = Field([], description="Absent where there is no window.")
    oxidation_products: list[Species] = Field([], description="Absent where there is no window.")
    reduction_reaction: str | None = Field(None, description="What lithium makes of it just below the window.")
    oxidation_reaction: str | None = Field(None, description="What remains just above the window.")
    window_reason: str | None = Field(None, description="Why there is no window, where there is none.")
    footnotes: list[str] = Field([], description="On reactions that are shown otherwise than computed.")


class CcdNumbers(BaseModel):
    """The critical current density of one cell."""

    log10_ccd_mA_per_cm2: Interval | None = Field(description="log10 of mA/cm2.")
    ccd_mA_per_cm2: dict[str, float | None] | None = Field(None, description="The same in mA/cm2: value, lower, upper.")
    conditions: dict[str, Any] = Field(description="The conditions meant; null is unknown.")
    support: dict[str, int] = Field({}, description="Rows and papers of this class, and of cells like this one.")
    reason: str | None = Field(None, description="Why there is no number, where there is none.")


class CcdBlock(CcdNumbers):
    """The critical current density, and what it was computed from."""

    electrolyte_class: str | None = Field(description="From the formula, or as stated.")
    class_from: Literal["caller", "formula"]
    material: dict[str, Any] = Field(description="What the other models say about the material.")


_BLOCKS: dict[str, type[BaseModel]] = {
    "conductivity": ConductivityBlock,
    "stability": StabilityBlock,
    "ccd": CcdBlock,
}


def block_schema(property_name: str) -> Any:  # noqa: ANN401 - an annotation
    """Return the model of what a property says of one candidate; an open object where none is known."""
    return _BLOCKS.get(property_name, dict[str, Any])
