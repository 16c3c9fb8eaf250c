"""What nets get wrong of known compounds corrects alike compounds, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stability_world import fitted, known, world

from features.candidate import MaterialBatch
from training.properties.stability.calibration import Pooled
from training.properties.stability.known_errors import KnownErrors, LARGEST_ERROR_eV_PER_ATOM, Relatedness
from training.properties.stability.model import StabilityModel
from training.properties.stability.neighbours import N_NUMBERS
from training.properties.stability.table import compositions

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
KNOWN = ["LiAlO2", "NaAlO2", "KAlO2", "LiAlS2", "Li2ZrO3", "Mg"]
MISSED = np.array([0.04, 0.05, 0.045, -0.06, 0.02, 0.5])


def unlike() -> Array:
    """Return a dissimilarity of elements: their distance in atomic numbers."""
    number = np.arange(N_NUMBERS)
    return np.abs(number[:, None] - number) * 0.01


def said(n: int, log_odds: float = 0.0) -> Pooled:
    """Return nets that say nothing of n compounds."""
    none, some = np.zeros(n), np.full(n, 0.05)
    return Pooled(none, none, some, some, some, np.full(n, log_odds))


def errors_of(formulas: list[str], missed: Array, relatedness: Relatedness | None = None) -> KnownErrors:
    """Fit on nets that miss the energies of some compounds."""
    where = compositions(MaterialBatch.from_formulas(formulas))
    return KnownErrors.fit(where, said(len(formulas)), np.column_stack([missed, missed]), unlike(), relatedness)


def asked(errors: KnownErrors, *formulas: str) -> Array:
    """Return the corrections of some formulas."""
    return errors(*compositions(MaterialBatch.from_formulas(list(formulas))))


def test_the_correction_is_that_of_a_gaussian_process() -> None:
    errors = errors_of(KNOWN, MISSED, Relatedness(unlike_eV_per_atom=0.2, noise=0.5, strength=1.0, odds=1.0))
    law = np.exp(-unlike() / 0.2)
    elements = [(3, 13, 8), (11, 13, 8), (19, 13, 8), (3, 13, 16)]

    def covariance(one: tuple[int, ...], other: tuple[int, ...]) -> float:
        return float(np.prod([law[a, b] for a, b in zip(one, other, strict=True)]))

    among = np.array([[covariance(a, b) for b in elements] for a in elements])
    new = np.array([covariance((3, 31, 8), b) for b in elements])
    expected = new @ np.linalg.solve(among + 0.5 * np.eye(4), MISSED[:4])
    found = asked(errors, "LiGaO2")[0]
    assert found[0] == pytest.approx(expected, abs=2e-4)
    assert found[1] == pytest.approx(expected, abs=2e-4)
    chance = (MISSED[:4] <= 0) - 0.5
    assert found[2] == pytest.approx(new @ np.linalg.solve(among + 0.5 * np.eye(4), chance), abs=2e-3)


def test_alike_compounds_are_moved_most_and_other_stoichiometries_not_at_all() -> None:
    near, far, other, fractional = asked(errors_of(KNOWN, MISSED), "NaSiO2", "CsTlTe2", "LiAl5O2", "Li0.93Al1.07O2")[
        :, 0
    ]
    assert 0.005 < near < 0.05
    assert abs(far) < near / 10
    assert other == fractional == 0.0


def test_a_gross_error_counts_no_more_than_the_largest_that_is_believed() -> None:
    large, cut = (asked(errors_of(["LiAlO2"], np.array([e])), "LiAlO2")[0, 0] for e in (3.0, LARGEST_ERROR_eV_PER_ATOM))
    assert large == cut > 0


def test_elements_alone_teach_and_learn_nothing() -> None:
    errors = errors_of(KNOWN, MISSED)
    assert len(errors.key) == len(KNOWN) - 1
    assert not asked(errors, "Mg", "Li").any()


def test_order_and_company_of_the_questions_do_not_matter() -> None:
    errors, formulas = errors_of(KNOWN, MISSED), ["NaGaO2", "Li2HfO3", "RbAlO2", "LiCl", "Li5.5PS4.5Cl1.5"]
    together = asked(errors, *formulas)
    np.testing.assert_allclose(asked(errors, *formulas[::-1])[::-1], together, atol=1e-7)
    for formula, one in zip(formulas, together, strict=True):
        np.testing.assert_allclose(asked(errors, formula)[0], one, atol=1e-7)


def test_nothing_asked_and_nothing_known_are_no_errors() -> None:
    empty = MaterialBatch.from_formulas(["LiCl"]).take(np.zeros(0, dtype=np.int64))
    assert errors_of(KNOWN, MISSED)(*compositions(empty)).shape == (0, 3)
    assert not asked(errors_of(["Mg"], MISSED[-1:]), "LiCl").any()


def test_energies_and_odds_are_corrected_and_scales_are_kept() -> None:
    errors, where = errors_of(KNOWN, MISSED), compositions(MaterialBatch.from_formulas(["NaGaO2", "LiCl"]))
    before = said(2, log_odds=1.0)
    after, more = errors.correct(before, *where), errors(*where)
    np.testing.assert_allclose(after.residual_eV_per_atom, more[:, 0])
    np.testing.assert_allclose(after.decomposition_eV_per_atom, more[:, 1])
    np.testing.assert_allclose(after.log_odds_stable, 1.0 + more[:, 2])
    assert after.scale_residual_eV_per_atom is before.scale_residual_eV_per_atom


def test_a_bundle_holds_them_and_one_without_them_is_read() -> None:
    model = fitted().model
    assert model.known_errors is not None
    batch = MaterialBatch.from_formulas(["Li3YBr6", "LiGaS2", "Na3InO3"])
    again = StabilityModel.from_arrays(model.to_arrays(), model.settings())
    assert again.known_errors is not None
    where = compositions(batch)
    np.testing.assert_array_equal(again.known_errors(*where), model.known_errors(*where))
    assert model.known_errors(*where).any()
    older = {name: array for name, array in model.to_arrays().items() if not name.startswith("errors.")}
    without = StabilityModel.from_arrays(older, model.settings())
    assert without.known_errors is None
    expected = replace(model, known_errors=None).nets_opinion(batch)[0].residual
    np.testing.assert_allclose(without.nets_opinion(batch)[0].residual, expected, atol=1e-3)


@pytest.mark.parametrize("name", ["key", "element", "weight", "alike"])
def test_arrays_that_do_not_belong_together_are_refused(name: str) -> None:
    arrays = errors_of(KNOWN, MISSED).to_arrays()
    with pytest.raises(ValueError, match="compounds"):
        KnownErrors.from_arrays(arrays | {name: arrays[name][:-1]})


def test_only_training_rows_are_learnt_from() -> None:
    table, errors = world(), fitted().model.known_errors
    assert errors is not None
    rows = table.rows_of("train")
    assert len(errors.key) == int(((table.fraction[rows] > 0).sum(axis=1) > 1).sum())
    assert known("train").prototypes.row.size == len(rows)
