"""How far an energy of a structure may be from the table's scale: conformal, and wider where two potentials disagree.

The half-width is a factor times `FLOOR_eV_PER_ATOM` plus the disagreement of two potentials on the relaxed cell. The
factor comes from residuals of two kinds, kept apart because they differ by how much the potentials know:

- `listed`: lithium compounds whose composition the table lists, against the table. Nearly all of these crystals are in
  MPtrj, to which the potentials were fitted: this says what the potential adds to what is known already.
- `unlisted`: NASICONs that were computed as one family outside of Materials Project (Ouyang et al., arXiv 2102.03627),
  in cells built from a prototype, against their energies above the hull: compositions and cells that were not there.
  Of fewer than `LEAST_UNLISTED` only the mean score is used: the scores of `listed` are widened by its ratio to theirs.

`benchmarks/structures.py --what interval` prints the coverage, each row judged by the others, and writes
`calibration.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
CALIBRATION = Path(__file__).with_name("calibration.json")
FLOOR_eV_PER_ATOM = 0.004
LEAST_UNLISTED = 20
"""Fewer residuals of unlisted compositions carry no quantile: the listed ones are widened by the ratio of means."""
_DECIMALS = 6


def scale_eV_per_atom(disagreement_eV_per_atom: Array | float) -> Array:
    """Return the unit of the scores: a floor and how far two potentials are apart."""
    return np.asarray(FLOOR_eV_PER_ATOM + np.abs(disagreement_eV_per_atom), dtype=float)


@dataclass(frozen=True, eq=False)
class EnergyIntervals:
    """Calibrated half-widths of structure energies.

    Attributes
    ----------
    listed, unlisted
        Scores of compositions that the table lists, and of others.
    largest_disagreement_eV_per_atom
        Of two potentials, in 95 of 100 calibration cells; beyond, neither is to be trusted.
    """

    listed: ConformalScale
    unlisted: ConformalScale
    largest_disagreement_eV_per_atom: float

    def interval(self, value: float, disagreement_eV_per_atom: float, *, listed: bool, coverage: float) -> Interval:
        """Return an energy with its interval, each part of shape (1,).

        Raises
        ------
        InsufficientCalibrationError
            If too few cells were computed for this coverage.
        """
        factor = (self.listed if listed else self.unlisted).factor(coverage)
        half = factor * scale_eV_per_atom(disagreement_eV_per_atom)
        return Interval(*(np.array([value + sign * float(half)]) for sign in (0.0, -1.0, 1.0)))

    @classmethod
    def fit(cls, residual: Array, disagreement: Array, listed: NDArray[np.bool_]) -> Self:
        """Calibrate.

        Parameters
        ----------
        residual
            Energies of structures less references in eV/atom, shape (n,).
        disagreement
            Of two potentials, shape (n,).
        listed
            Which compositions the table lists, shape (n,).
        """
        score = np.abs(residual) / scale_eV_per_atom(disagreement)
        known, others = np.sort(score[listed]), np.sort(score[~listed])
        if 0 < len(others) < LEAST_UNLISTED:
            others = known * max(float(others.mean() / known.mean()), 1.0)
        return cls(ConformalScale(known), ConformalScale(others), float(np.quantile(np.abs(disagreement), 0.95)))

    def write(self, target: Path, about: dict[str, Any]) -> None:
        """Write the scores, and in words what they were made of."""
        document = {
            "about": about,
            "largest_disagreement_eV_per_atom": round(self.largest_disagreement_eV_per_atom, _DECIMALS),
            "listed": self.listed.scores.round(_DECIMALS).tolist(),
            "unlisted": self.unlisted.scores.round(_DECIMALS).tolist(),
        }
        target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


@cache
def shipped_intervals() -> EnergyIntervals:
    """Return the calibration that elyte ships."""
    said = json.loads(CALIBRATION.read_text(encoding="utf-8"))
    listed, unlisted = (ConformalScale(np.array(said[name], float)) for name in ("listed", "unlisted"))
    return EnergyIntervals(listed, unlisted, float(said["largest_disagreement_eV_per_atom"]))


def calibration_card() -> dict[str, Any]:
    """Return what is known of the training set and of the calibration, as written beside it."""
    card: dict[str, Any] = json.loads(CALIBRATION.read_text(encoding="utf-8"))["about"]
    return card
