"""A champion takes over between requests; a broken one, or a registry that is gone, leaves the old one answering."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from champions import FORMULA, Registry, World, fail_on_champions, sample, variant

from serving.models import store as model_store
from serving.models.store import SHIPPED, ModelUnavailableError, RegistryError, ServedModel
from serving.predictor import Predictor
from serving.rest import lifecycle
from serving.rest.lifecycle import ModelKeeper
from training.tracking import TRACKING_URI_VARIABLE, AliasTarget

P = "conductivity"


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == name]


# ---------------------------------------------------------------- without a registry, and at the start


def test_without_a_registry_the_shipped_bundle_answers_and_nothing_is_said_of_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TRACKING_URI_VARIABLE)
    keeper = world.loaded()
    assert world.header()["origin"] == "shipped bundle"
    assert keeper.notes() == {}
    assert keeper.check() == {}


def test_a_local_registry_that_is_made_later_is_followed_from_then_on(
    world: World, monkeypatch: pytest.MonkeyPatch, account: Path, empty_store: Path
) -> None:
    """What `elyte retrain` makes on defaults while a service of the same account is running."""
    monkeypatch.setenv("XDG_DATA_HOME", str(world.folder / "data"))
    monkeypatch.delenv(TRACKING_URI_VARIABLE)
    keeper = world.loaded()
    (world.folder / "data" / "elyte").mkdir(parents=True)
    local = Registry(f"sqlite:///{shutil.copy(empty_store, world.folder / 'data' / 'elyte' / 'mlflow.db')}")
    assert keeper.check() == {}
    assert keeper.notes()["conductivity"]["registry"]["state"] == "no_champion"
    digest = variant(world.shipped / P, world.folder / "v2" / P, P, "v2", 0.5)
    local.promote(P, local.register(P, world.folder / "v2" / P, digest))
    assert set(keeper.check()) == {P}
    assert world.header()["origin"] == "registry champion, version 1"


def test_who_asks_for_the_shipped_models_follows_no_registry(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.registry.promote(P, world.add("v1", 0.5))
    monkeypatch.setenv("ELYTE_MODELS", "shipped")
    keeper = world.keeper()
    keeper.run()  # ends at once: there is nothing to follow
    assert world.header()["origin"] == "shipped bundle"
    assert keeper.notes() == {}


def test_the_champion_answers_from_the_start(world: World) -> None:
    version = world.add("v1", 0.5)
    world.registry.promote(P, version)
    keeper = world.loaded()
    assert world.header()["origin"] == f"registry champion, version {version}"
    note = keeper.notes()["conductivity"]["registry"]
    assert note["state"] == "served"
    assert note["champion_version"] == note["served_version"] == version
    assert note["last_answer"].endswith("Z")


def test_a_broken_champion_at_the_start_leaves_the_shipped_bundle(world: World) -> None:
    """A group must not be left without service."""
    world.registry.promote(P, world.add("v1", 0.5, golden_of=0.0))
    keeper = world.loaded()
    assert world.header()["origin"] == "shipped bundle"
    assert keeper.notes()["conductivity"]["refused"]["reason"] == "not_reproduced"


def test_a_champion_that_cannot_be_asked_at_the_start_leaves_the_shipped_bundle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.registry.promote(P, world.add("v1", 0.5))
    fail_on_champions(monkeypatch)
    keeper = world.loaded()
    assert world.header()["origin"] == "shipped bundle"
    assert keeper.notes()["conductivity"]["refused"]["reason"] == "not_warmed"


def test_an_unreachable_registry_at_the_start_is_asked_again_then_the_shipped_bundle_answers(
    world: World, monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]]
) -> None:
    asked = refuse_to_answer(monkeypatch)
    keeper = world.loaded()
    assert world.header()["origin"] == "shipped bundle"
    assert len(asked) == 4
    assert keeper.notes()["conductivity"]["registry"]["state"] == "unreachable"
    keeper.check()
    assert len(named(events, "registry_unreachable")) == 1  # once, not at every poll
    assert sample("elyte_registry_reachable", alias="champion") == 0
    assert "secret" not in json.dumps(events)
    monkeypatch.undo()
    assert keeper.check() == {}
    assert named(events, "registry_unreachable")
    assert keeper.notes()["conductivity"]["registry"]["state"] == "no_champion"


def refuse_to_answer(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the registry be unreachable; returns what was asked of it."""
    asked: list[str] = []

    def unreachable(name: str, uri: str) -> AliasTarget | None:
        asked.append(name)
        raise RegistryError(f"{name}: no answer from http://me:secret@{uri}")

    monkeypatch.setattr(lifecycle, "look_up_champion", unreachable)
    return asked


def test_a_start_without_any_model_says_what_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_store, "SHIPPED", world.folder / "nothing")
    with pytest.raises(ModelUnavailableError, match="elyte train"):
        world.loaded()


def test_loading_is_tried_again_until_it_works(
    world: World, monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv("ELYTE_MODELS", "shipped")
    pauses: list[float] = []

    def mend(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            monkeypatch.setattr(model_store, "SHIPPED", world.shipped)

    monkeypatch.setattr(model_store, "SHIPPED", world.folder / "nothing")
    monkeypatch.setattr("serving.rest.lifecycle.time.sleep", mend)
    world.keeper().run()
    assert pauses == [2.0, 4.0, 8.0]
    assert [event["event"] for event in events] == ["loading"] + ["models_not_loaded"] * 3 + ["ready"]


# ---------------------------------------------------------------- a new champion


def test_a_promoted_version_takes_over_and_a_rollback_takes_it_back(world: World) -> None:
    first, second = world.add("v1", 0.0), world.add("v2", 0.5)
    world.registry.promote(P, first)
    keeper = world.loaded()
    swaps = sample("elyte_model_swaps_total", property="conductivity")
    before = world.sigma()
    assert keeper.check() == {}
    world.registry.promote(P, second)
    assert keeper.check()["conductivity"]["version"] == "v1"
    assert world.header()["version"] == "v2"
    assert world.sigma() > before + 0.01
    assert sample("elyte_model_info", property="conductivity", version="v1") == 0
    assert sample("elyte_model_info", property="conductivity", version="v2") == 1
    world.registry.promote(P, first)
    keeper.check()
    assert (world.header()["version"], world.sigma()) == ("v1", before)
    assert sample("elyte_model_info", property="conductivity", version="v1") == 1
    assert sample("elyte_model_swaps_total", property="conductivity") == swaps + 2
    assert sample("elyte_registry_last_poll_timestamp_seconds", alias="champion") > 1e9


def test_an_older_model_that_takes_over_is_said(world: World, events: list[dict[str, Any]]) -> None:
    """Whether it is a rollback or somebody who puts a withdrawn version back: it is served, and not in silence."""
    old, new = (world.add(f"v{day}", 0.0, trained_on=f"2026-01-0{day}T00:00:00Z") for day in (1, 2))
    world.registry.promote(P, old)
    keeper = world.loaded()
    world.registry.promote(P, new)
    keeper.check()
    assert not named(events, "model_older")
    world.registry.promote(P, old)
    keeper.check()
    (said,) = named(events, "model_older")
    assert (said["version"], said["replaces"]) == ("v1", "v2")


def test_a_poll_that_finds_nothing_new_downloads_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.registry.promote(P, world.add("v1", 0.5))
    keeper = world.loaded()
    monkeypatch.setattr(lifecycle, "load_champion", None)  # calling it would fail
    keeper.check()
    keeper.check(anew=True)
    assert len(world.published) == 1


def test_a_champion_replaces_the_shipped_bundle_while_running(world: World) -> None:
    keeper = world.loaded()
    assert keeper.notes()["conductivity"]["registry"]["state"] == "no_champion"
    world.registry.promote(P, world.add("v1", 0.5))
    assert keeper.check()["conductivity"]["origin"] == "shipped bundle"
    assert world.header()["version"] == "v1"


def test_a_request_keeps_the_predictor_that_it_started_with(world: World) -> None:
    first, second = world.add("v1", 0.0), world.add("v2", 0.5)
    world.registry.promote(P, first)
    keeper = world.loaded()
    held, before = world.published[-1], world.sigma()
    world.registry.promote(P, second)
    keeper.check()
    document = held.predict_formulas([FORMULA])
    assert document["models"]["conductivity"]["version"] == "v1"
    assert document["results"][0]["conductivity"]["log10_sigma_S_per_cm"]["value"] == before


def test_a_removed_alias_leaves_the_model_answering_and_says_so(world: World, events: list[dict[str, Any]]) -> None:
    version = world.add("v1", 0.5)
    world.registry.promote(P, version)
    keeper = world.loaded()
    world.registry.demote(P)
    keeper.check()
    keeper.check()
    note = keeper.notes()["conductivity"]["registry"]
    assert (note["state"], note["champion_version"], note["served_version"]) == ("champion_removed", None, version)
    assert world.header()["version"] == "v1"
    assert len(named(events, "champion_removed")) == 1
    world.registry.promote(P, version)
    keeper.check()
    assert keeper.notes()["conductivity"]["registry"]["state"] == "served"
    assert len(world.published) == 1


def test_a_registry_that_goes_away_leaves_the_model_answering(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.registry.promote(P, world.add("v1", 0.5))
    keeper = world.loaded()
    refuse_to_answer(monkeypatch)
    assert keeper.check() == {}
    assert not keeper.reachable
    assert keeper.notes()["conductivity"]["registry"]["state"] == "unreachable"
    assert world.header()["version"] == "v1"


def test_a_poll_that_fails_in_an_unforeseen_way_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]]
) -> None:
    class EnoughError(BaseException):
        pass

    polls: list[int] = []

    def fail(*_: Any, **__: Any) -> None:
        polls.append(1)
        raise (EnoughError if len(polls) == 3 else ZeroDivisionError)

    keeper = world.loaded()
    monkeypatch.setattr(keeper, "check", fail)
    with pytest.raises(EnoughError):
        keeper.run()
    assert len(named(events, "poll_failed")) == 2


# ---------------------------------------------------------------- several properties


UNMEASURED = "Li5.83PS4.83Br1.17"
"""Nothing that was measured holds its answer."""


def test_only_the_changed_property_is_loaded_and_ccd_asks_the_new_model(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped models of all properties: two are reused, and critical currents follow the new conductivity."""
    registry = Registry(f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}")
    monkeypatch.setenv(TRACKING_URI_VARIABLE, registry.uri)
    published: list[Predictor] = []
    keeper = ModelKeeper(published.append, pauses=())
    keeper.load()
    before = dict(keeper._served)
    target = tmp_path / "v2" / "conductivity"
    digest = variant(SHIPPED / "conductivity", target, "conductivity", "v2", 1.0)
    registry.promote(P, registry.register(P, target, digest))
    keeper.check()
    after: dict[str, ServedModel] = dict(keeper._served)
    assert after[P] is not before[P]
    assert after["stability"] is before["stability"]
    assert after["ccd"] is before["ccd"]
    old, new = (predictor.predict_formulas([UNMEASURED])["results"][0] for predictor in published)
    told = [row["ccd"]["material"]["log10_sigma"] for row in (old, new)]
    assert told[1] > told[0] + 0.05
    assert new["stability"] == old["stability"]
