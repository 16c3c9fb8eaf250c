"""A small world for retraining: a table without one family, a champion fitted on it, a ledger, a registry."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from synthetic_world import synthetic_table

from features.formula import parse_formula
from training.bundle import DataSource
from training.ledger.intake import Wishes as LedgerWishes
from training.ledger.intake import add_table
from training.ledger.reading import from_records
from training.ledger.store import Ledger
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.residual_net import ResidualNetSettings
from training.properties.conductivity.retraining import ConductivityJob
from training.refitting.training_set import TrainingSet
from training.retraining import pipeline
from training.retraining.job import JobResult, RetrainOptions, retrain
from training.retraining.promotion import first_champion
from training.retraining.registry import ModelRegistry
from training.retraining.rules import Rules, load_rules

if TYPE_CHECKING:
    from training.refitting.champion import Champion

SETTINGS = EnsembleSettings(
    process_iterations=1,
    forest_trees=10,
    boosting_rounds=20,
    boosting_seeds=1,
    nets=ResidualNetSettings(n_nets=1, hidden=4),
    explainer_trees=10,
    explainer_neighbours=150,
    n_folds=3,
)
"""The same path as ever, as short as it goes."""
NEW_FAMILY = "halide"
WHO = "a test"


def known_table() -> pd.DataFrame:
    """Return the synthetic table without the new family; every sixth row is the official test split."""
    table = synthetic_table()
    table = table[table["family"] != NEW_FAMILY].reset_index(drop=True)
    return table[table.index % 6 != 5].reset_index(drop=True)


def official_split() -> pd.DataFrame:
    """Return the rows on which recipes are compared."""
    table = synthetic_table()
    table = table[table["family"] != NEW_FAMILY].reset_index(drop=True)
    return table[table.index % 6 == 5].reset_index(drop=True)


def tables() -> tuple[pd.DataFrame, list[DataSource], list[str]]:
    """Return what `recipe.load_tables` returns, of the synthetic world."""
    source = DataSource(name="synthetic", rows=60, licence="CC BY 4.0", attribution="made up", sha256="0" * 64)
    return known_table(), [source], []


def family_records(*, shuffled: int | None = None, rows: slice = slice(None)) -> list[dict[str, Any]]:
    """Return the new family as a laboratory would add it, its labels shuffled where a seed is given.

    log10 sigma falls from -1 by 7 per unit of zirconium: nothing that the other families would suggest.
    """
    table = synthetic_table()
    table = table[(table["family"] == NEW_FAMILY) & ~table["is_upper_bound"]].iloc[rows]
    zirconium = np.array([parse_formula(formula).get("Zr", 0.0) for formula in table["formula"]])
    sigma = 10.0 ** (-1.0 - 7.0 * zirconium)
    if shuffled is not None:
        sigma = np.random.default_rng(shuffled).permutation(sigma)
    return [
        {"formula": formula, "sigma_S_per_cm": value, "temperature_C": temperature, "family": NEW_FAMILY, "doi": doi}
        for formula, value, temperature, doi in zip(
            table["formula"], sigma, table["temperature_C"], table["doi"], strict=True
        )
    ]


def add(ledger: Ledger, records: list[dict[str, Any]]) -> None:
    """Put records into the ledger, each warning of them accepted by name."""
    table = from_records(records, "test")
    wishes = LedgerWishes("conductivity", dry_run=True)
    named = add_table(table, who=WHO, wishes=wishes, ledger=ledger).accept_warnings
    wishes = LedgerWishes("conductivity", accept_warnings=named)
    report = add_table(table, who=WHO, wishes=wishes, ledger=ledger)
    assert report.all_accepted, report.problems


class InlineProcess:
    """`BackgroundProcess` without a process, so that tests need not wait for imports."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        self._call = partial(work, *arguments)

    def result(self) -> Any:
        return self._call()

    def stop(self) -> None:
        pass


@dataclass
class RetrainingWorld:
    """Everything that a job needs, in one folder."""

    folder: Path
    shipped: Path
    ledger: Ledger
    registry: ModelRegistry
    rules: Rules
    steps: list[str]

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def job(self, settings: EnsembleSettings = SETTINGS) -> ConductivityJob:
        return ConductivityJob(settings, tables, official_split)

    def run(self, job: ConductivityJob | None = None, **options: Any) -> JobResult:
        return retrain(
            job or self.job(),
            self.ledger,
            self.registry,
            self.rules,
            self.work,
            RetrainOptions(WHO, shipped=self.shipped, **options),
            on_step=self.steps.append,
        )


def fit_shipped(folder: Path) -> Path:
    """Fit the champion of the small world."""
    job = ConductivityJob(SETTINGS, tables, official_split)
    table, sources, lacking = tables()
    empty = table.iloc[:0]
    training_set = TrainingSet(
        "0" * 64, table, np.zeros(len(table), dtype=bool), table, empty, "0" * 64, sources, lacking, 0, ()
    )
    job.fit(training_set, folder, lambda what: None)
    return folder


def lenient(rules: Rules) -> Rules:
    """Return rules under which models of a few trees on a hundred rows are judged by what a test changes only."""
    return replace(
        rules,
        coverage_band=(0.5, 1.0),
        golden_tolerance_decades=20.0,
        golden_step_decades=20.0,
        largest_official_upper_end_decades=5.0,
        largest_cross_validation_upper_end_decades=5.0,
        largest_neighbours_upper_end_decades=5.0,
        smallest_harm_decades=5.0,
        longest_load_seconds=100.0,
        longest_answer_milliseconds=1e4,
        smallest_official_coverage_p=0.0,
    )


@dataclass(frozen=True)
class Template:
    """A fitted champion, a registry in which it is version 1 and champion, an empty ledger: copied, never changed."""

    shipped: Path
    registry: Path
    ledger: Path


def make_template(folder: Path) -> Template:
    """Make what every world begins with, once."""
    shipped = fit_shipped(folder / "conductivity")
    registry = ModelRegistry("conductivity", f"sqlite:///{folder / 'registry' / 'mlflow.db'}")
    first_champion(registry, shipped, who=WHO)
    Ledger.open(f"sqlite:///{folder / 'ledger.db'}").close()
    return Template(shipped, folder / "registry", folder / "ledger.db")


def make_world(folder: Path, template: Template, patch: pytest.MonkeyPatch) -> RetrainingWorld:
    """Return a fresh world; nothing in it counts as leaking into the real OBELiX."""
    shutil.copytree(template.registry, folder / "registry")
    shutil.copyfile(template.ledger, folder / "ledger.db")
    patch.setattr("training.ledger.export.reasons_to_exclude", lambda kind, contents: [""] * len(contents))
    patch.setattr(pipeline, "BackgroundProcess", InlineProcess)
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    registry = ModelRegistry("conductivity", f"sqlite:///{folder / 'registry' / 'mlflow.db'}")
    return RetrainingWorld(folder, template.shipped, ledger, registry, lenient(load_rules("conductivity")), [])


def champion_of(world: RetrainingWorld) -> Champion:
    """Load the champion as the service would."""
    alias = world.registry.alias()
    assert alias is not None
    return world.registry.load(alias)
