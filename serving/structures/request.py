"""What a caller may ask of a structure; shared by REST, the queue and the command line."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from serving.answers.crystal_request import CrystalRequest
from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MAX_ID_LENGTH, MIN_COVERAGE
from training.structures.relaxation import MOST_STEPS, FORCE_eV_PER_A

MOST_ATOMS = 100


class PotentialName(StrEnum):
    """The potentials that relax; see `training.structures.potentials`."""

    SEVENN_0 = "sevenn-0"
    SEVENN_L3I5 = "sevenn-l3i5"
    CHGNET = "chgnet"


class StructureRequest(CrystalRequest):
    """One structure to relax."""

    id: Annotated[str, Field(max_length=MAX_ID_LENGTH, strict=True)] | None = None
    potential: PotentialName = Field(PotentialName.SEVENN_0, description="What relaxes; a second one is asked besides.")
    elastic: Annotated[bool, Field(strict=True)] = Field(
        False, description="Elastic constants by twelve strained relaxations besides."
    )
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE, strict=True)] = DEFAULT_COVERAGE

    @field_validator("structure")
    @classmethod
    def _as_text(cls, document: str | dict[str, object] | None) -> str | None:
        """Keep an object as text: the queue stores it, and no writer follows one of any depth."""
        if document is None or isinstance(document, str):
            return document
        try:
            return json.dumps(document)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"expected an object that JSON can hold: {error}") from None

    def digest(self, most_atoms: int, versions: str) -> str:
        """Return what names the answer: a hash of everything that it depends on.

        The `id` is part of it, as the answer repeats it, and so are the `versions` of potentials and models: what
        others answered is not what these would.
        """
        asked = [self.cif, self.structure, self.id, self.block, str(self.potential), self.elastic, self.coverage]
        settings = [most_atoms, FORCE_eV_PER_A, MOST_STEPS, versions]
        return hashlib.sha256(json.dumps([*asked, *settings], sort_keys=True).encode()).hexdigest()
