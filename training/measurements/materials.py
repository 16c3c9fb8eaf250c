"""The material of a measurement, of whichever kind its cells name."""

from __future__ import annotations

from functools import lru_cache

from features.candidate import Candidate
from features.kinds import FIELDS, KINDS, as_typed
from features.kinds import read_material as read_fields
from training.measurements.cells import read_material
from training.measurements.columns import FORMULA, Contents, Value

Cells = tuple[tuple[str, Value], ...]


def material_cells(content: Contents) -> Cells:
    """Return the cells that name the material, by the names of the fields of its kind."""
    return tuple((name, content[name]) for name in FIELDS if name in content)


def candidate_of(content: Contents) -> Candidate | None:
    """Return the material, None where no cell names one.

    Raises
    ------
    CandidateError
        If it cannot be read.
    """
    if FORMULA in content:
        return read_material(str(content[FORMULA])).candidate
    named = material_cells(content)
    return _read(named) if named else None


@lru_cache(maxsize=50_000)
def _read(named: Cells) -> Candidate:
    return read_fields(dict(named))


def typed(content: Contents) -> str:
    """Return the material as its cells name it, "" where none does."""
    return as_typed(dict(material_cells(content)))


def material_key(content: Contents, decimals: int) -> str:
    """Return one text for all spellings of a material, "" where no cell names one."""
    candidate = candidate_of(content)
    return "" if candidate is None else KINDS[candidate.kind].key(candidate, decimals)


def in_any_spelling(content: Contents, decimals: int = 6) -> frozenset[tuple[str, Value]]:
    """Return the cells of a measurement, the same ones however its material is spelled: `2Li3N` is `Li3N`."""
    rest = {name: value for name, value in content.items() if name not in FIELDS}
    return frozenset({**rest, FORMULA: material_key(content, decimals)}.items())
