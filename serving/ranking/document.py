"""What the answer to a call for a ranking holds."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from serving.answers.rows import KnownMaterial, MaterialHead, ModelHeaders, ResultRow, Warned


class ShownValue(TypedDict):
    """What is predicted of one objective, and with which probability its target is met."""

    objective: str
    value: float
    lower: float
    upper: float
    coverage: float | None
    probability: float | None
    level: NotRequired[str]


class Standing(TypedDict):
    """How a candidate compares with the others."""

    probability_of_success: float | None
    standard_error: float | None
    on_front: bool
    probability_on_front: float
    utility: float


class RankedEntry(Warned, Standing):
    """A ranked candidate, and why it stands there; what models know of it by property."""

    rank: int
    objectives: list[ShownValue]
    limiting: dict[str, str | float] | None
    nearest: dict[str, KnownMaterial]
    applicability: dict[str, dict[str, bool | float | None]]
    in_domain: dict[str, bool]
    basis: dict[str, str]


class ExcludedEntry(Warned):
    """A candidate that is not ranked, and why."""

    reasons: list[dict[str, str]]


class PickedCandidate(MaterialHead):
    """A candidate of the next batch."""

    gain: float


class BatchDocument(TypedDict):
    """The next batch, and how it was chosen."""

    method: str
    explore: float
    gain: str
    known: list[str]
    picks: list[PickedCandidate]


class RankingDocument(TypedDict):
    """The answer to a call for a ranking."""

    models: ModelHeaders
    status: str
    objectives: list[dict[str, object]]
    constraints: dict[str, object]
    order: str
    assumptions: list[str]
    notes: list[str]
    counts: dict[str, int]
    scenarios: dict[str, float]
    ranking: list[RankedEntry]
    batch: BatchDocument | None
    excluded: list[ExcludedEntry]
    failed: list[ResultRow]
