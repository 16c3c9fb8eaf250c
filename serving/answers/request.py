"""What a caller may send: one pydantic model per request, shared by REST, command line and Python."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from features.candidate import RowError
from features.crystal_formats.objects import Material, fields_of
from features.errors import CandidateError
from features.kinds import FIELDS, read_materials
from serving.answers.conditions import Conditions
from training.properties import registry

MAX_CANDIDATES = 10_000
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_ID_LENGTH = 200
MIN_COVERAGE, MAX_COVERAGE, DEFAULT_COVERAGE = 0.5, 0.99, 0.9


if TYPE_CHECKING:
    from features.candidate import Candidate

    PropertyName = str
else:
    PropertyName = StrEnum("Property", [(name.upper(), name) for name in registry.names()])
    PropertyName.__doc__ = "The properties of a candidate; each is one folder under `training/`."
MAX_PROPERTIES = len(registry.names())


_Name = Annotated[str, Field(max_length=MAX_ID_LENGTH)]
_FIELDS: dict[str, Any] = {
    name: (Annotated[field.type, Field(max_length=field.longest)] | None if field.longest else field.type | None, None)
    for name, field in FIELDS.items()
}
_Declared: Any = create_model(
    "CandidateInput",
    __config__=ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True),
    id=(_Name | None, None),
    **_FIELDS,
)


class CandidateInput(_Declared):  # type: ignore[misc]
    """One material as the caller gives it, by the fields of its kind; what is wrong with them is a row error."""

    conditions: Conditions = Conditions()

    def material(self) -> dict[str, Any]:
        """Return the fields that name the material, those that are given."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}


def rows_of(materials: Sequence[Material]) -> list[CandidateInput | RowError]:
    """Return materials as Python has them as rows of a call: see `features.crystal_formats.objects.fields_of`.

    Raises
    ------
    TypeError
        For an object that stands for no material, with its place; a file that cannot be read is an error in its place.
    """
    rows: list[CandidateInput | RowError] = []
    for index, material in enumerate(materials):
        try:
            rows.append(CandidateInput(**fields_of(material)))
        except CandidateError as error:
            rows.append(RowError(index, None, error.code, error.message))
        except TypeError as error:
            raise TypeError(f"material {index}: {error}") from None
    return rows


def read_inputs(rows: Sequence[CandidateInput]) -> list[Candidate | RowError]:
    """Read rows as they were given; a bad row becomes an error in its place."""
    return read_materials([row.material() for row in rows], [row.id for row in rows])


class PredictRequest(BaseModel):
    """A call for predictions."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_enum_values=True)

    candidates: Annotated[list[CandidateInput], Field(min_length=1)]
    conditions: Conditions = Conditions()
    properties: Annotated[list[PropertyName], Field(min_length=1, max_length=MAX_PROPERTIES)] | None = None
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE, strict=True)] = DEFAULT_COVERAGE
    explain: Annotated[bool, Field(strict=True)] = False
