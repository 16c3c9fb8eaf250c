"""Dry polymer electrolytes: what it says, on what it depends, and where its parts are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import CandidateError, RowErrorCode
from training.properties.conditions import TEMPERATURE
from training.properties.contract import (
    FitOptions,
    ModelOf,
    NotOfferedError,
    NotRetrainedError,
    Progress,
    Property,
    Query,
    Scores,
    Terminal,
    Trained,
)
from training.properties.polymer.quantities import HIGHEST_C, LOWEST_C, NAME, QUANTITIES

if TYPE_CHECKING:
    from pydantic import BaseModel

    from training.bundle import Bundle
    from training.embedded_tables import EmbeddedTable
    from training.properties.polymer.judgement import PolymerJudgement
    from training.properties.polymer.measurements import PolymerMeasurements
    from training.properties.polymer.model import PolymerModel
    from training.properties.polymer.retraining import PolymerJob


class Polymer(Property):
    """Ionic conductivity of a dry polymer electrolyte at a temperature."""

    name = NAME
    label = "Polymer electrolyte"
    kind = "polymer"
    quantities = QUANTITIES
    conditions = (TEMPERATURE,)

    def load(self, folder: Path, digest: str | None = None) -> tuple[PolymerModel, Bundle]:
        """See `contract.Property.load`."""
        from training.properties.polymer.bundling import load_polymer

        return load_polymer(folder, digest)

    def refused(self, model: PolymerModel, query: Query) -> Mapping[int, CandidateError]:
        """See `contract.Property.refused`."""
        degrees = query.conditions.temperature_C()
        return {
            row: CandidateError(
                RowErrorCode.INVALID_CONDITION,
                f"temperature_C {degrees[row]:g}; expected {LOWEST_C:g} to {HIGHEST_C:g} for a polymer electrolyte",
            )
            for row in np.flatnonzero((degrees < LOWEST_C) | (degrees > HIGHEST_C)).tolist()
        }

    def judge(self, model: PolymerModel, query: Query) -> PolymerJudgement:
        """See `contract.Property.judge`."""
        from training.properties import registry
        from training.properties.polymer.judgement import PolymerJudgement

        return PolymerJudgement(model, query, registry.conditions_without(self))

    def details_model(self) -> type[BaseModel]:
        """See `contract.Property.details_model`."""
        from training.properties.polymer.answer_model import PolymerBlock

        return PolymerBlock

    def terminal(self) -> Terminal:
        """See `contract.Property.terminal`."""
        from training.properties.polymer.terminal import HEADER, row, story

        return Terminal(HEADER, row, story)

    def known_value(self, known: Mapping[str, Any]) -> str:
        """See `contract.Property.known_value`."""
        return f"{10 ** known['value']:.2g} S/cm at {known['temperature_C']:g} C"

    def train(self, folder: Path, options: FitOptions, progress: Progress, model_of: ModelOf) -> Trained:
        """See `contract.Property.train`."""
        from training.properties.polymer.fit import PolymerTables, n_steps
        from training.properties.polymer.plots import write_plots
        from training.properties.polymer.recipe import settings_of, train

        settings = settings_of(quick=options.quick)
        with progress(n_steps(settings)) as on_step:
            trained = train(folder, PolymerTables.read(), settings, on_step)
        pictures = write_plots(trained.fit, settings, options.plots) if options.plots else {}
        return Trained(trained.card, trained.digest, pictures)

    def evaluate(self, options: FitOptions, progress: Progress, model_of: ModelOf) -> Scores:
        """See `contract.Property.evaluate`."""
        from training.properties.polymer.evaluation import evaluate, n_steps
        from training.properties.polymer.fit import PolymerTables
        from training.properties.polymer.recipe import settings_of

        if options.refit or options.work is not None:
            raise NotOfferedError("--refit and --work are not for polymers, which are always fitted anew, fold by fold")
        settings = settings_of(quick=options.quick)
        with progress(n_steps(settings)) as on_step:
            return Scores("polymers and papers left out", evaluate(PolymerTables.read(), settings, on_step))

    def retraining(self, *, seed: int | None, quick: bool, model_of: ModelOf) -> PolymerJob:
        """See `contract.Property.retraining`."""
        from features.polymers.toolkit import MissingToolkitError, is_installed
        from training.properties.polymer.recipe import settings_of
        from training.properties.polymer.retraining import PolymerJob

        if not is_installed():
            raise NotRetrainedError(f"{self.name} is not retrained here: {MissingToolkitError()}")
        settings = settings_of(quick=quick)
        return PolymerJob(settings if seed is None else replace(settings, seed=seed))

    def embedded_tables(self) -> tuple[EmbeddedTable, ...]:
        """See `contract.Property.embedded_tables`."""
        from training.embedded_tables import EmbeddedTable, columns_of_schema
        from training.properties.polymer.tables import TRANSFERENCE_PATH, transference_schema

        title = "Transference numbers of dry polymer electrolytes, with sources"
        columns = partial(columns_of_schema, transference_schema(), TRANSFERENCE_PATH)
        return (EmbeddedTable("polymer_transference", title, TRANSFERENCE_PATH, columns),)

    def measurements(self) -> PolymerMeasurements:
        """See `contract.Property.measurements`."""
        from training.properties.polymer.measurements import MEASUREMENTS

        return MEASUREMENTS

    def papers(self, model: PolymerModel) -> Iterable[str]:
        """See `contract.Property.papers`."""
        return filter(None, model.known.curve_doi)


POLYMER = Polymer()
