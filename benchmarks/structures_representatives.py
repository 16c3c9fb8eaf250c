"""`--what representatives`: ordered representatives of OBELiX's disordered CIFs."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np

from features.candidate import Candidate, MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.cif import read_atoms
from features.errors import CandidateError
from features.structures.annealing import Interactions, anneal
from features.structures.cells import OrderedCell, distances_A, to_cif
from features.structures.charges import formal_charges
from features.structures.electrostatics import ewald_matrix
from features.structures.expansion import occupied_positions
from features.structures.representatives import ordered_representative

ASKED_SHARE, ASKED_s = 0.7, 0.3
SENSIBLE_A = 1.2
SEEDS = 3


def shortest_A(cell: OrderedCell) -> float:
    """Return the shortest distance between two atoms."""
    distance_A = distances_A(cell.lattice_A, cell.fractional_coordinates)
    return float(distance_A[np.triu_indices(len(cell), 1)].min())


def coulomb_eV_per_atom(cell: OrderedCell) -> float:
    """Return the Coulomb energy of formal charges."""
    charges = formal_charges(cell.amounts).chosen
    held = np.array([charges[symbol] for symbol in cell.symbols])
    return 0.5 * float(held @ ewald_matrix(cell.lattice_A, cell.fractional_coordinates) @ held) / len(cell)


def imbalance(cell: OrderedCell) -> float:
    """Return the charge an atom that the oxidation states of `features.chemistry` cannot balance."""
    batch = MaterialBatch.from_candidates([Candidate(cell.formula, cell.amounts)])
    return float(abs(assign_ions(batch).charge_imbalance[0]))


def warm() -> None:
    """Compile before anything is timed."""
    one = np.zeros((2, 2))
    anneal(np.array([0, 1]), np.zeros(2, dtype=np.int64), Interactions(np.array([0.0, 1.0]), one, one), seed=0)
    ewald_matrix(np.eye(3), np.zeros((1, 3)))


def representatives(cifs: dict[str, str], *, quick: bool) -> dict[str, Any]:
    """Return what becomes of the disordered crystals, and of the ordered ones in a word."""
    warm()
    reasons: Counter[str] = Counter()
    cells, seconds, spread, written, ordered = [], [], [], 0, Counter[str]()
    for name in sorted(cifs)[:: 8 if quick else 1]:
        atoms = read_atoms(cifs[name])
        disordered = not occupied_positions(atoms).is_ordered
        started = time.process_time()  # of reading too
        try:
            cell = ordered_representative(cifs[name])
        except CandidateError as error:
            (reasons if disordered else ordered)[str(error.code)] += 1
            seconds += [time.process_time() - started] if disordered else []
            continue
        if not disordered:
            ordered["expanded"] += 1
            continue
        seconds.append(time.process_time() - started)
        cells.append(cell)
        others = [coulomb_eV_per_atom(ordered_representative(atoms, seed)) for seed in range(1, SEEDS)]
        spread.append(float(np.ptp([coulomb_eV_per_atom(cell), *others])))
        written += ordered_representative(to_cif(cell)).amounts == cell.amounts
    shortest = np.array([shortest_A(cell) for cell in cells])
    off = np.array([cell.composition_distance for cell in cells])
    n = len(seconds)
    return {
        "disordered": n,
        "represented": len(cells),
        "share": round(len(cells) / n, 3),
        "asked_share": ASKED_SHARE,
        "refused": dict(reasons.most_common()),
        "seconds_mean": round(float(np.mean(seconds)), 4),
        "seconds_median": round(float(np.median(seconds)), 4),
        "seconds_most": round(float(np.max(seconds)), 3),
        "asked_s": ASKED_s,
        "neutral_share": round(float(np.mean([imbalance(cell) <= NEUTRALITY_TOLERANCE for cell in cells])), 3),
        f"shortest_above_{SENSIBLE_A:g}_A_share": round(float((shortest > SENSIBLE_A).mean()), 3),
        "shortest_A": round(float(shortest.min()), 3),
        "composition_distance_mean": round(float(off.mean()), 4),
        "composition_distance_median": round(float(np.median(off)), 4),
        "atoms_median": int(np.median([len(cell) for cell in cells])),
        "atoms_most": max(len(cell) for cell in cells),
        "supercells": dict(sorted(Counter(cell.supercell for cell in cells).items())),
        "seeds_differ_median_eV_per_atom": round(float(np.median(spread)), 5),
        "seeds_differ_90_eV_per_atom": round(float(np.quantile(spread, 0.9)), 4),
        "read_back_share": round(written / len(cells), 3),
        "ordered": dict(ordered),
    }
