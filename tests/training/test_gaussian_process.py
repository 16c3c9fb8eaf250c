"""The process against the textbook: the same answers as dense linear algebra, and the physics that it promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import logit

from features.candidate import MaterialBatch
from training.properties.conductivity.arrhenius import inverse_temperature
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.gaussian_process import ArrheniusProcess, Hyperparameters, Observations
from training.properties.conductivity.kernels import COMPOSITION_KERNELS, LATTICE_KERNELS, TrainingMaterials
from training.properties.conductivity.process_fit import _Problem, condition, fit_process

Array = NDArray[np.float64]

FORMULAS = [
    "Li6PS5Cl",
    "Li5.5PS4.5Cl1.5",
    "Li6PS5Br",
    "Li10GeP2S12",
    "Li7La3Zr2O12",
    "Li3YCl6",
    "Li3InCl6",
    "Li4SiO4",
]
FAR = "BaTiO3"


def hyperparameters(kernels: tuple[str, ...] = COMPOSITION_KERNELS, **changes: float) -> Hyperparameters:
    weights, lengths = np.arange(1.0, len(kernels) + 1), np.linspace(0.3, 1.5, len(kernels))
    values = {
        "sd_sigma": 2.0,
        "sd_energy": 0.2,
        "correlation": -0.6,
        "noise_sigma": 0.4,
        "noise_energy": 0.05,
        "mean_sigma": -5.0,
        "mean_energy": 0.4,
        "other_prototype": 0.6,
    } | changes
    return Hyperparameters(kernels, tuple(weights / weights.sum()), tuple(lengths), **values)


def cubic(edges: list[float]) -> Array:
    return np.array([[a, a, a, 90, 90, 90, 216, 52] if np.isfinite(a) else [np.nan] * 8 for a in edges], dtype=float)


def materials_of(formulas: list[str], edges: list[float] | None = None) -> TrainingMaterials:
    lattice = None if edges is None else cubic(edges)
    return TrainingMaterials.of(Descriptors.of(MaterialBatch.from_formulas(formulas, lattice)))


def of_formula(formula: str) -> Descriptors:
    return Descriptors.of(MaterialBatch.from_formulas([formula]))


def observe(
    material: list[int],
    value: list[float],
    *,
    energy: list[bool] | None = None,
    celsius: list[float] | None = None,
    bound: list[bool] | None = None,
) -> Observations:
    """Return observations of conductivity (already without the 1/T prefactor) or, where `energy`, of its energy."""
    is_energy = np.array(energy or [False] * len(material))
    slope = inverse_temperature(celsius or [25.0] * len(material))
    return Observations(
        np.array(material),
        np.where(is_energy, 0.0, 1.0),
        np.where(is_energy, 1.0, -slope),
        np.array(value),
        np.array(bound or [False] * len(material)),
    )


def textbook(process: ArrheniusProcess, new: Descriptors) -> list[Array]:
    """Return mean and sd of a new measurement of a, then of E, by dense algebra over all pairs of all materials."""
    h, o, own = process.hyper, process.observations, process.materials.descriptors
    k = h.covariance(process.materials, own)
    cross = h.covariance(process.materials, new)
    n, m = len(own), len(new)
    joint = np.eye(n + m)
    joint[:n, :n], joint[n:, :n], joint[:n, n:] = k, cross, cross.T
    np.fill_diagonal(joint, 1.0)
    coupling = h.correlation * h.sd_sigma * h.sd_energy
    prior = np.kron(np.array([[h.sd_sigma**2, coupling], [coupling, h.sd_energy**2]]), joint)
    size = n + m
    observed = np.zeros((len(o.value), 2 * size))
    observed[np.arange(len(o.value)), o.material] = o.of_sigma
    observed[np.arange(len(o.value)), size + o.material] = o.of_energy
    noise = np.where(o.of_sigma > 0, h.noise_sigma**2, h.noise_energy**2) + 1e-8
    covariance = observed @ prior @ observed.T + np.diag(noise)
    mean = np.repeat([h.mean_sigma, h.mean_energy], size)
    gain = np.linalg.solve(covariance, observed @ prior).T
    after = mean + gain @ (o.value - observed @ mean)
    variance = np.diag(prior - gain @ observed @ prior)
    a, e = slice(n, size), slice(size + n, 2 * size)
    return [after[a], np.sqrt(variance[a] + h.noise_sigma**2), after[e], np.sqrt(variance[e] + h.noise_energy**2)]


@pytest.mark.parametrize("kernels", [COMPOSITION_KERNELS, LATTICE_KERNELS])
def test_mean_and_variance_equal_the_textbook(kernels: tuple[str, ...]) -> None:
    rng = np.random.default_rng(1)
    edges = [9.9, np.nan, 10.1, np.nan, 12.9, np.nan, 11.0, 6.0]
    materials = materials_of(FORMULAS, edges)
    material = [*range(8), 0, 0, 3, 4, 4, 7]
    energy = [False] * 10 + [True, True, False, True]
    value = np.where(energy, 0.35, -4.0) + rng.normal(size=14) * np.where(energy, 0.1, 1.0)
    celsius = [25.0, 60.0, 25.0, 100.0, -20.0, 25.0, 150.0, 300.0, 25.0, 80.0, 25.0, 25.0, 60.0, 25.0]
    process = condition(
        materials, observe(material, list(value), energy=energy, celsius=celsius), hyperparameters(kernels)
    )
    new = Descriptors.of(
        MaterialBatch.from_formulas(["Li6.5PS5.5Cl0.5", "Li6PS5Cl", "LiAlCl4", FAR], cubic([9.9, 9.9, np.nan, 4.0]))
    )
    for ours, theirs in zip(process.predict(new)[:4], textbook(process, new), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_leaving_observations_out_equals_never_having_made_them() -> None:
    rng = np.random.default_rng(6)
    materials = materials_of(FORMULAS)
    everything = observe(
        [0, 0, 1, 2, 3, 3, 5, 7], list(-4.0 + rng.normal(size=8)), celsius=[25, 80, 25, 25, 60, 25, 25, 25.0]
    )
    left_out = np.array([True, True, False, False, True, False, False, False])
    kept = Observations(*(getattr(everything, name)[~left_out] for name in Observations.__slots__))
    process, without = (condition(materials, rows, hyperparameters()) for rows in (everything, kept))
    expected = without.predict(materials.descriptors)
    fast = process.predict_without(process.between_materials(), left_out)
    np.testing.assert_allclose(fast.log10_sigma, expected.log10_sigma, atol=1e-8)
    np.testing.assert_allclose(fast.activation_energy_eV, expected.activation_energy_eV, atol=1e-8)
    np.testing.assert_allclose(fast.log10_sigma_sd**2 + 0.4**2, expected.log10_sigma_sd**2, atol=1e-8)


def test_a_temperature_series_gives_back_its_conductivity_and_activation_energy() -> None:
    celsius = [-20.0, 0.0, 25.0, 50.0, 80.0, 120.0]
    a, energy = -2.7, 0.29
    value = list(a - energy * inverse_temperature(celsius))
    hyper = hyperparameters(noise_sigma=1e-3, noise_energy=1e-3)
    answer = condition(materials_of(FORMULAS), observe([0] * 6, value, celsius=celsius), hyper).predict(
        of_formula("Li6PS5Cl")
    )
    assert answer.log10_sigma[0] == pytest.approx(a, abs=0.01)
    assert answer.activation_energy_eV[0] == pytest.approx(energy, abs=0.01)


def test_an_activation_energy_alone_says_something_about_the_conductivity() -> None:
    """The two are correlated at -0.6: a low energy makes a good conductor likely."""
    answers = [
        condition(materials_of(FORMULAS), observe([0], [energy], energy=[True]), hyperparameters())
        .predict(of_formula("Li6PS5Cl"))
        .log10_sigma[0]
        for energy in (0.2, 0.4, 0.6)
    ]
    assert answers[0] > answers[1] > answers[2]
    assert answers[1] == pytest.approx(-5.0)


def test_an_upper_bound_pulls_down_but_is_not_read_as_its_value() -> None:
    known = of_formula("Li6PS5Cl")

    def centre(value: float, is_bound: bool) -> float:
        observations = observe([0, 3], [value, -4.0], bound=[is_bound, False])
        return float(condition(materials_of(FORMULAS), observations, hyperparameters()).predict(known).log10_sigma[0])

    alone = observe([3], [-4.0])
    without = float(condition(materials_of(FORMULAS), alone, hyperparameters()).predict(known).log10_sigma[0])
    assert centre(-10.0, True) < without - 1.0  # contradicts what the neighbour says: pulled down
    assert centre(-2.0, True) > centre(-2.0, False) - 3.0
    assert centre(-2.0, True) < -3.5  # says hardly anything: far from being read as -2
    assert centre(-10.0, True) == pytest.approx(centre(-10.0, False), abs=1.5)
    assert centre(0.0, True) == pytest.approx(without, abs=0.05)  # says nothing


def test_a_bound_leaves_more_doubt_than_a_value() -> None:
    known = of_formula("Li6PS5Cl")

    def doubt(is_bound: bool) -> float:
        observations = observe([0], [-6.0], bound=[is_bound])
        return float(
            condition(materials_of(FORMULAS), observations, hyperparameters()).predict(known).log10_sigma_sd[0]
        )

    assert doubt(True) > doubt(False)


def test_only_bounds_is_a_problem_that_can_be_solved() -> None:
    materials = materials_of(FORMULAS)
    process = fit_process(
        materials, observe(list(range(8)), [-9.0] * 8, bound=[True] * 8), COMPOSITION_KERNELS, n_iterations=12
    )
    answer = process.predict(materials.descriptors)
    assert np.isfinite(answer).all()
    assert (answer.log10_sigma < -9.0).all()


def test_repeated_measurements_are_tolerated_and_averaged() -> None:
    """With noise but no doubt about the prior, twenty repeats narrow the doubt and average to their mean."""
    rng = np.random.default_rng(2)
    value = list(-3.0 + 0.3 * rng.normal(size=20))
    hyper = hyperparameters(noise_sigma=0.3)
    many = condition(materials_of(FORMULAS), observe([0] * 20, value), hyper).predict(of_formula("Li6PS5Cl"))
    once = condition(materials_of(FORMULAS), observe([0], value[:1]), hyper).predict(of_formula("Li6PS5Cl"))
    assert many.log10_sigma[0] == pytest.approx(np.mean(value), abs=0.02)
    assert 0.3 < many.log10_sigma_sd[0] < once.log10_sigma_sd[0]
    identical = condition(materials_of(FORMULAS), observe([0] * 20, [-3.0] * 20), hyperparameters(noise_sigma=1e-6))
    assert np.isfinite(identical.predict(of_formula("Li6PS5Cl"))).all()


def test_a_far_material_is_answered_by_the_prior_with_more_doubt() -> None:
    h = replace(hyperparameters(), lengths=(0.02,) * len(COMPOSITION_KERNELS))
    process = condition(materials_of(FORMULAS), observe(list(range(8)), [-2.0] * 8), h)
    near, far = (process.predict(of_formula(formula)) for formula in ("Li6PS5Cl", FAR))
    assert near.log10_sigma[0] == pytest.approx(-2.0, abs=0.15)
    assert far.log10_sigma[0] == pytest.approx(h.mean_sigma, abs=1e-3)
    assert far.log10_sigma_sd[0] == pytest.approx(np.hypot(h.sd_sigma, h.noise_sigma), abs=1e-3)
    assert far.log10_sigma_sd[0] > 1.5 * near.log10_sigma_sd[0]
    assert far.activation_energy_sd_eV[0] > near.activation_energy_sd_eV[0]


def random_problem(edges: list[float] | None = None) -> tuple[TrainingMaterials, Observations]:
    rng = np.random.default_rng(3)
    return materials_of(FORMULAS, edges), observe(list(range(8)) * 2, list(-4.0 + rng.normal(size=16)))


def test_fitting_improves_the_marginal_likelihood() -> None:
    materials, observations = random_problem()
    problem = _Problem(materials, observations, COMPOSITION_KERNELS)
    losses = []
    for steps in (0, 5, 40):
        process = fit_process(materials, observations, COMPOSITION_KERNELS, n_iterations=steps)
        h = process.hyper
        theta = torch.tensor(
            [
                *np.log(h.weights),
                *np.log(h.lengths),
                np.log(h.sd_sigma),
                np.log(h.sd_energy),
                np.arctanh(h.correlation),
                np.log(h.noise_sigma),
                np.log(h.noise_energy),
                h.mean_sigma,
                h.mean_energy,
                logit(h.other_prototype),
            ],
            dtype=torch.float64,
        )
        losses.append(float(problem.loss(theta, process)))
    assert losses[0] > losses[1] > losses[2]


@pytest.mark.parametrize(
    "edges",
    [
        [np.nan] * 8,  # no lattice at all
        [9.9] + [np.nan] * 7,  # one: no distance between two lattices is known
        [9.9, 10.0, 10.1] + [np.nan] * 5,
    ],
)
def test_missing_lattices_never_make_nan(edges: list[float]) -> None:
    materials, observations = random_problem(edges)
    process = fit_process(materials, observations, LATTICE_KERNELS, n_iterations=12)
    assert np.isfinite(process.hyper.weights + process.hyper.lengths).all()
    new = Descriptors.of(MaterialBatch.from_formulas(["Li6PS5Cl", FAR], cubic([10.0, np.nan])))
    assert np.isfinite(process.predict(new)).all()


def test_distances_do_not_depend_on_the_batch_and_vanish_between_equals() -> None:
    """A root turns rounding of 1e-14 into 1e-7: known materials would be answered differently in every batch."""
    materials = materials_of(FORMULAS * 20, [9.9, 10.0, 10.1, 12.9, 13.0, 11.0, 9.0, 6.0] * 20)
    own = materials.descriptors
    together = materials.distances(own, LATTICE_KERNELS)
    alone = [materials.distances(own.take(np.array([i])), LATTICE_KERNELS) for i in range(8)]
    for number, name in enumerate(LATTICE_KERNELS):
        single = np.vstack([distances[number] for distances in alone])
        np.testing.assert_allclose(single, together[number][:8], rtol=0, atol=1e-12, err_msg=name)
        equal = np.arange(8)[:, None] == np.arange(160)[None, :] % 8
        assert np.abs(single[equal]).max() < 1e-12, name


def test_compiled_and_plain_distances_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    materials = materials_of(FORMULAS, [9.9, 10.0, 10.1, 12.9, 13.0, 11.0, 9.0, 6.0])
    monkeypatch.setattr("features.compiling.compiler_is_loaded", lambda: False)
    plain = materials.distances(materials.descriptors, COMPOSITION_KERNELS)
    monkeypatch.setattr("features.compiling.compiler_is_loaded", lambda: True)
    for one, other in zip(materials.distances(materials.descriptors, COMPOSITION_KERNELS), plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-14)


def test_a_lattice_brings_materials_with_one_closer_together() -> None:
    materials = materials_of(["Li6PS5Cl"], [9.9])
    process = condition(materials, observe([0], [-2.0]), hyperparameters(LATTICE_KERNELS))
    with_cell, without = (
        process.predict(Descriptors.of(MaterialBatch.from_formulas(["Li6PS5Br"], cubic([a])))) for a in (9.9, np.nan)
    )
    assert with_cell.log10_sigma_sd[0] < without.log10_sigma_sd[0]


def test_a_material_of_another_prototype_counts_less_by_the_factor() -> None:
    """Li3PO4 and Li4SiO4 share one; LiPO3, nearer to Li3PO4 in composition than that, has another."""
    materials = materials_of(["Li3PO4", "Li4SiO4", "LiPO3", "Li6PS5Cl"])
    alike = materials.same_prototype(materials.descriptors)
    np.testing.assert_array_equal(alike, [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    blind, told = (hyperparameters(other_prototype=share) for share in (1.0, 0.3))
    without, with_factor = (h.covariance(materials, materials.descriptors) for h in (blind, told))
    np.testing.assert_allclose(with_factor, without * np.where(alike, 1.0, 0.3), rtol=1e-12)
    assert np.linalg.eigvalsh(with_factor).min() > -1e-9  # a product of kernels is one


def test_the_factor_is_fitted_and_lies_between_0_and_1() -> None:
    """Where the structure decides the value, other structures count for little."""
    garnets = [f"Li{5 + x:g}La3Zr{x:g}Ta{2 - x:g}O12" for x in np.arange(0.1, 2.0, 0.1)]
    perovskites = [f"Li{3 * x:g}La{0.67 - x:g}TiO3" for x in np.arange(0.02, 0.17, 0.008)]
    materials = materials_of(garnets + perovskites)
    assert len(set(materials.prototype.tolist())) == 2
    value = [-2.0] * len(garnets) + [-9.0] * len(perovskites)
    observations = observe(
        list(range(len(value))), list(value + 0.3 * np.random.default_rng(0).normal(size=len(value)))
    )
    start, end = (
        fit_process(materials, observations, COMPOSITION_KERNELS, n_iterations=n).hyper.other_prototype for n in (0, 25)
    )
    assert start == 0.5
    assert 0.0 < end < start


def test_a_process_of_before_knows_no_prototypes() -> None:
    materials, observations = random_problem()
    process = condition(materials, observations, hyperparameters(other_prototype=1.0))
    settings = process.settings()
    del settings["other_prototype"]
    again = ArrheniusProcess.from_arrays(process.arrays(), settings)
    np.testing.assert_array_equal(process.predict(of_formula("Li3N")), again.predict(of_formula("Li3N")))


def test_round_trip_through_arrays() -> None:
    materials, observations = random_problem()
    process = condition(materials, replace(observations, is_upper_bound=np.arange(16) == 3), hyperparameters())
    again = ArrheniusProcess.from_arrays(process.arrays(), process.settings())
    for ours, theirs in zip(process.predict(of_formula("Li3N")), again.predict(of_formula("Li3N")), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_indefinite_covariance_is_reported() -> None:
    materials, observations = random_problem()
    process = condition(materials, observations, hyperparameters())
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        replace(process, extra_variance=np.full(16, -100.0)).predict(of_formula("Li3N"))
