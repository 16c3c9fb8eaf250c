"""Champions that must not be served: each leaves the old model answering, and shows why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from champions import World, fail_on_champions, sample

from serving.models.store import SHIPPED
from serving.rest import lifecycle
from serving.rest.lifecycle import ModelKeeper
from training.tracking import DIGEST_TAG, model_name

P = "conductivity"


def spoil_arrays(folder: Path) -> None:
    path = folder / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")


def spoil_card(folder: Path) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"summary": "better"}))


def remove_everything(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("spoil", "reason"), [(spoil_arrays, "damaged"), (spoil_card, "damaged"), (remove_everything, "not_fetched")]
)
def test_spoilt_files_are_refused(world: World, spoil: Callable[[Path], None], reason: str) -> None:
    keeper = world.loaded()
    version = world.add("v1", 0.5)
    spoil(world.folder / "v1" / "conductivity")
    check_refused(world, keeper, version, reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"golden_of": 0.0}, "not_reproduced"),
        ({"digest": "0" * 64}, "damaged"),
        ({"digest": None}, "no_digest"),
    ],
)
def test_a_version_that_is_not_what_it_says_is_refused(world: World, changes: dict[str, Any], reason: str) -> None:
    keeper = world.loaded()
    check_refused(world, keeper, world.add("v1", 0.5, **changes), reason)


def test_a_model_that_fails_on_its_first_questions_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = world.loaded()
    fail_on_champions(monkeypatch)
    check_refused(world, keeper, world.add("v1", 0.5), "not_warmed")


def test_a_bundle_of_another_property_is_refused(world: World) -> None:
    keeper = world.loaded()
    digests = json.loads((SHIPPED / "digests.json").read_text())
    check_refused(world, keeper, world.registry.register(P, SHIPPED / "ccd", digests["ccd"]), "damaged")


def check_refused(world: World, keeper: ModelKeeper, version: str, reason: str) -> None:
    """Promote a broken version: the old model answers, the refusal shows, and it is not tried at every poll."""
    before, count = world.sigma(), sample("elyte_model_refusals_total", property="conductivity", reason=reason)
    world.registry.promote(P, version)
    assert keeper.check() == {}
    assert keeper.check() == {}
    assert (world.header()["origin"], world.sigma()) == ("shipped bundle", before)
    assert sample("elyte_model_refusals_total", property="conductivity", reason=reason) == count + 1
    note = keeper.notes()["conductivity"]
    assert note["registry"]["state"] == "refused"
    assert note["refused"].keys() == {"registry_version", "digest", "reason", "message", "time"}
    assert (note["refused"]["registry_version"], note["refused"]["reason"]) == (version, reason)
    assert str(world.folder) not in json.dumps(note)  # paths stay in the log
    keeper.check(anew=True)
    assert sample("elyte_model_refusals_total", property="conductivity", reason=reason) == count + 2


def test_a_sound_version_after_a_broken_one_is_served_and_the_refusal_forgotten(world: World) -> None:
    keeper = world.loaded()
    world.registry.promote(P, world.add("v1", 0.5, golden_of=0.0))
    keeper.check()
    world.registry.promote(P, world.add("v2", 0.5))
    keeper.check()
    assert world.header()["version"] == "v2"
    assert "refused" not in keeper.notes()["conductivity"]


def test_going_back_to_what_is_served_forgets_the_refusal(world: World) -> None:
    first = world.add("v1", 0.5)
    world.registry.promote(P, first)
    keeper = world.loaded()
    world.registry.promote(P, world.add("v2", 0.7, golden_of=0.0))
    keeper.check()
    assert keeper.notes()["conductivity"]["registry"]["served_version"] == first
    world.registry.promote(P, first)
    keeper.check()
    assert "refused" not in keeper.notes()["conductivity"]
    assert len(world.published) == 1


def test_files_that_could_not_be_fetched_are_tried_again_after_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = world.loaded()
    version = world.add("v1", 0.5)
    folder = world.folder / "v1"
    folder.rename(world.folder / "away")
    world.registry.promote(P, version)
    keeper.check()
    (world.folder / "away").rename(folder)
    assert keeper.check() == {}
    monkeypatch.setattr(lifecycle, "FETCH_AGAIN_SECONDS", 0.0)
    assert keeper.check().keys() == {"conductivity"}


def test_a_tag_that_changes_makes_a_served_version_suspect(world: World) -> None:
    version = world.add("v1", 0.5)
    world.registry.promote(P, version)
    keeper = world.loaded()
    world.registry.client.set_model_version_tag(model_name(P), version, DIGEST_TAG, "0" * 64)
    keeper.check()
    assert keeper.notes()["conductivity"]["refused"]["reason"] == "damaged"
    assert world.header()["version"] == "v1"
