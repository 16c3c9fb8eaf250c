"""The public tables of moduli and gaps: what is of one composition, and what belongs together."""

from __future__ import annotations

from functools import cache

import numpy as np

from training.crystals import GapTable, read_gaps
from training.properties.mechanics.tables import ModuliTable, read_moduli


@cache
def _moduli() -> ModuliTable:
    return read_moduli()


@cache
def _gaps() -> GapTable:
    return read_gaps()


def test_moduli_are_those_of_the_benchmark() -> None:
    table = _moduli()
    assert len(table.crystals) == 10_987
    assert len(np.unique(table.crystals.composition)) == 9_723
    assert table.log10_shear_GPa.shape == table.log10_bulk_GPa.shape == (10_987,)


def test_gaps_are_those_of_the_benchmark() -> None:
    table = _gaps()
    assert len(table.crystals) == 106_113
    assert len(np.unique(table.crystals.composition)) == 78_164
    held = np.array(["Li" in formula.replace("Lu", "") for formula in table.crystals.formula])
    assert held.sum() == (table.crystals.batch.fraction_of("Li") > 0).sum()


def test_polymorphs_share_a_composition_and_a_system() -> None:
    crystals = _gaps().crystals
    rows = [row for row, formula in enumerate(crystals.formula) if formula in ("Li2S1", "Li8S4", "Li22S11")]
    assert len(rows) == 3
    assert len({crystals.composition[row] for row in rows}) == len({crystals.system[row] for row in rows}) == 1


def test_a_composition_lies_in_one_system() -> None:
    crystals = _moduli().crystals
    pairs = np.unique(np.stack([crystals.composition, crystals.system]), axis=1)
    assert pairs.shape[1] == len(np.unique(crystals.composition))


def test_amounts_count_as_written() -> None:
    """The front door has doubts about formulas of elements in alphabetical order; the table has none."""
    crystals = _gaps().crystals
    row = crystals.formula.index("O4Os1")
    assert np.isclose(crystals.batch.fraction_of("O")[row], 0.8)
