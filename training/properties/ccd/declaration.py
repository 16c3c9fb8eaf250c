"""Critical current density: what it says, on what it depends, and where its parts are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.properties.ccd.quantities import CONDITIONS, CURRENT, NAME, WITHOUT_EFFECT
from training.properties.contract import (
    Answered,
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
    from training.properties.ccd.judgement import CcdJudgement
    from training.properties.ccd.measurements import CcdMeasurements
    from training.properties.ccd.model import CcdModel
    from training.properties.ccd.retraining import CcdJob
    from training.properties.conductivity.model import ConductivityModel
    from training.properties.contract import ElectrodeRange
    from training.properties.outputs import ModelOutputs
    from training.properties.stability.model import StabilityModel
    from training.suggestions.pool import DesignPool


_NUMBER, _TEXT = Content.NUMBER, Content.TEXT


def _stated(name: str) -> Callable[[Answered], Any]:
    return lambda said: said.block and said.block["conditions"][name]


def _papers(name: str) -> Column:
    def array(judged: CcdJudgement) -> Array:
        return np.array([getattr(support, name) for support in judged.support], dtype=float)

    return Column(f"ccd_{name}", Content.COUNT, lambda said: said.block and said.block["support"][name], array)


def _asked(name: str) -> Callable[[CcdJudgement], NDArray[np.object_]]:
    return lambda judged: texts([getattr(question, name) or None for question in judged.questions])


def _source(known: Mapping[str, Any]) -> str | None:
    return known.get("doi") or known.get("reference")


COLUMNS = (
    Column(
        "electrolyte_class",
        _TEXT,
        lambda said: said.block and said.block["electrolyte_class"],
        _asked("electrolyte_class"),
    ),
    Column("interlayer_type", _TEXT, _stated("interlayer_type"), _asked("interlayer_type")),
    Column(
        "stack_pressure_MPa",
        _NUMBER,
        _stated("stack_pressure_MPa"),
        lambda judged: judged.query.conditions.numbers["stack_pressure_MPa"],
    ),
    _papers("class_papers"),
    _papers("interlayer_papers"),
    Column(
        "nearest_ccd_formula",
        _TEXT,
        lambda said: said.nearest.get("formula"),
        lambda judged: texts([known.get("formula") for known in judged.first_nearest]),
    ),
    Column(
        "nearest_log10_ccd",
        _NUMBER,
        lambda said: said.nearest.get("value"),
        lambda judged: np.array([known.get("value", np.nan) for known in judged.first_nearest], dtype=float),
    ),
    Column(
        "nearest_ccd_doi",
        _TEXT,
        lambda said: _source(said.nearest),
        lambda judged: texts([_source(known) for known in judged.first_nearest]),
    ),
    Column("ccd_reason", _TEXT, lambda said: said.reason, lambda judged: texts(judged.reasons)),
)


class Ccd(Property):
    """Critical current density: above it lithium grows through the electrolyte."""

    name = NAME
    label = "Critical current density"
    quantities = (CURRENT,)
    conditions = CONDITIONS
    has_grid = True
    needs = ("conductivity", "stability")
    n_nearest = 5

    def load(self, folder: Path, digest: str | None = None) -> tuple[CcdModel, Bundle]:
        """See `contract.Property.load`."""
        from training.properties.ccd.bundling import load_ccd

        return load_ccd(folder, digest)

    def refused(self, model: CcdModel, query: Query) -> Mapping[int, CandidateError]:
        """See `contract.Property.refused`."""
        from training.properties.ccd.judgement import refusals

        return refusals(query)

    def judge(self, model: CcdModel, query: Query) -> CcdJudgement:
        """See `contract.Property.judge`."""
        from training.properties import registry
        from training.properties.ccd.judgement import CcdJudgement

        return CcdJudgement(model, query, [*WITHOUT_EFFECT, *registry.conditions_without(self)])

    def distribution(self, quantity: Quantity, outputs: ModelOutputs, electrode: ElectrodeRange | None) -> Predictive:
        """See `contract.Property.distribution`."""
        from training.properties.ccd.distributions import distribution

        return distribution(outputs)

    def design_pool(self, outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
        """See `contract.Property.design_pool`."""
        from training.properties.ccd.joint_uncertainty import pool_of

        return pool_of(outputs, with_domain=with_domain)

    def details_model(self) -> type[BaseModel]:
        """See `contract.Property.details_model`."""
        from training.properties.ccd.answer_model import CcdBlock

        return CcdBlock

    def columns(self) -> tuple[Column, ...]:
        """See `contract.Property.columns`."""
        return COLUMNS

    def terminal(self) -> Terminal:
        """See `contract.Property.terminal`."""
        from training.properties.ccd.terminal import HEADER, row, story

        return Terminal(HEADER, row, story)

    def frame(self, model: CcdModel, query: Query) -> Mapping[str, Array]:
        """See `contract.Property.frame`."""
        from training.properties.ccd.bundling import frame

        return frame(model, query)

    def frame_columns(self) -> tuple[str, ...]:
        """Return the names that registered versions have."""
        return ("log10_ccd_mA_per_cm2", "lower", "upper")

    def train(self, folder: Path, options: FitOptions, progress: Progress, model_of: ModelOf) -> Trained:
        """See `contract.Property.train`."""
        from training.properties.ccd.plots import write_plots
        from training.properties.ccd.recipe import n_steps, train

        with progress(n_steps()) as on_step:
            fit = train(folder, *self._others(model_of), on_step=on_step)
        return Trained(fit.card, fit.digest, write_plots(fit, options.plots) if options.plots else {})

    def evaluate(self, options: FitOptions, progress: Progress, model_of: ModelOf) -> Scores:
        """See `contract.Property.evaluate`."""
        from training.properties.ccd.evaluation import evaluate
        from training.properties.ccd.recipe import n_steps, report_set
        from training.properties.ccd.table import load_literature

        if options.refit or options.work is not None or options.quick:
            raise NotOfferedError("--refit, --work and --quick are not for ccd, which is always fitted anew")
        reports = report_set(load_literature(), *self._others(model_of)).reports
        with progress(n_steps() - 1) as on_step:
            return Scores("embedded table, each source left out", evaluate(reports, on_step=on_step))

    def retraining(self, *, seed: int | None, quick: bool, model_of: ModelOf) -> CcdJob:
        """See `contract.Property.retraining`."""
        from training.properties.ccd.retraining import CcdJob

        return CcdJob(lambda: self._others(model_of), seed=seed or 0)

    def papers(self, model: CcdModel) -> Iterable[str]:
        """See `contract.Property.papers`."""
        return [str(doi) for doi in model.shelf.doi]

    def family(self, amounts: Mapping[str, float]) -> str | None:
        """See `contract.Property.family`."""
        from training.properties.ccd.classes import class_of

        return class_of(amounts)

    def _others(self, model_of: ModelOf) -> tuple[ConductivityModel, StabilityModel]:
        conductivity, stability = (model_of(name)[0] for name in self.needs)
        return conductivity, stability

    def embedded_tables(self) -> tuple[EmbeddedTable, ...]:
        """See `contract.Property.embedded_tables`."""
        from training.embedded_tables import EmbeddedTable, columns_of_schema
        from training.properties.ccd.schema import literature_schema
        from training.properties.ccd.table import LITERATURE_PATH

        title = "Critical current densities of lithium cells from literature, with conditions and sources"
        columns = partial(columns_of_schema, literature_schema(), LITERATURE_PATH)
        return (EmbeddedTable("ccd_literature", title, LITERATURE_PATH, columns),)

    def measurements(self) -> CcdMeasurements:
        """See `contract.Property.measurements`."""
        from training.properties.ccd.measurements import MEASUREMENTS

        return MEASUREMENTS


CCD = Ccd()
