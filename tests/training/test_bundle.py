"""A bundle is whole and unchanged, or it is refused with a reason; nothing in it is ever executed."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from synthetic_world import Fitted, make_card

from training.bundle import (
    ARRAYS_FILE,
    CARD_FILE,
    MAX_CARD_BYTES,
    Bundle,
    BundleError,
    Card,
    DataSource,
    GoldenPrediction,
    load_bundle,
    save_bundle,
)
from training.mlflow_model import _load_pyfunc
from training.properties import registry
from training.properties.conductivity.bundling import (
    GoldenQuestion,
    check_golden,
    golden_predictions,
    load_conductivity,
)
from training.properties.conductivity.model import ConductivityModel

ARRAYS: dict[str, NDArray[Any]] = {
    "weights": np.arange(6.0).reshape(2, 3),
    "part/nodes": np.array([1, 2], dtype=np.int32),
    "empty": np.empty((0, 4)),
    "number": np.array(0.5),
}


def plain_card(**changes: Any) -> Card:
    values: dict[str, Any] = {
        "property": "conductivity",
        "version": "1",
        "trained_on": "2026-01-01T00:00:00Z",
        "elyte_version": "0.1.0",
        "summary": "s",
        "intended_use": "u",
        "limitations": ["l"],
        "recipe": {"seed": 7},
        "metrics": {"mae": 1.0},
        "data": [DataSource(name="d", rows=3, licence="l", attribution="a", sha256="0" * 64)],
        "metrics_command": "c",
        "model": {},
        "libraries": {},
        "files": {},
        "golden": [GoldenPrediction(formula="Li6PS5Cl", temperature_C=25.0, values={"x": 1.0})],
    }
    return Card(**values | changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a sound bundle that a test may spoil."""
    save_bundle(tmp_path / "bundle", plain_card(), ARRAYS)
    return tmp_path / "bundle"


def load(folder: Path, digest: str | None = None) -> Bundle:
    return load_bundle(folder, expected_property="conductivity", expected_digest=digest)


def edit_card(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    card = json.loads((folder / CARD_FILE).read_text())
    change(card)
    (folder / CARD_FILE).write_text(json.dumps(card))


def replace_arrays(folder: Path, content: bytes) -> None:
    """Put other arrays in place and their checksum on the card, as a forger would."""
    import hashlib

    (folder / ARRAYS_FILE).write_bytes(content)
    edit_card(folder, lambda card: card["files"].update({ARRAYS_FILE: hashlib.sha256(content).hexdigest()}))


# ---------------------------------------------------------------- writing and reading


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    digest = save_bundle(tmp_path, plain_card(), ARRAYS)
    bundle = load(tmp_path, digest)
    assert bundle.digest == digest
    assert bundle.card == plain_card().model_copy(update={"files": bundle.card.files})
    assert set(bundle.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(bundle.arrays[name], array)
        assert bundle.arrays[name].dtype == array.dtype
    assert sorted(path.name for path in tmp_path.iterdir()) == [ARRAYS_FILE, CARD_FILE]


def test_a_bundle_replaces_the_one_that_stood_there(folder: Path) -> None:
    digest = save_bundle(folder, plain_card(version="2"), {"other": np.ones(3)})
    bundle = load(folder, digest)
    assert bundle.card.version == "2"
    assert set(bundle.arrays) == {"other"}


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="Python objects cannot be stored: bad"):
        save_bundle(tmp_path / "new", plain_card(), {"bad": np.array([{}], dtype=object)})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("moment", "old_survives"), [("numpy.savez_compressed", True), ("os.replace", False)])
def test_a_torn_write_is_no_bundle(
    folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str, old_survives: bool
) -> None:
    """The disk is full while the arrays are written, or the machine dies later: never half old, half new."""

    def die(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(moment, die)
    with pytest.raises(OSError, match="no space left"):
        save_bundle(folder, plain_card(version="2"), ARRAYS)
    monkeypatch.undo()
    if old_survives:
        assert load(folder).card.version == "1"
    else:
        with pytest.raises(BundleError, match=f"{CARD_FILE} cannot be read"):
            load(folder)


# ---------------------------------------------------------------- tampering


@pytest.mark.parametrize("place", [0.01, 0.5, 0.99])
def test_one_flipped_bit_in_the_arrays_is_noticed(folder: Path, place: float) -> None:
    content = bytearray((folder / ARRAYS_FILE).read_bytes())
    content[int(place * len(content))] ^= 1
    (folder / ARRAYS_FILE).write_bytes(content)
    with pytest.raises(BundleError, match="was changed"):
        load(folder)


def test_an_edited_card_is_noticed_by_whoever_knows_the_digest(folder: Path) -> None:
    digest = load(folder).digest
    edit_card(folder, lambda card: card["metrics"].update(mae=0.1))
    assert load(folder).card.metrics["mae"] == 0.1
    with pytest.raises(BundleError, match=rf"expected {digest}"):
        load(folder, digest)


@pytest.mark.parametrize("name", [CARD_FILE, ARRAYS_FILE])
def test_missing_files_are_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=rf"{name} cannot be read"):
        load(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nowhere"):
        load(tmp_path / "nowhere")


def test_a_bundle_of_another_property_is_refused(folder: Path) -> None:
    with pytest.raises(BundleError, match="is a bundle for conductivity, expected one for ccd"):
        load_bundle(folder, expected_property="ccd")


def test_a_bundle_of_a_property_that_this_elyte_does_not_have_names_those_that_it_has(folder: Path) -> None:
    edit_card(folder, lambda card: card.update(property="viscosity"))
    with pytest.raises(BundleError, match="is a bundle for viscosity, expected one for conductivity"):
        load(folder)
    with pytest.raises(BundleError, match=f"no property 'viscosity'; expected one of: {', '.join(registry.names())}"):
        _load_pyfunc(str(folder))


def test_a_huge_card_is_not_even_read(folder: Path) -> None:
    (folder / CARD_FILE).write_bytes(b" " * (MAX_CARD_BYTES + 1))
    with pytest.raises(BundleError, match="larger than"):
        load(folder)


def test_arrays_of_another_bundle_are_refused(folder: Path, tmp_path: Path) -> None:
    save_bundle(tmp_path / "other", plain_card(), {"weights": np.zeros(2)})
    shutil.copy(tmp_path / "other" / ARRAYS_FILE, folder / ARRAYS_FILE)
    with pytest.raises(BundleError, match="was changed"):
        load(folder)


def npz_of(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


class Trap:
    """Writes a file when it is unpickled."""

    path: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("wrapped", ["array", "bare pickle"])
def test_pickles_are_refused_and_never_executed(folder: Path, tmp_path: Path, wrapped: str) -> None:
    trap = Trap()
    trap.path = tmp_path / "sprung"
    array = np.empty(1, dtype=object)
    array[0] = trap
    content = npz_of("weights.npy", npy(array)) if wrapped == "array" else pickle.dumps(trap)
    replace_arrays(folder, content)
    with pytest.raises(BundleError, match="not an archive of plain arrays"):
        load(folder)
    assert not trap.path.exists()
    pickle.loads(pickle.dumps(trap))  # noqa: S301  the trap works
    assert trap.path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 and then nothing",
        b"hello",
        npy(np.arange(3)),  # an array, but no archive
        npz_of("weights.npy", npy(np.arange(99.0))[:150]),  # cut off
        npz_of("weights.npy", b"\x93NUMPY\x01\x00\x02\x00{}"),
    ],
)
def test_what_is_no_archive_of_arrays_is_refused(folder: Path, content: bytes) -> None:
    replace_arrays(folder, content)
    with pytest.raises(BundleError, match="not an archive of plain arrays"):
        load(folder)


# ---------------------------------------------------------------- the card's schema


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("schema_version", 2),
        ("property", ""),
        ("version", ""),
        ("trained_on", "yesterday"),
        ("limitations", []),
        ("data", []),
        ("golden", []),
        ("metrics", {"mae": None}),
        ("metrics", {"mae": "good"}),
        ("files", {ARRAYS_FILE: "abc"}),
        ("unknown", 1),
    ],
)
def test_a_card_that_breaks_its_schema_is_refused(folder: Path, place: str, value: Any) -> None:
    edit_card(folder, lambda card: card.update({place: value}))
    with pytest.raises(BundleError, match=rf"no card of an elyte bundle: {place}"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}"])
def test_a_card_that_is_no_card_is_refused(folder: Path, content: bytes) -> None:
    (folder / CARD_FILE).write_bytes(content)
    with pytest.raises(BundleError, match="no card of an elyte bundle"):
        load(folder)


@pytest.mark.parametrize("files", [{}, {"../../etc/passwd": "0" * 64}, {ARRAYS_FILE: "0" * 64, "more": "0" * 64}])
def test_a_card_names_exactly_the_arrays(folder: Path, files: dict[str, str]) -> None:
    edit_card(folder, lambda card: card.update(files=files))
    with pytest.raises(BundleError, match=f"expected {ARRAYS_FILE}"):
        load(folder)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_card_with_numbers_that_json_lacks_is_not_made(number: float) -> None:
    """Written as null, they would make a bundle that cannot be loaded."""
    with pytest.raises(ValidationError, match="finite"):
        plain_card(metrics={"spearman": number})


def test_a_failed_write_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(path.name for path in folder.iterdir())

    def full(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space left"):
        save_bundle(folder, plain_card(), ARRAYS)
    assert sorted(path.name for path in folder.iterdir()) == before
    load(folder)  # the earlier bundle is still there


# ---------------------------------------------------------------- the conductivity model in it


def test_the_model_comes_back_and_predicts_the_same(fitted: Fitted, bundles: Path) -> None:
    model, bundle = load_conductivity(bundles / "conductivity")
    again = golden_predictions(model)
    for stored, now, fresh in zip(bundle.card.golden, again, golden_predictions(fitted.model), strict=True):
        assert now.values == pytest.approx(stored.values, abs=1e-9)
        assert now.values == pytest.approx(fresh.values, abs=1e-9)


def test_golden_predictions_of_other_materials_are_recomputed_too(fitted: Fitted) -> None:
    """A later version may name other materials; an old bundle must still load."""
    golden = golden_predictions(fitted.model, [GoldenQuestion("Li3N", 80.0)])
    check_golden(fitted.model, golden)
    wrong = golden[0].model_copy(update={"values": golden[0].values | {"upper": 0.0}})
    with pytest.raises(BundleError, match="golden prediction of Li3N at 80 C: upper"):
        check_golden(fitted.model, [wrong])


def test_golden_predictions_ask_both_variants(fitted: Fitted) -> None:
    golden = golden_predictions(fitted.model)
    with_cell = [stored for stored in golden if stored.lattice is not None]
    assert 0 < len(with_cell) < len(golden)
    plain = {(stored.formula, stored.temperature_C): stored for stored in golden if stored.lattice is None}
    for stored in with_cell:
        assert stored.values != plain[stored.formula, stored.temperature_C].values
    changed = {
        name: array + 0.5 if name == "lattice/forest/targets" else array
        for name, array in fitted.model.arrays().items()
    }
    spoilt = ConductivityModel.from_arrays(changed, fitted.model.settings())
    with pytest.raises(BundleError, match="golden prediction"):
        check_golden(spoilt, golden)


def test_a_bundle_that_predicts_otherwise_than_its_card_is_refused(fitted: Fitted, tmp_path: Path) -> None:
    arrays = fitted.model.arrays()
    changed = next(name for name in arrays if name.endswith("targets"))
    save_bundle(tmp_path, make_card(fitted.model), arrays | {changed: arrays[changed] + 0.5})
    with pytest.raises(BundleError, match="golden prediction"):
        load_conductivity(tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: arrays.pop(next(name for name in arrays if name.endswith("roots"))),
        lambda arrays: arrays.update({n: a * 0 for n, a in arrays.items() if n.endswith("trees/left")}),  # circles
        lambda arrays: arrays.update({n: a[:3] for n, a in arrays.items() if n.endswith("composition")}),
        lambda arrays: arrays.clear(),
    ],
    ids=["a missing part", "trees that never end", "parts that do not fit", "nothing"],
)
def test_a_foreign_or_broken_model_is_a_bundle_error(
    fitted: Fitted, tmp_path: Path, spoil: Callable[[dict[str, Any]], None]
) -> None:
    arrays = fitted.model.arrays()
    spoil(arrays)
    save_bundle(tmp_path, make_card(fitted.model), arrays)
    with pytest.raises(BundleError, match="lacks a part of a conductivity model"):
        load_conductivity(tmp_path)


def test_settings_that_are_none_are_a_bundle_error(fitted: Fitted, tmp_path: Path) -> None:
    card = make_card(fitted.model).model_copy(update={"model": {"formula": 3}})
    save_bundle(tmp_path, card, fitted.model.arrays())
    with pytest.raises(BundleError, match="lacks a part"):
        load_conductivity(tmp_path)
