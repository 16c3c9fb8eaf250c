"""How moduli are scored: the benchmark's folds, systems left out, intervals of each fold from the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.candidate import Candidate, MaterialBatch
from training.crystals import Crystals
from training.formula_tables import FormulaTarget
from training.properties.mechanics.elasticity_evaluation import (
    KNOWN,
    N_FOLDS,
    benchmark_folds,
    cross_half_widths,
    evaluate_elasticity,
    known_electrolytes,
    steps_of_evaluation,
    with_lithium_and_anion,
)
from training.properties.mechanics.elasticity_fit import fit_elasticity
from training.properties.mechanics.elasticity_parts import PartAnswers
from training.properties.mechanics.elasticity_settings import ElasticitySettings
from training.properties.mechanics.tables import ModuliTable

SETTINGS = ElasticitySettings.quick()


def table() -> ModuliTable:
    """Return chlorides and oxides of pairs of metals; oxides are ten times as stiff."""
    metals = ("Li", "Na", "K", "Mg", "Ca", "Al", "Ga", "Zr", "Ti", "Zn")
    formulas = [f"{a}{n}{b}{x}3" for a in metals for b in metals if a < b for x in ("Cl", "O") for n in (1, 2)]
    rows = [FormulaTarget(formula, Candidate.from_formula(formula).amounts, 0.0) for formula in formulas]
    stiff = np.array(["O" in formula for formula in formulas])
    return ModuliTable(Crystals.of(rows), 1.0 + stiff, 1.3 + stiff)


def test_benchmark_folds_are_those_of_the_benchmark() -> None:
    """Of 10,987 rows the folds have 2,198, 2,198 and three times 2,197; the first rows are in folds as published."""
    fold = benchmark_folds(10_987)
    assert np.bincount(fold).tolist() == [2198, 2198, 2197, 2197, 2197]


def test_lithium_with_an_anion_is_told_from_other_crystals() -> None:
    batch = MaterialBatch.from_formulas(["Li2O", "Li", "MgO", "Li3P", "LiCl", "LiAl", "Li3PS4"])
    assert with_lithium_and_anion(batch).tolist() == [True, False, False, False, True, False, True]


def test_half_widths_of_a_fold_come_from_the_others() -> None:
    """Deviations of fold 0 are enormous, yet its half widths stay: the other folds do not know."""
    random = np.random.default_rng(0)
    n = 1000
    targets = random.laplace(scale=0.1, size=(n, 2))
    answers = PartAnswers(np.zeros((n, 2)), *(np.full((n, 2), 0.1) for _ in range(3)))
    fold = np.arange(n) % N_FOLDS
    plain = cross_half_widths(answers, targets, fold, 0.9)
    wild = cross_half_widths(answers, np.where(fold[:, None] == 0, 10 * targets, targets), fold, 0.9)
    np.testing.assert_allclose(wild[fold == 0], plain[fold == 0])
    assert (wild[fold == 1] > 1.5 * plain[fold == 1]).all()
    assert 0.87 < (np.abs(targets) <= plain).mean() < 0.93


def test_an_evaluation_finds_what_can_be_learnt() -> None:
    steps: list[str] = []
    found = evaluate_elasticity(table(), None, replace(SETTINGS, n_nets=1), on_step=steps.append)
    assert len(steps) == steps_of_evaluation(SETTINGS, None)
    assert found.five_folds.log10_G_mae < 0.5
    assert found.by_system_crystals.n == found.by_system.n == len(table().crystals)
    assert found.by_system_lithium.n == with_lithium_and_anion(table().crystals.batch).sum()
    assert 0.6 < found.reach.coverage_K <= 1.0
    errors = [abs(m.log10_G - m.predicted_log10_G) + abs(m.log10_K - m.predicted_log10_K) for m in found.worst]
    assert errors == sorted(errors, reverse=True)


def test_known_electrolytes_are_answered_with_intervals() -> None:
    crystals = table()
    targets = np.column_stack([crystals.log10_shear_GPa, crystals.log10_bulk_GPa])
    answers = known_electrolytes(fit_elasticity(crystals.crystals.batch, targets, None, SETTINGS).model)
    assert [answer.known for answer in answers] == list(KNOWN)
    for answer in answers:
        assert answer.youngs_lowest_GPa < answer.youngs_GPa < answer.youngs_highest_GPa
