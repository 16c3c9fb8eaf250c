"""The CCD regression: it finds known laws, keeps its signs, treats bounds as bounds, and its intervals cover."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ccd_world import INTERLAYER_EFFECT, PAPER_SD, cells, draw_world
from scipy.stats import binom

from training.mlflow_model import FrameModel
from training.properties.ccd.bundling import check_golden, load_ccd
from training.properties.ccd.cells import Cells, Reports
from training.properties.ccd.declaration import CCD
from training.properties.ccd.evaluation import class_medians, paired_bootstrap, scores_of
from training.properties.ccd.model import LeftOut, Opinion, Regression, conformal_scale, cross_fit, is_covered
from training.properties.ccd.terms import NUMBER_TERMS, inverse_temperature
from training.uncertainty import Interval

SHIPPED = Path(__file__).parents[2] / "serving" / "bundles" / "ccd"


@pytest.fixture(scope="module")
def world() -> Reports:
    return draw_world(0)


@pytest.fixture(scope="module")
def fitted(world: Reports) -> Regression:
    return Regression.of(world)


def effect(fitted: Regression, label: str) -> tuple[float, float]:
    column = fitted.terms.labels().index(label)
    return float(fitted.fit.mean[column]), float(np.sqrt(fitted.fit.covariance[column, column]))


def one(which: int = 0, interlayer: str = "none", temperature_C: float = 25.0, **more: float) -> Cells:
    numbers = {name: np.array([value]) for name, value in more.items()}
    return cells(np.array([which]), [interlayer], np.array([temperature_C]), **numbers)


def test_known_effects_are_found(fitted: Regression) -> None:
    treated = fitted(one(interlayer="fluoride/halide")).centre - fitted(one()).centre
    assert treated.item() == pytest.approx(INTERLAYER_EFFECT, abs=0.1)
    assert np.sqrt(fitted.fit.paper_variance) == pytest.approx(PAPER_SD, abs=0.06)
    assert fitted(one(0)).centre.item() > fitted(one(3)).centre.item() + 0.2, "argyrodites above garnets"


def test_an_interlayer_acts_alike_in_every_class(fitted: Regression) -> None:
    gains = [fitted(one(i, "fluoride/halide")).centre - fitted(one(i)).centre for i in (0, 3, 5)]
    assert np.ptp(gains) < 1e-9


def test_what_differs_between_papers_is_not_taken_for_an_effect() -> None:
    """One paper of 30 rows, all ten times higher and all treated, must not become the effect of treatment."""
    world = draw_world(1, paper_sd=0.1)
    loud = draw_world(2, n_papers=10).take(np.arange(20))
    loud = Reports(
        replace(loud.cells, interlayer_type=np.full(len(loud), "fluoride/halide")),
        np.full(len(loud), 1.3),
        loud.is_lower_bound,
        np.full(len(loud), "loud"),
    )
    both = join(world, loud)
    gain = effect(Regression.of(both), "any interlayer")[0] - effect(Regression.of(world), "any interlayer")[0]
    assert abs(gain) < 0.12


def join(first: Reports, second: Reports) -> Reports:
    parts = {
        name: np.concatenate([getattr(first.cells, name), getattr(second.cells, name)])
        for name in Cells.__dataclass_fields__
    }
    rest = [
        np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("log10_ccd", "is_lower_bound", "paper")
    ]
    return Reports(Cells(**parts), *rest)


@pytest.mark.parametrize("seed", range(5))
def test_the_current_never_falls_with_temperature_even_if_the_rows_say_so(seed: int) -> None:
    world = draw_world(seed, n_papers=40)
    upside_down = replace_value(world, world.log10_ccd - 3.0 * inverse_temperature(world.cells.temperature_C))
    for reports in (world, upside_down):
        fitted = Regression.of(reports)
        hot = [fitted(one(temperature_C=t)).centre.item() for t in (-20.0, 25.0, 60.0, 100.0, 180.0)]
        assert (np.diff(hot) >= -1e-12).all()


def replace_value(reports: Reports, value: np.ndarray) -> Reports:
    return Reports(reports.cells, value, reports.is_lower_bound, reports.paper)


@pytest.mark.parametrize(("name", "sign"), [(t.name, t.sign) for t in NUMBER_TERMS if t.sign])
def test_signs_of_density_and_resistance_are_kept(name: str, sign: int) -> None:
    world = draw_world(3)
    random = np.random.default_rng(0).normal(0.0, 0.5, len(world))
    contrary = Reports(
        replace(world.cells, **{name: random}), world.log10_ccd - sign * random, world.is_lower_bound, world.paper
    )
    fitted = Regression.of(contrary)
    low, high = (replace(one(), **{name: np.array([x])}) for x in (-1.0, 1.0))
    assert sign * (fitted(high).centre - fitted(low).centre).item() >= -1e-12


def test_a_bound_is_not_a_value() -> None:
    """Half of the rows cut at 0 and flagged: the model must come nearer to the truth than with the cuts as values."""
    truth = draw_world(4, n_papers=120)
    cut = truth.log10_ccd > 0.0
    value = np.where(cut, 0.0, truth.log10_ccd)
    flagged = Reports(truth.cells, value, cut, truth.paper)
    naive = Reports(truth.cells, value, np.zeros(len(cut), dtype=bool), truth.paper)
    expected = Regression.of(truth)(truth.cells).centre
    errors = [np.abs(Regression.of(r)(truth.cells).centre - expected).mean() for r in (flagged, naive)]
    assert errors[0] < 0.6 * errors[1]


def test_a_bound_far_below_what_is_known_changes_nothing(world: Reports) -> None:
    trivial = Reports(one(), np.array([-4.0]), np.array([True]), np.array(["new"]))
    before, after = Regression.of(world), Regression.of(join(world, trivial))
    assert after(one()).centre.item() == pytest.approx(before(one()).centre.item(), abs=0.01)


def test_rows_in_any_order_give_one_model(world: Reports) -> None:
    order = np.random.default_rng(0).permutation(len(world))
    again = Regression.of(world.take(order))
    assert again(world.cells).centre == pytest.approx(Regression.of(world)(world.cells).centre, abs=1e-8)


def test_ten_rows_can_be_learned() -> None:
    """With papers of one row and no noise the classes and the interlayer are told apart."""
    few = draw_world(5, n_papers=60, paper_sd=0.0)
    predicted = Regression.of(few)(few.cells).centre
    assert np.corrcoef(predicted, few.log10_ccd)[0, 1] > 0.75


def test_what_is_unknown_counts_as_the_mean_of_the_class(fitted: Regression) -> None:
    unknown = replace(one(), log10_sigma=np.array([np.nan]), reduction_V=np.array([np.nan]))
    assert fitted(unknown).centre == pytest.approx(fitted(one()).centre, abs=1e-9)
    somewhere = fitted(one(interlayer="")).centre.item()
    assert fitted(one()).centre.item() < somewhere < fitted(one(interlayer="fluoride/halide")).centre.item()


def test_a_left_out_paper_leaves_no_trace(world: Reports) -> None:
    """What a paper says must not change its own prediction: not by means, medians, spreads or coefficients."""
    paper = world.paper == world.paper[0]
    shifted = replace_value(world, np.where(paper, world.log10_ccd + 5.0, world.log10_ccd))
    before, after = cross_fit(world), cross_fit(shifted)
    assert (before.opinion.centre[paper] == after.opinion.centre[paper]).all()
    names = world.cells.electrolyte_class
    assert (class_medians(world, names)[paper] == class_medians(shifted, names)[paper]).all()


N_WORLDS, COVERAGE = 12, 0.9
FALSE_ALARM_RATE = 1e-4


def test_intervals_cover_papers_that_nobody_has_seen() -> None:
    """One cell of each of 40 new papers per world; so few hits as to fail happen by chance once in 10,000 runs.

    Independent papers make the count binomial given the model; 0.02 is allowed for the scatter of the calibration.
    """
    hits = total = 0
    for seed in range(N_WORLDS):
        world = draw_world(100 + seed, n_papers=60)
        left_out = cross_fit(world)
        scale = conformal_scale(left_out).factor(COVERAGE)
        fresh = draw_world(500 + seed, n_papers=40)
        first = fresh.take(np.unique(fresh.paper, return_index=True)[1])
        centre, sd = Regression.of(world)(first.cells)
        interval = Interval(centre, centre - scale * sd, centre + scale * sd)
        hits += int(is_covered(first, interval).sum())
        total += len(first)
    lowest = binom.ppf(FALSE_ALARM_RATE / 2, total, COVERAGE - 0.02)
    highest = binom.ppf(1 - FALSE_ALARM_RATE / 2, total, COVERAGE + 0.02)
    assert lowest <= hits <= highest


def test_a_bound_is_covered_when_the_interval_reaches_up_to_it() -> None:
    bound = Reports(one(), np.array([0.5]), np.array([True]), np.array(["a"]))
    for ends, expected in (((-1.0, 0.4), False), ((-1.0, 0.6), True), ((0.7, 2.0), True)):
        assert is_covered(bound, Interval(np.zeros(1), *(np.array([end]) for end in ends))).item() == expected
    left_out = LeftOut(bound, Opinion(np.array([1.0]), np.array([0.5])))
    assert conformal_scale(left_out).scores.item() == 0.0


def test_the_bootstrap_finds_a_real_gain_and_no_other() -> None:
    random = np.random.default_rng(0)
    paper = np.repeat(np.arange(60), 3).astype(str)
    error = random.exponential(0.3, 180)
    better = paired_bootstrap(error, error + random.normal(0.1, 0.1, 180), paper)
    same = paired_bootstrap(error, error + random.normal(0.0, 0.1, 180), paper)
    assert better["gain_95"][0] > 0  # type: ignore[index]
    assert same["gain_95"][0] < 0 < same["gain_95"][1]  # type: ignore[index]


def test_scores_have_the_keys_of_the_design(world: Reports) -> None:
    scores = scores_of(cross_fit(world))
    expected = {"mae", "mae_class_median", "spearman", "coverage_90", "mean_half_width_90", "n_rows", "n_sources"}
    assert expected <= set(scores)
    assert scores["mae"] < scores["mae_class_median"]


# ---------------------------------------------------------------- the shipped bundle


def test_the_shipped_card_says_whether_the_model_beats_the_median() -> None:
    model, bundle = load_ccd(SHIPPED)
    check_golden(model, bundle.card.golden)
    assert "better than the median of the class" in bundle.card.limitations[0]
    metrics = bundle.card.metrics
    assert metrics["mae"] <= 0.33
    assert 0.85 <= metrics["coverage_90"] <= 0.95
    assert metrics["mean_half_width_90"] <= 0.80
    assert metrics["gain_over_class_median_low_95"] > 0
    assert metrics["physics_temperature_effect_eV"] >= 0


def test_frames_answer_null_where_the_service_does() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "formula": ["Li6PS5Cl", "Li6PS5Cl", "Li6PS5Cl", "Li1.3Al0.3Ti1.7(PO4)3"],
            "temperature_C": [25.0, 200.0, None, 25.0],
            "interlayer_type": ["none", "none", "MIEC/3D", None],
        },
        index=[4, 3, 2, 1],
    )
    said = FrameModel(CCD, load_ccd(SHIPPED)[0]).predict(frame)
    assert list(said.index) == [4, 3, 2, 1]
    assert said["log10_ccd_mA_per_cm2"].notna().tolist() == [True, False, False, False]
