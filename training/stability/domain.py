"""The nearest known compositions, and whether a composition is one that the nets know their way around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.stability.kernels import kernel
from training.stability.phases import N_MASKED_ELEMENTS, PhaseTable


@kernel
def insert_nearest(row: NDArray[np.int64], distance: NDArray[np.float64], phase: int, apart: float) -> None:
    """Put a phase among the nearest ones, rising."""
    slot = row.shape[0] - 1
    while slot > 0 and distance[slot - 1] > apart:
        distance[slot], row[slot] = distance[slot - 1], row[slot - 1]
        slot -= 1
    distance[slot], row[slot] = apart, phase


@kernel
def _apart(
    element: NDArray[np.int64], fraction: NDArray[np.float64], first: int, last: int, own: NDArray[np.float64]
) -> float:
    overlap = 0.0
    for place in range(first, last):
        overlap += min(fraction[place], own[element[place]])
    return 1.0 - overlap


@kernel
def _nearest(
    start: NDArray[np.int64], element: NDArray[np.int64], fraction: NDArray[np.float64],
    system_start: NDArray[np.int64], holder_start: NDArray[np.int64], holder: NDArray[np.int64],
    usable: NDArray[np.bool_], atomic_number: NDArray[np.int64], composition: NDArray[np.float64],
    excluded: NDArray[np.int64], row: NDArray[np.int64], distance: NDArray[np.float64],
) -> None:  # fmt: skip
    for i in range(composition.shape[0]):
        own = np.zeros(N_MASKED_ELEMENTS)
        most = np.zeros(system_start.shape[0] - 1)  # how much a compound of each system can share at best
        for j in range(composition.shape[1]):
            z = atomic_number[i, j]
            if composition[i, j] > 0:
                own[z] += composition[i, j]
                for place in range(holder_start[z], holder_start[z + 1]):
                    most[holder[place]] += composition[i, j]
        for system in range(most.shape[0]):
            if 1.0 - most[system] >= distance[i, -1]:
                continue
            for phase in range(system_start[system], system_start[system + 1]):
                if usable[phase] and phase != excluded[i]:
                    apart = _apart(element, fraction, start[phase], start[phase + 1], own)
                    if apart < distance[i, -1]:
                        insert_nearest(row[i], distance[i], phase, apart)


def nearest_phases(
    table: PhaseTable,
    usable: NDArray[np.bool_],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    n_nearest: int = 3,
    excluded: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the known compounds with the smallest half-L1 distance of atomic fractions.

    Parameters
    ----------
    table, usable
        The phases, and which of them are known compounds.
    atomic_number, composition
        Compositions, shape (n, k), fractions summing to 1.
    excluded
        Phase that each row may not find, -1 for none, shape (n,).

    Returns
    -------
    row, distance
        Rows of the table (-1 where fewer share an element) and distances from 0 to 1, shape (n, n_nearest).
    """
    n = len(composition)
    row = np.full((n, n_nearest), -1)
    distance = np.full((n, n_nearest), 1.0)
    _nearest(
        table.start, table.element, table.fraction, table.system_start, *table.systems_of_element, usable,
        np.ascontiguousarray(atomic_number), np.ascontiguousarray(composition),
        np.full(n, -1) if excluded is None else excluded, row, distance,
    )  # fmt: skip
    return row, distance
