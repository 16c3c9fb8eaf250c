"""What this property says of one candidate, as the model of its block in an answer: the schema, not the writer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from training.properties.answer_models import IntervalBlock


class Species(BaseModel):
    """A formula and its formula units per formula unit of the candidate."""

    formula: str
    amount: float


class SolidSolutionBlock(BaseModel):
    """What ideal mixing gains at the temperature of synthesis, said apart from the energies at 0 K."""

    synthesis_temperature_C: float
    smallest_entropy_k_per_atom: float = Field(description="In units of Boltzmann's constant.")
    largest_entropy_k_per_atom: float = Field(description="The same where a CIF states the sites.")
    with_smallest_entropy_eV_per_atom: float = Field(
        description="Decomposition energy less temperature times entropy; below 0 where mixing outweighs it."
    )
    with_largest_entropy_eV_per_atom: float
    share_sites_smallest: list[list[str]] = Field(description="Elements that are taken to share sites.")
    share_sites_largest: list[list[str]]
    assumes: str


class StabilityBlock(BaseModel):
    """Energies against the known phases, and the electrochemical window."""

    formation_energy_eV_per_atom: IntervalBlock
    decomposition_energy_eV_per_atom: IntervalBlock
    energy_above_hull_eV_per_atom: IntervalBlock
    probability_stable: float = Field(description="Of lying on or below the hull of the known phases.")
    basis: Literal["reference", "model"] = Field(description="Energies of the table, or predicted ones.")
    decomposition_products: list[Species]
    decomposition: str | None = Field(description="The reaction, null for a stable compound.")
    competing_phases: list[Species]
    reduction_V: IntervalBlock | None = Field(description="V against Li/Li+.")
    oxidation_V: IntervalBlock | None = Field(description="V against Li/Li+.")
    reduction_products: list[Species] = Field([], description="Absent where there is no window.")
    oxidation_products: list[Species] = Field([], description="Absent where there is no window.")
    reduction_reaction: str | None = Field(None, description="What lithium makes of it just below the window.")
    oxidation_reaction: str | None = Field(None, description="What remains just above the window.")
    window_reason: str | None = Field(None, description="Why there is no window, where there is none.")
    energy_note: str | None = Field(None, description="What beside the nets decided a predicted energy.")
    solid_solution: SolidSolutionBlock | None = Field(None, description="Where a temperature of synthesis is stated.")
    footnotes: list[str] = Field([], description="On reactions that are shown otherwise than computed.")
