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
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from training.properties.declared import Array, CellRole, Condition, Content, Flags, Quantity
from training.properties.judgement import DECIMALS, Beside, Judgement, Query, Warn, rounded, rounded_columns, texts

if TYPE_CHECKING:
    from pydantic import BaseModel

    from features.candidate import MaterialBatch
    from features.errors import CandidateError
    from training.applicability import DomainIndex
    from training.bundle import Bundle, Card
    from training.distributions import Predictive
    from training.embedded_tables import EmbeddedTable
    from training.measurements.contract import Measurements
    from training.measurements.entries import Entry
    from training.properties.outputs import ModelOutputs
    from training.refitting.property_job import PropertyJob
    from training.suggestions.pool import DesignPool
    from training.thermodynamics.phases import PhaseTable
    from training.uncertainty import Interval


__all__ = [
    "BY_STATE",
    "DECIMALS",
    "Answered",
    "Array",
    "Beside",
    "CellRole",
    "Column",
    "Condition",
    "Content",
    "ElectrodeRange",
    "FitOptions",
    "Flags",
    "Judgement",
    "Made",
    "ModelOf",
    "NotOfferedError",
    "NotRetrainedError",
    "OnStep",
    "PhaseEnergies",
    "PhaseModel",
    "Progress",
    "Property",
    "Quantity",
    "Query",
    "Scores",
    "Terminal",
    "Trained",
    "Warn",
    "default_columns",
    "rounded",
    "rounded_columns",
    "texts",
]

OnStep = Callable[[str], None]
"""Called with what was done, for a progress bar."""
Progress = Callable[[int], AbstractContextManager[OnStep]]
"""Called with the number of steps to come; gives what is to be called after each."""
ModelOf = Callable[[str], "tuple[Any, Bundle]"]
"""Loads the model of another property by its name: how a recipe comes by those that it `needs`."""

BY_STATE = "; by state: "
"""Stands in warnings of measurements that disagree; what stands before it is enough for a terminal."""


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


class ElectrodeRange(Protocol):
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
    keep_nets
        Take the nets of the served model instead of fitting them (see `Property.keeps_nets`).
    """

    quick: bool = False
    work: Path | None = None
    refit: bool = False
    plots: Path | None = None
    keep_nets: bool = False


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
    window: ClassVar[tuple[Quantity, ...]] = ()
    """Lower and upper limit of the electrochemical window, of a property that has `phase_energies`."""
    band_gap: ClassVar[Quantity | None] = None
    """The band gap, of a property that says it: whether a layer insulates is judged by it."""
    has_grid: ClassVar[bool] = False
    """Whether its first quantity is offered over a grid of conditions."""
    keeps_nets: ClassVar[bool] = False
    """Whether its recipe can take the nets of a served model and fit what stands on them anew."""
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

    def distribution(self, quantity: Quantity, outputs: ModelOutputs, electrode: ElectrodeRange | None) -> Predictive:
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
        from training.properties.outputs import pool_of_intervals

        return pool_of_intervals(self.name, self.quantities[0], outputs, with_domain=with_domain)

    def details_model(self) -> type[BaseModel] | None:
        """Return the schema of its block in answers, for OpenAPI; None makes one of the quantities."""
        return None

    def leading_with(self, model: Any, entries: Sequence[Entry]) -> Any:  # noqa: ANN401
        """Return the model with what a ledger holds now of its kind, for answers to lead with; as it is without use."""
        return model

    def measurements(self) -> Measurements | None:
        """Return what the ledger must know of measured values; None where none are kept."""
        return None

    def embedded_tables(self) -> tuple[EmbeddedTable, ...]:
        """Return the tables that stand in its folder and are given to others (`elyte data croissant`)."""
        return ()

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
