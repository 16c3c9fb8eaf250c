"""What a property is asked of many materials, and what it says of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from training.properties.declared import Array, Condition, Flags

if TYPE_CHECKING:
    from features.candidate import MaterialBatch
    from features.errors import CandidateError, WarningCode
    from training.properties.conditions import ConditionColumns
    from training.uncertainty import Interval

DECIMALS = 4
"""Of the numbers in answers."""


class Warn(NamedTuple):
    """One kind of warning: which rows carry it, and what it says of a row.

    `words` is asked only where an answer is written in words; columns hold the code alone. What `is_of_material` is
    said by several properties in the same words, and stands once.
    """

    code: WarningCode
    rows: Flags
    words: Callable[[int], str]
    is_of_material: bool = False


class Beside(NamedTuple):
    """A model of another property, and what it said of the same rows in this call (empty where it was not asked)."""

    model: Any
    numbers: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Query:
    """n readable materials under their conditions.

    Parameters
    ----------
    batch
        The materials as arrays, of the property's kind.
    amounts
        Element symbol to amount, a row each.
    conditions
        Columns of every registered condition.
    coverage
        Nominal coverage of the intervals, 0.5 to 0.99.
    beside
        By name, the properties that this one `needs`.
    """

    batch: MaterialBatch
    amounts: Sequence[Mapping[str, float]]
    conditions: ConditionColumns
    coverage: float
    beside: Mapping[str, Beside]

    def __len__(self) -> int:
        return len(self.amounts)

    def take(self, rows: NDArray[np.int64]) -> Query:
        """Return the chosen rows, without what other properties said."""
        amounts = [self.amounts[row] for row in rows.tolist()]
        return Query(self.batch.take(rows), amounts, self.conditions.take(rows), self.coverage, {})


class Judgement(ABC):
    """What a property says of the n rows of a query, as arrays; each is computed when it is first asked for.

    `InsufficientCalibrationError` of any of them means that the property is silent at this coverage.
    """

    def __init__(self, query: Query) -> None:
        self.query = query

    def __len__(self) -> int:
        return len(self.query)

    @property
    @abstractmethod
    def intervals(self) -> Mapping[str, Interval]:
        """By name of a quantity in answers, values with the ends of their intervals; NaN where nothing is said."""

    @property
    @abstractmethod
    def in_domain(self) -> Flags:
        """Whether the model trusts itself in each row's chemistry."""

    @property
    @abstractmethod
    def distance(self) -> Array:
        """How far each row lies from what is known, by the property's own measure."""

    @abstractmethod
    def nearest(self, count: int) -> list[list[dict[str, Any]]]:
        """Return known materials, nearest first: `formula`, `value` of the first quantity, `doi`, `distance`, more."""

    @property
    def domain(self) -> Mapping[str, Array]:
        """What answers say of the domain besides `in_domain` and `distance`: radii and other measures."""
        return {}

    @property
    def reasons(self) -> Sequence[str | None]:
        """Why a row gets no number although nothing is wrong with it."""
        return [None] * len(self)

    @property
    def warnings(self) -> Sequence[Warn]:
        """What is to be said of some rows, in the order in which answers say it."""
        return ()

    @property
    def basis(self) -> Sequence[str | None]:
        """On what each row's first quantity stands, in a word or two: a table, a model, a measurement."""
        return [None] * len(self)

    @property
    def numbers(self) -> Mapping[str, Array]:
        """What other properties may build on, unrounded."""
        return {}

    @cached_property
    def first_nearest(self) -> Sequence[Mapping[str, Any]]:
        """The nearest known material of each row, nothing where none is known."""
        return [known[0] if known else {} for known in self.nearest(1)]

    def details(self) -> Sequence[Mapping[str, Any]]:
        """Return what an answer in words has beside the intervals, a row each; asked for those answers alone.

        A quantity's name among the keys says where its interval is to stand; else they stand first.
        """
        return [{}] * len(self)

    def explanations(self) -> Sequence[Mapping[str, Any]]:
        """Return what is added where asked for: `explanation`, or None for it and `explanation_reason`."""
        return [{}] * len(self)

    def adopting(self, whole: Judgement, rows: NDArray[np.int64]) -> Self:
        """Return this judgement with what was computed for one of more materials, of which these are some rows."""
        return self

    def applicability(self, count: int) -> list[dict[str, Any]]:
        """Return whether the model knows each row's like, and `count` materials that it knows, nearest first."""
        nearest = self.nearest(count)  # first: what it finds also says what lies in the domain
        numbers = {"distance": self.distance, **self.domain}
        columns = zip(*rounded_columns([*numbers.values()]), strict=True)
        return [
            {"in_domain": inside, **dict(zip(numbers, values, strict=True)), "nearest": known}
            for inside, values, known in zip(self.in_domain.tolist(), columns, nearest, strict=True)
        ]


class Judge(Protocol):
    """Who judges: of a property, what others ask when they want its judgement."""

    needs: ClassVar[tuple[str, ...]]
    conditions: ClassVar[tuple[Condition, ...]]

    def refused(self, model: Any, query: Query) -> Mapping[int, CandidateError]:  # noqa: ANN401
        """See `contract.Property.refused`."""

    def judge(self, model: Any, query: Query) -> Judgement:  # noqa: ANN401
        """See `contract.Property.judge`."""


def rounded(values: Array) -> list[float | None]:
    """Return numbers as JSON, rounded to what carries meaning; NaN becomes None."""
    return rounded_columns([values])[0]


def rounded_columns(columns: Sequence[Array]) -> list[list[float | None]]:
    """Return columns of equal length as `rounded` does, in one pass."""
    values = np.array(columns).round(DECIMALS)
    lists: list[list[float | None]] = values.tolist()
    if not np.isnan(values).any():
        return lists
    return [[None if value != value else value for value in column] for column in lists]


def texts(values: Sequence[str | None]) -> NDArray[np.object_]:
    """Return texts as a column."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
