"""The model of shear and bulk modulus: what it promises of rows, intervals and what is stored."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_auxiliary import AuxiliaryTargets
from training.properties.mechanics.elasticity_fit import (
    fit_elasticity,
    of_compositions,
    steps_of_fit,
    system_folds,
)
from training.properties.mechanics.elasticity_model import ElasticityModel
from training.properties.mechanics.elasticity_settings import ElasticitySettings
from training.uncertainty import InsufficientCalibrationError

Array = NDArray[np.float64]
SETTINGS = replace(ElasticitySettings.quick(), n_nets=2)
CATIONS, ANIONS = ("Li", "Na", "Mg", "Al", "Zr", "Ti", "Fe", "Zn", "Ca", "Si"), ("O", "S", "F", "Cl", "N")


@cache
def world() -> tuple[MaterialBatch, Array, Array]:
    """Return compounds of three elements whose moduli fall with the size of the anion."""
    random = np.random.default_rng(0)
    formulas = [
        f"{a}{random.integers(1, 4)}{b}{random.integers(1, 4)}{anion}{random.integers(1, 7)}"
        for a in CATIONS
        for b in CATIONS
        if a < b
        for anion in ANIONS
    ]
    batch = MaterialBatch.from_formulas(formulas)
    softness = batch.fraction_of("Cl") + 0.5 * batch.fraction_of("S") + 0.7 * batch.fraction_of("Li")
    shear = 1.8 - softness + 0.05 * random.normal(size=len(batch))
    return batch, shear, shear + 0.3 + 0.05 * random.normal(size=len(batch))


def targets() -> Array:
    return np.column_stack(world()[1:])


def auxiliary() -> AuxiliaryTargets:
    batch, shear, bulk = world()
    return AuxiliaryTargets(batch, np.column_stack([shear, bulk, shear, shear > 1.5]))


@cache
def model() -> ElasticityModel:
    return fit_elasticity(world()[0], targets(), auxiliary(), SETTINGS).model


def test_softness_is_learnt() -> None:
    batch, shear, bulk = world()
    said = model().predict(batch)
    assert np.corrcoef(said.log10_G, shear)[0, 1] > 0.7
    assert np.corrcoef(said.log10_K, bulk)[0, 1] > 0.7


def test_a_row_is_answered_alone_as_in_company_and_in_any_spelling() -> None:
    together = model().predict(MaterialBatch.from_formulas(["Li2MgO3", "NaAlCl4", "MgLi2O3", "Li4Mg2O6"]))
    alone = model().predict(MaterialBatch.from_formulas(["Li2MgO3"]))
    for row in (0, 2, 3):
        assert together.log10_G[row] == pytest.approx(alone.log10_G[0], abs=1e-5)
        assert together.scale_K[row] == pytest.approx(alone.scale_K[0], abs=1e-5)


def test_what_is_stored_answers_the_same() -> None:
    batch, *_ = world()
    again = ElasticityModel.from_arrays(model().arrays())
    one, other = model().predict(batch), again.predict(batch)
    for name in ("log10_G", "log10_K", "scale_G", "scale_K"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert again.intervals(other, 0.8)[0].lower[0] == model().intervals(one, 0.8)[0].lower[0]


def test_nothing_that_is_stored_is_an_object() -> None:
    assert not any(np.asarray(array).dtype.hasobject for array in model().arrays().values())


def test_trees_of_another_forest_are_refused() -> None:
    arrays = model().arrays()
    arrays["trees/random_bulk"] = arrays["trees/random_bulk"][:-1]
    with pytest.raises(ValueError, match="nodes of the forest"):
        ElasticityModel.from_arrays(arrays)


def test_intervals_hold_their_value_and_wider_ones_the_narrower() -> None:
    said = model().predict(world()[0])
    narrow, wide = (model().intervals(said, coverage)[0] for coverage in (0.5, 0.9))
    assert (wide.lower < narrow.lower).all()
    assert (narrow.lower < said.log10_G).all()
    assert (narrow.upper < wide.upper).all()


def test_a_coverage_beyond_what_was_left_out_is_refused() -> None:
    with pytest.raises(InsufficientCalibrationError, match="calibration rows"):
        model().intervals(model().predict(world()[0]), 0.9999)


def test_left_out_systems_are_covered_as_said() -> None:
    """Every fifth system is left out; 90 % intervals hold 90 % of 45 rows with a false alarm once in 1,000."""
    batch, shear, _ = world()
    held_out = system_folds(batch, 5, seed=7) == 0
    fitted = fit_elasticity(batch.take(~held_out), targets()[~held_out], None, SETTINGS).model
    interval, _ = fitted.intervals(fitted.predict(batch.take(held_out)), 0.9)
    inside = (interval.lower <= shear[held_out]) & (shear[held_out] <= interval.upper)
    assert inside.sum() >= 33


def test_draws_of_both_moduli_are_joint() -> None:
    said = model().predict(world()[0])
    pairs = model().deviations.pairs
    shear, bulk = said.draws(pairs)
    assert shear.shape == bulk.shape == (len(said.log10_G), len(pairs))
    np.testing.assert_allclose((shear[3] - said.log10_G[3]) / said.scale_G[3], pairs[:, 0])
    np.testing.assert_allclose((bulk[3] - said.log10_K[3]) / said.scale_K[3], pairs[:, 1])
    assert np.corrcoef(pairs[:, 0], pairs[:, 1]).min() > 0.2


def test_no_system_lies_in_two_folds() -> None:
    batch = MaterialBatch.from_formulas(["Li2O", "LiO", "Li2O2", "MgO", "MgO2", "NaCl", "KCl", "KCl2"])
    fold = system_folds(batch, 3, seed=0)
    assert len(set(fold[:3])) == len(set(fold[3:5])) == len(set(fold[6:])) == 1


def test_moduli_that_are_missing_are_refused() -> None:
    holes = targets()
    holes[4, 1] = np.nan
    with pytest.raises(ValueError, match="crystal 4"):
        fit_elasticity(world()[0], holes, None, SETTINGS)
    with pytest.raises(ValueError, match="shear and bulk of each crystal"):
        fit_elasticity(world()[0], targets()[1:], None, SETTINGS)


def test_steps_are_told_as_often_as_announced() -> None:
    steps: list[str] = []
    fit_elasticity(world()[0], targets(), auxiliary(), SETTINGS, on_step=steps.append)
    assert len(steps) == steps_of_fit(SETTINGS, auxiliary())


def test_left_out_answers_are_those_of_the_other_folds() -> None:
    """What is said of a crystal does not change with its own moduli, and the deviation is to the table."""
    batch, wanted = world()[0], targets()
    fit = fit_elasticity(batch, wanted, None, SETTINGS)
    np.testing.assert_allclose(fit.deviation, wanted - fit.left_out.value)
    here = fit.fold == 1
    changed = fit_elasticity(batch, np.where(here[:, None], wanted + 0.5, wanted), None, SETTINGS)
    np.testing.assert_array_equal(changed.left_out.value[here], fit.left_out.value[here])
    assert (changed.left_out.value[~here] != fit.left_out.value[~here]).any()


def test_answering_needs_no_library_of_training(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", **model().arrays())  # type: ignore[arg-type]
    script = (
        "import sys, numpy as np\n"
        "from features.candidate import MaterialBatch\n"
        "from training.properties.mechanics.elasticity_model import ElasticityModel\n"
        f"arrays = dict(np.load({str(tmp_path / 'model.npz')!r}))\n"
        "ElasticityModel.from_arrays(arrays).predict(MaterialBatch.from_formulas(['Li2O']))\n"
        "print([name for name in ('torch', 'sklearn', 'lightgbm') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_auxiliary_tables_are_merged_by_composition() -> None:
    one, other = MaterialBatch.from_formulas(["Li2O", "MgO"]), MaterialBatch.from_formulas(["Li4O2", "NaCl"])
    first, second = np.full((2, 4), np.nan), np.full((2, 4), np.nan)
    first[:, 0], second[:, 1] = [2.0, 3.0], [-1.0, -2.0]
    merged = AuxiliaryTargets.of([one, other], [first, second])
    oxide = int(np.flatnonzero(merged.batch.fraction_of("Li") > 0)[0])
    assert len(merged.batch) == 3
    np.testing.assert_array_equal(merged.targets[oxide], [2.0, -1.0, np.nan, np.nan])


def test_auxiliary_systems_can_be_left_out() -> None:
    left = auxiliary().without_systems(MaterialBatch.from_formulas(["LiMgO", "NaAlCl9"]))
    systems = {row.tobytes() for row in left.batch.matrix() > 0}
    assert MaterialBatch.from_formulas(["Li3MgO2"]).matrix()[0].astype(bool).tobytes() not in systems
    assert 0 < len(world()[0]) - len(left.batch) <= 2


def test_polymorphs_count_once_and_by_their_median() -> None:
    batch = MaterialBatch.from_formulas(["SiO2", "MgO", "Si2O4", "Si3O6"])
    rows, medians = of_compositions(batch, np.array([[1.0, 2.0], [5.0, 6.0], [2.0, 2.5], [9.0, 9.0]]))
    held = [tuple(batch.matrix()[row].nonzero()[0].tolist()) for row in rows]
    found = dict(zip(held, medians.tolist(), strict=True))
    assert found == {(7, 13): [2.0, 2.5], (7, 11): [5.0, 6.0]}


def test_processes_side_by_side_fit_what_one_fits() -> None:
    batch, wanted = world()[0].take(np.arange(60)), targets()[:60]
    one, two = (fit_elasticity(batch, wanted, None, replace(SETTINGS, n_nets=1, workers=n)).model for n in (1, 2))
    np.testing.assert_array_equal(one.predict(batch).log10_G, two.predict(batch).log10_G)
