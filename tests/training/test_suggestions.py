"""The greedy choice against brute force, and the uncertainties against the models that they speak for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.candidate import MaterialBatch
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.gaussian_process import ArrheniusProcess, Observations
from training.properties.conductivity.joint_uncertainty import ProcessUncertainty, disagreement_of
from training.properties.conductivity.kernels import TrainingMaterials
from training.properties.conductivity.prototypes import prototypes_of
from training.suggestions.greedy import ALIKE, choose
from training.suggestions.pool import SharedUncertainty

if TYPE_CHECKING:
    from synthetic_world import Fitted

FORMULAS = [
    "Li6.5PS5.5Cl0.5",
    "Li5.5PS4.5Cl1.5",
    "Li6PS5Br",
    "Li6.4La3Zr1.4Ta0.6O12",
    "Li7La3Zr2O12",
    "Li3YCl6",
    "Li2.5Y0.5Zr0.5Cl6",
    "LiFePO4",
    "Li3N",
    "Li10GeP2S12",
]


@dataclass(frozen=True)
class Given:
    """A covariance as it stands."""

    matrix: np.ndarray
    noise_variance: float = 0.1

    def variance(self) -> np.ndarray:
        return np.diag(self.matrix).copy()

    def covariance(self, points: np.ndarray) -> np.ndarray:
        return self.matrix[:, points].copy()


def conditional(matrix: np.ndarray, points: list[int], noise: float) -> np.ndarray:
    """Return the covariance once some points are measured, the textbook way."""
    own = matrix[np.ix_(points, points)] + noise * np.eye(len(points))
    return matrix - matrix[:, points] @ np.linalg.solve(own, matrix[points])


def mean_sd(matrix: np.ndarray, reference: np.ndarray, noise: float) -> float:
    return float(np.sqrt(np.diag(matrix)[reference] + noise).mean())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 9), rank=st.integers(1, 9), noise=st.floats(0.01, 2.0))
def test_each_pick_is_the_best_that_brute_force_finds(seed: int, n: int, rank: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, rank))
    matrix, allowed = root @ root.T, rng.random(n) < 0.8
    reference = np.flatnonzero(rng.random(n) < 0.7)
    if not allowed.any() or not len(reference):
        return
    picks = choose(Given(matrix, noise), 3, allowed=allowed, reference=reference)
    correlation = matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    taken: list[int] = []
    for pick in picks:
        free = [i for i in np.flatnonzero(allowed) if i not in taken and not (correlation[i, taken] >= ALIKE).any()]
        values = {i: mean_sd(conditional(matrix, [*taken, i], noise), reference, noise) for i in free}
        assert values[pick.point] == pytest.approx(min(values.values()), abs=1e-9)
        assert pick.mean_sd_before == pytest.approx(mean_sd(conditional(matrix, taken, noise), reference, noise))
        assert pick.mean_sd_after == pytest.approx(values[pick.point], abs=1e-9)
        assert pick.likeness == pytest.approx(correlation[pick.point, taken], abs=1e-9)
        taken.append(pick.point)
        assert pick.drop >= -1e-12
    left = [i for i in np.flatnonzero(allowed) if i not in taken and not (correlation[i, taken] >= ALIKE).any()]
    assert len(picks) == 3 or not left


def test_of_a_crowd_one_is_chosen_and_speaks_for_the_others() -> None:
    matrix = np.eye(6)
    matrix[:4, :4] = 0.99
    np.fill_diagonal(matrix, 1.0)
    picks = choose(Given(matrix), 5, allowed=np.ones(6, dtype=bool), reference=np.arange(6))
    assert [pick.point for pick in picks] == [0, 4, 5]
    assert picks[0].speaks_for == (1, 2, 3)
    assert all(one < ALIKE for pick in picks for one in pick.likeness)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_points_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(12, 12))
    matrix, order = root @ root.T, rng.permutation(12)
    everything = np.ones(12, dtype=bool)
    straight = choose(Given(matrix), 4, allowed=everything, reference=np.arange(12))
    moved = choose(Given(matrix[np.ix_(order, order)]), 4, allowed=everything, reference=np.arange(12))
    assert [order[pick.point] for pick in moved] == [pick.point for pick in straight]


# ---------------------------------------------------------------- conductivity


@pytest.fixture(scope="module")
def descriptors() -> Descriptors:
    return Descriptors.of(MaterialBatch.from_formulas(FORMULAS))


def with_measurement(process: ArrheniusProcess, descriptors: Descriptors, row: int, temperature_C: float) -> object:
    """Return the process after one more conductivity, by adding it and inverting anew."""
    from training.properties.conductivity.arrhenius import inverse_temperature

    one, old, o = descriptors.take(np.array([row])), process.materials, process.observations
    cells = {n: np.concatenate([getattr(old.descriptors, n), getattr(one, n)]) for n in one.__dataclass_fields__}
    more = Descriptors(**cells)
    materials = TrainingMaterials(
        more, old.chemistry_scaling, old.order_scaling, old.crystal_scaling, prototypes_of(more.composition)
    )
    added = Observations(
        np.append(o.material, len(old.descriptors)),
        np.append(o.of_sigma, 1.0),
        np.append(o.of_energy, -float(inverse_temperature(temperature_C))),
        np.append(o.value, -3.0),
        np.append(o.is_upper_bound, False),
    )
    return replace(
        process,
        materials=materials,
        observations=added,
        targets=np.append(process.targets, -3.0),
        extra_variance=np.append(process.extra_variance, 0.0),
    ).predict(descriptors)


def test_the_variance_is_the_process_s_own(fitted: Fitted, descriptors: Descriptors) -> None:
    process = fitted.model.variants["formula"].ensemble.process
    about = ProcessUncertainty(process, descriptors)
    assert np.sqrt(about.variance()) == pytest.approx(process.predict(descriptors).log10_sigma_latent_sd, abs=1e-8)
    matrix = about.covariance(np.arange(len(descriptors)))
    assert matrix == pytest.approx(matrix.T, abs=1e-10)
    assert np.linalg.eigvalsh(matrix).min() > -1e-8


def test_what_a_measurement_would_teach_is_what_it_teaches(fitted: Fitted, descriptors: Descriptors) -> None:
    """The closed form against a process to which the measurement was added."""
    process = fitted.model.variants["formula"].ensemble.process
    about = ProcessUncertainty(process, descriptors)
    allowed = np.zeros(len(descriptors), dtype=bool)
    for row in (0, 7):
        allowed[:] = False
        allowed[row] = True
        (pick,) = choose(about, 1, allowed=allowed, reference=np.arange(len(descriptors)))
        after = with_measurement(process, descriptors, row, 25.0)
        assert pick.mean_sd_after == pytest.approx(float(after.log10_sigma_sd.mean()), abs=1e-6)  # type: ignore[attr-defined]


def test_at_another_temperature_the_activation_energy_counts_too(fitted: Fitted, descriptors: Descriptors) -> None:
    process = fitted.model.variants["formula"].ensemble.process
    hot, room = (ProcessUncertainty(process, descriptors, t).variance() for t in (100.0, 25.0))
    assert not np.allclose(hot, room)
    assert (hot > 0).all()


def test_disagreement_widens_and_keeps_correlations(fitted: Fitted, descriptors: Descriptors) -> None:
    ensemble = fitted.model.variants["formula"].ensemble
    spread = disagreement_of(ensemble, descriptors)
    assert spread.shape == (len(descriptors),)
    assert (spread >= 0).all()
    plain = ProcessUncertainty(ensemble.process, descriptors)
    wide = ProcessUncertainty(ensemble.process, descriptors, 25.0, spread)
    assert wide.variance() == pytest.approx(plain.variance() + spread**2)
    rows = np.arange(len(descriptors))
    scale = np.sqrt(wide.variance() / plain.variance())
    assert wide.covariance(rows) == pytest.approx(plain.covariance(rows) * np.outer(scale, scale))
    one = disagreement_of(replace(ensemble, nets=None), descriptors.take(rows[:1]))
    assert one.shape == (1,)


def test_known_compounds_teach_nothing_about_the_nets() -> None:
    composition = MaterialBatch.from_formulas(["Li3PS4", "Li3PS3.9O0.1", "LiCl"]).matrix()
    about = SharedUncertainty(composition, np.array([0.0, 0.05, 0.05]), 0.25, 4e-4)
    matrix = about.covariance(np.arange(3))
    assert (matrix[0] == 0).all()
    assert np.diag(matrix) == pytest.approx(about.variance())
    (pick,) = choose(about, 1, allowed=np.array([True, True, True]), reference=np.arange(3))
    assert pick.point in (1, 2)
