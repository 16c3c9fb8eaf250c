"""Which model is served, what is refused, and that the bundle elyte ships is the one it names."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from champions import Registry, variant

from features.candidate import Candidate, MaterialBatch
from features.lattice import Lattice
from serving.models import store as model_store
from serving.models.lines import model_lines
from serving.models.store import DIGESTS_FILE, SHIPPED, ModelUnavailableError, load_models
from serving.synthesis.experience import shipped_syntheses
from training.bundle import CARD_FILE
from training.catalogue import catalogue
from training.properties.conductivity.bundling import GOLDEN_TOLERANCE, GoldenQuestion, golden_predictions
from training.properties.conductivity.declaration import CONDUCTIVITY
from training.properties.conformance import check_property
from training.tracking import SHIPPED_TAG, TRACKING_URI_VARIABLE, model_name

MAX_BUNDLES_MB = 25


@pytest.fixture
def copy(bundles: Path, tmp_path: Path) -> Path:
    """Return bundles that a test may spoil."""
    return shutil.copytree(bundles, tmp_path / "bundles")


def digest_of(folder: Path) -> str:
    return load_models(str(folder))["conductivity"].bundle.digest


def test_a_folder_of_bundles_is_served(bundles: Path) -> None:
    models = load_models(str(bundles))
    assert set(models) == {"conductivity"}
    served = models["conductivity"]
    assert served.header() == {
        "version": "2026.01.01.000000",
        "trained_on": "2026-01-01T00:00:00Z",
        "origin": f"folder {bundles}",
        "digest": served.bundle.digest,
    }


@pytest.mark.parametrize("source", ["nowhere", ""])
def test_no_model_at_all_is_an_error_that_says_what_to_do(tmp_path: Path, source: str) -> None:
    with pytest.raises(ModelUnavailableError, match=r"no model found .*elyte train conductivity"):
        load_models(str(tmp_path / source))


def test_a_spoilt_bundle_is_named_with_its_property(copy: Path) -> None:
    (copy / "conductivity" / "arrays.npz").unlink()
    with pytest.raises(ModelUnavailableError, match=r"^conductivity: .*arrays\.npz cannot be read"):
        load_models(str(copy))


def test_the_shipped_bundle_must_have_the_digest_that_is_listed(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_store, "SHIPPED", copy)
    digest = digest_of(copy)
    (copy / DIGESTS_FILE).write_text(json.dumps({"conductivity": digest}))
    assert load_models("auto")["conductivity"].origin == "shipped bundle"
    card = json.loads((copy / "conductivity" / CARD_FILE).read_text())
    (copy / "conductivity" / CARD_FILE).write_text(json.dumps(card | {"summary": "much better than it is"}))
    with pytest.raises(ModelUnavailableError, match=f"expected {digest}"):
        load_models("auto")


def test_a_broken_list_of_digests_is_an_error_too(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_store, "SHIPPED", copy)
    (copy / DIGESTS_FILE).write_text("{")
    with pytest.raises(ModelUnavailableError, match=DIGESTS_FILE):
        load_models("shipped")


def test_a_registry_without_mlflow_says_what_to_install(bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_store, "SHIPPED", bundles)
    monkeypatch.setenv(TRACKING_URI_VARIABLE, "databricks")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ModelUnavailableError, match=r"needs mlflow, .* install elyte\[registry\]"):
        load_models("auto")


@pytest.fixture
def local(tmp_path: Path, bundles: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return the registry that retraining makes on defaults, beside a small shipped bundle."""
    folder = tmp_path / "data" / "elyte"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(model_store, "SHIPPED", bundles)
    return Registry(f"sqlite:///{shutil.copy(empty_store, folder / 'mlflow.db')}")


def promoted(registry: Registry, bundles: Path, folder: Path) -> str:
    """Make a model that answers otherwise the champion; returns its registry version."""
    digest = variant(bundles / "conductivity", folder / "conductivity", "conductivity", "better", 0.5)
    version = registry.register("conductivity", folder / "conductivity", digest)
    registry.promote("conductivity", version)
    return version


def origin() -> str:
    return load_models("auto")["conductivity"].origin


def test_what_was_promoted_on_defaults_answers_on_defaults(local: Registry, bundles: Path, tmp_path: Path) -> None:
    assert origin() == "shipped bundle"
    version = promoted(local, bundles, tmp_path)
    assert origin() == f"registry champion, version {version}"
    local.demote("conductivity")
    assert origin() == "shipped bundle"


def test_a_local_champion_is_loaded_without_mlflow(
    local: Registry, bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would cost two seconds, and an installation that only predicts has none."""
    version = promoted(local, bundles, tmp_path)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert origin() == f"registry champion, version {version}"


def test_a_local_store_of_another_shape_without_mlflow_says_what_to_install(
    local: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(local.uri.removeprefix("sqlite:///")) as connection:
        connection.execute("ALTER TABLE registered_model_aliases RENAME TO aliases_of_a_later_mlflow")
    connection.close()
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ModelUnavailableError, match=r"which retraining made, needs mlflow.*elyte\[registry\]"):
        load_models("auto")


def test_a_version_that_stands_for_the_shipped_bundle_is_answered_by_that_of_this_installation(
    local: Registry, bundles: Path, tmp_path: Path
) -> None:
    """An elyte that brings a better model must not be answered by the one that its forerunner registered."""
    version = promoted(local, bundles, tmp_path)
    local.client.set_model_version_tag(model_name("conductivity"), version, SHIPPED_TAG, "true")
    assert origin() == f"registry champion, version {version} (the shipped bundle)"
    assert load_models("auto")["conductivity"].bundle.digest == digest_of(bundles)


def test_the_registry_that_is_named_wins_over_the_local_one(
    local: Registry, bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(local, bundles, tmp_path)
    monkeypatch.setenv(TRACKING_URI_VARIABLE, f"sqlite:///{tmp_path / 'other.db'}")
    assert origin() == "shipped bundle"


@pytest.mark.parametrize("named", [False, True])
def test_the_shipped_models_can_be_asked_for_by_a_variable(
    local: Registry, bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    promoted(local, bundles, tmp_path)
    if named:
        monkeypatch.setenv(TRACKING_URI_VARIABLE, local.uri)
    monkeypatch.setenv("ELYTE_MODELS", "shipped")
    assert origin() == "shipped bundle"
    monkeypatch.setenv("ELYTE_MODELS", "mine")
    with pytest.raises(ModelUnavailableError, match="ELYTE_MODELS: received 'mine', expected auto or shipped"):
        load_models("auto")


def test_a_terminal_is_told_of_models_that_are_not_the_shipped_ones() -> None:
    trained = {"trained_on": "2026-11-28T17:23:45Z"}
    models = {
        "conductivity": {"origin": "registry champion, version 2"} | trained,
        "stability": {"origin": "shipped bundle"} | trained,
        "ccd": {"origin": "registry champion, version 1 (the shipped bundle)"} | trained,
    }
    assert model_lines(models) == ["conductivity: registry champion, version 2 (trained on 2026-11-28)"]


# ---------------------------------------------------------------- the bundles that are shipped


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return dict(load_models("shipped"))


def test_every_shipped_bundle_has_a_digest_and_every_digest_a_bundle(shipped: dict[str, Any]) -> None:
    listed = json.loads((SHIPPED / DIGESTS_FILE).read_text())
    syntheses = shipped_syntheses()
    assert syntheses is not None
    digests = {str(name): served.bundle.digest for name, served in shipped.items()}
    assert listed == digests | {"synthesis": syntheses.header["digest"]}


def test_the_shipped_bundles_are_small() -> None:
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file())
    assert size < MAX_BUNDLES_MB * 1e6


def test_the_shipped_conductivity_model_reproduces_its_golden_predictions(shipped: dict[str, Any]) -> None:
    served = shipped["conductivity"]
    stored = served.bundle.card.golden
    again = golden_predictions(served.model, [GoldenQuestion.of(golden) for golden in stored])
    for one, other in zip(stored, again, strict=True):
        assert other.values == pytest.approx(one.values, abs=GOLDEN_TOLERANCE)


def test_the_shipped_conductivity_model_keeps_the_promises_of_a_property(shipped: dict[str, Any]) -> None:
    model = shipped["conductivity"].model
    argyrodite = Lattice(9.86, 9.86, 9.86, 90.0, 90.0, 90.0, 216, 52)
    materials = [
        Candidate.from_formula("Li6PS5Cl", lattice=argyrodite),
        *(Candidate.from_formula(golden.formula) for golden in shipped["conductivity"].bundle.card.golden[::2]),
        *map(Candidate.from_formula, ("Li4.4Si0.6Al0.4S4", "Li3.8Si0.8P0.2S4", "BaTiO3", "Li")),
    ]
    check_property(CONDUCTIVITY, model, materials, conditions={"temperature_C": 60.0})


def test_the_shipped_conductivity_model_knows_what_the_field_knows(shipped: dict[str, Any]) -> None:
    """Superionic sulfides above 1e-4 S/cm and well known, ordered lithium salts far below.

    Nothing is like lithium fluoride: its answer leans towards what gets reported.
    """
    model = shipped["conductivity"].model
    good, poor = ["Li6PS5Cl", "Li10GeP2S12", "Li5.5PS4.5Cl1.5"], ["Li4SiO4", "Li2SO4", "LiF"]
    sigma = model.predict(MaterialBatch.from_formulas(good + poor)).log10_sigma_S_per_cm
    assert (sigma.value[:3] > -4.0).all()
    assert (sigma.value[3:5] < -8.0).all()
    assert sigma.value[5] < -4.5
    assert (sigma.upper - sigma.lower)[:3].max() < 4.0


def test_the_shipped_cards_use_only_data_that_may_be_shipped(shipped: dict[str, Any]) -> None:
    attribution = (Path(__file__).parents[2] / "ATTRIBUTION.md").read_text()
    for served in shipped.values():
        card = served.bundle.card
        assert not [line for line in card.limitations if "public tables were not fetched" in line]
        assert np.isfinite(list(card.metrics.values())).all()
        for entry in card.data:
            known = catalogue().get(entry.name)
            assert known is None or known.ships_in_bundle, f"{entry.name} must not be shipped"
            assert known is None or known.doi in attribution, f"{entry.name} is not in ATTRIBUTION.md"
