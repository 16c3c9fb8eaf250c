"""Which model is served, what is refused, and that the bundle elyte ships is the one it names."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.candidate import Candidate, MaterialBatch
from features.lattice import Lattice
from serving import model_store
from serving.model_store import DIGESTS_FILE, SHIPPED, ModelUnavailableError, load_models
from serving.schema import Property
from training.bundle import CARD_FILE
from training.catalogue import catalogue
from training.conductivity.bundling import GOLDEN_TOLERANCE, GoldenQuestion, golden_predictions
from training.conformance import check_property_model
from training.tracking import TRACKING_URI_VARIABLE

MAX_BUNDLES_MB = 25


@pytest.fixture(autouse=True)
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TRACKING_URI_VARIABLE, raising=False)


@pytest.fixture
def copy(bundles: Path, tmp_path: Path) -> Path:
    """Return bundles that a test may spoil."""
    return shutil.copytree(bundles, tmp_path / "bundles")


def digest_of(folder: Path) -> str:
    return load_models(str(folder))[Property.CONDUCTIVITY].bundle.digest


def test_a_folder_of_bundles_is_served(bundles: Path) -> None:
    models = load_models(str(bundles))
    assert set(models) == {Property.CONDUCTIVITY}
    served = models[Property.CONDUCTIVITY]
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
    assert load_models("auto")[Property.CONDUCTIVITY].origin == "shipped bundle"
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
    monkeypatch.setenv(TRACKING_URI_VARIABLE, "sqlite:////nowhere/mlflow.db")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ModelUnavailableError, match=r"install elyte\[registry\]"):
        load_models("auto")


# ---------------------------------------------------------------- the bundles that are shipped


@pytest.fixture(scope="module")
def shipped() -> dict[Property, Any]:
    return dict(load_models("shipped"))


def test_every_shipped_bundle_has_a_digest_and_every_digest_a_bundle(shipped: dict[Property, Any]) -> None:
    listed = json.loads((SHIPPED / DIGESTS_FILE).read_text())
    assert listed == {str(name): served.bundle.digest for name, served in shipped.items()}


def test_the_shipped_bundles_are_small() -> None:
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file())
    assert size < MAX_BUNDLES_MB * 1e6


def test_the_shipped_conductivity_model_reproduces_its_golden_predictions(shipped: dict[Property, Any]) -> None:
    served = shipped[Property.CONDUCTIVITY]
    stored = served.bundle.card.golden
    again = golden_predictions(served.model, [GoldenQuestion.of(golden) for golden in stored])
    for one, other in zip(stored, again, strict=True):
        assert other.values == pytest.approx(one.values, abs=GOLDEN_TOLERANCE)


def test_the_shipped_conductivity_model_keeps_the_promises_of_a_property_model(shipped: dict[Property, Any]) -> None:
    model = shipped[Property.CONDUCTIVITY].model
    argyrodite = Lattice(9.86, 9.86, 9.86, 90.0, 90.0, 90.0, 216, 52)
    materials = [
        Candidate.from_formula("Li6PS5Cl", lattice=argyrodite),
        *(Candidate.from_formula(golden.formula) for golden in shipped[Property.CONDUCTIVITY].bundle.card.golden[::2]),
        *map(Candidate.from_formula, ("Li4.4Si0.6Al0.4S4", "Li3.8Si0.8P0.2S4", "BaTiO3", "Li")),
    ]

    def predict(candidates: Any, coverage: float) -> dict[str, Any]:
        answer = model.predict(MaterialBatch.from_candidates(candidates), 60.0, coverage)
        return {"log10_sigma": answer.log10_sigma_S_per_cm, "activation_energy": answer.activation_energy_eV}

    check_property_model(predict, materials)


def test_the_shipped_conductivity_model_knows_what_the_field_knows(shipped: dict[Property, Any]) -> None:
    """Superionic sulfides above 1e-4 S/cm and well known, ordered lithium salts far below."""
    model = shipped[Property.CONDUCTIVITY].model
    good, poor = ["Li6PS5Cl", "Li10GeP2S12", "Li5.5PS4.5Cl1.5"], ["Li4SiO4", "Li2SO4", "LiF"]
    sigma = model.predict(MaterialBatch.from_formulas(good + poor)).log10_sigma_S_per_cm
    assert (sigma.value[:3] > -4.0).all()
    assert (sigma.value[3:] < -5.0).all()
    assert (sigma.upper - sigma.lower)[:3].max() < 4.0


def test_the_shipped_cards_use_only_data_that_may_be_shipped(shipped: dict[Property, Any]) -> None:
    attribution = (Path(__file__).parents[2] / "ATTRIBUTION.md").read_text()
    for served in shipped.values():
        card = served.bundle.card
        assert not [line for line in card.limitations if "public tables were not fetched" in line]
        assert np.isfinite(list(card.metrics.values())).all()
        for entry in card.data:
            known = catalogue().get(entry.name)
            assert known is None or known.ships_in_bundle, f"{entry.name} must not be shipped"
            assert known is None or known.doi in attribution, f"{entry.name} is not in ATTRIBUTION.md"
