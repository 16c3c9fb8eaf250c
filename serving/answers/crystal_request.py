"""What names one crystal structure in a call: a CIF, or a document of another format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from serving.answers.request import MAX_ID_LENGTH, CandidateInput

if TYPE_CHECKING:
    from features.cif import CifAtoms


_NULL: JsonDict = {"type": "null"}
_ONE_OF_TWO: JsonDict = {
    "oneOf": [
        {"required": ["cif"], "properties": {"cif": {"type": "string"}, "structure": _NULL}},
        {"required": ["structure"], "properties": {"structure": {"type": ["string", "object"]}, "cif": _NULL}},
    ]
}


class CrystalRequest(BaseModel):
    """One crystal structure, given in one of two ways."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_enum_values=True, json_schema_extra=_ONE_OF_TWO
    )

    cif: Annotated[str, Field(strict=True, description="Text of a CIF, disordered or not.")] | None = None
    structure: Annotated[
        str | dict[str, object] | None,
        Field(description="In place of a CIF: CIF, POSCAR or OPTIMADE structure, told apart by content."),
    ] = None
    block: Annotated[str, Field(max_length=MAX_ID_LENGTH, strict=True)] | None = Field(
        None, description="Which structure of several: a CIF's data block, an OPTIMADE id; the first without it."
    )

    @model_validator(mode="after")
    def _is_one_structure(self) -> Self:
        if (self.cif is None) == (self.structure is None):
            raise ValueError("expected one of `cif` and `structure`")
        return self

    def candidate(self, id: str | None = None) -> CandidateInput:
        """Return the structure as a row of a call."""
        return CandidateInput(cif=self.cif, structure=self.structure, block=self.block, id=id)

    def atoms(self) -> CifAtoms:
        """Read the structure with its sites.

        Raises
        ------
        CandidateError
            Where it cannot be read, as a candidate with the same fields.
        """
        from features.cif import read_atoms
        from features.crystal_formats.reading import read_structure_atoms

        if self.structure is not None:
            return read_structure_atoms(self.structure, self.block)
        return read_atoms(str(self.cif), self.block)
