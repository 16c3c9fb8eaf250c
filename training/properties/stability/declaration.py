"""Stability: formation energy, distance to the hull, window; what it says and where its parts are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.properties.conditions import refused_choices
from training.properties.contract import (
    Answered,
    Array,
    Column,
    Content,
    FitOptions,
    ModelOf,
    NotRetrainedError,
    Progress,
    Property,
    Quantity,
    Query,
    Scores,
    Terminal,
    Trained,
    texts,
)
from training.properties.stability.energies_choice import ENERGIES
from training.properties.stability.nets_choice import NETS
from training.properties.stability.quantities import (
    ABOVE_HULL,
    DECOMPOSITION_ENERGY,
    FORMATION_ENERGY,
    FREE_ENERGY,
    H2S,
    HYDROLYSIS,
    INTERPHASE,
    MARGIN,
    NAME,
    OXIDATION,
    PROBABILITY_STABLE,
    REDUCTION,
    SOLID_SOLUTION,
    WINDOW_WIDTH,
)
from training.properties.stability.solid_solution import SYNTHESIS_TEMPERATURE

if TYPE_CHECKING:
    from pydantic import BaseModel

    from features.errors import CandidateError
    from training.bundle import Bundle
    from training.distributions import Predictive
    from training.embedded_tables import EmbeddedTable
    from training.properties.contract import ElectrodeRange
    from training.properties.outputs import ModelOutputs
    from training.properties.stability.judgement import StabilityJudgement
    from training.properties.stability.measurements import StabilityMeasurements
    from training.properties.stability.model import StabilityModel
    from training.refitting.property_job import PropertyJob
    from training.suggestions.pool import DesignPool

NOT_RETRAINED = (
    "stability is not retrained from measurements: observations of stability are kept in the ledger and compared with"
    " what the model says, but it is fitted on computed energies. `elyte train stability` fits it anew (about an hour"
    " on two cores) and registers a challenger; a person moves the alias"
)


def _gain(name: str, block_name: str) -> Column:
    """Return a column of what mixing gains at the temperature of synthesis; empty where none is stated."""

    def cell(said: Answered) -> float | None:
        gained: Mapping[str, Any] = (said.block or {}).get(SOLID_SOLUTION) or {}
        value: float | None = gained.get(block_name)
        return value

    return Column(name, Content.NUMBER, cell, lambda judged: judged.gains[block_name])


def _products(name: str) -> Column:
    def cell(said: Answered) -> str | None:
        if not said.block:
            return None
        return " + ".join(f"{part['amount']:g} {part['formula']}" for part in said.block.get(name) or [])

    return Column(name, Content.TEXT, cell, None)


COLUMNS = (
    Column(
        "stability_basis",
        Content.TEXT,
        lambda said: said.block and said.block["basis"],
        lambda judged: texts(judged.basis),
    ),
    _products("decomposition_products"),
    _products("reduction_products"),
    _products("oxidation_products"),
    _gain(FREE_ENERGY.name, "with_smallest_entropy_eV_per_atom"),
    _gain("free_energy_above_hull_with_largest_entropy_eV_per_atom", "with_largest_entropy_eV_per_atom"),
)


class Stability(Property):
    """Stability at 0 K: energies, window, and what a material becomes."""

    name = NAME
    label = "Stability"
    quantities = (
        FORMATION_ENERGY,
        DECOMPOSITION_ENERGY,
        ABOVE_HULL,
        PROBABILITY_STABLE,
        FREE_ENERGY,
        REDUCTION,
        OXIDATION,
        INTERPHASE,
        WINDOW_WIDTH,
        MARGIN,
        HYDROLYSIS,
        H2S,
    )
    conditions = (SYNTHESIS_TEMPERATURE, NETS, ENERGIES)

    def load(self, folder: Path, digest: str | None = None) -> tuple[StabilityModel, Bundle]:
        """See `contract.Property.load`."""
        from training.properties.stability.bundling import load_stability

        return load_stability(folder, digest)

    def refused(self, model: StabilityModel, query: Query) -> Mapping[int, CandidateError]:
        """See `contract.Property.refused`."""
        from training.properties.stability.judgement import refusals

        wrong = refused_choices(query.conditions, NETS) | refused_choices(query.conditions, ENERGIES)
        return wrong | refusals(model, query)

    def judge(self, model: StabilityModel, query: Query) -> StabilityJudgement:
        """See `contract.Property.judge`."""
        from training.properties.stability.judgement import StabilityJudgement

        return StabilityJudgement(model, query)

    def distribution(self, quantity: Quantity, outputs: ModelOutputs, electrode: ElectrodeRange | None) -> Predictive:
        """See `contract.Property.distribution`."""
        from training.properties.stability.distributions import distribution

        return distribution(quantity, outputs, electrode)

    def design_pool(self, outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
        """See `contract.Property.design_pool`."""
        from training.properties.stability.joint_uncertainty import pool_of

        return pool_of(outputs, with_domain=with_domain)

    keeps_nets = True
    phase_energies = (FORMATION_ENERGY, ABOVE_HULL)
    window = (REDUCTION, OXIDATION)

    def phases(self, model: StabilityModel) -> StabilityModel:
        """See `contract.Property.phases`."""
        return model

    def known_value(self, known: Mapping[str, Any]) -> str:
        """See `contract.Property.known_value`."""
        return f"{known[ABOVE_HULL.name]:.3f} {ABOVE_HULL.unit} above the hull"

    def details_model(self) -> type[BaseModel]:
        """See `contract.Property.details_model`."""
        from training.properties.stability.answer_model import StabilityBlock

        return StabilityBlock

    def columns(self) -> tuple[Column, ...]:
        """See `contract.Property.columns`."""
        return COLUMNS

    def terminal(self) -> Terminal:
        """See `contract.Property.terminal`."""
        from training.properties.stability.terminal import HEADER, row, story

        return Terminal(HEADER, row, story)

    def frame(self, model: StabilityModel, query: Query) -> Mapping[str, Array]:
        """See `contract.Property.frame`."""
        from training.properties.stability.bundling import headline

        return headline(model, query.batch)

    def frame_columns(self) -> tuple[str, ...]:
        """Return the names that registered versions have."""
        return (
            "formation_energy_eV_per_atom",
            "lower",
            "upper",
            "energy_above_hull_eV_per_atom",
            "probability_stable",
            "reduction_V",
            "oxidation_V",
        )

    def train(self, folder: Path, options: FitOptions, progress: Progress, model_of: ModelOf) -> Trained:
        """See `contract.Property.train`."""
        from training.properties.stability.ensemble_fit import NetSettings
        from training.properties.stability.plots import write_plots
        from training.properties.stability.recipe import rounds_of_kept, train

        settings = NetSettings.quick() if options.quick else NetSettings()
        kept = model_of(self.name) if options.keep_nets else None
        steps = settings.n_steps
        if kept:
            steps = settings.student.n_steps(rounds_of_kept(kept, settings))
        with _work_folder(options) as work, progress(steps) as on_step:
            fit = train(folder, settings, work=work / self.name, kept=kept, on_step=on_step)
        return Trained(fit.card, fit.digest, write_plots(fit, options.plots) if options.plots else {})

    def evaluate(self, options: FitOptions, progress: Progress, model_of: ModelOf) -> Scores:
        """See `contract.Property.evaluate`."""
        from training.properties.stability.ensemble_fit import NetSettings
        from training.properties.stability.evaluation import evaluate
        from training.properties.stability.recipe import refit_for_evaluation
        from training.properties.stability.table import read_energies

        title = "pool of shipped nets, hull of training phases"
        if not options.refit and not options.quick:
            model, bundle = model_of(self.name)
            return Scores(title, evaluate(model, read_energies()) | {"model_version": bundle.card.version})
        settings = NetSettings.quick() if options.quick else NetSettings()
        with _work_folder(options) as work, progress(settings.n_steps) as on_step:
            return Scores(title, evaluate(*refit_for_evaluation(settings, work, on_step)))

    def retraining(self, *, seed: int | None, quick: bool, model_of: ModelOf) -> PropertyJob:
        """See `contract.Property.retraining`."""
        raise NotRetrainedError(NOT_RETRAINED)

    def embedded_tables(self) -> tuple[EmbeddedTable, ...]:
        """See `contract.Property.embedded_tables`."""
        from training.properties.stability.literature import embedded_tables

        return embedded_tables()

    def measurements(self) -> StabilityMeasurements:
        """See `contract.Property.measurements`."""
        from training.properties.stability.measurements import MEASUREMENTS

        return MEASUREMENTS


@contextmanager
def _work_folder(options: FitOptions) -> Iterator[Path]:
    """Give the folder for checkpoints: the one that was named, else one that is thrown away."""
    if options.work is not None:
        yield options.work
        return
    with tempfile.TemporaryDirectory(prefix="elyte-stability-") as scratch:
        yield Path(scratch)


STABILITY = Stability()
