"""What this property says of one candidate, as the model of its block in an answer: the schema, not the writer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from training.properties.answer_models import IntervalBlock


class MonroeNewman(BaseModel):
    """Whether the shear modulus is above twice lithium's, and why that is no promise."""

    probability: float | None
    shear_modulus_above_GPa: float
    caveat: str


class GapPolymorphs(BaseModel):
    """What the table of band gaps holds of this composition; which crystal is the stable one it does not say."""

    count: int
    lowest_eV: float
    highest_eV: float


class MechanicsBlock(BaseModel):
    """Elastic moduli and band gap of the dense crystal, as computed with the PBE functional."""

    youngs_modulus_GPa: IntervalBlock | None
    shear_modulus_GPa: IntervalBlock | None = Field(description="Voigt-Reuss-Hill mean.")
    bulk_modulus_GPa: IntervalBlock | None = Field(description="Voigt-Reuss-Hill mean.")
    poisson_ratio: IntervalBlock | None
    pugh_ratio: IntervalBlock | None = Field(description="K/G; above 1.75 ductile.")
    griffith_overpotential_mV: IntervalBlock | None = Field(
        description="From which lithium that is plated into a surface flaw of `flaw_size_um` makes it grow."
    )
    pbe_band_gap_eV: IntervalBlock | None = Field(description="PBE; measured gaps are larger.")
    probability_metal: float | None = Field(description="Of having no band gap.")
    basis: Literal["table", "model"] = Field(description="Moduli of the table, or predicted ones.")
    polymorphs: int = Field(description="Crystals of this composition in the table of moduli.")
    probability_ductile: float | None = Field(description="Of a Pugh ratio above 1.75.")
    fracture_toughness_MPa_m05: float | None
    flaw_size_um: float = Field(description="As stated, else 1.")
    monroe_newman: MonroeNewman
    band_gap_basis: Literal["table", "model"]
    band_gap_polymorphs: GapPolymorphs | None
    band_gap_said: str = Field(description="Whether it insulates, in words.")
