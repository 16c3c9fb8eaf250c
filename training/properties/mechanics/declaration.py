"""Mechanics: elastic moduli, band gap and what follows from them; what it says and where its parts are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.properties.contract import (
    Answered,
    Column,
    Content,
    ElectrodeRange,
    FitOptions,
    ModelOf,
    NotOfferedError,
    NotRetrainedError,
    Progress,
    Property,
    Quantity,
    Query,
    Scores,
    Terminal,
    Trained,
    default_columns,
    texts,
)
from training.properties.mechanics.quantities import CONDITIONS, GAP, NAME, QUANTITIES

if TYPE_CHECKING:
    from pydantic import BaseModel

    from training.bundle import Bundle
    from training.distributions import Predictive
    from training.properties.mechanics.judgement import MechanicsJudgement
    from training.properties.mechanics.measurements import MechanicsMeasurements
    from training.properties.mechanics.model import MechanicsModel
    from training.properties.outputs import ModelOutputs
    from training.refitting.property_job import PropertyJob

NOT_RETRAINED = (
    "mechanics is not retrained from measurements: measured moduli are kept in the ledger and compared with what the"
    " model says, but they are of pellets with pores, grain boundaries and glassy parts, and the model is fitted on"
    " computed moduli of dense crystals. `elyte train mechanics` fits it anew (about ten minutes on two cores) and"
    " registers a challenger; a person moves the alias"
)


def _stated(name: str, column: str) -> Column:
    def cell(said: Answered) -> str | None:
        return said.block[name] if said.block else None

    return Column(column, Content.TEXT, cell, lambda judged: texts(getattr(judged, name)))


def _probability(name: str) -> Column:
    def cell(said: Answered) -> float | None:
        return said.block[name] if said.block else None

    return Column(name, Content.NUMBER, cell, lambda judged: getattr(judged, name))


COLUMNS = (
    _stated("basis", "mechanics_basis"),
    _stated("band_gap_basis", "band_gap_basis"),
    _probability("probability_ductile"),
    *default_columns(NAME),
)


class Mechanics(Property):
    """How stiff, how brittle and how insulating the crystal of a composition is."""

    name = NAME
    label = "Mechanics and band gap"
    quantities = QUANTITIES
    conditions = CONDITIONS
    band_gap = GAP

    def load(self, folder: Path, digest: str | None = None) -> tuple[MechanicsModel, Bundle]:
        """See `contract.Property.load`."""
        from training.properties.mechanics.bundling import load_mechanics

        return load_mechanics(folder, digest)

    def judge(self, model: MechanicsModel, query: Query) -> MechanicsJudgement:
        """See `contract.Property.judge`."""
        from training.properties.mechanics.judgement import MechanicsJudgement

        return MechanicsJudgement(model, query)

    def distribution(self, quantity: Quantity, outputs: ModelOutputs, electrode: ElectrodeRange | None) -> Predictive:
        """See `contract.Property.distribution`."""
        from training.properties.mechanics.distributions import distribution

        return distribution(quantity, outputs)

    def details_model(self) -> type[BaseModel]:
        """See `contract.Property.details_model`."""
        from training.properties.mechanics.answer_model import MechanicsBlock

        return MechanicsBlock

    def columns(self) -> tuple[Column, ...]:
        """See `contract.Property.columns`."""
        return COLUMNS

    def terminal(self) -> Terminal:
        """See `contract.Property.terminal`."""
        from training.properties.mechanics.terminal import HEADER, row, story

        return Terminal(HEADER, row, story)

    def known_value(self, known: Mapping[str, Any]) -> str:
        """See `contract.Property.known_value`."""
        return f"E {known['value']:.3g} GPa (computed)"

    def measurements(self) -> MechanicsMeasurements:
        """See `contract.Property.measurements`."""
        from training.properties.mechanics.measurements import MEASUREMENTS

        return MEASUREMENTS

    def train(self, folder: Path, options: FitOptions, progress: Progress, model_of: ModelOf) -> Trained:
        """See `contract.Property.train`."""
        from training.properties.mechanics.plots import write_plots
        from training.properties.mechanics.recipe import Tables, n_steps, train

        tables = Tables.read()
        with progress(n_steps(tables, quick=options.quick)) as on_step:
            fit = train(folder, tables, quick=options.quick, on_step=on_step)
        return Trained(fit.card, fit.digest, write_plots(fit, options.plots) if options.plots else {})

    def evaluate(self, options: FitOptions, progress: Progress, model_of: ModelOf) -> Scores:
        """See `contract.Property.evaluate`."""
        from training.properties.mechanics.evaluation import evaluate, n_steps
        from training.properties.mechanics.recipe import Tables

        if options.refit or options.work is not None:
            raise NotOfferedError("--refit and --work are not for mechanics, which is always fitted anew, fold by fold")
        tables = Tables.read()
        with progress(n_steps(tables, quick=options.quick)) as on_step:
            return Scores("chemical systems left out", evaluate(tables, quick=options.quick, on_step=on_step))

    def retraining(self, *, seed: int | None, quick: bool, model_of: ModelOf) -> PropertyJob:
        """See `contract.Property.retraining`."""
        raise NotRetrainedError(NOT_RETRAINED)


MECHANICS = Mechanics()
