"""What a caller may ask of a structure; shared by REST, the queue and the command line."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from features.kinds import FIELDS
from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MAX_ID_LENGTH, MIN_COVERAGE
from training.structures.relaxation import MOST_STEPS, FORCE_eV_PER_A

MOST_ATOMS = 100
MOST_SECONDS = 600.0
LONGEST_CIF = FIELDS["cif"].longest or 1_000_000


class PotentialName(StrEnum):
    """The potentials that relax; see `training.structures.potentials`."""

    SEVENN_0 = "sevenn-0"
    SEVENN_L3I5 = "sevenn-l3i5"
    CHGNET = "chgnet"


class StructureRequest(BaseModel):
    """One structure to relax."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_enum_values=True)

    cif: Annotated[str, Field(min_length=1, max_length=LONGEST_CIF, strict=True)]
    id: Annotated[str, Field(max_length=MAX_ID_LENGTH, strict=True)] | None = None
    block: Annotated[str, Field(max_length=MAX_ID_LENGTH, strict=True)] | None = Field(
        None, description="Data block of the CIF; the first with a structure without it."
    )
    potential: PotentialName = Field(PotentialName.SEVENN_0, description="What relaxes; a second one is asked besides.")
    elastic: Annotated[bool, Field(strict=True)] = Field(
        False, description="Elastic constants by twelve strained relaxations besides."
    )
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE, strict=True)] = DEFAULT_COVERAGE

    def digest(self, most_atoms: int) -> str:
        """Return what names the answer: a hash of everything that it depends on but the versions installed."""
        parts = (self.cif, self.block or "", str(self.potential), str(self.elastic), str(self.coverage))
        settings = (str(most_atoms), str(FORCE_eV_PER_A), str(MOST_STEPS))
        return hashlib.sha256("\0".join((*parts, *settings)).encode()).hexdigest()
