"""The answers as pydantic models, which OpenAPI is made of; objects may hold more keys than are named here.

They are the schema only: answers are written by `serving.rest.answer_writers`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, Field, create_model

from training.properties import registry
from training.properties.answer_models import IntervalBlock
from training.properties.contract import Property

AsSent = Annotated[str | None, Field(description="As sent.")]


class Note(BaseModel):
    """A code for programs and a message for people."""

    code: str
    message: str


class Error(BaseModel):
    """A request that is refused as a whole."""

    error: Note


class ModelHeader(BaseModel):
    """Which model answered."""

    version: str
    trained_on: str | None = None
    origin: str | None = None
    digest: str | None = None


class Crystal(BaseModel):
    """What else is said of a CIF."""

    block: str | None = Field(None, description="Of a CIF: name of the data block that was read.")
    space_group: str | None = Field(None, description="Of a CIF: Hermann-Mauguin symbol.")
    cell_content: str | None = Field(None, description="Of a CIF: the atoms of the unit cell, not reduced.")


class ReadMaterial(Crystal):
    """A material that was read."""

    formula: str = Field(description="As typed; of a CIF what was read.")
    read_as: str = Field(description="The composition as read: reduced, in the order of chemists.")


class FailedMaterial(Crystal):
    """A material that cannot be answered, whether it was read or not."""

    formula: str | None = Field(description="As typed, cut where it is too long; null where none was given.")
    read_as: str | None = Field(description="The composition as read; null where none was.")


class JudgedRow(ReadMaterial):
    """A candidate that was judged."""

    id: AsSent
    index: int = Field(0, description="Its place in the request, from 0.")
    status: Literal["ok"]
    warnings: list[Note]


class FailedRow(FailedMaterial):
    """One candidate that could not be judged; its neighbours are not affected."""

    id: AsSent
    index: int = Field(0, description="Its place in the request, from 0.")
    status: Literal["error"]
    error: Note
    warnings: list[Note]


class NearMaterial(BaseModel):
    """A known material and its distance."""

    formula: str
    distance: float | None
    doi: str | None = Field(None, description="The paper that reported it.")


class Domain(BaseModel):
    """Whether a model knows this kind of material."""

    in_domain: bool
    distance: float | None = Field(description="How far from what the model knows.")
    domain_radius: float | None = Field(
        None, description="The distance up to which a material counts as known; absent where a model has none."
    )


class Applicability(Domain):
    """Whether the model knows this kind of material, and the nearest ones that it knows."""

    nearest: list[NearMaterial] = Field([], description="Nearest first.")


def row_model(name: str, base: type[BaseModel], blocks: dict[str, Any], description: str) -> Any:  # noqa: ANN401 - used as an annotation
    """Return the model of a row: a base, and a block for each property, which may be null or absent."""
    fields: dict[str, Any] = {
        key: (block | None, Field(None, description=description)) for key, block in blocks.items()
    }
    return create_model(name, __base__=base, __doc__=base.__doc__, **fields)


def rows_of(judged: Any) -> Any:  # noqa: ANN401 - annotations
    """Return the annotation of a list of judged and failed rows."""
    return list[Annotated[Union[judged, FailedRow], Field(discriminator="status")]]  # noqa: UP007 - made at run time


def block_model(one: Property) -> type[BaseModel]:
    """Return the model of what a property says of one candidate: its own, else one of its quantities."""
    own = one.details_model()
    if own is not None:
        return own
    told = [quantity for quantity in one.quantities if quantity.in_answers]
    fields: dict[str, Any] = {said.name: (IntervalBlock if said.has_interval else float | None, ...) for said in told}
    return create_model(f"{one.name.capitalize()}Block", __doc__=one.label, **fields)


class PredictedRow(JudgedRow):
    """A candidate that was judged."""

    applicability: dict[str, Applicability] = Field({}, description="By property.")
    reasons: dict[str, str] = Field({}, description="Why a property says nothing, where it does not.")


AnsweredRow = row_model(
    "AnsweredRow",
    PredictedRow,
    {one.name: block_model(one) for one in registry.properties()},
    "Intervals and what belongs to them; null where `reasons` says why.",
)


class Answer(BaseModel):
    """Predictions."""

    models: dict[str, ModelHeader] = Field(description="Which model answered, by property.")
    results: rows_of(AnsweredRow) = Field(description="One row a candidate, in the order sent.")  # type: ignore[valid-type]
    ignored_columns: list[str] = Field([], description="Of a CSV table: columns not used.")
