"""The entropy that stated occupancies allow, in units of Boltzmann's constant."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_cifs import cif

from features.candidate import Candidate, MaterialBatch

ROCK_SALT_ATOMS = 8.0


def entropy_k(sites: str) -> float:
    return Candidate.from_cif(cif(sites=sites)).site_entropy_k_per_atom


def test_full_sites_have_none() -> None:
    assert entropy_k("Li1 Li 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1") == 0.0


def test_two_elements_in_equal_parts_have_ln_2_a_site() -> None:
    mixed = entropy_k("Li1 Li 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 0.5\nBr1 Br 0.5 0.5 0.5 0.5")
    assert mixed == pytest.approx(4 * log(2) / ROCK_SALT_ATOMS)


@given(st.floats(0.02, 0.97))
def test_vacancies_count_like_an_element_but_are_no_atoms(share: float) -> None:
    expected = -4 * (share * log(share) + (1 - share) * log(1 - share)) / (4 + 4 * share)
    assert entropy_k(f"Li1 Li 0 0 0 {share:.6f}\nCl1 Cl 0.5 0.5 0.5 1") == pytest.approx(expected, abs=1e-4)


def test_thirds_written_short_are_no_vacancies() -> None:
    thirds = "\n".join(f"{element}1 {element} 0.5 0.5 0.5 0.333" for element in ("Cl", "Br", "I"))
    assert entropy_k(f"Li1 Li 0 0 0 1\n{thirds}") == pytest.approx(4 * log(3) / (4 + 4 * 0.999))


def test_the_order_of_rows_does_not_matter() -> None:
    rows = ["Li1 Li 0 0 0 0.8", "Na1 Na 0 0 0 0.15", "Cl1 Cl 0.5 0.5 0.5 1"]
    assert entropy_k("\n".join(rows)) == pytest.approx(entropy_k("\n".join(rows[::-1])))


def test_a_batch_knows_it_of_structures_and_not_of_formulas() -> None:
    half = Candidate.from_cif(cif(sites="Li1 Li 0 0 0 0.5\nCl1 Cl 0.5 0.5 0.5 1"))
    batch = MaterialBatch.from_candidates([Candidate.from_formula("LiCl"), half])
    assert batch.site_entropy_k_per_atom is not None
    assert np.isnan(batch.site_entropy_k_per_atom[0])
    assert batch.take(np.array([1])).site_entropy_k_per_atom == pytest.approx([4 * log(2) / 6])
    assert MaterialBatch.from_formulas(["LiCl"]).take(np.array([0])).site_entropy_k_per_atom is None
