"""The known phases as compact arrays: elements, whole amounts, energies; about 12 bytes a phase when compressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.properties.stability.inputs import Surroundings
from training.properties.stability.neighbours import N_NUMBERS, arrange_prototypes
from training.thermodynamics.phases import PhaseTable

DEPTH_STEP_eV_PER_ATOM = 1e-4
LARGEST_AMOUNT = 1000


def surroundings_to_arrays(surroundings: Surroundings) -> dict[str, NDArray[Any]]:
    """Return the known compounds as arrays; elements and what follows from the compounds are left out.

    Raises
    ------
    ValueError
        If a compound has no formula of whole amounts.
    """
    table = surroundings.phases
    rows = np.flatnonzero(surroundings.usable)
    count = table.start[rows + 1] - table.start[rows]
    place = np.repeat(table.start[rows] - (np.cumsum(count) - count), count) + np.arange(count.sum())
    gaps = {} if table.band_gap_eV is None else {"phases.band_gap": table.band_gap_eV[rows].astype(np.float16)}
    return gaps | {
        "phases.count": count.astype(np.uint8),
        "phases.element": table.element[place].astype(np.uint8),
        "phases.amount": _whole_amounts(table.fraction[place], count).astype(np.uint16),
        "phases.energy": table.energy_eV_per_atom[rows].astype(np.float32),
        "phases.depth": np.round(surroundings.depth_eV_per_atom[rows] / DEPTH_STEP_eV_PER_ATOM).astype(np.int32),
        "prototypes.dissimilarity": surroundings.prototypes.dissimilarity_eV_per_atom.astype(np.float32),
    }


def surroundings_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Surroundings:
    """Read what `surroundings_to_arrays` returned.

    Raises
    ------
    ValueError
        If an array has another shape than its use needs: compiled code would read beyond its end.
    """
    count = arrays["phases.count"].astype(np.int64)
    held = np.arange(count.max())[None, :] < count[:, None]
    atomic_number = np.zeros(held.shape, dtype=np.int64)
    amount = np.zeros(held.shape)
    atomic_number[held], amount[held] = arrays["phases.element"], arrays["phases.amount"]
    phases = PhaseTable.from_padded(atomic_number, amount, arrays["phases.energy"].astype(float))
    if "phases.band_gap" in arrays:  # of a bundle before 2026-11-29 conduction is judged by composition alone
        phases = phases.with_band_gaps(arrays["phases.band_gap"].astype(float))
    own = phases.row_of_input
    usable, depth = np.zeros(len(phases), dtype=np.bool_), np.zeros(len(phases))
    usable[own], depth[own] = True, arrays["phases.depth"] * DEPTH_STEP_eV_PER_ATOM
    fraction = amount / amount.sum(axis=1, keepdims=True)
    dissimilarity = arrays["prototypes.dissimilarity"].astype(float)
    if dissimilarity.shape != (N_NUMBERS, N_NUMBERS):
        raise ValueError(f"dissimilarity of shape {dissimilarity.shape}, expected {(N_NUMBERS, N_NUMBERS)}")
    return Surroundings(phases, usable, depth, arrange_prototypes(atomic_number, fraction, own, dissimilarity))


def _whole_amounts(fraction: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the smallest whole amounts with these fractions, compounds one after the other as in `fraction`."""
    begin = np.cumsum(count) - count
    compound = np.repeat(np.arange(len(count)), count)
    amounts = np.zeros(len(fraction), dtype=np.int64)
    open_ = np.arange(len(count))
    for atoms in range(2, LARGEST_AMOUNT + 1):
        trial = fraction * atoms
        off = np.abs(trial - np.rint(trial)) > 1e-6 * atoms
        fits = open_[~np.logical_or.reduceat(off, begin)[open_]]
        if len(fits):
            chosen = np.isin(compound, fits)
            amounts[chosen] = np.rint(trial[chosen]).astype(np.int64)
            open_ = np.setdiff1d(open_, fits, assume_unique=True)
        if not len(open_):
            return amounts
    raise ValueError(f"{len(open_)} compounds have no formula of at most {LARGEST_AMOUNT} atoms")
