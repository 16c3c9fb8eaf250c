"""The job end to end on a small world: promoted, kept, resumed, repeated, and the same twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from retraining_world import (
    SETTINGS,
    WHO,
    RetrainingWorld,
    Template,
    add,
    champion_of,
    family_records,
    known_table,
    make_template,
    make_world,
    official_split,
    tables,
)

from training.bundle import load_bundle
from training.ledger.export import training_rows
from training.properties.conductivity.recipe_change import record_verdict
from training.properties.conductivity.retraining import ConductivityJob
from training.refitting.bundles import fingerprints, ledger_rows_array, ledger_rows_of
from training.retraining import job
from training.retraining.background import BackgroundProcess
from training.retraining.job import JobStatus, NoChampionError, Run
from training.retraining.locks import JobRunningError, only_one
from training.retraining.promotion import first_champion, log_of, rollback
from training.retraining.promotion_log import MoveKind, State, state_folder
from training.retraining.stages import Stages


def arrays_digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return one digest for the arrays of a bundle."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(tmp_path: Path, template: Template, monkeypatch: pytest.MonkeyPatch) -> RetrainingWorld:
    return make_world(tmp_path, template, monkeypatch)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def test_a_family_that_can_be_learnt_is_promoted_and_rolled_back(world: RetrainingWorld) -> None:
    add(world.ledger, family_records())
    found = world.run(report=world.folder / "own.html")
    assert found.decision is not None
    assert found.status is JobStatus.PROMOTED, found.decision.reasons
    assert (world.registry.alias() or pytest.fail("no champion")).version == found.version == "2"
    evidence = json.loads(next(world.work.rglob("evidence.json")).read_bytes())
    new = evidence["new_sources"]
    assert new["challenger"] < 0.6 * new["champion"]
    assert evidence["new_rows"]["rank_p"] <= 0.001
    assert evidence["licences"] == {"synthetic": "CC BY 4.0", "ledger": "own measurements"}
    # MLflow shows the history
    run = world.registry.client.get_model_version("elyte-conductivity", "2").run_id
    tags = world.registry.client.get_run(run).data.tags
    assert tags["elyte.verdict"] == "promote"
    assert tags["elyte.training_set"] == found.training_set
    assert {a.path for a in world.registry.client.list_artifacts(run, "retraining")} >= {"retraining/report.html"}
    # the log has who, why and what it replaced
    made = [move for move in log_of(world.registry).read("conductivity") if move.state is State.DONE]
    assert [(move.action, move.version, move.replaces, move.who) for move in made] == [
        (MoveKind.FIRST, "1", None, WHO),
        (MoveKind.PROMOTE, "2", "1", WHO),
    ]
    assert made[1].evidence["metrics"]["new_rows.rank_p"] <= 0.001
    # the report needs nothing else
    html = (world.folder / "own.html").read_text()
    assert html.count("<svg") >= 4
    assert "src=" not in html
    assert 'href="http' not in html
    # the same data again changes nothing, nor after a rollback
    assert world.run().status is JobStatus.NOTHING_TO_DO
    rollback(world.registry, who=WHO, why="to see")
    again = world.run()
    assert again.status is JobStatus.NOTHING_TO_DO
    for path in world.work.rglob("finished.json*"):
        path.unlink()  # a cleaned cache: the log remembers
    assert "replaced since" in world.run().message
    assert champion_of(world).version == "1"


def test_shuffled_labels_end_before_a_fit(world: RetrainingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    add(world.ledger, family_records(shuffled=4))
    monkeypatch.setattr(ConductivityJob, "fit", lambda *_: pytest.fail("a fit"))
    found = world.run()
    assert found.status is JobStatus.KEPT
    assert found.version is None
    assert "can be learnt" in found.message
    assert champion_of(world).version == "1"
    experiment = world.registry.client.get_experiment_by_name("elyte-conductivity")
    runs = world.registry.client.search_runs([experiment.experiment_id])
    assert [run.data.tags["elyte.verdict"] for run in runs if "elyte.verdict" in run.data.tags] == ["keep"]
    again = world.run(promote_anyway="I insist")  # there is no challenger to promote
    assert again.status is JobStatus.NOTHING_TO_DO
    assert champion_of(world).version == "1"


def test_a_person_may_promote_against_the_gates(world: RetrainingWorld) -> None:
    world.rules = replace(world.rules, longest_answer_milliseconds=0.0)
    add(world.ledger, family_records(rows=slice(0, 4)))
    assert world.run().status is JobStatus.NEEDS_PERSON
    assert champion_of(world).version == "1"
    steps = len(world.steps)
    found = world.run(promote_anyway="the cell worked")
    assert found.status is JobStatus.PROMOTED
    assert len(world.steps) == steps  # nothing was fitted again
    last = log_of(world.registry).read("conductivity")[-1]
    assert last.why == "against the gates: the cell worked"
    assert last.evidence["verdict"] == "needs_person"


def test_other_rules_decide_anew_without_a_fit(world: RetrainingWorld) -> None:
    lenient, world.rules = world.rules, replace(world.rules, longest_answer_milliseconds=0.0)
    add(world.ledger, family_records(rows=slice(0, 4)))
    assert world.run().status is JobStatus.NEEDS_PERSON
    world.rules, steps = replace(lenient, sha256="f" * 64), len(world.steps)
    assert world.run().status is JobStatus.PROMOTED
    assert world.steps[steps:] == ["report"]
    assert len(world.registry.versions()) == 2


def job_of_another_recipe(world: RetrainingWorld) -> ConductivityJob:
    """Return a job that no recorded verdict knows of."""
    verdicts = world.folder / "verdicts.json"
    verdicts.write_text("[]")
    return ConductivityJob(replace(SETTINGS, half_life_years=3.0), tables, official_split, verdicts)


def test_another_recipe_waits_for_its_verdict(world: RetrainingWorld) -> None:
    """Without one a person is asked; once it is recorded, the stored evidence is decided anew without a fit."""
    other = job_of_another_recipe(world)
    add(world.ledger, family_records(rows=slice(0, 4)))
    found = world.run(other)
    assert found.status is JobStatus.NEEDS_PERSON, found.message
    assert found.message.startswith("recipe: not the champion's recipe (half_life_years 6.0 -> 3.0)")
    assert "`python benchmarks/conductivity.py --what gate`" in found.message
    assert world.run(other).status is JobStatus.NOTHING_TO_DO
    steps = len(world.steps)
    record_verdict(world.job().recipe(), other.recipe(), [], {}, other.verdicts)
    assert world.run(other).status is JobStatus.PROMOTED
    assert world.steps[steps:] == ["report"]
    assert world.run(other).status is JobStatus.NOTHING_TO_DO


def test_another_recipe_that_the_boards_refuse_is_not_fitted(
    world: RetrainingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = job_of_another_recipe(world)
    record_verdict(world.job().recipe(), other.recipe(), ["family_mean is worse: +0.100"], {}, other.verdicts)
    monkeypatch.setattr(ConductivityJob, "fit", lambda *_: pytest.fail("a fit"))
    add(world.ledger, family_records(rows=slice(0, 4)))
    found = world.run(other)
    assert found.status is JobStatus.KEPT
    assert "family_mean is worse: +0.100" in found.message


def test_a_dry_run_changes_nothing(world: RetrainingWorld) -> None:
    add(world.ledger, family_records(rows=slice(0, 4)))
    log = log_of(world.registry).path.read_bytes()
    found = world.run(dry_run=True)
    assert found.decision is not None
    assert found.report is not None
    assert found.version is None
    assert len(world.registry.versions()) == 1
    assert log_of(world.registry).path.read_bytes() == log


def test_a_dry_run_needs_no_registry(world: RetrainingWorld, tmp_path: Path) -> None:
    world.registry = replace(world.registry, uri=f"sqlite:///{tmp_path / 'none' / 'mlflow.db'}")
    found = first_champion(world.registry, world.shipped, who=WHO, look_only=True)
    assert found is not None
    assert found.version == "shipped"
    assert not (tmp_path / "none").exists()


STAGES = ("new_rows.json", "left_out.npz", "digest.txt", "official.npz", "evidence.json", "decision.json")


def test_a_job_killed_after_each_stage_goes_on_there(world: RetrainingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every life ends with a stage's result on the disk; no life repeats a finished stage, and the end is reached."""
    add(world.ledger, family_records(rows=slice(0, 6)))
    written: list[str] = []
    store = Stages.store

    def and_die(self: Stages, name: str, content: bytes) -> None:
        store(self, name, content)
        place = str(self.folder / name)
        if place not in written:
            written.append(place)
            raise Killed

    fits: list[int] = []
    fit = ConductivityJob.fit
    monkeypatch.setattr(ConductivityJob, "fit", lambda *given: fits.append(1) or fit(*given))
    monkeypatch.setattr(Stages, "store", and_die)
    status, lives = None, 0
    while status is None and lives < 20:
        lives += 1
        try:
            status = world.run().status
        except Killed:
            assert champion_of(world).version in ("1", "2")
    assert status in (JobStatus.NOTHING_TO_DO, JobStatus.PROMOTED, JobStatus.NEEDS_PERSON)
    assert {Path(place).name for place in written} >= set(STAGES)
    assert len(fits) <= 2  # death between the two results of the fit repeats it
    assert len(world.registry.versions()) == 2
    assert not log_of(world.registry).open_moves("conductivity")


@pytest.mark.parametrize("moved", [False, True])
def test_death_around_the_move_of_the_alias(
    world: RetrainingWorld, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    add(world.ledger, family_records())
    point_at = type(world.registry).point_at

    def and_die(registry: Any, version: str) -> None:
        if version != "1":
            if moved:
                point_at(registry, version)
            raise Killed
        point_at(registry, version)

    with monkeypatch.context() as patch:
        patch.setattr(type(world.registry), "point_at", and_die)
        with pytest.raises(Killed):
            world.run()
    assert champion_of(world).version == ("2" if moved else "1")
    found = world.run()
    assert found.status is (JobStatus.NOTHING_TO_DO if moved else JobStatus.PROMOTED)
    assert champion_of(world).version == "2"
    states = [move.state for move in log_of(world.registry).read("conductivity") if move.version == "2"]
    assert states == [State.BEGUN, State.DONE] if moved else [State.BEGUN, State.ABANDONED, State.BEGUN, State.DONE]


def test_the_same_data_and_seed_give_the_same_arrays(world: RetrainingWorld, tmp_path: Path) -> None:
    add(world.ledger, family_records(rows=slice(0, 6)))
    champion = champion_of(world)
    digests = []
    for settings in (SETTINGS, SETTINGS, replace(SETTINGS, seed=8)):
        trainer = world.job(settings)
        training_set = trainer.read(training_rows(world.ledger, "conductivity"), champion)
        folder = tmp_path / f"bundle{len(digests)}"
        fitted = trainer.fit(training_set, folder, lambda what: None)
        bundle = load_bundle(folder, expected_property="conductivity", expected_digest=fitted.digest)
        digests.append((training_set.hash, arrays_digest(bundle.arrays)))
    assert digests[0] == digests[1]
    assert digests[0][0] != digests[2][0]
    assert digests[0][1] != digests[2][1]


def test_one_job_at_a_time(world: RetrainingWorld) -> None:
    with (
        only_one(state_folder(world.registry.uri), "retrain-conductivity", "somebody"),
        pytest.raises(JobRunningError, match="somebody"),
    ):
        world.run()


def test_without_any_champion_there_is_nothing_to_compare_with(world: RetrainingWorld, tmp_path: Path) -> None:
    world.shipped = tmp_path / "nothing here"
    world.registry = replace(world.registry, uri=f"sqlite:///{tmp_path / 'none' / 'mlflow.db'}")
    with pytest.raises(NoChampionError, match="elyte train conductivity"):
        world.run()


def test_a_champion_fitted_on_these_very_rows_is_left_alone(
    world: RetrainingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = load_bundle(world.shipped, expected_property="conductivity")
    plain = {k: v for k, v in bundle.card.recipe.items() if k not in ("training_set", "ledger")}
    card = bundle.card.model_copy(update={"recipe": json.loads(json.dumps(plain))})
    monkeypatch.setattr(Run, "judge", lambda self: pytest.fail("judged"))
    load = job.first_champion
    monkeypatch.setattr(
        job,
        "first_champion",
        lambda *given, **more: replace(load(*given, **more), bundle=replace(bundle, card=card)),  # type: ignore[type-var]
    )
    assert world.run().status is JobStatus.NOTHING_TO_DO


# ---------------------------------------------------------------- the training set


def test_what_is_new_is_told_by_content_not_by_number(world: RetrainingWorld) -> None:
    add(world.ledger, family_records(rows=slice(0, 4)))
    rows = training_rows(world.ledger, "conductivity").table
    renumbered = rows.assign(row_id=[f"ledger{n + 100}" for n in range(len(rows))])
    assert fingerprints(rows) == fingerprints(renumbered)
    assert len(set(fingerprints(rows))) == len(rows)
    kept = {"retraining/ledger_rows": ledger_rows_array(rows)}
    stored = ledger_rows_of(kept)
    assert stored is not None
    assert list(stored["row_id"]) == list(rows["row_id"])
    assert ledger_rows_of({}) is None


def test_the_bundle_knows_its_ledger_rows(world: RetrainingWorld, tmp_path: Path) -> None:
    trainer = world.job()
    add(world.ledger, family_records(rows=slice(0, 4)))
    first = trainer.read(training_rows(world.ledger, "conductivity"), None)
    assert first.n_new == 4
    trainer.fit(first, tmp_path / "bundle", lambda what: None)
    bundle = load_bundle(tmp_path / "bundle", expected_property="conductivity")
    champion = replace(champion_of(world), bundle=bundle)
    again = trainer.read(training_rows(world.ledger, "conductivity"), champion)
    assert (again.n_new, again.rows_removed) == (0, 0)
    assert again.hash == first.hash == bundle.card.recipe["training_set"]
    pd.testing.assert_frame_equal(again.base, again.table, check_dtype=False)
    entry = world.ledger.holding("conductivity")[0].entry
    world.ledger.retract(entry, who=WHO, reason="the pellet was cracked")
    add(world.ledger, family_records(rows=slice(4, 5)))
    later = trainer.read(training_rows(world.ledger, "conductivity"), champion)
    assert (later.n_new, later.rows_removed) == (1, 1)
    assert f"former-ledger{entry}" in set(later.base["row_id"])
    assert len(later.base) == len(known_table()) + 4
    assert later.hash != first.hash


def test_a_published_row_in_the_ledger_is_not_counted_twice(world: RetrainingWorld) -> None:
    known = known_table().iloc[0]
    record = {
        "formula": known["formula"],
        "sigma_S_per_cm": 10.0 ** known["log10_sigma_S_per_cm"],
        "temperature_C": known["temperature_C"],
        "doi": known["doi"],
    }
    add(world.ledger, [record])
    found = world.job().read(training_rows(world.ledger, "conductivity"), None)
    assert found.n_new == 0
    assert any("repeat" in remark for remark in found.remarks)


# ---------------------------------------------------------------- the second process


def test_the_companion_returns_fails_and_dies_aloud() -> None:
    assert BackgroundProcess(divmod, 7, 2).result() == (3, 1)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        BackgroundProcess(divmod, 7, 0).result()
    companion = BackgroundProcess(_sleep, 60.0)
    companion.stop()
    with pytest.raises(RuntimeError, match="died"):
        companion.result()


def _sleep(seconds: float) -> None:
    import time

    time.sleep(seconds)
