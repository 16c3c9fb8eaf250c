"""What a property is: everything that the rest of elyte may ask of one, each hook one signature and one sentence.

A property is one folder beside this file and one line in `registry.py` (or an entry point `elyte.properties` of another
package). Whatever else there is (JSON, columns, options, ledger, ranking, page) is made from what stands here; nothing
outside a property's folder names one. `docs/develop/add-a-property.md` walks through it, `conformance.check_property`
checks it.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydantic import BaseModel

    from features.candidate import MaterialBatch
    from features.errors import CandidateError, WarningCode
    from training.applicability import DomainIndex
    from training.bundle import Bundle, Card
    from training.distributions import Predictive
    from training.ledger.measurements import Measurements
    from training.properties.conditions import ConditionColumns
    from training.properties.outputs import ModelOutputs
    from training.retraining.property_job import PropertyJob
    from training.suggestions.pool import DesignPool
    from training.thermodynamics.phases import PhaseTable
    from training.uncertainty import Interval


Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
OnStep = Callable[[str], None]
"""Called with what was done, for a progress bar."""
Progress = Callable[[int], AbstractContextManager[OnStep]]
"""Called with the number of steps to come; gives what is to be called after each."""
ModelOf = Callable[[str], "tuple[Any, Bundle]"]
"""Loads the model of another property by its name: how a recipe comes by those that it `needs`."""

DECIMALS = 4
"""Of the numbers in answers."""
BY_STATE = "; by state: "
"""Stands in warnings of measurements that disagree; what stands before it is enough for a terminal."""


class Content(StrEnum):
    """What a condition or a column holds."""

    NUMBER = "number"
    COUNT = "count"
    TEXT = "text"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number with a unit that a property says of a material.

    Parameters
    ----------
    stem, suffix
        Make its name (`log10_sigma` and `S_per_cm`: `log10_sigma_S_per_cm`) and those of its columns.
    label, unit
        For people; of a logarithm the unit of what stands in it.
    higher_is_better
        Which way is better.
    lowest, highest
        Between which targets make sense, in `unit`.
    aliases
        How users call it, the usual name first.
    is_log10
        Whether it is the logarithm of what users write.
    units
        What may be written instead of `unit`, with the factor that brings it there.
    conditions
        Names of the conditions that it depends on.
    has_interval
        Whether answers give it with an interval; a probability has none.
    in_answers
        Whether `predict` gives it; others follow from an answer and are ranked by alone.
    levels
        Of a quantity that takes few values: their names, that of 0 first.
    against
        Name of the quantity that is meant where an electrode is named, as in `window against NMC811`; one that names
        itself is of an electrode always.
    rises_with
        Condition with which it never falls.
    never_above
        Names of quantities that it never lies above, with the reason.
    assumes
        What probabilities of it take for granted.
    shares_error
        What is taken for granted where several objectives are about it.
    caveat
        Why a material that has been made may miss a target of it.
    """

    stem: str
    suffix: str
    label: str
    unit: str
    higher_is_better: bool
    lowest: float
    highest: float
    aliases: tuple[str, ...]
    is_log10: bool = False
    units: tuple[tuple[str, float], ...] = ()
    conditions: tuple[str, ...] = ()
    has_interval: bool = True
    in_answers: bool = True
    levels: tuple[str, ...] = ()
    against: str = ""
    rises_with: str = ""
    never_above: tuple[tuple[str, str], ...] = ()
    assumes: str = ""
    shares_error: str = ""
    caveat: str = ""

    @property
    def name(self) -> str:
        """The key of answers and the column of tables."""
        return f"{self.stem}_{self.suffix}" if self.suffix else self.stem

    @property
    def measured_name(self) -> str:
        """The column of measured values: of a logarithm, what it is taken of."""
        return self.name.removeprefix("log10_") if self.is_log10 else self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of flat tables: the value and, where there is an interval, its ends."""
        if not self.has_interval:
            return (self.name,)
        end = f"_{self.suffix}" if self.suffix and not self.is_log10 else ""
        return (self.name, f"{self.stem}_lower{end}", f"{self.stem}_upper{end}")

    def level(self, value: float) -> str | None:
        """Return the name of a value, None where it has none."""
        return self.levels[int(value)] if self.levels and value in range(len(self.levels)) else None


@dataclass(frozen=True, slots=True)
class Condition:
    """What a value depends on besides the material: an option, a field, a column and an input of the page.

    Parameters
    ----------
    name
        With its unit; of Python, JSON and tables.
    content
        `NUMBER` or `TEXT`.
    help
        One sentence for people.
    above, at_least, at_most
        Bounds of a number, in the unit of its name.
    short
        How it is called in an objective.
    words
        Returns the words that a text may be; None where any text is read by the property itself.
    plain
        Returns the word that a usual other one stands for.
    label, unit
        For people; without a label they read `short`.
    of_one_sample
        Whether each row states it for itself: the page has no input for all rows.
    """

    name: str
    content: Content
    help: str
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    short: str = ""
    words: Callable[[], tuple[str, ...]] | None = None
    plain: Callable[[str], str] = str
    label: str = ""
    unit: str = ""
    of_one_sample: bool = False


class Answered(NamedTuple):
    """What an answer holds of one material and one property.

    Attributes
    ----------
    block
        The intervals and `Judgement.details`; None where the property is silent.
    domain
        `in_domain`, `distance`, `nearest` and more, as `Judgement.applicability` gives them.
    reason
        Why there is no number, where there is none.
    """

    block: Mapping[str, Any] | None
    domain: Mapping[str, Any]
    reason: str | None

    @property
    def nearest(self) -> Mapping[str, Any]:
        """The nearest known material; nothing where none is known."""
        known = self.domain.get("nearest")
        return known[0] if known else {}


class Column(NamedTuple):
    """A column of flat tables besides those of quantities.

    Attributes
    ----------
    name, content
        As in the header, and what its cells hold.
    cell
        Returns what of an answer stands in it.
    array
        Returns the same for all rows of the property's judgement, numbers rounded; None where only answers in words
        have it.
    """

    name: str
    content: Content
    cell: Callable[[Answered], Any]
    array: Callable[[Any], NDArray[Any]] | None


class Terminal(NamedTuple):
    """A table for people: the header behind the material's name, a row, and lines beneath a row of a short table."""

    header: tuple[str, ...]
    row: Callable[[Answered], tuple[str, ...]]
    story: Callable[[Answered], list[str]] = lambda said: []


class Warn(NamedTuple):
    """One kind of warning: which rows carry it, and what it says of a row.

    `words` is asked only where an answer is written in words; columns hold the code alone. What `is_of_material` is
    said by several properties in the same words, and stands once.
    """

    code: WarningCode
    rows: Flags
    words: Callable[[int], str]
    is_of_material: bool = False


class Electrode(Protocol):
    """What an electrolyte meets in a cell: its side, `negative` or `positive`, and where it works against Li/Li+."""

    @property
    def side(self) -> str:
        """`negative` or `positive`."""

    @property
    def low_V(self) -> float:
        """Lowest working potential."""

    @property
    def high_V(self) -> float:
        """Highest working potential."""


class Made(NamedTuple):
    """Materials that have been made and measured.

    Attributes
    ----------
    known
        With what was measured on them.
    cell_composition
        Atomic fractions of those whose unit cell is known, shape (k, 103).
    volume_per_atom_A3
        Of these unit cells, shape (k,).
    """

    known: DomainIndex
    cell_composition: Array
    volume_per_atom_A3: Array


class PhaseEnergies(NamedTuple):
    """Energies of n materials on the scale of a table of phases, eV per atom, and whether the table holds them."""

    formation: Interval
    above_hull: Interval
    is_reference: Flags


class PhaseModel(Protocol):
    """A model with the phases on which equilibria are computed, and energies of other materials on their scale."""

    @property
    def phases(self) -> PhaseTable:
        """The table of phases."""

    def uncovered_elements(self, batch: MaterialBatch) -> list[tuple[str, ...]]:
        """Return for each row the elements that the phases do not cover."""

    def energies(self, batch: MaterialBatch, coverage: float) -> PhaseEnergies:
        """Return the energies of materials whose elements are covered."""


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
        columns = zip(*(rounded(numbers[name]) for name in numbers), strict=True)
        return [
            {"in_domain": inside, **dict(zip(numbers, values, strict=True)), "nearest": known}
            for inside, values, known in zip(self.in_domain.tolist(), columns, nearest, strict=True)
        ]


def rounded(values: Array) -> list[float | None]:
    """Return numbers as JSON, rounded to what carries meaning; NaN becomes None."""
    return [None if value != value else value for value in values.round(DECIMALS).tolist()]


def texts(values: Sequence[str | None]) -> NDArray[np.object_]:
    """Return texts as a column."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


class Trained(NamedTuple):
    """A fitted model on disk: its card and digest, plots by name, and what whoever trained it should be told."""

    card: Card
    digest: str
    plots: Mapping[str, Path]
    notes: Sequence[str] = ()


class Scores(NamedTuple):
    """What an evaluation found; `title` says of the numbers that stand in no section which data and model they mean."""

    title: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How to fit.

    Parameters
    ----------
    quick
        Few steps only: to try the path, not to use the model.
    work
        Folder in which long fits keep checkpoints; None for one that is thrown away.
    refit
        Fit anew where a fitted model is at hand.
    plots
        Folder for plots; None for none.
    """

    quick: bool = False
    work: Path | None = None
    refit: bool = False
    plots: Path | None = None


class Property(ABC):
    """One property: what it says, on what it depends, and the hooks by which everything else reaches it."""

    name: ClassVar[str]
    label: ClassVar[str]
    kind: ClassVar[str] = "inorganic"
    quantities: ClassVar[tuple[Quantity, ...]]
    conditions: ClassVar[tuple[Condition, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    """Other properties whose models it asks; answers name these too."""
    knows_made: ClassVar[bool] = False
    """Whether its model carries materials that have been made."""
    phase_energies: ClassVar[tuple[Quantity, ...]] = ()
    """Formation energy and energy above the hull, of a property whose model has the phases of equilibria."""
    has_grid: ClassVar[bool] = False
    """Whether its first quantity is offered over a grid of conditions."""
    n_nearest: ClassVar[int] = 3
    """How many known materials an answer names."""

    @abstractmethod
    def load(self, folder: Path, digest: str | None = None) -> tuple[Any, Bundle]:
        """Load a bundle and check that it is whole and reproduces its golden predictions; else `BundleError`."""

    @abstractmethod
    def judge(self, model: Any, query: Query) -> Judgement:  # noqa: ANN401
        """Say what the model knows of each row; order and length are kept."""

    def refused(self, model: Any, query: Query) -> Mapping[int, CandidateError]:  # noqa: ANN401
        """Return the rows that cannot be judged at all, and why: they fail, and `judge` is not asked about them."""
        return {}

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of flat tables that follow those of its quantities."""
        return default_columns(self.name)

    def terminal(self) -> Terminal | None:
        """Return its table for people; None makes one of the quantities."""
        return None

    def explained(self, block: Mapping[str, Any]) -> tuple[str, Mapping[str, float]]:
        """Return what the `explanation` of an answer explains, in words, and the terms that sum to it."""
        raise NotImplementedError(f"{self.name} explains nothing")

    def frame(self, model: Any, query: Query) -> Mapping[str, Array]:  # noqa: ANN401
        """Return the columns of its MLflow model: those of flat tables, unless registered versions promise others."""
        found = self.judge(model, query).intervals
        told = [(one.columns, found[one.name]) for one in self.quantities if one.in_answers]
        return {name: part for columns, parts in told for name, part in zip(columns, parts, strict=False)}

    def frame_columns(self) -> tuple[str, ...]:
        """Return the names of these columns."""
        return tuple(column for one in self.quantities if one.in_answers for column in one.columns)

    def distribution(self, quantity: Quantity, outputs: ModelOutputs, electrode: Electrode | None) -> Predictive:
        """Return the predictive distribution of one quantity, its error sources named, so that ranking shares them.

        A property that declares none has one that has the intervals of its answers. An electrode is given for what is
        held `against` one.
        """
        from training.properties.outputs import distribution_of_intervals

        return distribution_of_intervals(self.name, quantity, outputs)

    def made(self, model: Any) -> Made | None:  # noqa: ANN401
        """Return the materials that have been made, as far as the model `knows_made` ones."""
        return None

    def phases(self, model: Any) -> PhaseModel:  # noqa: ANN401
        """Return what phase equilibria are computed on; asked of a property that has `phase_energies`."""
        raise NotImplementedError(f"{self.name} has no table of phases")

    def known_value(self, known: Mapping[str, Any]) -> str:
        """Return what is known of a material of `Judgement.nearest`, in words."""
        first, value = self.quantities[0], known["value"]
        return f"{10**value:.2g} {first.unit}" if first.is_log10 else f"{value:.4g} {first.unit}"

    def design_pool(self, outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
        """Return candidates as points of a joint uncertainty, for suggestions of what to measure.

        A property that declares none takes the half-widths of its answers' intervals as standard deviations that
        similar compositions share. `UnsuitableReferenceError` where `with_domain` is not possible.
        """
        from training.suggestions.pool import pool_of_intervals

        return pool_of_intervals(self, outputs, with_domain=with_domain)

    def details_model(self) -> type[BaseModel] | None:
        """Return the schema of its block in answers, for OpenAPI; None makes one of the quantities."""
        return None

    def measurements(self) -> Measurements | None:
        """Return what the ledger must know of measured values; None where none are kept."""
        return None

    def train(self, folder: Path, options: FitOptions, progress: Progress, model_of: ModelOf) -> Trained:
        """Fit the recipe on the tables at hand and write the bundle; else raise `NotOfferedError`."""
        raise NotOfferedError(f"{self.name} is not trained by elyte")

    def evaluate(self, options: FitOptions, progress: Progress, model_of: ModelOf) -> Scores:
        """Score the recipe on its held-out data; raise `NotOfferedError` for an option that means nothing here."""
        raise NotOfferedError(f"{self.name} is not evaluated by elyte")

    def retraining(self, *, seed: int | None, quick: bool, model_of: ModelOf) -> PropertyJob:
        """Return the job that refits it from the ledger, else raise `NotRetrainedError` with the reason."""
        raise NotRetrainedError(f"{self.name} is not retrained from measurements")

    def limits(self) -> Path | None:
        """Return the `limits.toml` of its gates and of its monitoring, beside its module; None where there is none."""
        place = Path(inspect.getfile(type(self))).with_name("limits.toml")
        return place if place.is_file() else None

    def papers(self, model: Any) -> Iterable[str]:  # noqa: ANN401
        """Return the DOIs of the papers that a model was fitted on, so that monitoring leaves them out."""
        return ()

    def family(self, amounts: Mapping[str, float]) -> str | None:
        """Return the chemical family that a composition belongs to by this property's rules; None where none fits."""
        return None

    def page_script(self) -> Path | None:
        """Return the JavaScript module that draws its own plots on the page; None where tables are enough.

        `page/property.js` beside the declaration, where there is one; scripts and styles of its folder are served.
        """
        script = Path(inspect.getfile(type(self))).with_name("page") / "property.js"
        return script if script.exists() else None


def default_columns(name: str) -> tuple[Column, ...]:
    """Return the columns of a property that names none: its domain, the nearest known material, and its reason."""

    def nearest(key: str) -> Callable[[Judgement], NDArray[Any]]:
        return lambda judged: texts([known.get(key) for known in judged.first_nearest])

    def value(judged: Judgement) -> Array:
        return np.array([known.get("value", np.nan) for known in judged.first_nearest], dtype=float)

    number, text = Content.NUMBER, Content.TEXT
    return (
        Column(f"{name}_in_domain", Content.FLAG, lambda said: said.domain.get("in_domain"), lambda one: one.in_domain),
        Column(
            f"{name}_distance",
            number,
            lambda said: said.domain.get("distance"),
            lambda judged: judged.distance.round(DECIMALS),
        ),
        Column(f"{name}_nearest_formula", text, lambda said: said.nearest.get("formula"), nearest("formula")),
        Column(f"{name}_nearest_value", number, lambda said: said.nearest.get("value"), value),
        Column(f"{name}_nearest_doi", text, lambda said: said.nearest.get("doi"), nearest("doi")),
        Column(f"{name}_reason", text, lambda said: said.reason, lambda judged: texts(judged.reasons)),
    )


class NotOfferedError(ValueError):
    """A property does not do what was asked, or not with this option; the message says why and what is done instead."""


class NotRetrainedError(NotOfferedError):
    """A property learns nothing from measurements; the message says why and what is done instead."""
