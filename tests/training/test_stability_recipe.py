"""The stability recipe from the public tables to a bundle, in a quick setting; and what its card says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from phase_tables import reference

from training.bundle import Card, load_bundle
from training.catalogue import source
from training.crystals import GAP
from training.properties.stability.bundling import GOLDEN_FORMULAS, load_stability
from training.properties.stability.ensemble_fit import NetSettings
from training.properties.stability.nasicon import SOURCE as NASICONS
from training.properties.stability.plots import write_plots
from training.properties.stability.recipe import StabilityFit, train
from training.properties.stability.table import SOURCE_KEYS
from training.sources import DATA_DIR_VARIABLE, MIRROR_VARIABLE, MissingSourceError

QUICK = replace(NetSettings.quick(), seeds=(0,))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[StabilityFit, list[str]]:
    """Run the recipe once."""
    reference()
    folder = tmp_path_factory.mktemp("trained-stability")
    told: list[str] = []
    return train(folder / "stability", QUICK, work=folder / "work", on_step=told.append), told


def test_progress_is_told_as_often_as_promised(trained: tuple[StabilityFit, list[str]]) -> None:
    assert len(trained[1]) == QUICK.n_steps


def test_the_card_names_every_source_with_licence_and_content(trained: tuple[StabilityFit, list[str]]) -> None:
    card = trained[0].card
    assert [entry.name for entry in card.data] == [*SOURCE_KEYS, GAP, NASICONS]
    assert len(card.data) == 8
    for entry in card.data:
        origin = source(entry.name)
        assert entry.sha256 == origin.sha256
        assert entry.licence == origin.licence
        assert "CC BY 4.0" in entry.licence or entry.licence == "MIT"
        assert origin.doi in entry.attribution
        assert origin.ships_in_bundle
        assert entry.rows == {GAP: 106_113, NASICONS: 3090}.get(entry.name, QUICK.largest_split)


def test_the_card_keeps_the_recipe_and_scores_the_validation_split(trained: tuple[StabilityFit, list[str]]) -> None:
    card = trained[0].card
    assert card.recipe["fit"]["epochs"] == QUICK.fit.epochs
    assert list(card.recipe["seeds"]) == [0]
    scores = ("ef_mae", "ed_mae", "accuracy", "f1", "auc", "coverage_90")
    assert {f"validation_{name}" for name in scores} <= set(card.metrics)
    assert not [name for name in card.metrics if "test" in name]
    assert card.metrics["validation_coverage_90"] == pytest.approx(0.9, abs=0.01)  # the rows that calibrated it
    assert re.fullmatch(r"\d{4}\.\d{2}\.\d{2}\.\d{6}", card.version)
    assert {"numpy", "numba", "torch", "python"} <= set(card.libraries)
    assert {golden.formula for golden in card.golden} == set(GOLDEN_FORMULAS)


def test_the_bundle_on_disk_is_the_model_returned(trained: tuple[StabilityFit, list[str]]) -> None:
    done = trained[0]
    bundle = load_bundle(done.folder, expected_property="stability", expected_digest=done.digest)
    on_disk, returned = (card.model_dump(mode="json", exclude={"files"}) for card in (bundle.card, done.card))
    assert on_disk == returned
    assert Card.model_validate(bundle.card.model_dump()) == bundle.card
    model, _ = load_stability(done.folder, done.digest)
    np.testing.assert_array_equal(model.phases.element, done.model.phases.element)
    assert model.surroundings.usable.sum() == 3 * QUICK.largest_split  # type: ignore[operator]


def test_a_second_run_takes_the_nets_of_the_first(trained: tuple[StabilityFit, list[str]], tmp_path: Path) -> None:
    work = trained[0].folder.parent / "work"
    again = train(tmp_path / "stability", QUICK, work=work)
    for name, array in again.model.to_arrays().items():
        np.testing.assert_array_equal(array, trained[0].model.to_arrays()[name], err_msg=name)


def test_nets_of_a_served_model_are_kept_as_they_are(trained: tuple[StabilityFit, list[str]], tmp_path: Path) -> None:
    done = trained[0]
    kept = load_stability(done.folder, done.digest)
    again = train(tmp_path / "stability", replace(QUICK, seeds=(7,)), work=tmp_path / "work", kept=kept)
    assert not (tmp_path / "work").exists()
    assert again.card.recipe == kept[1].card.recipe
    for ours, theirs in ((again.model, done.model), (again.model.of_pool, done.model.of_pool)):
        for name, array in ours.ensemble.weights.items():
            np.testing.assert_array_equal(array, theirs.ensemble.weights[name], err_msg=name)


def test_another_student_of_the_kept_pool_is_fitted(trained: tuple[StabilityFit, list[str]], tmp_path: Path) -> None:
    done = trained[0]
    kept = load_stability(done.folder, done.digest)
    other = replace(QUICK, student=replace(QUICK.student, chunks=1))
    told: list[str] = []
    again = train(tmp_path / "stability", other, work=tmp_path / "work", kept=kept, on_step=told.append)
    assert len(told) == other.student.n_steps()
    assert len(again.model.ensemble) == 1
    assert again.card.recipe["student"]["chunks"] == 1
    np.testing.assert_array_equal(
        again.model.of_pool.ensemble.weights["last.bias"], done.model.of_pool.ensemble.weights["last.bias"]
    )
    assert (again.model.ensemble.weights["last.bias"] != done.model.ensemble.weights["last.bias"]).any()


def test_plots_are_pictures(trained: tuple[StabilityFit, list[str]], tmp_path: Path) -> None:
    written = write_plots(trained[0], tmp_path / "plots")
    assert set(written) == {"stability_parity", "stability_calibration", "stability_roc", "stability_windows"}
    for path in written.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.parent == tmp_path / "plots"


def test_without_tables_training_says_what_to_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "no-data"))
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    with pytest.raises(MissingSourceError, match="critexam_ef_train"):
        train(tmp_path / "stability", QUICK, work=tmp_path / "work")
    assert not (tmp_path / "stability").exists()
