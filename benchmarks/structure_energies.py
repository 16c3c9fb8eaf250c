"""Energies of structures against the table, and what intervals cover: `structures.py --what energies|interval`.

`energies`: the CIFs of OBELiX whose composition the table lists, and nine binaries of simple types. Of the
lowest structure of each composition, formation energy and sign of the decomposition energy are set beside the table's;
no constant is fitted. `interval`: residuals of all these (`listed`) and of NASICONs that were computed outside of
Materials Project (`unlisted`), each row judged by the others of its kind; `--write` writes
`training/structures/calibration.json` from them.

Records are kept in `--work`; only what is missing is relaxed, in one thread. A record takes 1 to 60 s of one core.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from structure_records import (
    EXACT,
    NAMED,
    RELAXING,
    SECOND,
    Record,
    Relaxer,
    binaries,
    listed,
    nasicon_cells,
    obelix_cells,
)

from training.correlation import spearman
from training.properties.stability.table import read_energies
from training.structures.intervals import CALIBRATION, LEAST_UNLISTED, EnergyIntervals, scale_eV_per_atom
from training.thermodynamics.given_energy import judge_energy
from training.thermodynamics.phases import PhaseTable
from training.uncertainty import ConformalScale, Interval

ASKED = {"mae": 0.013, "median": 0.007, "sign": 0.9, "Li6PS5Cl": 0.05, "Li10GeP2S12": 0.03, "seconds_50_atoms": 60.0}
COVERAGE = 0.9
COVERED = (0.88, 0.93)


def compared(folder: Path, *, most_atoms: int, known_only: bool) -> list[tuple[Record, float]]:
    """Return the lithium crystals whose composition the table lists, with its energies, smallest cells first."""
    table, relaxer = read_energies(), Relaxer(folder)
    crystals = [*binaries(), *obelix_cells()]
    cells = [(name, cell, listed(table, cell)) for name, cell in crystals]
    wanted = [
        (name, cell, energy)
        for name, cell, energy in cells
        if energy is not None and len(cell) <= most_atoms and cell.composition_distance <= EXACT
    ]
    found = []
    for name, cell, energy in sorted(wanted, key=lambda one: len(one[1])):
        if known_only and not (folder / f"{name}.json").exists():
            continue
        found.append((relaxer.record(name, cell), energy))
        print(f"{len(found)}/{len(wanted)} {name}", file=sys.stderr)
    return found


def energies(folder: Path, *, most_atoms: int, known_only: bool) -> dict[str, Any]:
    """Return the figures of formation energies and of energies above the hull."""
    phases = read_energies().phases
    rows = compared(folder, most_atoms=most_atoms, known_only=known_only)
    lowest: dict[str, tuple[Record, float]] = {}
    for record, energy in rows:
        formula = record.cell.formula
        here = record.formation_eV_per_atom(SECOND)
        if formula not in lowest or here < lowest[formula][0].formation_eV_per_atom(SECOND):
            lowest[formula] = record, energy
    of_table = np.array([energy for _, energy in lowest.values()])
    said: dict[str, Any] = {"compounds": len(lowest), "structures": len(rows)}
    for potential in (SECOND, RELAXING):
        off = np.array([record.formation_eV_per_atom(potential) for record, _ in lowest.values()]) - of_table
        key = "" if potential == SECOND else f"{potential} "
        said[f"{key}mae_eV_per_atom"] = round(float(np.abs(off).mean()), 4)
        said[f"{key}median_eV_per_atom"] = round(float(np.median(np.abs(off))), 4)
        said[f"{key}bias_eV_per_atom"] = round(float(off.mean()), 4)
    off = np.array([record.formation_eV_per_atom(SECOND) for record, _ in lowest.values()]) - of_table
    plain = [record.formation_eV_per_atom(SECOND, vintage=False) for record, _ in lowest.values()] - of_table
    said["without_vintage_mae_eV_per_atom"] = round(float(np.abs(plain).mean()), 4)
    said["without_vintage_median_eV_per_atom"] = round(float(np.median(np.abs(plain))), 4)
    worst = np.argsort(-np.abs(off))[:5]
    said["worst"] = {list(lowest)[i]: round(float(off[i]), 4) for i in worst.tolist()}
    own = np.array(
        [_against_others(phases, record, record.formation_eV_per_atom(SECOND)) for record, _ in lowest.values()]
    )
    theirs = np.array([_against_others(phases, record, energy) for record, energy in lowest.values()])
    said["sign_of_ed_right"] = round(float(((own <= 0) == (theirs <= 0)).mean()), 3)
    said |= _named(phases, folder, known_only=known_only)
    of_50 = [record.cpu_seconds for record, _ in rows if 48 <= len(record.cell) <= 52]
    said["seconds_50_atoms"] = round(max(of_50), 1) if of_50 else None
    said["seconds_per_atom_median"] = round(float(np.median([r.cpu_seconds / len(r.cell) for r, _ in rows])), 2)
    said["asked"] = ASKED
    return said


def _against_others(phases: PhaseTable, record: Record, energy: float) -> float:
    judged = judge_energy(phases, record.cell.amounts, Interval(*[np.array([energy])] * 3))
    return float(judged.decomposition.value[0])


def _named(phases: PhaseTable, folder: Path, *, known_only: bool) -> dict[str, Any]:
    """Return the energies above the hull of three electrolytes, by both potentials."""
    relaxer, said = Relaxer(folder), {}
    for name, cell in obelix_cells(tuple(NAMED.values())):
        if known_only and not (folder / f"{name}.json").exists():
            continue
        record = relaxer.record(name, cell)
        said[f"{cell.formula}_above_hull_eV_per_atom"] = {
            potential: round(_against_others(phases, record, record.formation_eV_per_atom(potential)), 4)
            for potential in (SECOND, RELAXING)
        }
    return said


def interval(folder: Path, *, most_atoms: int, known_only: bool, nasicons: int, write: bool) -> dict[str, Any]:
    """Return coverage and width of the intervals on both sets; write the calibration where asked."""
    phases, relaxer = read_energies().phases, Relaxer(folder)
    residual, apart, is_listed = [], [], []
    for record, energy in compared(folder, most_atoms=most_atoms, known_only=known_only):
        residual.append(record.formation_eV_per_atom(SECOND) - energy)
        apart.append(record.formation_eV_per_atom(SECOND) - record.formation_eV_per_atom(RELAXING))
        is_listed.append(True)
    for name, cell, energy in nasicon_cells(nasicons):
        if known_only and not (folder / f"{name}.json").exists():
            continue
        record = relaxer.record(name, cell)
        residual.append(_against_others(phases, record, record.formation_eV_per_atom(SECOND)) - energy)
        apart.append(record.formation_eV_per_atom(SECOND) - record.formation_eV_per_atom(RELAXING))
        is_listed.append(False)
        print(f"{name} {cell.formula} {energy:+.3f} off {residual[-1]:+.3f}", file=sys.stderr)
    arrays = np.array(residual), np.array(apart), np.array(is_listed)
    said = {
        name: _cover(*(array[arrays[2] == kind] for array in arrays[:2]))
        for name, kind in (("listed", True), ("unlisted", False))
    }
    inside = np.abs(arrays[0]) <= EnergyIntervals.fit(*arrays).unlisted.factor(COVERAGE) * scale_eV_per_atom(arrays[1])
    said["unlisted"]["covered_by_the_shipped_90"] = round(float(inside[~arrays[2]].mean()), 3)
    said["covered_asked"] = COVERED
    fitted = EnergyIntervals.fit(*arrays)
    widened = fitted.unlisted.factor(COVERAGE) / fitted.listed.factor(COVERAGE)
    said["unlisted_wider_by"] = round(widened, 2)
    typical = float(scale_eV_per_atom(np.median(np.abs(arrays[1]))))
    said["unlisted_half_width_90_eV_per_atom"] = round(fitted.unlisted.factor(COVERAGE) * typical, 4)
    if write:
        EnergyIntervals.fit(*arrays).write(CALIBRATION, _about(said))
    return said


def _cover(residual: np.ndarray, apart: np.ndarray) -> dict[str, Any]:
    """Return how many of n rows an interval covers that the others calibrate, and how wide it is; null of too few."""
    scale = scale_eV_per_atom(apart)
    score = np.abs(residual) / scale
    said: dict[str, Any] = {
        "n": len(score),
        "mae_eV_per_atom": round(float(np.abs(residual).mean()), 4),
        "bias_eV_per_atom": round(float(residual.mean()), 4),
        "mean_score": round(float(score.mean()), 2),
        "spearman_of_disagreement": round(spearman(np.abs(residual), np.abs(apart)), 2),
    }
    if len(score) < LEAST_UNLISTED:
        return said | {"coverage_90": None, "mean_half_width_90_eV_per_atom": None}
    factor = np.array([ConformalScale(np.sort(np.delete(score, row))).factor(COVERAGE) for row in range(len(score))])
    return said | {
        "coverage_90": round(float((score <= factor).mean()), 3),
        "mean_half_width_90_eV_per_atom": round(float((factor * scale).mean()), 4),
        "median_half_width_90_eV_per_atom": round(float(np.median(factor * scale)), 4),
    }


def _about(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "energy_by": SECOND,
        "relaxed_by": RELAXING,
        "training_set_of_the_potentials": (
            "MPtrj, relaxations of crystals of Materials Project until 2022; nearly all compositions that the table"
            " lists are in it, so `listed` says nothing of crystals that are not"
        ),
        "listed": "crystals of OBELiX (CC BY 4.0) whose composition the table of formation energies lists",
        "unlisted": (
            f"{said['unlisted']['n']} NASICONs drawn from Ouyang et al., arXiv 2102.03627 (MIT), computed outside of"
            " Materials Project, one family of sodium oxides: other chemistries may be farther off"
        ),
        "figures": said,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("energies", "interval"), required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of records")
    parser.add_argument("--most-atoms", type=int, default=50, help="of a crystal that is compared")
    parser.add_argument("--nasicons", type=int, default=30)
    parser.add_argument("--known-only", action="store_true", help="relax nothing, take what is in the folder")
    parser.add_argument("--write", action="store_true", help="write the calibration that elyte ships")
    asked = parser.parse_args(arguments)
    how = {"most_atoms": asked.most_atoms, "known_only": asked.known_only}
    if asked.what == "energies":
        said = energies(asked.work, **how)
    else:
        said = interval(asked.work, **how, nasicons=asked.nasicons, write=asked.write)
    print(json.dumps({"benchmark": "structures", "what": asked.what} | said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
