"""How far a candidate is from what the ensemble knows: one distance that ranks errors, and the flag made of it.

A material is far where the process has learnt nothing alike (novelty), and also where what is alike contradicts itself:
beside Li3PO4, an insulator, lie conductors of nearly its composition. The forest shows that as the scatter of the
measured conductivities that share its leaves with the candidate. Distance in composition alone sees neither.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.applicability import DomainIndex

Array = NDArray[np.float64]

SCATTER_DECADES = 4.0
"""Scatter of the like (10 to 90 %) that leaves 1/e of what is known; 2 to 6 rank errors equally well."""
LARGEST_NOVELTY = 0.65
"""Above it lie an eighth of the rows of left-out papers, with twice the mean error of the others.
Measured once by hand, after the left-out families of docs/science/benchmark.md had been seen; no command prints it."""
DOMAIN_QUANTILE = 0.9
"""Share of the left-out rows that the radius in composition encloses."""
LARGEST_KNOWN_ERROR = 0.6
"""Decades; what lies nearer than the radius is missed by no more in the mean, about as two laboratories differ."""


def distance_to_known(novelty: Array, scatter_decades: Array) -> Array:
    """Return 1 - (1 - novelty) exp(-scatter / 4): 0 the like is known and agrees, 1 nothing alike or no agreement.

    Parameters
    ----------
    novelty
        Shape (n,), share of its prior uncertainty that the process still has, 0 to 1.
    scatter_decades
        Shape (n,), 10 to 90 % range of the measured log10 conductivities that the forest finds alike, at or above 0.
    """
    distance: Array = 1.0 - (1.0 - novelty) * np.exp(-scatter_decades / SCATTER_DECADES)
    return distance


def known_radius(distance: Array, error: Array, weight: Array) -> float:
    """Return the largest distance up to which left-out rows were missed by `LARGEST_KNOWN_ERROR` in the mean.

    Parameters
    ----------
    distance, error
        Shape (n,), of left-out rows: `distance_to_known`, and the absolute error in decades.
    weight
        Shape (n,), how much each row counts, at or above 0; all alike, where none does.
    """
    counts = weight if (weight > 0.0).any() else np.ones(len(distance))
    order = np.argsort(distance, kind="stable")
    order = order[counts[order] > 0.0]
    running = np.cumsum(counts[order] * error[order]) / np.cumsum(counts[order])
    within = np.flatnonzero(running <= LARGEST_KNOWN_ERROR)
    return float(distance[order[within[-1]]]) if len(within) else 0.0


def is_familiar(distance: Array, radius: Array | float, novelty: Array) -> NDArray[np.bool_]:
    """Return whether a candidate lies within the radius of what is known, and is not too new."""
    familiar: NDArray[np.bool_] = (distance <= radius) & (novelty <= LARGEST_NOVELTY)
    return familiar


class Strangeness(NamedTuple):
    """By how much n candidates differ from what an ensemble knows, and up to where it trusts itself."""

    distance: Array
    radius: Array | float
    novelty: Array


def in_domain(domain: DomainIndex, composition: Array, apart: Array, strange: Strangeness) -> NDArray[np.bool_]:
    """Return whether the model trusts itself: near in composition, of known elements, and familiar; shape (n,).

    Parameters
    ----------
    domain, composition, apart
        Measured materials, atomic fractions of the candidates, and their distances to the nearest few.
    strange
        As the ensemble says.
    """
    inside: NDArray[np.bool_] = domain.in_domain(apart, composition) & is_familiar(*strange)
    return inside
