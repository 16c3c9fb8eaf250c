"""Materials as Python has them: texts, paths, and objects of pymatgen and ASE, whose libraries are never imported.

An object is known by the name of its class and of the module that the class or one of its bases comes from; what is
read are plain attributes. A structure becomes the OPTIMADE document that states it, so that it can be sent as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.crystal_formats.reading import CrystalFormat, format_of
from features.errors import CandidateError, RowErrorCode, shown

MAX_FILE_BYTES = 8_000_000
_PERIODIC = [1, 1, 1]
_COMPOSITION, _STRUCTURE, _ATOMS = ("pymatgen", "Composition"), ("pymatgen", "IStructure"), ("ase", "Atoms")
_ITERABLE_MATERIALS = {_COMPOSITION, _STRUCTURE, _ATOMS}

Material = str | Path | Mapping[str, Any] | object
"""A formula, a file, the fields of a candidate, or an object of pymatgen or ASE."""


def stands_for_one(material: object) -> bool:
    """Whether an object is a material by itself, not a list of some: a structure can be gone through, too."""
    kinds = _kinds(material)
    return isinstance(material, str | Path | Mapping) or bool(kinds & _ITERABLE_MATERIALS)


def _kinds(material: object) -> set[tuple[str, str]]:
    return {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(material).__mro__}


def fields_of(material: Material) -> dict[str, Any]:
    """Return the fields of a candidate that a material stands for.

    Parameters
    ----------
    material
        A formula; a path of a CIF, POSCAR or OPTIMADE file; a mapping of fields; a pymatgen `Structure` or
        `Composition`; or ASE `Atoms`. A text is always a formula, never the name of a file.

    Raises
    ------
    CandidateError
        `unreadable_row`, where a file cannot be read; `unparseable_structure`, where it is no structure.
    TypeError
        For any other object, molecules among them.
    """
    if isinstance(material, str):
        return {"formula": material}
    if isinstance(material, Path):
        return _of_file(material)
    kinds = _kinds(material)
    if _COMPOSITION in kinds:
        return {"formula": _formula_of(material)}
    if _STRUCTURE in kinds:
        return {"structure": _of_pymatgen(material)}
    if _ATOMS in kinds:
        return {"structure": _of_ase(material)}
    if isinstance(material, Mapping):
        return {**material}
    raise TypeError(
        f"a material is a formula, a path, a mapping of fields, a pymatgen Structure or Composition, or ASE Atoms;"
        f" received {type(material).__module__}.{type(material).__name__}"
    )


def fields_of_text(text: str) -> dict[str, Any]:
    """Return the field that holds the text of a file: `cif` for a CIF, `structure` for other formats."""
    return {"cif" if format_of(text) is CrystalFormat.CIF else "structure": text}


def _of_file(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CandidateError(RowErrorCode.STRUCTURE_TOO_LARGE, f"a file of more than {MAX_FILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        message = f"{shown(path.name)} cannot be read: {error.strerror or type(error).__name__}"
        raise CandidateError(RowErrorCode.UNREADABLE_ROW, message) from error
    return fields_of_text(text)


def _formula_of(composition: Any) -> str:  # noqa: ANN401
    """Write a pymatgen `Composition` as a formula; charges of its species are left out."""
    amounts: dict[str, float] = {}
    for species, amount in composition.items():
        symbol = _symbol(species)
        amounts[symbol] = amounts.get(symbol, 0.0) + float(amount)
    return "".join(
        symbol + ("" if amount == 1.0 else np.format_float_positional(amount, trim="-"))
        for symbol, amount in amounts.items()
    )


def _symbol(species: Any) -> str:  # noqa: ANN401
    """Return an element's symbol of a pymatgen `Element`, `Species` or `DummySpecies`."""
    of_element = getattr(species, "element", None)
    return str(getattr(of_element, "symbol", None) or species.symbol)


def _of_pymatgen(structure: Any) -> dict[str, Any]:  # noqa: ANN401
    sites = [
        (np.asarray(site.coords, dtype=float).tolist(), [(_symbol(s), float(x)) for s, x in site.species.items()])
        for site in structure
    ]
    vectors = np.asarray(structure.lattice.matrix, dtype=float)
    periodic = [int(bool(axis)) for axis in getattr(structure.lattice, "pbc", _PERIODIC)]
    return _document(vectors.tolist(), periodic, sites)


def _of_ase(atoms: Any) -> dict[str, Any]:  # noqa: ANN401
    """Read ASE `Atoms`; `info['occupancy']`, as `ase.io.read` fills it for disordered CIFs, by `spacegroup_kinds`."""
    vectors = np.asarray(atoms.cell, dtype=float)
    periodic = [int(bool(axis)) for axis in atoms.pbc]
    symbols = [str(symbol) for symbol in atoms.get_chemical_symbols()]
    positions = np.asarray(atoms.get_positions(), dtype=float).tolist()
    occupancy, kinds = atoms.info.get("occupancy"), atoms.arrays.get("spacegroup_kinds")
    shared: list[dict[str, float] | None] = [None] * len(symbols)
    if isinstance(occupancy, Mapping) and kinds is not None:
        by_kind = {str(kind): shares for kind, shares in occupancy.items()}
        shared = [by_kind.get(str(kind)) for kind in np.asarray(kinds).tolist()]
        _check_occupancy(symbols, shared)
    sites = [
        (place, [(str(s), float(x)) for s, x in own.items()] if own else [(symbol, 1.0)])
        for place, symbol, own in zip(positions, symbols, shared, strict=True)
    ]
    return _document(vectors.tolist(), periodic, sites)


def _check_occupancy(symbols: list[str], shared: list[dict[str, float] | None]) -> None:
    """Refuse atoms that were changed after their occupancies were read: which of the two is meant is not known."""
    for i, (symbol, own) in enumerate(zip(symbols, shared, strict=True)):
        if own and symbol not in {"H" if str(one) == "D" else str(one) for one in own}:
            message = f"atom {i} is {shown(symbol)}, but info['occupancy'] has {shown('-'.join(map(str, own)))} there"
            raise CandidateError(RowErrorCode.UNPARSEABLE_STRUCTURE, f"{message}; change both, or delete the latter")


def _document(
    vectors_A: list[list[float]],
    periodic: list[int],
    sites: Iterable[tuple[list[float], list[tuple[str, float]]]],
) -> dict[str, Any]:
    """Return the OPTIMADE entry of a cell: vectors and positions in angstrom, and the shares of each site."""
    names: dict[tuple[tuple[str, float], ...], str] = {}
    at_sites, positions = [], []
    for place, shares in sites:
        key = tuple(shares)
        symbols = "-".join(symbol for symbol, _ in shares) or "empty"
        at_sites.append(names.setdefault(key, f"{symbols} {len(names) + 1}"))
        positions.append(place)
    species = [
        {"name": name, "chemical_symbols": [s for s, _ in shares], "concentration": [x for _, x in shares]}
        for shares, name in names.items()
    ]
    attributes = {
        "dimension_types": periodic,
        "lattice_vectors": vectors_A,
        "cartesian_site_positions": positions,
        "species": species,
        "species_at_sites": at_sites,
    }
    return {"type": "structures", "id": "structure", "attributes": attributes}
