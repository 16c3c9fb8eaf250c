"""`--what barriers`: bond-valence barriers beside measured conductivities and barriers of the literature."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.cif import read_atoms
from features.errors import CandidateError
from features.structures.expansion import OccupiedPositions, occupied_positions
from features.structures.pathways import Pathways, describe, pathways
from features.structures.representatives import ordered_representative
from training.correlation import spearman
from training.sources import MIRROR_VARIABLE, locate

Array = NDArray[np.float64]

ASKED_s = 0.15
BOUND = 1e-15
SUPERCELL_STEP_A = 0.35  # the cells of the literature hold some hundred atoms
NAMES = ("barrier_1d_eV", "barrier_2d_eV", "barrier_3d_eV", "bottleneck_A", "dimension")
IMAGES = 5
BARRIER_FILES = ("neb_5_images_train.json", "neb_5_images_test.json")


def numbers(found: Pathways) -> list[float]:
    """Return what is compared; a barrier that is nowhere reached counts as the highest."""
    return [*np.nan_to_num(found.barriers_eV, posinf=9.0).tolist(), found.bottleneck_A, float(found.dimension)]


def rank_correlations(columns: Array, other: Array) -> dict[str, float]:
    """Return Spearman's rho of each column with one other."""
    return {name: round(spearman(columns[:, i], other), 3) for i, name in enumerate(NAMES)}


def anion_of(formula: str) -> str:
    """Return a family by the anion of a reduced composition."""
    for family, symbols in (("sulfide", ("S", "Se")), ("oxide", ("O",)), ("halide", ("F", "Cl", "Br", "I"))):
        rest = formula.replace("Si", "").replace("Sn", "").replace("Sb", "").replace("Sr", "").replace("Sc", "")
        if any(symbol in rest for symbol in symbols):
            return family
    return "other"


def obelix(cifs: dict[str, str], *, quick: bool) -> dict[str, Any]:
    """Return rank correlations with log10 of conductivity (bounds at the bound) over the crystals of OBELiX."""
    rows = {row["ID"]: row for row in csv.DictReader(io.StringIO(locate("obelix_all").read_text(encoding="utf-8")))}
    pathways(cifs[sorted(cifs)[0]])  # compiles
    refused: Counter[str] = Counter()
    columns, sigma, family, seconds = [], [], [], []
    for name in sorted(cifs)[:: 8 if quick else 1]:
        started = time.process_time()
        try:
            found = pathways(cifs[name])
        except CandidateError as error:
            refused[str(error.code)] += 1
            continue
        seconds.append(time.process_time() - started)
        columns.append(numbers(found))
        sigma.append(math.log10(max(float(rows[name]["Ionic conductivity (S cm-1)"].lstrip("<>")), BOUND)))
        family.append(anion_of(rows[name]["Reduced Composition"]))
    table, log10_sigma, families = np.array(columns), np.array(sigma), np.array(family)
    of_families = {}
    for one in ("oxide", "sulfide", "halide"):
        here = families == one
        if here.sum() > 3:
            of_families[one] = {"n": int(here.sum())} | rank_correlations(table[here], log10_sigma[here])
    return {
        "crystals": len(table),
        "refused": dict(refused),
        "seconds_mean": round(float(np.mean(seconds)), 3),
        "seconds_most": round(float(np.max(seconds)), 3),
        "asked_s": ASKED_s,
        "median": {name: round(float(np.median(table[:, i])), 3) for i, name in enumerate(NAMES)},
        "dimensions": {str(int(d)): int((table[:, 4] == d).sum()) for d in np.unique(table[:, 4])},
        "spearman_log10_sigma": rank_correlations(table, log10_sigma),
        "by_family": of_families,
    }


def framework_of(entry: dict[str, Any]) -> OccupiedPositions:
    """Return the cell of a literature barrier; its moving lithium stands there five times, once an image."""
    atoms = entry["atoms"]
    elements, lattice_A = atoms["elements"], np.array(atoms["lattice_mat"], dtype=float)
    symbols = tuple(sorted(set(elements)))
    occupancies = np.zeros((len(elements), len(symbols)))
    occupancies[np.arange(len(elements)), [symbols.index(one) for one in elements]] = 1.0
    occupancies[:IMAGES] /= IMAGES  # one ion
    places = np.array(atoms["coords"], dtype=float)
    return OccupiedPositions(
        lattice_A, lattice_A, places - np.floor(places), symbols, occupancies, np.arange(len(elements)), 0.0, ()
    )


def literature(*, quick: bool) -> dict[str, Any] | str:
    """Return rank correlations with barriers of nudged elastic bands."""
    files = [path for name in BARRIER_FILES for path in Path(_mirror()).rglob(name)]
    if len(files) != len(BARRIER_FILES):
        return f"absent: {' and '.join(BARRIER_FILES)} below {MIRROR_VARIABLE}"
    entries = [one for path in files for one in json.loads(path.read_text(encoding="utf-8"))]
    lithium = [one for one in entries if one["atoms"]["elements"][:IMAGES] == ["Li"] * IMAGES]
    refused: Counter[str] = Counter()
    columns, barriers, along = [], [], []
    for entry in lithium[:: 12 if quick else 1]:
        positions = framework_of(entry)
        try:
            found = describe(positions, SUPERCELL_STEP_A)
        except CandidateError as error:
            refused[str(error.code)] += 1
            continue
        columns.append(numbers(found))
        barriers.append(float(entry["target"]))
        along.append(climb_eV(found, positions.fractional[:IMAGES]))
    table, measured, own = np.array(columns), np.array(barriers), np.array(along)
    slope, shift = np.polyfit(own, measured, 1)
    return {
        "with_lithium": len(lithium),
        "described": len(table),
        "refused": dict(refused),
        "spearman": rank_correlations(table, measured)
        | {"along_the_path_of_the_paper": round(spearman(own, measured), 3)},
        "mae_of_the_median_eV": round(float(np.abs(measured - np.median(measured)).mean()), 3),
        "mae_of_a_line_through_the_path_eV": round(float(np.abs(measured - slope * own - shift).mean()), 3),
    }


def climb_eV(found: Pathways, images: Array) -> float:
    """Return how far the site energy rises along the images of a paper's path."""
    energy_eV = found.landscape.energy_eV
    index = np.rint(images * energy_eV.shape).astype(int) % energy_eV.shape
    along = energy_eV[tuple(index.T)]
    return float(along.max() - along.min())


def beside_bvlain(cifs: dict[str, str], *, quick: bool) -> dict[str, Any]:
    """Return how the barriers of the package bvlain compare for ordered crystals, where it is installed."""
    if importlib.util.find_spec("bvlain") is None:
        return {"skipped": "bvlain is not installed"}
    from bvlain import Lain
    from pymatgen.core import Lattice, Structure

    warnings.simplefilter("ignore")
    pairs, failed = [], 0
    for name in sorted(cifs)[:: 24 if quick else 1]:
        atoms = read_atoms(cifs[name])
        if not occupied_positions(atoms).is_ordered:
            continue
        try:
            cell = ordered_representative(atoms)
            own = pathways(atoms)
        except CandidateError:
            continue
        structure = Structure(Lattice(cell.lattice_A), list(cell.symbols), cell.fractional_coordinates)
        calculator = Lain(verbose=False)
        try:
            calculator.read_structure(structure)
            calculator.bvse_distribution(mobile_ion="Li1+", use_softbv_covalent_radii=True)
            theirs = calculator.percolation_barriers(encut=8.0)
        except (ValueError, KeyError, IndexError):
            failed += 1
            continue
        pairs.append((own.barriers_eV[2], theirs["E_3D"]))
    both = np.array([pair for pair in pairs if np.isfinite(pair).all()])
    difference = both[:, 0] - both[:, 1]
    return {
        "ordered_crystals": len(both),
        "bvlain_fails": failed,
        "spearman_3d": round(spearman(both[:, 0], both[:, 1]), 3),
        "median_difference_3d_eV": round(float(np.median(difference)), 3),
        "median_absolute_difference_3d_eV": round(float(np.median(np.abs(difference))), 3),
    }


def _mirror() -> str:
    import os

    return os.environ.get(MIRROR_VARIABLE, ".")


def barriers(cifs: dict[str, str], *, quick: bool) -> dict[str, Any]:
    """Return the comparisons with measured conductivities and with computed barriers."""
    return {"obelix": obelix(cifs, quick=quick), "literature": literature(quick=quick)}
