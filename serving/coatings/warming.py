"""What the first question about coatings would have to compile, compiled beforehand on two compounds of the table."""

from __future__ import annotations

import numpy as np

from serving.coatings.pool import pool_of_rows
from serving.ranking.pareto import non_dominated
from training.thermodynamics.contacts import contacts
from training.thermodynamics.hull import LITHIUM
from training.thermodynamics.interphase import TOLERATED_V, lithium_interphases
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import read_material


def warm_screen(table: PhaseTable) -> None:
    """Compile the loops of the screen; the pool itself, some seconds and megabytes, is left to the first question."""
    pool = pool_of_rows(table, table.compounds_of(LITHIUM)[:2])
    amounts = [pool.amounts(table, place) for place in range(len(pool))]
    pool.is_artefact(table)
    lithium_interphases(table, amounts, pool.energy_eV_per_atom, tolerated_V=TOLERATED_V)
    first, mixture = read_material(table, {"Li": 1.0}), pool.windowed.mixture_eV_per_atom
    non_dominated(np.zeros((1, 2)))
    contacts(table, first, pool.atomic_number, pool.fraction, pool.energy_eV_per_atom, mixture)
