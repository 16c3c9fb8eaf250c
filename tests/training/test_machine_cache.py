"""What a machine found out once is found again, and only while nothing changed on which it depends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from training import machine_cache
from training.bundle import BundleError, load_bundle
from training.machine_cache import N_BUNDLES, check_once, kept_arrays

DIGEST, OTHER = "a" * 64, "b" * 64
SHIPPED = Path(__file__).parents[2] / "serving" / "bundles"
TABLES = {
    "numbers": np.arange(12.0).reshape(3, 4),
    "turned": np.arange(12.0).reshape(3, 4).T,
    "texts": np.array(["Li", "βeta", ""]),
    "flags": np.array([True, False]),
    "one": np.array(3, dtype=np.int16),
    "none": np.empty((0, 7), dtype=np.float32),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    machine_cache._key.cache_clear()
    yield tmp_path / "cache" / "elyte" / "machine"
    machine_cache._key.cache_clear()


def never() -> dict[str, np.ndarray]:
    raise AssertionError("it was kept")


def test_kept_arrays_come_back_as_they_were() -> None:
    kept_arrays(DIGEST, "tables", lambda: TABLES)
    found = kept_arrays(DIGEST, "tables", never)
    assert list(found) == list(TABLES)
    for name, array in TABLES.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def test_what_is_written_into_a_kept_array_stays_in_the_process() -> None:
    kept_arrays(DIGEST, "tables", lambda: TABLES)
    kept_arrays(DIGEST, "tables", never)["numbers"][:] = -1.0
    np.testing.assert_array_equal(kept_arrays(DIGEST, "tables", never)["numbers"], TABLES["numbers"])


def test_another_bundle_and_another_name_find_nothing() -> None:
    kept_arrays(DIGEST, "tables", lambda: TABLES)
    for digest, name in ((OTHER, "tables"), (DIGEST, "others")):
        assert kept_arrays(digest, name, lambda: {"x": np.ones(1)}).keys() == {"x"}


@pytest.mark.parametrize("damage", ["flipped", "shorter", "emptied"])
def test_a_damaged_file_is_made_anew(damage: str, cache: Path) -> None:
    kept_arrays(DIGEST, "tables", lambda: TABLES)
    (path,) = cache.rglob("tables")
    content = bytearray(path.read_bytes())
    content[-70] ^= 1
    path.write_bytes({"flipped": bytes(content), "shorter": bytes(content[:100]), "emptied": b""}[damage])
    assert kept_arrays(DIGEST, "tables", lambda: {"x": np.ones(1)}).keys() == {"x"}
    assert kept_arrays(DIGEST, "tables", never).keys() == {"x"}


def test_a_check_that_passed_is_not_repeated_and_one_that_failed_is() -> None:
    ran: list[str] = []

    def fail() -> None:
        ran.append("failed")
        raise BundleError("not the same")

    for _ in range(2):
        with pytest.raises(BundleError):
            check_once(DIGEST, fail)
    for _ in range(2):
        check_once(DIGEST, lambda: ran.append("passed"))
    check_once(OTHER, lambda: ran.append("other"))
    assert ran == ["failed", "failed", "passed", "other"]


def test_other_kernels_check_and_compute_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    for kernels in ("Haswell", "SkylakeX", "Haswell"):
        monkeypatch.setenv(machine_cache.KERNELS_VARIABLE, kernels)
        machine_cache._key.cache_clear()
        check_once(DIGEST, lambda kernels=kernels: ran.append(kernels))  # type: ignore[misc]
    assert ran == ["Haswell", "SkylakeX"]


def test_four_checkouts_leave_each_other_what_they_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    for checkout in "abcdabcd":
        monkeypatch.setattr(machine_cache, "_state_of_sources", lambda checkout=checkout: [(checkout, 1, 1)])
        machine_cache._key.cache_clear()
        check_once(DIGEST, lambda checkout=checkout: ran.append(checkout))  # type: ignore[misc]
    assert ran == [*"abcd"]


def test_a_changed_source_file_checks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    state = machine_cache._state_of_sources()
    assert any(name.endswith("machine_cache.py") for name, _, _ in state)
    for number, touched in enumerate((state, [(*state[0][:2], state[0][2] + 1), *state[1:]])):
        monkeypatch.setattr(machine_cache, "_state_of_sources", lambda touched=touched: touched)
        machine_cache._key.cache_clear()
        check_once(DIGEST, lambda number=number: ran.append(number))  # type: ignore[misc]
    assert ran == [0, 1]


def test_the_oldest_bundles_make_room(cache: Path) -> None:
    digests = [f"{number:064x}" for number in range(N_BUNDLES + 3)]
    for number, digest in enumerate(digests):
        check_once(digest, lambda: None)
        (folder,) = cache.rglob(digest)
        os.utime(folder, (number, number))
    assert {path.name for path in next(cache.iterdir()).iterdir()} >= set(digests[-N_BUNDLES + 1 :])
    assert len(list(next(cache.iterdir()).iterdir())) <= N_BUNDLES + 1


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    ran: list[int] = []
    for _ in range(2):
        check_once(DIGEST, lambda: ran.append(1))
        assert kept_arrays(DIGEST, "tables", lambda: TABLES).keys() == TABLES.keys()
    assert ran == [1, 1]


def test_whatever_is_kept_a_changed_bundle_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "ccd"
    folder.mkdir()
    for path in (SHIPPED / "ccd").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    load_bundle(folder, expected_property="ccd")
    content = bytearray((folder / "arrays.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "arrays.npz").write_bytes(content)
    with pytest.raises(BundleError, match="was changed"):
        load_bundle(folder, expected_property="ccd")


def test_a_command_answers_the_same_from_the_cache_and_loads_no_compiler(tmp_path: Path) -> None:
    """Of a compound that the tables hold; the second run finds what the first one kept."""
    code = (
        "import sys; sys.argv = ['elyte', 'predict', 'Li6PS5Cl', '--json']\n"
        "import atexit; from serving.cli import main\n"
        "atexit.register(lambda: print(sorted({'numba', 'scipy.stats', 'rdkit', 'mlflow'} & sys.modules.keys()),"
        " file=sys.stderr))\n"
        "main()"
    )
    own = os.environ | {"ELYTE_MODELS": "shipped"}
    runs = [
        subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert runs[1].stderr.strip().splitlines()[-1] == "[]"


def test_a_folder_that_others_may_write_keeps_nothing_and_ours_is_none(cache: Path) -> None:
    """Whatever the umask is: who may write there could say that a check has passed, or put other numbers there."""
    mask = os.umask(0)
    try:
        kept_arrays(DIGEST, "tables", lambda: TABLES)
    finally:
        os.umask(mask)
    assert cache.stat().st_mode & 0o077 == 0
    kept_arrays(DIGEST, "tables", never)
    cache.chmod(0o777)
    assert kept_arrays(DIGEST, "tables", lambda: {"x": np.ones(1)}).keys() == {"x"}
    ran: list[int] = []
    for _ in range(2):
        check_once(OTHER, lambda: ran.append(1))
    assert ran == [1, 1]


def test_what_could_not_be_written_whole_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk, whose last bytes every later command would take."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert kept_arrays(DIGEST, "tables", lambda: TABLES).keys() == TABLES.keys()
    assert [path for path in cache.rglob("*") if path.is_file()] == []
