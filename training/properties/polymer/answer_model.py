"""What this property says of one candidate, as the model of its block in an answer: the schema, not the writer."""

from __future__ import annotations

from pydantic import BaseModel, Field

from training.properties.answer_models import IntervalBlock


class CurvePoint(BaseModel):
    """The conductivity at one temperature."""

    temperature_C: float
    log10_polymer_sigma_S_per_cm: float
    lower: float
    upper: float


class TransferenceBlock(BaseModel):
    """A measured transference number of lithium in this polymer; none is predicted."""

    t_plus: float
    anion: str
    li_per_functional_group: float
    temperature_C: float
    method: str
    doi: str


class PolymerBlock(BaseModel):
    """The ionic conductivity of a dry polymer electrolyte."""

    log10_polymer_sigma_S_per_cm: IntervalBlock
    polymer_activation_energy_eV: float = Field(description="Apparent, between 20 K below and above.")
    temperature_C: float
    molality: float = Field(description="mol of salt per kg of polymer.")
    lithium_mol_per_kg: float = Field(description="Of the salt and bound to the chain.")
    glass_transition_C: float = Field(description="Of the chain without salt, predicted.")
    curve: list[CurvePoint]
    transference: list[TransferenceBlock]
