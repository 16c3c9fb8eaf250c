"""Write `training/structures/energy_scale.csv`: run `python -m training.structures.build_energy_scale` to renew it.

Needs pymatgen (extra `dev`), from whose files every number is taken; prediction needs only the CSV.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from training.structures.energy_scale import SCALE_TABLE, Kind

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
    with target.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(_Row._fields)
        writer.writerows(rows)
    return len(rows)


def _elements() -> Iterator[_Row]:
    """Yield the lowest computed energy per atom of each element, without corrections."""
    with gzip.open(_folder() / COMPOUNDS, "rt", encoding="utf-8") as handle:
        entries: Mapping[str, Mapping[str, Any]] = json.load(handle)
    lowest: dict[str, tuple[float, str]] = {}
    for entry in entries.values():
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


def _yaml(name: str) -> dict[str, Any]:
    from ruamel.yaml import YAML

    said: dict[str, Any] = YAML(typ="safe").load(_folder() / name)
    return said


def _folder() -> Path:
    import pymatgen.analysis.compatibility as compatibility

    return Path(str(compatibility.__file__)).parent


if __name__ == "__main__":
    build()
