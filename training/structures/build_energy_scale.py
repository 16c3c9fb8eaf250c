"""Write `training/structures/energy_scale.csv`: run `python -m training.structures.build_energy_scale` to renew it.

Needs pymatgen (extra `dev`), from whose files every number is taken, and for the last of them the public table of
formation energies; prediction needs only the CSV.
"""

from __future__ import annotations

import csv
import gzip
import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from features.formula_terms import plain_amounts
from training.formula_tables import Expected, read_formula_targets
from training.sources import locate, require
from training.structures.energy_scale import SCALE_TABLE, Kind

ANIONS = ("O", "F", "S", "N", "Cl", "Br", "I", "H", "Se", "Te")
LEAST_COMPOUNDS = 10
COMPOUNDS, OLD, NEW = "calc_compounds.json.gz", "MPCompatibility.yaml", "MP2020Compatibility.yaml"


class _Row(NamedTuple):
    kind: Kind
    name: str
    of: str
    energy_eV: float
    source: str


def build(target: Path = SCALE_TABLE) -> int:
    """Write the table and return its number of rows."""
    rows = sorted({*_elements(), *_corrections_2019(), *_corrections_2020()})
    rows = sorted([*rows, *_vintages({(row.kind, row.name): row.energy_eV for row in rows})])
    with target.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(_Row._fields)
        writer.writerows(rows)
    return len(rows)


def _elements() -> Iterator[_Row]:
    """Yield the lowest computed energy per atom of each element, without corrections."""
    lowest: dict[str, tuple[float, str]] = {}
    for entry in _entries().values():
        if len(entry["composition"]) != 1:
            continue
        ((symbol, atoms),) = entry["composition"].items()
        found = (entry["energy"] / atoms, f"{COMPOUNDS} {entry['entry_id']}")
        lowest[symbol] = min(found, lowest.get(symbol, found))
    for symbol, (energy, source) in lowest.items():
        yield _Row(Kind.ELEMENT, symbol, "", round(energy, 8), source)


def _corrections_2019() -> Iterator[_Row]:
    said = _yaml(OLD)
    for molecule, energy in said["Advanced"]["CompoundEnergies"].items():
        yield _Row(Kind.GAS, molecule.rstrip("2"), "", energy, OLD)
    for kind, energy in {**said["OxideCorrections"], **said["SulfideCorrections"]}.items():
        yield _Row(Kind.ANION_2019, kind, "", energy, OLD)
    for anion, metals in said["Advanced"]["UCorrections"].items():
        for metal, energy in metals.items():
            yield _Row(Kind.HUBBARD_2019, metal, anion, energy, OLD)


def _corrections_2020() -> Iterator[_Row]:
    said = _yaml(NEW)["Corrections"]
    for kind, energy in said["CompositionCorrections"].items():
        yield _Row(Kind.ANION_2020, kind, "", energy, NEW)
    for anion, metals in said["GGAUMixingCorrections"].items():
        for metal, energy in metals.items():
            yield _Row(Kind.HUBBARD_2020, metal, anion, energy, NEW)


def _vintages(known: Mapping[tuple[Kind, str], float]) -> Iterator[_Row]:
    """Yield by how much compounds without U differ between the table and the same ones in pymatgen's file, by anion.

    The same crystal is taken to be the lowest of its composition in both. An anion counts of which at least
    `LEAST_COMPOUNDS` compounds, with no other anion, are in both.
    """
    table = _table()
    lowest: dict[frozenset[tuple[str, float]], tuple[float, Mapping[str, float], str]] = {}
    for entry in _entries().values():
        amounts, plain = entry["composition"], not entry["parameters"].get("is_hubbard")
        held = [anion for anion in ANIONS if anion in amounts]
        if len(amounts) == 1 or not plain or len(held) != 1:
            continue
        kind = str(entry["parameters"].get("oxide_type")) if held == ["O"] else held[0]
        energy = entry["energy"] / sum(amounts.values())
        key = _key(amounts)
        if key in table and energy < lowest.get(key, (0.0, {}, ""))[0]:
            lowest[key] = energy, amounts, kind
    apart: dict[str, list[float]] = {}
    for key, (energy, amounts, kind) in lowest.items():
        atoms = sum(amounts.values())
        anion = "O" if kind not in ANIONS else kind
        corrected = known.get((Kind.ANION_2019, "sulfide" if kind == "S" else kind), 0.0) * amounts[anion]
        references = sum(
            known.get((Kind.GAS, symbol), known[Kind.ELEMENT, symbol]) * amount for symbol, amount in amounts.items()
        )
        here = energy + (corrected - references) / atoms
        apart.setdefault(kind, []).append((table[key] - here) * atoms / amounts[anion])
    for kind, values in apart.items():
        if len(values) >= LEAST_COMPOUNDS:
            middle = statistics.median(values)
            spread = statistics.median(abs(value - middle) for value in values)
            source = f"critexam_ef less {COMPOUNDS}: {len(values)} compounds, MAD {spread:.4f}"
            yield _Row(Kind.VINTAGE, kind, "", round(middle, 4), source)


def _table() -> dict[frozenset[tuple[str, float]], float]:
    keys = [f"critexam_ef_{split}" for split in ("train", "val", "test")]
    require(keys, "comparing the table's energies with later ones")
    expected = Expected("an energy in eV/atom", -10.0, 10.0)
    rows = [row for key in keys for row in read_formula_targets(locate(key), expected, plain_amounts)]
    return {_key(row.amounts): row.target for row in rows}


def _key(amounts: Mapping[str, float]) -> frozenset[tuple[str, float]]:
    total = sum(amounts.values())
    return frozenset((symbol, round(amount / total, 5)) for symbol, amount in amounts.items())


def _entries() -> Mapping[str, Mapping[str, Any]]:
    with gzip.open(_folder() / COMPOUNDS, "rt", encoding="utf-8") as handle:
        entries: Mapping[str, Mapping[str, Any]] = json.load(handle)
    return entries


def _yaml(name: str) -> dict[str, Any]:
    from ruamel.yaml import YAML

    said: dict[str, Any] = YAML(typ="safe").load(_folder() / name)
    return said


def _folder() -> Path:
    import pymatgen.analysis.compatibility as compatibility

    return Path(str(compatibility.__file__)).parent


if __name__ == "__main__":
    build()
