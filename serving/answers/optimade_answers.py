"""Answers as OPTIMADE's structure entries (https://schemas.optimade.org), what elyte says under names of its own.

One entry a row: its composition by the specification's names, everything else under `_elyte_` and the name that it has
in the JSON answer. Sites and vectors are not given back. An entry that cannot be judged says so in `_elyte_status` and
`_elyte_error`; a document with `data` may hold no top-level errors (JSON:API).
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.errors import CandidateError
from features.formula import parse_formula
from serving.answers.rows import ResultRow

MEDIA_TYPE = "application/vnd.api+json"
API_VERSION = "1.2.0"
PREFIX = "_elyte_"
_MOST_FORMULA_UNITS = 1000
_INTEGER_TOLERANCE = 1e-4
_SAID_BY_NAME = ("formula",)  # the specification has a name for it
_UNKNOWN = (
    "lattice_vectors",
    "cartesian_site_positions",
    "nsites",
    "species",
    "species_at_sites",
    "dimension_types",
    "nperiodic_dimensions",
    "last_modified",
    "immutable_id",
    "chemical_formula_hill",
)


def entry_of(row: ResultRow) -> dict[str, object]:
    """Return the entry of one row; its `id` is the row's place, as users' ids may repeat."""
    own = {PREFIX + key: value for key, value in row.items() if key not in _SAID_BY_NAME}
    attributes = {**dict.fromkeys(_UNKNOWN), "structure_features": [], **_composition(row), **own}
    return {"id": str(row["index"]), "type": "structures", "attributes": attributes}


def document_of(data: Sequence[Any], count: int, models: Mapping[str, Any]) -> dict[str, object]:
    """Return the document of entries.

    Parameters
    ----------
    data
        Entries, or what stands for them.
    count
        How many they are.
    models
        Which models answered.
    """
    version = importlib.metadata.version("elyte")
    meta = {
        "api_version": API_VERSION,
        "query": {"representation": "/predict"},
        "more_data_available": False,
        "data_returned": count,
        "provider": {"name": "elyte", "description": "Predictions about solid electrolytes", "prefix": "elyte"},
        "implementation": {"name": "elyte", "version": version},
        PREFIX + "models": models,
    }
    return {"data": data, "links": {"next": None}, "meta": meta}


def _composition(row: ResultRow) -> dict[str, object]:
    """Return the fields of the composition, null for a row without one that is made of elements."""
    try:
        amounts = parse_formula(row["read_as"] or "")
    except CandidateError:
        amounts = {}
    symbols = sorted(amounts)
    total = sum(amounts.values())
    counts = _whole_numbers([amounts[symbol] for symbol in symbols]) if amounts else None
    known = bool(symbols)
    return {
        "elements": symbols if known else None,
        "nelements": len(symbols) if known else None,
        "elements_ratios": [amounts[symbol] / total for symbol in symbols] if known else None,
        "chemical_formula_descriptive": row["read_as"] if known else None,
        "chemical_formula_reduced": None if counts is None else _written(symbols, counts),
        "chemical_formula_anonymous": None if counts is None else _anonymous(counts),
    }


def _whole_numbers(amounts: Sequence[float]) -> list[int] | None:
    """Return the smallest whole numbers in these proportions, None where up to 1000 formula units hold none."""
    given = np.array(amounts) / min(amounts)
    units = np.arange(1, _MOST_FORMULA_UNITS + 1)[:, None]
    near = np.abs(units * given - np.rint(units * given)).max(axis=1) < _INTEGER_TOLERANCE
    if not near.any():
        return None
    found: list[int] = np.rint(units[int(near.argmax())] * given).astype(int).tolist()
    return found


def _written(symbols: Sequence[str], counts: Sequence[int]) -> str:
    return "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in zip(symbols, counts, strict=True))


def _anonymous(counts: Sequence[int]) -> str:
    names = [first + second for second in ("", *map(chr, range(97, 123))) for first in map(chr, range(65, 91))]
    return _written(names[: len(counts)], sorted(counts, reverse=True))
