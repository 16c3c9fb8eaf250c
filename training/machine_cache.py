"""What this machine has found out once and need not again: golden checks that passed, and what follows from a bundle.

Kept in the user's cache folder under a key of everything on which an answer's digits may depend: versions of Python and
of the numerical libraries, the processor's instructions, and the state of the source files. What is kept is named by
the digest of the bundle that it follows from, so that another bundle finds nothing; the digests of a bundle's own files
are checked at every load, whatever is kept. A folder that cannot be written, or that belongs to another account or may
be written by one, keeps nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Make = Callable[[], Mapping[str, NDArray[Any]]]
FOLDER = "machine"
KERNELS_VARIABLE = "OPENBLAS_CORETYPE"
N_KEYS, N_BUNDLES = 4, 8
"""How many keys (checkouts and versions, 65 MB each), and bundles of a key, stay; those that were made last."""
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_DIGEST_BYTES, _HEAD_BYTES, _ALIGNED_BYTES = 32, 40, 64


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
        Computes them; no Python objects. What it returns is kept.
    """
    folder = _folder_of(digest)
    if folder is not None and (found := _read(folder / name)) is not None:
        return found
    made = dict(make())
    if folder is not None:
        with suppress(OSError):
            _write(folder / name, made)
    return made


def _read(path: Path) -> Arrays | None:
    """Return kept arrays; None where there are none, or not those that were written."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size <= _HEAD_BYTES:
                return None
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as checked:  # let go of: it is a worker's memory
                index = _index_of(checked)
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # as writable as what was computed
    except (OSError, ValueError):
        return None
    if index is None:
        return None
    return {
        name: np.frombuffer(whole, dtype, math.prod(shape), start).reshape(shape)
        for name, (dtype, shape, start) in index.items()
    }


def _index_of(content: mmap.mmap) -> dict[str, tuple[str, list[int], int]] | None:
    """Return what stands where in a file, None where it is not as it was written."""
    with memoryview(content) as view, view[_DIGEST_BYTES:] as body:
        if hashlib.sha256(body).digest() != content[:_DIGEST_BYTES]:
            return None
    size = int.from_bytes(content[_DIGEST_BYTES:_HEAD_BYTES], "little")
    index: dict[str, tuple[str, list[int], int]] = json.loads(content[_HEAD_BYTES : _HEAD_BYTES + size])
    return index


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays into one file, so that no other process sees half of it.

    A sha256 of what follows, the length of the index, the index (name to dtype, shape, place), and the arrays.
    """
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    places, end = {}, 0
    for name, array in plain.items():
        places[name], end = end, end + -(-array.nbytes // _ALIGNED_BYTES) * _ALIGNED_BYTES

    def index_from(start: int) -> bytes:
        found = {name: (one.dtype.str, arrays[name].shape, start + places[name]) for name, one in plain.items()}
        return json.dumps(found).encode()

    start = -(-(_HEAD_BYTES + len(index_from(1 << 40))) // _ALIGNED_BYTES) * _ALIGNED_BYTES
    index = index_from(start)
    content = bytearray(start + end)
    content[_DIGEST_BYTES:_HEAD_BYTES] = len(index).to_bytes(_HEAD_BYTES - _DIGEST_BYTES, "little")
    content[_HEAD_BYTES : _HEAD_BYTES + len(index)] = index
    for name, array in plain.items():
        content[start + places[name] : start + places[name] + array.nbytes] = array.tobytes()
    content[:_DIGEST_BYTES] = hashlib.sha256(memoryview(content)[_DIGEST_BYTES:]).digest()
    _made(path.parent)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(part, path)
    except OSError:  # a full disk, whose last bytes it must not keep
        os.unlink(part)
        raise


def _made(folder: Path) -> None:
    """Make the folder of a bundle, and let the oldest ones go."""
    if not folder.is_dir():
        folder.parents[1].mkdir(parents=True, mode=0o700, exist_ok=True)  # `parents` would give the umask's rights
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

    root = user_cache_path("elyte", appauthor=False) / FOLDER
    home = next((path for path in (root, *root.parents) if path.is_dir()), None)
    try:
        if home is None or home.stat().st_uid != os.getuid() or not os.access(home, os.W_OK):
            return None
        if home == root and home.stat().st_mode & _OF_OTHERS:
            return None
    except OSError:
        return None
    return root / _key() / digest


@cache
def _key() -> str:
    """Return what stands for the digits that this machine, this code and these libraries compute."""
    found: Any = np.show_config(mode="dicts")
    state = {
        "python": sys.version,
        "packages": [np.__version__, os.stat(Path(np.__file__).parents[1]).st_mtime_ns],  # pip writes there
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
