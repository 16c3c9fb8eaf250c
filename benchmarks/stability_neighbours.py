"""What the errors of known relatives add to the nets of stability: the validation split alone, no test compound.

Prints one JSON line. For the student and the pool: errors of both energies (eV/atom), rank correlation inside groups
and single swaps in order (`families.py`), F1 and area under the ROC curve (logistic regressions fitted on other
groups), without the correction of `known_errors.py`, with it, and with constants chosen for each fifth of the groups
on the other four (`nested`). `correlations` are those of validation errors of two compounds that differ by one
element, by how unlike the two elements are.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from training.properties.stability.bundling import load_stability
from training.properties.stability.calibration import Calibration, Pooled
from training.properties.stability.evaluation import Scored, predict_rows
from training.properties.stability.families import Predicted, difference_scores, group_labels, single_swaps
from training.properties.stability.inputs import Surroundings
from training.properties.stability.known_errors import Relatedness
from training.properties.stability.model import StabilityModel
from training.properties.stability.recipe import fit_known_errors
from training.properties.stability.table import EnergyTable, read_energies

Array = NDArray[np.float64]
BUNDLE = Path(__file__).parents[1] / "serving" / "bundles" / "stability"
FOLDS = 5
GRID = tuple(Relatedness(*each) for each in product((0.07, 0.1, 0.15), (0.7, 2.0), (0.8, 1.1, 1.4), (5.0,)))
BOUNDS_eV_PER_ATOM = (0.0, 0.07, 0.08, 0.12, 0.2, 1.0)
LARGEST_eV_PER_ATOM = 0.3


class Bench:
    """The table without its test split, and what the nets say of the rest by themselves."""

    def __init__(self, table: EnergyTable, *, quick: bool) -> None:
        rows = table.rows_of("train", "val")
        if quick:
            rows = rows[:: len(rows) // 4000]
        self.table = table.take(rows)
        self.known = Surroundings.of(self.table, self.table.rows_of("train"))
        self.val = self.table.rows_of("val")
        label = group_labels(self.table.atomic_number[self.val], self.table.fraction[self.val])
        self.fold = np.random.default_rng(0).integers(0, FOLDS, label.max() + 1)[label]

    def composition(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], Array]:
        """Return atomic numbers and fractions of some rows."""
        return self.table.atomic_number[rows], self.table.fraction[rows]

    def corrected(self, learnt: Scored, scored: Scored, relatedness: Relatedness) -> Scored:
        """Return what is said of validation rows with what was missed of training rows carried over."""
        errors = fit_known_errors(learnt, self.table, self.known, relatedness)
        return replace(scored, pooled=errors.correct(scored.pooled, *self.composition(self.val)))

    def nested(self, tried: list[Scored]) -> Scored:
        """Return each fold by the constants with the least errors of both energies on the other folds."""
        error = np.array([np.abs(one.formation_error) + np.abs(one.decomposition_error) for one in tried])
        parts = {name: np.zeros(len(self.val)) for name in Pooled.__dataclass_fields__}
        for fold in range(FOLDS):
            best = tried[int(error[:, self.fold != fold].mean(axis=1).argmin())]
            for name, values in parts.items():
                values[self.fold == fold] = getattr(best.pooled, name)[self.fold == fold]
        return replace(tried[0], pooled=Pooled(**parts))

    def scores(self, said: Scored) -> dict[str, float]:
        """Score validation rows."""
        where, half = self.composition(self.val), said.pooled.scale_decomposition_eV_per_atom
        pairs = difference_scores(Predicted(*where, said.pooled.decomposition_eV_per_atom, said.decomposition, half))
        chance, called, stable = np.zeros(len(self.val)), np.zeros(len(self.val), bool), said.decomposition <= 0
        for fold in range(FOLDS):
            own, other = np.flatnonzero(self.fold == fold), np.flatnonzero(self.fold != fold)
            truth = (said.formation - said.hull)[other], said.decomposition[other]
            calibration = Calibration.fit(said.pooled.take(other), *truth)
            chance[own] = calibration.probability_published_stable(said.pooled.take(own))
            called[own] = chance[own] >= calibration.decision
        return {
            "ef_mae": float(np.abs(said.formation_error).mean()),
            "ed_mae": float(np.abs(said.decomposition_error).mean()),
            "spearman": pairs["spearman"],
            "pairs_in_order": pairs["pairs_in_order"],
            "f1": float(f1_score(stable, called)),
            "auc": float(roc_auc_score(stable, chance)),
        }

    def correlations(self, said: Scored) -> dict[str, list[float]]:
        """Return the correlations of errors of formation and decomposition energies over single swaps, and how many."""
        error = np.column_stack([said.formation_error, said.decomposition_error])
        error = np.clip(error, -LARGEST_eV_PER_ATOM, LARGEST_eV_PER_ATOM)
        groups = Predicted(*self.composition(self.val), *[np.zeros(len(self.val))] * 3).groups()
        pairs = np.concatenate(
            [single_swaps(*self.composition(self.val[rows]), rows) for rows in groups if len(rows) > 1], axis=1
        )
        one, other = (self.composition(self.val[rows]) for rows in pairs)
        swapped = [
            self.known.prototypes.dissimilarity_eV_per_atom[tuple(set(a[x > 0]) ^ set(b[y > 0]))]
            for a, x, b, y in zip(*one, *other, strict=True)
        ]
        place, out = np.digitize(swapped, BOUNDS_eV_PER_ATOM[1:-1]), {}
        for number in np.unique(place):
            first, second = (error[rows[place == number]] for rows in pairs)
            share = (first * second).sum(axis=0) / np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
            out[f"below_{BOUNDS_eV_PER_ATOM[number + 1]:g}_eV"] = [*share.tolist(), len(first)]
        return out


def board(bench: Bench, model: StabilityModel, grid: tuple[Relatedness, ...]) -> dict[str, Any]:
    """Score one model's nets."""
    alone = replace(model, known_errors=None)
    learnt, scored = (predict_rows(alone, bench.table, ("train",), split) for split in ("train", "val"))
    tried = [bench.corrected(learnt, scored, relatedness) for relatedness in grid]
    return {
        "alone": bench.scores(scored),
        "corrected": bench.scores(bench.corrected(learnt, scored, Relatedness())),
        "nested": bench.scores(bench.nested(tried)),
        "correlations": bench.correlations(scored),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4,000 compounds, the student, two sets of constants")
    quick = parser.parse_args().quick
    bench, model = Bench(read_energies(), quick=quick), load_stability(BUNDLE)[0]
    found = {"student": board(bench, model, GRID[:2] if quick else GRID)}
    if not quick:
        found["pool"] = board(bench, model.of_pool, GRID)
    short = json.loads(json.dumps(found), parse_float=lambda text: float(f"{float(text):.4g}"))
    print(json.dumps({"benchmark": "stability_neighbours"} | short))


if __name__ == "__main__":
    main()
