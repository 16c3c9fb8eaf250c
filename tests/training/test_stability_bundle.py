"""A stability model on disk: it comes back and says the same, or it is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stability_world import fitted, make_card

from features.candidate import MaterialBatch
from training.bundle import BundleError, load_bundle, save_bundle
from training.properties.stability.bundling import GOLDEN_FORMULAS, check_golden, golden_predictions, load_stability
from training.properties.stability.model import StabilityModel

ASKED = ["Li3AlS3", "Li3YBr6", "Li7La3Zr2O12", "BaTiO3", "Li"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved bundle; read only."""
    place = tmp_path_factory.mktemp("stability")
    save_bundle(place, make_card(fitted().model), fitted().model.to_arrays())
    return place


def values_of(model: StabilityModel) -> np.ndarray:
    said = model.predict(MaterialBatch.from_formulas(ASKED))
    limits = (said.reduction_V.value, said.oxidation_V.value)
    return np.concatenate([*said.formation_energy_eV_per_atom, said.probability_stable, *limits])


def test_the_model_comes_back_and_says_the_same(folder: Path) -> None:
    model, bundle = load_stability(folder)
    assert bundle.card.property == "stability"
    np.testing.assert_allclose(values_of(model), values_of(fitted().model), atol=2e-4, equal_nan=True)
    assert model.settings() == fitted().model.settings()
    check_golden(model, bundle.card.golden)


def test_golden_predictions_hold_known_and_unknown_compounds_and_only_numbers() -> None:
    golden = golden_predictions(fitted().model)
    assert tuple(each.formula for each in golden) == GOLDEN_FORMULAS
    with_window = {each.formula for each in golden if "reduction_V" in each.values}
    assert with_window == {formula for formula in GOLDEN_FORMULAS if "Li" in formula}
    assert np.isfinite([list(each.values.values())[:5] for each in golden]).all()


@pytest.mark.parametrize("name", ["formation_energy_eV_per_atom", "upper", "probability_stable", "oxidation_V"])
def test_a_golden_prediction_that_is_not_reproduced_is_refused(name: str) -> None:
    golden = golden_predictions(fitted().model, ["Li3YBr6"])
    check_golden(fitted().model, golden)
    wrong = golden[0].model_copy(update={"values": golden[0].values | {name: golden[0].values[name] + 0.001}})
    with pytest.raises(BundleError, match=f"golden prediction of Li3YBr6 at 25 C: {name}"):
        check_golden(fitted().model, [wrong])


def test_a_value_that_is_no_longer_given_is_refused() -> None:
    golden = golden_predictions(fitted().model, ["BaTiO3"])
    wrong = golden[0].model_copy(update={"values": golden[0].values | {"reduction_V": 1.0}})
    with pytest.raises(BundleError, match="golden prediction of BaTiO3 at 25 C: reduction_V"):
        check_golden(fitted().model, [wrong])


@pytest.mark.parametrize("name", ["net.last.bias", "phases.energy", "calibration.residual_scores", "scaling.mean"])
def test_a_bundle_that_says_otherwise_than_its_card_is_refused(tmp_path: Path, name: str) -> None:
    arrays = fitted().model.to_arrays()
    changed = arrays | {name: arrays[name] + arrays[name].dtype.type(0.5)}
    save_bundle(tmp_path, make_card(fitted().model), changed)
    with pytest.raises(BundleError, match="golden prediction"):
        load_stability(tmp_path)


def test_a_changed_file_is_refused(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    save_bundle(tmp_path / "other", make_card(fitted().model), fitted().model.to_arrays() | {"more": np.zeros(2)})
    (tmp_path / "arrays.npz").write_bytes((tmp_path / "other" / "arrays.npz").read_bytes())
    with pytest.raises(BundleError, match="was changed"):
        load_stability(tmp_path)


def test_another_digest_than_expected_is_refused(folder: Path) -> None:
    digest = load_bundle(folder, expected_property="stability").digest
    load_stability(folder, digest)
    with pytest.raises(BundleError, match="digest"):
        load_stability(folder, "0" * 64)


@pytest.mark.parametrize(
    "name",
    [
        "net.vectors",
        "net.blocks.1.up.weight",
        "net.head_2.bias",
        "phases.amount",
        "phases.depth",
        "prototypes.dissimilarity",
        "calibration.known_weights",
        "calibration.decision",
        "scaling.spread",
        "window.oxidation_scores",
    ],
)
def test_a_missing_part_is_a_bundle_error(tmp_path: Path, name: str) -> None:
    arrays = fitted().model.to_arrays()
    del arrays[name]
    save_bundle(tmp_path, make_card(fitted().model), arrays)
    with pytest.raises(BundleError, match="lacks a part of a stability model"):
        load_stability(tmp_path)


def cut(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.update({name: arrays[name][..., :-1]})


@pytest.mark.parametrize(
    "spoil",
    [
        cut("phases.element"),
        cut("net.head_1.weight"),
        cut("prototypes.dissimilarity"),
        cut("scaling.mean"),
        lambda arrays: arrays.clear(),
        lambda arrays: arrays.update({"phases.count": arrays["phases.count"] * 0}),
    ],
    ids=["elements", "a layer", "dissimilarity", "scaling", "nothing", "phases without elements"],
)
def test_parts_that_do_not_fit_are_a_bundle_error(tmp_path: Path, spoil: Callable[[dict[str, Any]], None]) -> None:
    arrays = fitted().model.to_arrays()
    spoil(arrays)
    save_bundle(tmp_path, make_card(fitted().model), arrays)
    with pytest.raises(BundleError):
        load_stability(tmp_path)


def test_the_bundle_of_another_property_is_refused(bundles: Path) -> None:
    with pytest.raises(BundleError, match="bundle for conductivity, expected one for stability"):
        load_stability(bundles / "conductivity")
