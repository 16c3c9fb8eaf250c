"""Ionic conductivity: what it says, on what it depends, and where its parts are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.properties.conditions import TEMPERATURE, refused_choices
from training.properties.conductivity.population import POPULATION
from training.properties.conductivity.quantities import ACTIVATION_ENERGY, NAME, SIGMA
from training.properties.conductivity.sample import SAMPLE_CONDITIONS, refused_samples
from training.properties.contract import (
    DECIMALS,
    Array,
    Column,
    Content,
    FitOptions,
    ModelOf,
    NotOfferedError,
    Progress,
    Property,
    Quantity,
    Query,
    Scores,
    Terminal,
    Trained,
    texts,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from features.errors import CandidateError
    from training.bundle import Bundle
    from training.distributions import Predictive
    from training.embedded_tables import EmbeddedTable
    from training.measurements.entries import Entry
    from training.properties.conductivity.judgement import ConductivityJudgement
    from training.properties.conductivity.measurements import ConductivityMeasurements
    from training.properties.conductivity.model import ConductivityModel
    from training.properties.conductivity.retraining import ConductivityJob
    from training.properties.contract import ElectrodeRange, Made
    from training.properties.outputs import ModelOutputs
    from training.suggestions.pool import DesignPool

_NUMBER, _TEXT = Content.NUMBER, Content.TEXT
COLUMNS = (
    Column(
        "coverage",
        _NUMBER,
        lambda said: said.block and said.block[SIGMA.name]["coverage"],
        lambda judged: np.full(len(judged), judged.query.coverage),
    ),
    Column(
        TEMPERATURE.name,
        _NUMBER,
        lambda said: said.block and said.block[TEMPERATURE.name],
        lambda judged: judged.temperature_C,
    ),
    Column("in_domain", Content.FLAG, lambda said: said.domain.get("in_domain"), lambda judged: judged.in_domain),
    Column(
        "distance",
        _NUMBER,
        lambda said: said.domain.get("distance"),
        lambda judged: judged.distance.round(DECIMALS),
    ),
    Column(
        "nearest_formula",
        _TEXT,
        lambda said: said.nearest.get("formula"),
        lambda judged: texts([known["formula"] for known in judged.first_nearest]),
    ),
    Column(
        "nearest_log10_sigma",
        _NUMBER,
        lambda said: said.nearest.get("value"),
        lambda judged: np.array([known["value"] for known in judged.first_nearest], dtype=float),
    ),
    Column(
        "nearest_doi",
        _TEXT,
        lambda said: said.nearest.get("doi"),
        lambda judged: texts([known["doi"] for known in judged.first_nearest]),
    ),
    Column("basis", _TEXT, lambda said: said.block and said.block["basis"], lambda judged: texts(judged.basis)),
    Column(
        "measured_log10_sigma_S_per_cm",
        _NUMBER,
        lambda said: said.block and (said.block["measured"] or {}).get(SIGMA.name),
        lambda judged: judged.prediction.measured.log10_sigma.round(DECIMALS),
    ),
    Column(
        "model_log10_sigma_S_per_cm",
        _NUMBER,
        lambda said: said.block and said.block["model_log10_sigma_S_per_cm"],
        lambda judged: judged.prediction.of_model.round(DECIMALS),
    ),
)


class Conductivity(Property):
    """Ionic conductivity at a temperature, with its activation energy."""

    name = NAME
    label = "Ionic conductivity"
    quantities = (SIGMA, ACTIVATION_ENERGY)
    conditions = (TEMPERATURE, *SAMPLE_CONDITIONS, POPULATION)
    knows_made = True

    def load(self, folder: Path, digest: str | None = None) -> tuple[ConductivityModel, Bundle]:
        """See `contract.Property.load`."""
        from training.properties.conductivity.bundling import load_conductivity

        return load_conductivity(folder, digest)

    def refused(self, model: ConductivityModel, query: Query) -> Mapping[int, CandidateError]:
        """See `contract.Property.refused`."""
        return refused_choices(query.conditions, POPULATION) | refused_samples(query.conditions)

    def judge(self, model: ConductivityModel, query: Query) -> ConductivityJudgement:
        """See `contract.Property.judge`."""
        from training.properties import registry
        from training.properties.conductivity.judgement import ConductivityJudgement

        return ConductivityJudgement(model, query, registry.conditions_without(self))

    def distribution(self, quantity: Quantity, outputs: ModelOutputs, electrode: ElectrodeRange | None) -> Predictive:
        """See `contract.Property.distribution`."""
        from training.properties.conductivity.distributions import distribution

        return distribution(quantity, outputs)

    def made(self, model: ConductivityModel) -> Made:
        """See `contract.Property.made`."""
        from training.properties.conductivity.distributions import made

        return made(model)

    def design_pool(self, outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
        """See `contract.Property.design_pool`."""
        from training.properties.conductivity.joint_uncertainty import pool_of

        return pool_of(outputs, with_domain=with_domain)

    def details_model(self) -> type[BaseModel]:
        """See `contract.Property.details_model`."""
        from training.properties.conductivity.answer_model import ConductivityBlock

        return ConductivityBlock

    def columns(self) -> tuple[Column, ...]:
        """See `contract.Property.columns`."""
        return COLUMNS

    def terminal(self) -> Terminal:
        """See `contract.Property.terminal`."""
        from training.properties.conductivity.terminal import HEADER, row, story

        return Terminal(HEADER, row, story)

    def explained(self, block: Mapping[str, Any]) -> tuple[str, Mapping[str, float]]:
        """See `contract.Property.explained`."""
        from training.properties.conductivity.terminal import explained

        return explained(block)

    def frame(self, model: ConductivityModel, query: Query) -> Mapping[str, Array]:
        """See `contract.Property.frame`."""
        from training.properties.conductivity.bundling import headline

        return headline(model, query.batch, query.conditions.temperature_C())

    def frame_columns(self) -> tuple[str, ...]:
        """Return the names that registered versions have."""
        return ("log10_sigma_S_per_cm", "lower", "upper", "activation_energy_eV")

    def train(self, folder: Path, options: FitOptions, progress: Progress, model_of: ModelOf) -> Trained:
        """See `contract.Property.train`."""
        from training.properties.conductivity.ensemble import EnsembleSettings
        from training.properties.conductivity.model import VARIANTS, n_steps
        from training.properties.conductivity.plots import write_plots
        from training.properties.conductivity.recipe import WITHOUT_PUBLIC_TABLES, train

        settings = EnsembleSettings.quick() if options.quick else EnsembleSettings()
        with progress(n_steps(settings) + len(VARIANTS)) as on_step:  # each variant is explained last
            fit = train(folder, settings, on_step=on_step)
        model, _ = self.load(folder, fit.digest)
        plots = write_plots(model, fit.left_out, options.plots) if options.plots else {}
        notes = [WITHOUT_PUBLIC_TABLES] if WITHOUT_PUBLIC_TABLES in fit.card.limitations else []
        return Trained(fit.card, fit.digest, plots, notes)

    def evaluate(self, options: FitOptions, progress: Progress, model_of: ModelOf) -> Scores:
        """See `contract.Property.evaluate`."""
        from training.properties.conductivity.ensemble import EnsembleSettings
        from training.properties.conductivity.evaluation import evaluate, n_steps

        if options.refit or options.work is not None:
            raise NotOfferedError("--refit and --work are for stability; conductivity is always fitted anew")
        settings = EnsembleSettings.quick() if options.quick else EnsembleSettings()
        with progress(n_steps(settings)) as on_step:
            return Scores("all tables, with lattice", evaluate(settings, on_step=on_step))

    def retraining(self, *, seed: int | None, quick: bool, model_of: ModelOf) -> ConductivityJob:
        """See `contract.Property.retraining`."""
        from training.properties.conductivity.ensemble import EnsembleSettings
        from training.properties.conductivity.retraining import ConductivityJob

        settings = EnsembleSettings.quick() if quick else EnsembleSettings()
        return ConductivityJob(settings if seed is None else replace(settings, seed=seed))

    def papers(self, model: ConductivityModel) -> Iterable[str]:
        """See `contract.Property.papers`."""
        return model.domain.dois

    def leading_with(self, model: ConductivityModel, entries: Sequence[Entry]) -> ConductivityModel:
        """See `contract.Property.leading_with`."""
        from training.properties.conductivity.rows import ConductivityRows

        if not entries:
            return model
        table = self.measurements().training_table(entries)
        return replace(model, laboratory=ConductivityRows.from_table(table).samples())

    def embedded_tables(self) -> tuple[EmbeddedTable, ...]:
        """See `contract.Property.embedded_tables`."""
        from training.embedded_tables import EmbeddedTable, columns_of_schema
        from training.properties.conductivity.schema import literature_schema
        from training.properties.conductivity.table import LITERATURE_PATH

        title = "Ionic conductivities of lithium solid electrolytes from literature since 2019, with sources"
        columns = partial(columns_of_schema, literature_schema(), LITERATURE_PATH)
        return (EmbeddedTable("conductivity_literature", title, LITERATURE_PATH, columns),)

    def measurements(self) -> ConductivityMeasurements:
        """See `contract.Property.measurements`."""
        from training.properties.conductivity.measurements import MEASUREMENTS

        return MEASUREMENTS


CONDUCTIVITY = Conductivity()
