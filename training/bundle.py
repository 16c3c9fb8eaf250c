"""One fitted property model on disk: `card.json` and `arrays.npz`, nothing that can execute.

The card names the sha256 of the arrays; the digest of a bundle is the sha256 of its card. Whoever knows the digest
(the shipped `digests.json`, the tag of a registry version) can tell that nothing was changed.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.catalogue import source
from training.machine_cache import kept_arrays

CARD_FILE, ARRAYS_FILE = "card.json", "arrays.npz"
MAX_CARD_BYTES = 4_000_000

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BundleError(RuntimeError):
    """A bundle cannot be used; the message says which file, what was found and what was expected."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSource(_Strict):
    """A table that the model was fitted on."""

    name: str
    rows: Annotated[int, Field(ge=0)]
    licence: str
    attribution: str
    sha256: Sha256


def data_source(key: str, rows: int) -> DataSource:
    """Return a table of the catalogue as a card names it."""
    entry = source(key)
    return DataSource(
        name=entry.key,
        rows=rows,
        licence=entry.licence,
        attribution=f"{entry.attribution}, doi {entry.doi}",
        sha256=str(entry.sha256),
    )


class GoldenPrediction(_Strict):
    """An answer that the model must reproduce wherever it is loaded."""

    formula: str
    temperature_C: float
    lattice: tuple[float, ...] | None = None
    values: dict[str, float]


def golden_rows(
    questions: Sequence[tuple[str, float]],
    columns: Mapping[str, NDArray[np.float64]],
    lattices: Sequence[tuple[float, ...] | None] | None = None,
) -> list[GoldenPrediction]:
    """Return what a model answers to formulas at temperatures; values that it does not give (NaN) are left out."""
    return [
        GoldenPrediction(
            formula=formula,
            temperature_C=temperature_C,
            lattice=None if lattices is None else lattices[row],
            values={name: float(column[row]) for name, column in columns.items() if not np.isnan(column[row])},
        )
        for row, (formula, temperature_C) in enumerate(questions)
    ]


class Card(_Strict):
    """The description of a bundle."""

    schema_version: Literal[1] = 1
    property: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    version: Annotated[str, Field(min_length=1)]
    trained_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
    elyte_version: str
    summary: str
    intended_use: str
    limitations: Annotated[list[str], Field(min_length=1)]
    data: Annotated[list[DataSource], Field(min_length=1)]
    recipe: dict[str, Any]
    metrics: dict[str, float]
    metrics_command: str
    model: dict[str, Any]
    libraries: dict[str, str]
    golden: Annotated[list[GoldenPrediction], Field(min_length=1)]
    files: dict[str, Sha256]


def stamped(libraries: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a new card that say when, by which elyte and with which libraries a model was made."""
    now = datetime.now(UTC)
    return {
        "version": f"{now:%Y.%m.%d.%H%M%S}",
        "trained_on": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "elyte_version": version("elyte"),
        "libraries": {"python": platform.python_version()} | {name: version(name) for name in libraries},
        "files": {},
    }


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in memory: its card, its arrays, its digest."""

    card: Card
    arrays: dict[str, NDArray[Any]]
    digest: str

    def described(self) -> Bundle:
        """Return the bundle without its arrays, of which a loaded model keeps what it needs."""
        return replace(self, arrays={})


def save_bundle(folder: Path, card: Card, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Write a bundle and return its digest; the card appears last, so that a torn write is no bundle.

    Parameters
    ----------
    folder
        Created where absent; files of an earlier bundle are replaced.
    card
        Its `files` are filled in here.
    arrays
        Name to array; object arrays are refused.

    Raises
    ------
    BundleError
        If an array holds Python objects.
    """
    objects = [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]
    if objects:
        raise BundleError(f"arrays of Python objects cannot be stored: {', '.join(objects)}")
    folder.mkdir(parents=True, exist_ok=True)
    card_part = folder / f"{CARD_FILE}.part"
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as handle:
        arrays_part = Path(handle.name)
    try:
        with arrays_part.open("wb") as file:
            np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]
        (folder / CARD_FILE).unlink(missing_ok=True)
        os.replace(arrays_part, folder / ARRAYS_FILE)
        os.chmod(folder / ARRAYS_FILE, 0o644)
        final = card.model_copy(update={"files": {ARRAYS_FILE: _sha256((folder / ARRAYS_FILE).read_bytes())}})
        content = (final.model_dump_json(indent=1) + "\n").encode()
        card_part.write_bytes(content)
        os.replace(card_part, folder / CARD_FILE)
    finally:  # a full disk leaves nothing behind
        arrays_part.unlink(missing_ok=True)
        card_part.unlink(missing_ok=True)
    return _sha256(content)


def load_bundle(folder: Path, *, expected_property: str, expected_digest: str | None = None) -> Bundle:
    """Read a bundle after checking that it is whole, unchanged and of the expected property.

    Raises
    ------
    BundleError
        If a file is missing, foreign, changed, or for another property.
    """
    card_bytes = _read(folder / CARD_FILE, MAX_CARD_BYTES)
    digest = _sha256(card_bytes)
    if expected_digest is not None and digest != expected_digest:
        raise BundleError(
            f"{folder / CARD_FILE} has digest {digest}, expected {expected_digest}: it was changed or is another"
        )
    try:
        card = Card.model_validate_json(card_bytes)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{folder / CARD_FILE} is no card of an elyte bundle: {place}: {first['msg']}") from error
    if card.property != expected_property:
        raise BundleError(f"{folder} is a bundle for {card.property}, expected one for {expected_property}")
    if set(card.files) != {ARRAYS_FILE}:
        raise BundleError(f"{folder / CARD_FILE} names the files {sorted(card.files)}, expected {ARRAYS_FILE}")
    content = _read(folder / ARRAYS_FILE, None)
    if _sha256(content) != card.files[ARRAYS_FILE]:
        raise BundleError(f"{folder / ARRAYS_FILE} was changed: its sha256 differs from the one in the card")
    return Bundle(card, kept_arrays(digest, "bundle", lambda: _arrays(content, folder / ARRAYS_FILE)), digest)


def compare_golden(stored: Sequence[GoldenPrediction], again: Sequence[GoldenPrediction], tolerance: float) -> None:
    """Refuse a model that does not reproduce the golden predictions of its card.

    Raises
    ------
    BundleError
        If a value differs by more than the tolerance, or is not there.
    """
    for kept, now in zip(stored, again, strict=True):
        for name, value in kept.values.items():
            found = now.values.get(name, np.nan)
            if not abs(found - value) <= tolerance:
                raise BundleError(
                    f"golden prediction of {kept.formula} at {kept.temperature_C:g} C: {name} is {found:.9f}, the card"
                    f" says {value:.9f}"
                )


@contextmanager
def rebuilding(folder: Path, what: str) -> Iterator[None]:
    """Turn what goes wrong while a model is rebuilt from its arrays into a `BundleError` that names the folder."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise BundleError(f"{folder} lacks a part of a {what} model: {reason}") from error


def _read(path: Path, limit: int | None) -> bytes:
    try:
        if limit is not None and path.stat().st_size > limit:
            raise BundleError(f"{path} is larger than {limit} bytes: not the card of a bundle")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from error


def _arrays(content: bytes, path: Path) -> dict[str, NDArray[Any]]:
    """Read arrays from the very bytes that were checked: the file may have changed since."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(f"{path} is not an archive of plain arrays: {error}") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
