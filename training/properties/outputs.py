"""What models say of candidates, asked once for one question: the ground of predictive distributions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.errors import CandidateError
from training.distributions import HALF, IntervalDistribution, KnownValue, Predictive
from training.properties.conditions import ConditionColumns
from training.properties.declared import Array, Flags, Quantity
from training.properties.judgement import Beside, Judge, Judgement, Query
from training.suggestions.pool import (
    NO_NUMBER,
    NOISE_SHARE,
    REACH,
    DesignPool,
    Familiarity,
    SharedUncertainty,
    UnsuitableReferenceError,
)
from training.uncertainty import InsufficientCalibrationError, Interval

Made = TypeVar("Made")
COVERAGE = 0.9
"""Of the intervals that distributions are read from."""
COVERAGES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Of the intervals that the distribution of a property is made of which declares none."""


class RememberedJudgement(NamedTuple):
    """What a property says of some of n rows.

    Attributes
    ----------
    rows
        Those that it can judge at all, shape (m,).
    judgement
        Of these; None where it can judge none.
    errors
        What is wrong with the others.
    n
        How many rows there are.
    """

    rows: NDArray[np.int64]
    judgement: Judgement | None
    errors: Mapping[int, CandidateError]
    n: int

    def spread(self, column: Array) -> Array:
        """Return a column of the judged rows as one of all rows, NaN where nothing is said; along the last axis."""
        out = np.full((*column.shape[:-1], self.n), np.nan)
        out[..., self.rows] = column
        return out

    @property
    def in_domain(self) -> Flags:
        """Whether the model knows the like of each row, shape (n,)."""
        inside = np.zeros(self.n, dtype=np.bool_)
        if self.judgement is not None:
            inside[self.rows] = self.judgement.in_domain
        return inside

    @property
    def missing(self) -> list[str | None]:
        """Why there is no number, a row each."""
        out: list[str | None] = [None] * self.n
        for row, error in self.errors.items():
            out[row] = error.message
        if self.judgement is not None:
            for row, reason in zip(self.rows.tolist(), self.judgement.reasons, strict=True):
                out[row] = reason
        return out


@dataclass(frozen=True, eq=False)
class ModelOutputs:
    """n candidates under their conditions, the models at hand, and what these have said of them.

    Parameters
    ----------
    query
        The candidates; nothing stands beside it.
    models
        By property.
    property_of
        Returns who judges, by name: `registry.get`.
    own
        The rows' own conditions, where those of the query are an objective's.
    remembered
        What was asked or made, by the question.
    """

    query: Query
    models: Mapping[str, Any]
    property_of: Callable[[str], Judge]
    own: ConditionColumns | None = None
    remembered: dict[Hashable, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.query)

    @cached_property
    def composition(self) -> Array:
        """Atomic fractions, shape (n, 103)."""
        return self.once("composition", self.query.batch.matrix)

    @property
    def charge_imbalance(self) -> Array:
        """Charges per atom that no common oxidation states balance, shape (n,); 0 of what has none, as polymers."""
        if not isinstance(self.query.batch, MaterialBatch):
            return np.zeros(len(self))
        return self.once("charge imbalance", lambda: assign_ions(self.query.batch).charge_imbalance)

    @property
    def balanced(self) -> Flags:
        """Whether common oxidation states balance each formula."""
        balanced: Flags = np.abs(self.charge_imbalance) <= NEUTRALITY_TOLERANCE
        return balanced

    def once(self, question: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made for a question, making it when it is first asked."""
        if question not in self.remembered:
            self.remembered[question] = make()
        made: Made = self.remembered[question]
        return made

    def under(self, stated: Mapping[str, Any]) -> ModelOutputs:
        """Return the same candidates under conditions that win over the rows' own."""
        if not stated:
            return self
        own, n = self.query.conditions, len(self)
        numbers = {name: np.full(n, stated[name]) if name in stated else own.numbers[name] for name in own.numbers}
        texts = {name: np.full(n, stated[name], object) if name in stated else own.texts[name] for name in own.texts}
        return replace(self, query=replace(self.query, conditions=ConditionColumns(numbers, texts)), own=own)

    def judged(self, name: str, coverage: float = COVERAGE) -> RememberedJudgement:
        """Return what a property says, as far as it can judge the rows."""
        return self._judged(name, self.query.conditions, coverage)

    def of_rows(self, name: str, rows: NDArray[np.int64]) -> Judgement:
        """Return what a property says of some of the rows that it can judge; what it was asked is not asked again."""
        query = self.query.take(rows)
        one, whole = self.property_of(name), self.remembered.get(self._question(name, self.query.conditions, COVERAGE))
        judgement = one.judge(self.models[name], replace(query, beside=self._beside(one.needs, rows)))
        if whole is not None and whole.judgement is not None:
            return judgement.adopting(whole.judgement, np.searchsorted(whole.rows, rows))
        return judgement

    def _judged(self, name: str, conditions: ConditionColumns, coverage: float) -> RememberedJudgement:
        return self.once(self._question(name, conditions, coverage), lambda: self._ask(name, conditions, coverage))

    def _question(self, name: str, conditions: ConditionColumns, coverage: float) -> Hashable:
        """Return what tells a question to a property from others: conditions that it depends on, and the coverage."""
        given = (one.name for one in self.property_of(name).conditions)
        columns = [
            conditions.numbers[one].tobytes() if one in conditions.numbers else tuple(conditions.texts[one].tolist())
            for one in given
        ]
        return name, coverage, *columns

    def _ask(self, name: str, conditions: ConditionColumns, coverage: float) -> RememberedJudgement:
        one, model, n = self.property_of(name), self.models[name], len(self)
        query = replace(self.query, conditions=conditions, coverage=coverage)
        errors = one.refused(model, query)
        rows = np.array([row for row in range(n) if row not in errors], dtype=np.int64)
        if not len(rows):
            return RememberedJudgement(rows, None, errors, n)
        query = replace(query.take(rows) if errors else query, beside=self._beside(one.needs, rows))
        return RememberedJudgement(rows, one.judge(model, query), errors, n)

    def _beside(self, needs: tuple[str, ...], rows: NDArray[np.int64]) -> dict[str, Beside]:
        """Return what other properties say of rows under these rows' own conditions."""
        beside = {}
        for name in needs:
            if name in self.models:
                said = self._judged(name, self.own or self.query.conditions, COVERAGE)
                numbers = {} if said.judgement is None else said.judgement.numbers
                beside[name] = Beside(
                    self.models[name], {key: said.spread(column)[rows] for key, column in numbers.items()}
                )
        return beside


def distribution_of_intervals(name: str, quantity: Quantity, outputs: ModelOutputs) -> Predictive:
    """Return a distribution that has the intervals of a property's answers; half of its errors is shared."""
    found: dict[float, Interval] = {}
    why, missing = "", outputs.judged(name).missing
    for coverage in COVERAGES:
        said = outputs.judged(name, coverage)
        try:
            if said.judgement is not None:
                interval = said.judgement.intervals[quantity.name]
                found[coverage] = Interval(*(said.spread(np.asarray(end)) for end in interval))
        except InsufficientCalibrationError as error:
            why = str(error)
    if not found:
        nothing = KnownValue(np.full(len(outputs), np.nan))
        return Predictive(nothing, [reason or why or None for reason in missing])
    if not quantity.has_interval:
        return Predictive(KnownValue(found[COVERAGES[0]].value), missing)
    source = f"{name}: {quantity.name}"
    shared = {source: np.full(len(outputs), HALF)}
    return Predictive(IntervalDistribution.of(source, found), missing, shared)


def pool_of_intervals(name: str, first: Quantity, outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
    """Return points with half the width of the first quantity's interval as standard deviation.

    Raises
    ------
    UnsuitableReferenceError
        If materials of the domain are asked for.
    """
    if with_domain:
        raise UnsuitableReferenceError
    judged = outputs.judged(name)
    half, missing = np.full(len(outputs), np.nan), judged.missing
    if judged.judgement is not None:
        _, lower, upper = judged.judgement.intervals[first.name]
        half = judged.spread((upper - lower) / 2.0)
    possible = ~np.isnan(half)
    sd = np.where(possible, half, 0.0)
    noise = NOISE_SHARE * float(np.mean(sd[possible] ** 2)) if possible.any() else 0.0

    def familiarity() -> Familiarity:
        inside = judged.in_domain
        return np.where(inside, 0.0, 1.0), np.zeros(len(inside)), inside

    why = (missing[row] or NO_NUMBER for row in np.flatnonzero(~possible).tolist())
    return DesignPool(
        SharedUncertainty(outputs.composition, sd, REACH, max(noise, 1e-12)),
        len(outputs),
        possible,
        sd,
        "decades" if first.is_log10 else first.unit,
        familiarity,
        tuple(why),
    )
