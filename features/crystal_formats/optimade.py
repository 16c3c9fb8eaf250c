"""Structures as OPTIMADE documents give them: https://schemas.optimade.org, entries of the type `structures`.

A species with several chemical symbols is a site that they share by their concentrations; `vacancy` leaves it empty.
What a species or a structure adds that has no place in a cell (assemblies, attached or implicit atoms) is refused
by name: read without it, the composition would be another one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.crystal_formats.cell import (
    ListedCell,
    ListedSite,
    check_site_count,
    check_symbol,
    check_vectors,
    finite_number,
    fractional,
    unsupported_structure,
    unusable_structure,
)
from features.errors import Remark, WarningCode, shown

Entry = Mapping[str, Any]

_MOST_SPECIES, _MOST_SYMBOLS, _MOST_ENTRIES = 1000, 120, 10_000
_LARGEST_POSITION_A = 1e6
_UNREAD_FEATURES = ("assemblies", "implicit_atoms", "site_attachments", "unknown_positions")
_FORMULA = re.compile(r"(?:[A-Z][a-z]?\d{0,6}){1,40}")


def parse_document(text: str) -> Any:  # noqa: ANN401
    """Parse JSON text.

    Raises
    ------
    CandidateError
        `unparseable_structure`, with the place.
    """
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise unusable_structure(f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise unusable_structure("JSON that is nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise unusable_structure("JSON with an integer of thousands of digits") from None


def entries_of(document: object) -> list[Entry]:
    """Return the structures of a document: `data` of an answer, one entry, its attributes alone, or a list.

    Raises
    ------
    CandidateError
        Where it holds none.
    """
    data = document["data"] if isinstance(document, Mapping) and "data" in document else document
    given = list(data) if isinstance(data, Sequence) and not isinstance(data, str) else [data]
    entries = [entry for entry in given if isinstance(entry, Mapping)]
    if not 0 < len(entries) <= _MOST_ENTRIES or len(entries) < len(given):
        raise unusable_structure("no OPTIMADE structure: expected an entry with `attributes`, or `data` with one")
    return entries


def entry_names(document: object) -> list[str]:
    """Return what the structures of a document are called: their ids, or their places from 1 on; no name twice."""
    return _names(entries_of(document))


def _names(entries: list[Entry]) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for place, entry in enumerate(entries, start=1):
        given = entry.get("id")
        name = shown(given) if isinstance(given, str) and given.strip() else f"structure {place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}({seen[name]})")
    return names


def read_optimade(document: object, name: str | None = None) -> tuple[ListedCell, list[Remark]]:
    """Read a structure of a document: the one of that id, else the first.

    Raises
    ------
    CandidateError
        `unparseable_structure`, `unsupported_structure`, `structure_too_large` or `unknown_element`.
    """
    entries = entries_of(document)
    names = _names(entries)
    if name is not None and name not in names:
        raise unusable_structure(f"no structure '{shown(name)}' among the {len(names)} of the document")
    chosen = 0 if name is None else names.index(name)
    remarks = []
    if name is None and len(entries) > 1:
        message = f"read is '{names[0]}'; the document holds {len(entries)} structures; choose with `block`"
        remarks.append(Remark(WarningCode.SEVERAL_STRUCTURES, message))
    return _cell(entries[chosen], names[chosen]), remarks


def _cell(entry: Entry, name: str) -> ListedCell:
    kind = entry.get("type", "structures")
    if kind != "structures":
        raise unusable_structure(f"an entry of the type {_said(kind)}; expected 'structures'")
    given = entry.get("attributes", entry)
    if not isinstance(given, Mapping):
        raise unusable_structure("attributes: expected an object")
    _refuse_unread(given)
    vectors_A = check_vectors(_rows(given.get("lattice_vectors"), "lattice_vectors", expected=3))
    at_sites = given.get("species_at_sites")
    if not isinstance(at_sites, Sequence) or isinstance(at_sites, str):
        raise unusable_structure("species_at_sites: expected a list with the name of a species for each site")
    check_site_count(len(at_sites))
    positions = _rows(given.get("cartesian_site_positions"), "cartesian_site_positions", expected=len(at_sites))
    if not (np.abs(positions) < _LARGEST_POSITION_A).all():
        raise unusable_structure(f"cartesian_site_positions: expected angstrom, below {_LARGEST_POSITION_A:g}")
    shares = _species(given.get("species"))
    unknown = [one for one in at_sites if not isinstance(one, str) or one not in shares]
    if unknown:
        raise unusable_structure(f"species_at_sites: {_said(unknown[0])} is not among `species`")
    sites = [
        ListedSite(shown(species), (x, y, z), shares[species])
        for species, (x, y, z) in zip(at_sites, fractional(positions, vectors_A).tolist(), strict=True)
    ]
    stated = given.get("chemical_formula_reduced")
    is_formula = isinstance(stated, str) and _FORMULA.fullmatch(stated) is not None
    return ListedCell(name, vectors_A, sites, str(stated) if is_formula else "")


def _said(value: object) -> str:
    return f"'{shown(value)}'" if isinstance(value, str) else type(value).__name__


def _refuse_unread(given: Entry) -> None:
    features = given.get("structure_features")
    named = [one for one in features if isinstance(one, str)] if isinstance(features, list) else []
    unread = next((one for one in _UNREAD_FEATURES if one in named or (one == "assemblies" and given.get(one))), None)
    if unread is not None:
        raise unsupported_structure(
            f"the structure has {unread}, which elyte does not read: give one ordered or disordered cell without them"
        )
    periodic = given.get("dimension_types")
    if (periodic is not None and periodic != [1, 1, 1]) or given.get("nperiodic_dimensions", 3) not in (3, None):
        raise unsupported_structure("the structure is not periodic in three directions; a crystal is expected")


def _rows(value: object, where: str, expected: int) -> NDArray[np.float64]:
    """Return a list of triples as an array, shape (expected, 3)."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise unusable_structure(f"{where}: expected {expected} lists of three numbers")
    if len(value) != expected:
        raise unusable_structure(f"{where}: received {len(value)} entries, expected {expected}")
    for i, row in enumerate(value):
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != 3:
            raise unusable_structure(f"{where}[{i}]: expected three numbers")
    return np.array([[finite_number(x, f"{where}[{i}]") for x in row] for i, row in enumerate(value)])


def _species(value: object) -> dict[str, dict[str, float]]:
    """Return the share of each element on the sites of every species."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not 0 < len(value) <= _MOST_SPECIES:
        raise unusable_structure(f"species: expected a list of 1 to {_MOST_SPECIES} species")
    out: dict[str, dict[str, float]] = {}
    for i, one in enumerate(value):
        name = one.get("name") if isinstance(one, Mapping) else None
        if not isinstance(one, Mapping) or not isinstance(name, str) or name in out:
            raise unusable_structure(f"species[{i}]: expected an object with a name of its own")
        if any(one.get(key) for key in ("attached", "nattached")):
            raise unsupported_structure(f"species[{i}] has attached atoms, which elyte does not read")
        out[name] = _shares(one, f"species[{i}]")
    return out


def _shares(species: Entry, where: str) -> dict[str, float]:
    symbols, concentrations = species.get("chemical_symbols"), species.get("concentration")
    if not isinstance(symbols, list) or not isinstance(concentrations, list) or len(symbols) != len(concentrations):
        raise unusable_structure(f"{where}: expected chemical_symbols and concentration, lists of one length")
    if not 0 < len(symbols) <= _MOST_SYMBOLS:
        raise unusable_structure(f"{where}: expected 1 to {_MOST_SYMBOLS} chemical symbols")
    shares: dict[str, float] = {}
    for symbol, value in zip(symbols, concentrations, strict=True):
        share = finite_number(value, f"{where}.concentration")
        if not 0.0 <= share <= 1.0 + 1e-6:
            raise unusable_structure(f"{where}.concentration: received {share:g}, expected 0 to 1")
        if symbol == "vacancy":
            continue
        found = check_symbol(symbol if isinstance(symbol, str) else type(symbol).__name__, where)
        shares[found] = shares.get(found, 0.0) + share
    total = sum(shares.values())
    if total > 1.0 + 1e-3:
        raise unusable_structure(f"{where}.concentration: the elements add up to {total:g}, expected at most 1")
    return {symbol: min(share, 1.0) for symbol, share in shares.items()}
