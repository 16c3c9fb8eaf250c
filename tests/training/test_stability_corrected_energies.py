"""Corrected energies move the compound they name and nothing else: no hull, no window, no other row."""

from __future__ import annotations

import numpy as np
import pytest
from phase_tables import reference
from stability_world import fitted

from features.candidate import MaterialBatch
from training.properties.stability.corrected_energies import corrected_energies, corrections_of
from training.properties.stability.literature import reference_windows
from training.properties.stability.table import compositions
from training.thermodynamics.hull import NO_PHASE, equilibria
from training.thermodynamics.phases import rows_of_compositions

FORMULAS = ["Li6PS5Cl", "Li3AlS3", "Li6PS5Cl", "Li3YBr6"]
ASKED = np.array([True, True, False, True])


def test_every_correction_says_how_it_was_made_and_why() -> None:
    for known in corrected_energies():
        assert known.command.startswith("elyte ")
        assert known.method
        assert known.reason
        assert 0.0 < known.half_width_eV_per_atom < 0.1
    assert len({known.formula for known in corrected_energies()}) == len(corrected_energies())


def test_they_are_of_listed_compounds_that_stay_above_the_hull_of_the_others() -> None:
    """So neither the hull nor a window of `esw_reference.csv` can move."""
    phases = reference().phases
    batch = MaterialBatch.from_formulas([known.formula for known in corrected_energies()])
    own = rows_of_compositions(phases, *compositions(batch))
    assert (own != NO_PHASE).all()
    hull = equilibria(phases, *compositions(batch), excluded=own).energy_eV_per_atom
    above = np.array([known.formation_energy_eV_per_atom for known in corrected_energies()]) - hull
    assert (above > 0.0).all()
    moved = [abs(phases.energy_eV_per_atom[row] - hull[at] - above[at]) for at, row in enumerate(own)]
    assert min(moved) > 0.02  # a correction within the functional's own error would be none


def test_the_reference_windows_hold_a_corrected_compound_and_are_those_of_its_mixture() -> None:
    corrected = {known.formula for known in corrected_energies()}
    rows = [row for row in reference_windows() if row.formula in corrected]
    assert rows
    for row in rows:
        known = next(one for one in corrected_energies() if one.formula == row.formula)
        assert row.mixture_energy_eV_per_atom < known.formation_energy_eV_per_atom


def test_who_asks_gets_the_corrected_energy_and_nobody_else() -> None:
    model, batch = fitted().model, MaterialBatch.from_formulas(FORMULAS)
    plain, said = model.predict(batch), model.predict(batch, corrected=ASKED)
    better = corrected_energies()[0].formation_energy_eV_per_atom
    before, after = (one.formation_energy_eV_per_atom.value for one in (plain, said))
    assert after[0] == pytest.approx(better)
    assert before[0] != pytest.approx(better, abs=1e-3)
    np.testing.assert_array_equal(before[1:], after[1:])
    above = better - said.competing.energy_eV_per_atom[0]
    assert said.decomposition_energy_eV_per_atom.value[0] == pytest.approx(above)
    for name in ("reduction_V", "oxidation_V"):
        np.testing.assert_array_equal(getattr(plain, name).value, getattr(said, name).value)
    assert set(plain.corrections) == set(said.corrections) == {0, 2}


def test_a_corrected_energy_has_the_error_of_what_corrected_it() -> None:
    """Only what the table holds is exact; the window is that of the mixture and stays as narrow."""
    model, batch = fitted().model, MaterialBatch.from_formulas(FORMULAS)
    known = corrected_energies()[0]
    for coverage, ratio in ((0.9, 1.0), (0.95, 1.959964 / 1.644854), (0.5, 0.674490 / 1.644854)):
        said = model.predict(batch, coverage, corrected=ASKED)
        for interval in (said.formation_energy_eV_per_atom, said.decomposition_energy_eV_per_atom):
            half = (interval.upper - interval.lower) / 2.0
            assert half[0] == pytest.approx(known.half_width_eV_per_atom * ratio, rel=1e-5)
            assert half[2] == 0.0  # not asked for
            taken = said.take(np.array([2, 0])).decomposition_energy_eV_per_atom
            assert taken.upper[1] - taken.lower[1] == pytest.approx(2 * half[0])
        plain = model.predict(batch, coverage)
        for name in ("reduction_V", "oxidation_V"):
            np.testing.assert_array_equal(getattr(plain, name).lower, getattr(said, name).lower)


def test_taken_rows_remember_who_asked() -> None:
    rows = np.array([2, 0])
    whole = fitted().model.predict(MaterialBatch.from_formulas(FORMULAS), corrected=ASKED)
    taken = whole.take(rows)
    np.testing.assert_array_equal(taken.corrected, [False, True])
    np.testing.assert_array_equal(
        taken.formation_energy_eV_per_atom.value, whole.formation_energy_eV_per_atom.value[rows]
    )
    again = fitted().model.predict(MaterialBatch.from_formulas(FORMULAS).take(rows), corrected=ASKED[rows])
    np.testing.assert_allclose(taken.opinion.residual, again.opinion.residual)


def test_a_table_without_the_compound_is_not_corrected() -> None:
    phases = fitted().model.phases
    assert corrections_of(phases, np.full(3, NO_PHASE)) == {}
