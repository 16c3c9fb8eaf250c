"""The recipe from tables to bundle, on a machine without public tables; and what its card says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from synthetic_world import Fitted

from training.bundle import Bundle, Card, load_bundle
from training.properties.conductivity.bundling import GOLDEN_FORMULAS, load_conductivity
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.model import ConductivityModel, fit_model, n_steps
from training.properties.conductivity.plots import write_plots
from training.properties.conductivity.recipe import (
    PUBLIC_SOURCES,
    ConductivityFit,
    cross_validated_metrics,
    fixed_choices,
    load_tables,
    scored_rows,
)
from training.properties.conductivity.rows import ConductivityRows
from training.properties.conductivity.table import LITERATURE_PATH, load_literature
from training.sources import missing, source
from training.splits import normalise_doi

METRICS = ("mae", "mae_uncensored", "rmse", "spearman", "accuracy_1e-4", "coverage_90", "mean_half_width_90", "n_test")


@pytest.fixture(scope="module")
def loaded(trained: ConductivityFit) -> tuple[ConductivityModel, Bundle]:
    return load_conductivity(trained.folder, trained.digest)


def test_training_without_public_tables_works_and_says_what_is_lacking(trained: ConductivityFit) -> None:
    card = trained.card
    assert "Fitted on the embedded literature table alone" in card.limitations[0]
    assert "elyte data fetch" in card.limitations[0]
    assert [entry.name for entry in card.data] == ["literature"]
    assert set(trained.left_out) == {"formula"}  # no unit cell, no lattice variant


def test_the_card_names_the_very_file_that_was_learnt_from(trained: ConductivityFit) -> None:
    (literature,) = trained.card.data
    assert literature.sha256 == hashlib.sha256(LITERATURE_PATH.read_bytes()).hexdigest()
    assert literature.rows == len(load_literature())


def test_the_card_on_disk_is_the_card_returned_and_obeys_its_schema(trained: ConductivityFit) -> None:
    bundle = load_bundle(trained.folder, expected_property="conductivity", expected_digest=trained.digest)
    on_disk, returned = (card.model_dump(mode="json", exclude={"files"}) for card in (bundle.card, trained.card))
    assert on_disk == returned
    assert Card.model_validate(bundle.card.model_dump()) == bundle.card
    assert re.fullmatch(r"\d{4}\.\d{2}\.\d{2}\.\d{6}", bundle.card.version)
    assert {"numpy", "scipy", "scikit-learn", "lightgbm", "torch", "python"} <= set(bundle.card.libraries)


def test_the_card_keeps_the_recipe(trained: ConductivityFit) -> None:
    settings = EnsembleSettings.quick()
    assert trained.card.recipe["seed"] == settings.seed
    assert trained.card.recipe["forest_trees"] == settings.forest_trees
    assert set(trained.card.recipe) == set(EnsembleSettings.__dataclass_fields__) | set(fixed_choices())


def test_the_metrics_are_those_of_left_out_papers(trained: ConductivityFit) -> None:
    metrics = trained.card.metrics
    assert {f"formula_cv_{name}" for name in METRICS} <= set(metrics)
    assert metrics["formula_cv_n_test"] == np.isfinite(trained.left_out["formula"].rows.log10_sigma).sum()
    assert 0.3 < metrics["formula_cv_mae_uncensored"] < 1.5  # laboratories differ by 0.4 to 0.8 decades
    assert 0.85 < metrics["formula_cv_coverage_90"] < 0.95


def test_the_metrics_can_be_worked_out_from_the_left_out_predictions(fitted: Fitted) -> None:
    metrics = cross_validated_metrics(fitted.model, fitted.left_out)
    for variant, predicted in fitted.left_out.items():
        truth, answer, rows = scored_rows(fitted.model, predicted, variant)
        if variant == "lattice":
            assert predicted.rows.descriptors.has_lattice[rows].all()
        floored = np.maximum(answer.value, -10.0)
        error = np.abs(floored - truth.log10_sigma)[~truth.is_upper_bound]
        assert metrics[f"{variant}_cv_mae_uncensored"] == pytest.approx(error.mean(), abs=1e-4)
        assert metrics[f"{variant}_cv_n_test"] == len(rows)


def test_the_bundle_answers_and_keeps_its_golden_predictions(
    trained: ConductivityFit, loaded: tuple[ConductivityModel, Bundle]
) -> None:
    model, bundle = loaded
    assert {golden.formula for golden in bundle.card.golden} == set(GOLDEN_FORMULAS)
    assert {"log10_sigma_S_per_cm", "lower", "upper", "activation_energy_eV"} == set(bundle.card.golden[0].values)
    known = {normalise_doi(doi) for doi in load_literature()["doi"] if doi}
    assert set(model.domain.dois) & known
    assert len(model.domain.formulas) == trained.card.metrics["formula_cv_n_test"]


def test_progress_is_told_as_often_as_promised(synthetic_rows: ConductivityRows) -> None:
    steps: list[str] = []
    settings = EnsembleSettings.quick()
    fit_model(synthetic_rows, settings, on_step=steps.append)
    assert len(steps) == n_steps(settings)
    assert {step.split(":")[0] for step in steps} == {"formula", "lattice", "calibrating what was measured"}


def test_plots_are_pictures(fitted: Fitted, tmp_path: Path) -> None:
    written = write_plots(fitted.model, fitted.left_out, tmp_path / "plots")
    assert len(written) >= 2 * len(fitted.left_out)
    for path in written.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.parent == tmp_path / "plots"


def test_with_public_tables_the_card_names_each_with_licence_and_content() -> None:
    if absent := missing(PUBLIC_SOURCES):
        pytest.skip(f"public tables are absent: {', '.join(absent)}; run `elyte data fetch` or set a mirror")
    table, data, lacking = load_tables()
    assert lacking == []
    by_name = {entry.name: entry for entry in data}
    assert set(by_name) == {"literature", *PUBLIC_SOURCES}
    assert sum(entry.rows for entry in data) == len(table)
    for key in PUBLIC_SOURCES:
        assert by_name[key].sha256 == source(key).sha256
        assert by_name[key].licence == "CC BY 4.0"
        assert source(key).doi in by_name[key].attribution
        assert source(key).ships_in_bundle
