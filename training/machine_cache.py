"""What this machine has found out once and need not again: golden checks that passed, and what follows from a bundle.

Kept in the user's cache folder under a key of everything on which an answer's digits may depend: versions of Python and
of the numerical libraries, the processor's instructions, and the state of the source files. What is kept is named by
the digest of the bundle that it follows from, so that another bundle finds nothing; the digests of a bundle's own files
are checked at every load, whatever is kept. A folder that cannot be written, or that belongs to another account, keeps
nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Make = Callable[[], Mapping[str, NDArray[Any]]]
FOLDER = "machine"
LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "elyte")
KERNELS_VARIABLE = "OPENBLAS_CORETYPE"
SUMS = "sums.json"
N_KEYS, N_BUNDLES = 3, 8
"""How many keys, and bundles of a key, stay; those that were used last."""


def check_once(digest: str, check: Callable[[], None]) -> None:
    """Run a check of a bundle unless it passed before on this machine, with this code and these libraries.

    Parameters
    ----------
    digest
        Of the bundle, whose files were compared with it.
    check
        Raises where the bundle does not pass; then nothing is noted.
    """
    folder = _folder_of(digest)
    stamp = None if folder is None else folder / "reproduced"
    if stamp is not None and stamp.is_file():
        return
    check()
    if stamp is not None:
        with suppress(OSError):
            _made(stamp.parent)
            stamp.touch()


def kept_arrays(digest: str, name: str, make: Make) -> Arrays:
    """Return arrays that follow from a bundle, mapped into memory where they were kept before.

    Parameters
    ----------
    digest
        Of the bundle.
    name
        Of what follows, a file name.
    make
        Computes them, float arrays of more than no dimensions; what it returns is kept.
    """
    folder = _folder_of(digest)
    if folder is not None and (found := _read(folder / name)) is not None:
        return found
    made = dict(make())
    if folder is not None:
        with suppress(OSError):
            _write(folder / name, made)
    return made


def _read(folder: Path) -> Arrays | None:
    """Return kept arrays; None where there are none, or not those that were written."""
    try:
        sums = json.loads((folder / SUMS).read_bytes())
        found = {}
        for name, expected in sums.items():
            path = folder / f"{name}.npy"
            if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
                return None
            found[name] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, AttributeError):
        return None
    return {name: np.asarray(array) for name, array in found.items()}


def _write(folder: Path, arrays: Arrays) -> None:
    """Write arrays so that no other process sees half of them."""
    _made(folder.parent)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".part-"))
    try:
        sums = {}
        for name, array in arrays.items():
            np.save(part / f"{name}.npy", array, allow_pickle=False)
            sums[name] = hashlib.sha256((part / f"{name}.npy").read_bytes()).hexdigest()
        (part / SUMS).write_text(json.dumps(sums), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # one that was damaged
        os.rename(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _made(folder: Path) -> None:
    """Make the folder of a bundle, and let the oldest ones go."""
    if not folder.is_dir():
        folder.mkdir(parents=True, mode=0o700)
        _forget_oldest(folder.parent, N_BUNDLES)
        _forget_oldest(folder.parent.parent, N_KEYS)


def _forget_oldest(folder: Path, stay: int) -> None:
    used = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in used[stay:]:
        shutil.rmtree(path, ignore_errors=True)


def _folder_of(digest: str) -> Path | None:
    """Return where what follows from a bundle is kept, None where nothing may be."""
    from platformdirs import user_cache_path

    root = user_cache_path("elyte", appauthor=False)
    home = next((path for path in (root / FOLDER, *(root / FOLDER).parents) if path.is_dir()), None)
    try:
        if home is None or home.stat().st_uid != os.getuid() or not os.access(home, os.W_OK):
            return None
    except OSError:
        return None
    return root / FOLDER / _key() / digest


@cache
def _key() -> str:
    """Return what stands for the digits that this machine, this code and these libraries compute."""
    found: dict[str, Any] = np.show_config(mode="dicts") or {}
    state = {
        "python": sys.version,
        "libraries": [version(name) for name in LIBRARIES],
        "processor": found["SIMD Extensions"],
        "kernels": os.environ.get(KERNELS_VARIABLE, ""),
        "sources": _state_of_sources(),
    }
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]


def _state_of_sources() -> list[tuple[str, int, int]]:
    """Return name, size and time of change of the source files and tables beside which models are fitted and asked."""
    root = Path(__file__).parents[1]
    found = []
    for part in ("features", "training"):
        for folder, _, names in os.walk(root / part):
            if folder.endswith("__pycache__"):
                continue
            for name in names:
                status = os.stat(os.path.join(folder, name))
                found.append((os.path.join(folder, name), status.st_size, status.st_mtime_ns))
    return sorted(found)
