"""Everything that the gates see of a challenger: numbers only, as JSON, so that a decision can be taken again.

Errors are in `ComparisonReport.unit`: decades where the values are logarithms. A difference is challenger minus
champion, so that negative is better. None stands for what was not, or not yet, examined.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any

NOMINAL_COVERAGE = 0.9
DECADES = "decades"
"""The unit of errors of decimal logarithms."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Absolute errors of champion's and challenger's recipe on the same rows, neither having seen their source.

    Parameters
    ----------
    n_rows, n_sources
        How many.
    champion, challenger
        Mean absolute errors.
    difference, low_95, high_95
        Of the means, with 95 % bootstrap ends over sources; infinite ends for a single source.
    """

    n_rows: int
    n_sources: int
    champion: float
    challenger: float
    difference: float
    low_95: float
    high_95: float


@dataclass(frozen=True, slots=True)
class NewRows:
    """How the new measurements sit with what is known, before anything was fitted on them.

    Parameters
    ----------
    n_rows, n_sources, n_materials
        New rows with a value, their sources, their distinct compositions.
    covered_materials
        Compositions whose rows lie inside the champion's 90 % interval, half of them at least.
    coverage_p
        Chance of so few if 90 % were right.
    rank_correlation, rank_p
        Of values and predictions that had not seen their source; chance of as much in shuffled labels.
    rms_left_out, label_sd
        Root mean square error of these predictions, and spread of the values themselves.
    mae_champion, mae_left_out
        Mean absolute error of new rows as predicted from the champion's data alone, and with the other new sources.
    gain, gain_low_95
        By how much the other new sources lower the error, and the lower 95 % end over sources.
    n_comparable, n_contradicting, contradiction_p
        New rows of a composition that is known at that temperature; those a decade (or one unit) or more off; the
        chance of so many at the rate at which known sources contradict each other.
    """

    n_rows: int
    n_sources: int
    n_materials: int
    covered_materials: int
    coverage_p: float
    rank_correlation: float
    rank_p: float
    rms_left_out: float
    label_sd: float
    mae_champion: float
    mae_left_out: float
    gain: float
    gain_low_95: float
    n_comparable: int
    n_contradicting: int
    contradiction_p: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many intervals with a nominal coverage of 90 % hold what was measured."""

    champion: float
    challenger: float
    n_rows: int


@dataclass(frozen=True, slots=True)
class GoldenMaterial:
    """A well-known material: the accepted value and what both models say, as the values that the models learn."""

    formula: str
    accepted: float
    champion: float
    challenger: float


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether the bundle can be served.

    Parameters
    ----------
    reproduces
        Whether, loaded again, it is whole and gives the golden predictions of its card.
    size_MB, load_seconds, answer_milliseconds
        Size of the files; time to load and check; time of one prediction, best of several.
    """

    reproduces: bool
    size_MB: float
    load_seconds: float
    answer_milliseconds: float


@dataclass(frozen=True, slots=True)
class RecipeChange:
    """How the challenger's recipe differs from the champion's, and what the property's boards said of it.

    Parameters
    ----------
    changed
        One text a choice, with its value before and after.
    command
        What runs the boards and records their verdict.
    objections
        Why the new recipe does not pass them, empty where it does; None where no verdict is recorded.
    """

    changed: tuple[str, ...]
    command: str
    objections: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """What is known of a challenger.

    Parameters
    ----------
    property
        'conductivity' or 'ccd'.
    training_set, ledger_hash
        SHA-256 of all that the challenger is made of, and of the ledger's part of it.
    champion_digest
        Of the bundle that it is compared with.
    rows_added, rows_to_examine, rows_removed
        Ledger rows that the champion was not fitted on; those of them with a value of the property; rows that the
        champion was fitted on and that no longer hold.
    new_rows
        None where no new row carries a value.
    official
        On the frozen official split; None for a property without one.
    cross_validation, neighbours, new_sources
        Papers left out: rows that both learnt from; those near new rows; the new rows.
    left_out_coverage, official_coverage
        Of the intervals.
    golden, fitness
        See their classes.
    licences
        Source to licence.
    unit
        Of errors.
    recipe_change
        None where the recipe is the champion's, or where the property has no boards for recipes.
    """

    property: str
    training_set: str
    ledger_hash: str
    champion_digest: str
    rows_added: int
    rows_to_examine: int
    rows_removed: int
    new_rows: NewRows | None = None
    official: Comparison | None = None
    cross_validation: Comparison | None = None
    neighbours: Comparison | None = None
    new_sources: Comparison | None = None
    left_out_coverage: Coverage | None = None
    official_coverage: Coverage | None = None
    golden: tuple[GoldenMaterial, ...] | None = None
    fitness: Fitness | None = None
    licences: dict[str, str] = field(default_factory=dict)
    unit: str = DECADES
    recipe_change: RecipeChange | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; infinite numbers as None."""
        return typing.cast("dict[str, Any]", _plain(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> ComparisonReport:
        """Return what `as_dict` gave; without a unit, as before there was one, errors are in decades.

        Evidence of before recipes were compared is that of one recipe.

        Raises
        ------
        ValueError
            If a field is missing or foreign.
        """
        return typing.cast("ComparisonReport", _built(cls, {"unit": DECADES, "recipe_change": None, **document}))


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


_INFINITE = {"low_95": -math.inf, "gain_low_95": -math.inf, "high_95": math.inf}


def _built(kind: Any, value: Any) -> Any:  # noqa: ANN401
    """Build a dataclass of plain JSON values by its annotations."""
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        hints = typing.get_type_hints(kind)
        if set(value) != set(hints):
            odd = ", ".join(sorted(set(value) ^ set(hints)))
            raise ValueError(f"{getattr(kind, '__name__', kind)}: received other fields than expected: {odd}")
        cells = {name: _INFINITE.get(name) if value[name] is None else value[name] for name in hints}
        return kind(**{name: _built(hints[name], cell) for name, cell in cells.items()})  # type: ignore[operator]
    if isinstance(kind, types.UnionType) and value is not None:
        return _built(typing.get_args(kind)[0], value)
    if typing.get_origin(kind) is tuple and value is not None:
        return tuple(_built(typing.get_args(kind)[0], part) for part in value)
    return value
