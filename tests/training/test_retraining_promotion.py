"""Promotion log, locks, stages and the alias, on a real SQLite registry with small bundles."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_world import Fitted, make_card

from training.bundle import save_bundle
from training.retraining.locks import JobRunningError, only_one
from training.retraining.promotion import (
    SHIPPED_REASON,
    PromotionError,
    first_champion,
    log_of,
    move,
    recover,
    rollback,
)
from training.retraining.promotion_log import Move, MoveKind, PromotionLog, State, state_folder
from training.retraining.registry import ModelRegistry, RunRecord
from training.retraining.stages import Stages
from training.tracking import AliasTarget
from training.whole_files import write_whole

NAME = "conductivity"
WHO = "a test"


@pytest.fixture(scope="module")
def template(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a registry of three versions, none of them champion, and their bundles."""
    folder = tmp_path_factory.mktemp("promotion")
    registry = ModelRegistry(NAME, f"sqlite:///{folder / 'registry' / 'mlflow.db'}")
    for number in (1, 2, 3):
        bundle = folder / f"bundle{number}"
        digest = save_bundle(bundle, make_card(fitted.model, version=f"v{number}"), fitted.model.arrays())
        assert registry.register(
            bundle, digest, RunRecord({"elyte.verdict": "promote"}, {"n": 1.0}, ())
        ).version == str(number)
        again = registry.register(bundle, digest, RunRecord({}, {}, ()))
        assert again.version == str(number)  # the same bundle is not registered twice
    return folder


@pytest.fixture
def registry(template: Path, tmp_path: Path) -> ModelRegistry:
    shutil.copytree(template, tmp_path / "copy")
    return ModelRegistry(NAME, f"sqlite:///{tmp_path / 'copy' / 'registry' / 'mlflow.db'}")


def target(registry: ModelRegistry, version: str) -> AliasTarget:
    found = registry.by_version(version)
    assert found is not None
    return found


def promote(registry: ModelRegistry, *versions: str) -> None:
    for version in versions:
        alias = registry.alias()
        expected = None if alias is None else alias.version
        assert move(registry, target(registry, version), MoveKind.PROMOTE, who=WHO, why="a test", expected=expected)


def champion(registry: ModelRegistry) -> str | None:
    alias = registry.alias()
    return None if alias is None else alias.version


# ---------------------------------------------------------------- moves


def test_a_move_is_logged_before_and_after(registry: ModelRegistry) -> None:
    promote(registry, "1", "2")
    assert champion(registry) == "2"
    moves = log_of(registry).read(NAME)
    assert [(m.state, m.version, m.replaces) for m in moves] == [
        (State.BEGUN, "1", None),
        (State.DONE, "1", None),
        (State.BEGUN, "2", "1"),
        (State.DONE, "2", "1"),
    ]
    assert moves[0].move == moves[1].move != moves[2].move
    tags = registry.client.get_model_version("elyte-conductivity", "2").tags
    assert json.loads(tags["elyte.promotion"])["replaces"] == "1"


def test_a_move_to_the_champion_is_none(registry: ModelRegistry) -> None:
    promote(registry, "1")
    assert move(registry, target(registry, "1"), MoveKind.PROMOTE, who=WHO, why="again", expected="1") is None
    assert len(log_of(registry).read()) == 2


def test_a_decision_against_another_champion_is_void(registry: ModelRegistry) -> None:
    promote(registry, "1", "2")
    with pytest.raises(PromotionError, match="version 2 is champion now, the decision was taken against 1"):
        move(registry, target(registry, "3"), MoveKind.PROMOTE, who=WHO, why="late", expected="1")
    assert champion(registry) == "2"


def test_what_is_damaged_never_becomes_champion(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    promote(registry, "1")
    monkeypatch.setattr("training.retraining.promotion.is_sound", lambda *given: False)
    with pytest.raises(PromotionError, match="does not load"):
        move(registry, target(registry, "2"), MoveKind.PROMOTE, who=WHO, why="no", expected="1")
    assert champion(registry) == "1"
    assert not log_of(registry).open_moves(NAME)


def test_the_shipped_bundle_becomes_version_one(template: Path, tmp_path: Path) -> None:
    registry = ModelRegistry(NAME, f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert first_champion(registry, None, who=WHO) is None
    found = first_champion(registry, template / "bundle1", who=WHO)
    assert found is not None
    assert (found.version, champion(registry)) == ("1", "1")
    assert log_of(registry).read()[-1].why == SHIPPED_REASON
    again = first_champion(registry, template / "bundle2", who=WHO)  # there is one now
    assert again is not None
    assert again.version == "1"


def test_a_newer_elyte_puts_its_bundle_in_the_place_of_its_forerunners(template: Path, tmp_path: Path) -> None:
    """Who never promoted a model of their own must not be kept at the first bundle that was registered."""
    registry = ModelRegistry(NAME, f"sqlite:///{tmp_path / 'mlflow.db'}")
    first_champion(registry, template / "bundle1", who=WHO, of_elyte=True)
    alias = registry.alias()
    assert alias is not None
    assert (alias.version, alias.is_shipped) == ("1", True)
    looked = first_champion(registry, template / "bundle2", who=WHO, look_only=True, of_elyte=True)
    assert looked is not None
    assert (looked.version, champion(registry)) == ("shipped", "1")
    for _ in range(2):
        newer = first_champion(registry, template / "bundle2", who=WHO, of_elyte=True)
        assert newer is not None
        assert (newer.version, champion(registry)) == ("2", "2")
    moves = [move for move in log_of(registry).read(NAME) if move.state is State.DONE]
    assert [(move.action, move.version, move.replaces) for move in moves] == [
        (MoveKind.FIRST, "1", None),
        (MoveKind.FIRST, "2", "1"),
    ]


def test_a_newer_elyte_leaves_a_model_of_the_laboratory_where_it_is(registry: ModelRegistry, template: Path) -> None:
    promote(registry, "1")
    found = first_champion(registry, template / "bundle2", who=WHO, of_elyte=True)
    assert found is not None
    assert (found.version, champion(registry)) == ("1", "1")


# ---------------------------------------------------------------- rollback


def test_rollback_goes_back_one_by_one(registry: ModelRegistry) -> None:
    promote(registry, "1", "2", "3")
    assert rollback(registry, who=WHO, why="worse in the lab").version == "2"
    assert rollback(registry, who=WHO, why="still").version == "1"
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        rollback(registry, who=WHO, why="more")
    assert champion(registry) == "1"
    promote(registry, "3")
    assert rollback(registry, who=WHO, why="no").version == "1"


def test_rollback_passes_over_what_is_not_sound(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.retraining import promotion

    promote(registry, "1", "2", "3")
    bad, sound = target(registry, "2").digest, promotion.is_sound
    monkeypatch.setattr(
        promotion, "is_sound", lambda name, folder, digest: digest != bad and sound(name, folder, digest)
    )
    with pytest.raises(PromotionError, match="version 2 does not load"):
        rollback(registry, who=WHO, why="no", to="2")
    assert rollback(registry, who=WHO, why="no").version == "1"


def test_rollback_to_a_chosen_version(registry: ModelRegistry) -> None:
    promote(registry, "1")
    assert rollback(registry, who=WHO, why="by hand", to="3").version == "3"
    with pytest.raises(PromotionError, match="no version 9"):
        rollback(registry, who=WHO, why="by hand", to="9")
    with pytest.raises(PromotionError, match="champion already"):
        rollback(registry, who=WHO, why="by hand", to="3")


def test_an_alias_that_was_moved_by_hand_can_be_rolled_back(registry: ModelRegistry) -> None:
    promote(registry, "1", "2")
    registry.point_at("3")
    assert rollback(registry, who=WHO, why="who did that").version == "2"


# ---------------------------------------------------------------- recovery


@pytest.mark.parametrize("arrived", [False, True])
def test_recovery_looks_where_the_alias_points(registry: ModelRegistry, arrived: bool) -> None:
    promote(registry, "1")
    log = log_of(registry)
    log.append(Move("m", State.BEGUN, MoveKind.PROMOTE, NAME, "2", "d" * 64, "1", WHO, "a crash"))
    if arrived:
        registry.point_at("2")
    ended = recover(registry)
    assert [move.state for move in ended] == [State.DONE if arrived else State.ABANDONED]
    assert recover(registry) == []
    assert [m.version for m in log.champions(NAME)] == (["1", "2"] if arrived else ["1"])


def test_a_torn_line_is_passed_over_and_ended(tmp_path: Path) -> None:
    log = PromotionLog(tmp_path)
    one = Move("m", State.DONE, MoveKind.PROMOTE, NAME, "1", "d" * 64, None, WHO, "why")
    log.append(one)
    with log.path.open("ab") as file:
        file.write(b'{"move": "torn", "sta')
    assert log.read() == [one]
    log.append(replace(one, version="2"))
    assert [move.version for move in log.read()] == ["1", "2"]
    assert log.read("ccd") == []
    assert PromotionLog(tmp_path / "nowhere").read() == []


def _append(folder: str, number: int) -> None:
    for turn in range(20):
        name = f"{number}.{turn}"
        PromotionLog(Path(folder)).append(
            Move(name, State.DONE, MoveKind.PROMOTE, NAME, name, "d" * 64, None, WHO, "x" * 500)
        )


def test_writers_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append, args=(str(tmp_path), number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert len(PromotionLog(tmp_path).read()) == 60


def test_where_the_log_lies(tmp_path: Path) -> None:
    assert state_folder(f"sqlite:///{tmp_path}/mlflow.db") == tmp_path
    assert state_folder("https://mlflow.lab.example") != state_folder("https://other.lab.example")


# ---------------------------------------------------------------- locks and stages


def _hold(folder: str, ready: Callable[[], None]) -> None:
    with only_one(Path(folder), "job", "the first"):
        ready()
        signal.pause()


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(str(tmp_path), ready.set))
    holder.start()
    assert ready.wait(20)
    with (
        pytest.raises(JobRunningError, match=rf"the first \(process {holder.pid} on "),
        only_one(tmp_path, "job", "me"),
    ):
        pass
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with only_one(tmp_path, "job", "me"), only_one(tmp_path, "another", "me"):
        assert json.loads((tmp_path / "job.holder.json").read_bytes())["who"] == "me"


def test_results_are_whole_or_absent(tmp_path: Path) -> None:
    stages, calls = Stages(tmp_path, "key"), []

    def compute() -> dict[str, int]:
        calls.append(1)
        return {"n": 1}

    assert stages.once_json("a.json", compute) == stages.once_json("a.json", compute) == {"n": 1}
    assert len(calls) == 1
    assert Stages(tmp_path, "other key").find("a.json") is None
    (tmp_path / "a.json").write_bytes(b'{"n": 2}')  # changed behind its back
    assert stages.find("a.json") is None
    assert stages.once_json("a.json", compute) == {"n": 1}
    (tmp_path / "a.json.done").unlink()  # died between result and note
    assert stages.find("a.json") is None
    stages.forget()
    assert not list(tmp_path.iterdir())
    write_whole(tmp_path / "deep" / "b", b"x")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["b"]
