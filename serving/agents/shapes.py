"""What the tools answer: the shapes of their structured content."""

from __future__ import annotations

from typing import NotRequired, TypedDict

ShortWarning = dict[str, str]


class ShortError(TypedDict):
    """Why something cannot be answered, and what to do about it."""

    code: str
    message: str
    what_to_do: str


class ShortValue(TypedDict):
    """A quantity by the name of what users write, with its unit, and its interval where it has one."""

    name: str
    label: str
    value: float
    lower: NotRequired[float | None]
    upper: NotRequired[float | None]
    unit: str
    coverage: NotRequired[float]


class ShortNear(TypedDict):
    """A known material near a candidate."""

    formula: str
    distance: float | None
    doi: str | None


class ShortProperty(TypedDict, total=False):
    """What a property says of a candidate: values, or the reason why there are none."""

    reason: str | None
    quantities: list[ShortValue]
    in_domain: bool | None
    basis: str | None
    nearest: ShortNear | None


class ShortRow(TypedDict):
    """A candidate's answer, or its error."""

    index: int
    status: str
    read_as: NotRequired[str | None]
    space_group: NotRequired[str | None]
    cell_content: NotRequired[str | None]
    properties: NotRequired[dict[str, ShortProperty]]
    warnings: NotRequired[list[ShortWarning]]
    error: NotRequired[ShortError]


class ShortContact(TypedDict):
    """What an electrolyte becomes at a partner, or why that is not known."""

    against: str
    formula: NotRequired[str | None]
    role: NotRequired[str]
    energy: NotRequired[float]
    unit: NotRequired[str]
    reaction: NotRequired[str]
    interphase: NotRequired[str]
    why: NotRequired[str]
    confidence: NotRequired[str]
    withstands_moist_air: NotRequired[bool]
    evolves_H2S: NotRequired[bool]
    warnings: NotRequired[list[ShortWarning]]
    error: NotRequired[dict[str, str]]


class ShortRanked(TypedDict):
    """A ranked candidate."""

    rank: int
    index: int
    read_as: str | None
    probability_of_success: float | None
    on_front: bool
    limiting: str | None
    objectives: list[dict[str, object]]
    in_domain: dict[str, bool]
    nearest: dict[str, ShortNear | None]
    warnings: list[ShortWarning]


class ShortExcluded(TypedDict):
    """A candidate that a constraint excludes."""

    index: int
    read_as: str | None
    reasons: list[str]


class ShortFailed(TypedDict):
    """A candidate that could not be read."""

    index: int
    code: str
    message: str


class ShortWeighed(TypedDict):
    """One precursor, and how much of it."""

    formula: str
    mass_g: float
    handling: str


class ShortRoute(TypedDict):
    """One balanced set of precursors."""

    reaction: str
    weigh: list[ShortWeighed]
    gases: list[str]
    driving_force_meV_per_atom: dict[str, float] | None


class ShortReport(TypedDict):
    """A synthesis that a paper reports."""

    target: str
    precursors: list[str]
    temperature_C: float | None
    doi: str | None
