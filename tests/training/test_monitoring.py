"""The monitor's statistics: false alarms as rare as stated, real shifts found, whatever rows of a source share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.monitoring.coverage import Compared, Reference, bias_of, judge_quantities
from training.monitoring.drift import Traffic, judge_traffic, population_shift_index
from training.monitoring.limits import LimitsError, monitoring_limits
from training.monitoring.proportions import (
    chance_of_so_few,
    chance_of_so_many,
    share_of,
    shares_of_clusters,
)
from training.monitoring.rules import (
    ALARM_RATE_OF_MEASUREMENTS,
    ALARM_RATE_OF_REQUESTS,
    FEWEST_REQUESTS,
    LEVELS,
    Advice,
)
from training.properties import registry

REACH = {0.5: 0.6745, 0.8: 1.2816, 0.9: 1.6449}
N_WORLDS = 300


def measured(
    rng: np.random.Generator,
    n_sources: int = 20,
    *,
    widths: float = 1.0,
    bias: float = 0.0,
    alike: float = 0.5,
    quantity: str = "log10_sigma_S_per_cm",
) -> Compared:
    """Return measurements of a model that is right up to `bias` and `widths`; sources share a part of their error."""
    sizes = rng.integers(1, 8, n_sources)
    source = np.repeat([f"lab{i}" for i in range(n_sources)], sizes)
    shared = np.repeat(rng.normal(0, np.sqrt(alike), n_sources), sizes)
    value = bias + shared + rng.normal(0, np.sqrt(1 - alike), len(source))
    reach = widths * np.array([REACH[level] for level in LEVELS])
    n, group = len(source), np.where(rng.random(len(source)) < 0.5, "garnet", "argyrodite")
    none = np.zeros(n, dtype=bool)
    ends = np.tile(reach, (n, 1))
    return Compared(quantity, value, none, none, source, group, np.zeros(n), -ends, ends)


def traffic(rng: np.random.Generator, share_outside: float, n: int = 100, days: int = 1) -> Traffic:
    """Return requests of 1 to 50 rows whose rows are all alike in half of them."""
    rows = rng.integers(1, 51, n)
    alike = rng.random(n) < 0.5
    beyond = np.where(alike, rows * (rng.random(n) < share_outside), rng.binomial(rows, share_outside))
    bins = np.zeros((n, 10), dtype=np.int64)
    bins[:, 2], bins[:, 6] = rows - beyond, beyond
    return Traffic(np.sort(rng.integers(20_000, 20_000 + days, n)), bins, np.ones(n, dtype=bool))


# ---------------------------------------------------------------- shares


@settings(max_examples=50, deadline=None)
@given(hits=st.lists(st.booleans(), min_size=1, max_size=40))
def test_rows_of_their_own_give_the_textbook_interval(hits: list[bool]) -> None:
    from scipy.stats import binom, binomtest

    hit = np.array(hits)
    shares = shares_of_clusters(hit, np.arange(len(hit)).astype(str))
    found, textbook = share_of(shares, len(hit)), binomtest(int(hit.sum()), len(hit)).proportion_ci(0.95)
    assert (found.low, found.high) == pytest.approx((textbook.low, textbook.high))
    assert chance_of_so_few(shares, 0.9) == pytest.approx(binom.cdf(hit.sum(), len(hit), 0.9))
    assert chance_of_so_many(shares, 0.1) == pytest.approx(binom.sf(hit.sum() - 1, len(hit), 0.1))


def test_a_source_counts_once_however_many_rows_it_has() -> None:
    few = shares_of_clusters(np.array([True, False]), np.array(["a", "b"]))
    many = shares_of_clusters(np.repeat([True, False], [1, 500]), np.repeat(["a", "b"], [1, 500]))
    assert np.array_equal(few, many)
    assert share_of(np.empty(0), 0)[1:3] == (0.0, 1.0)
    assert chance_of_so_few(np.empty(0), 0.9) == chance_of_so_many(np.empty(0), 0.1) == 1.0


@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
def test_the_interval_holds_the_share_95_times_of_100(alike: float) -> None:
    """4,000 worlds: 95 % nominal, asked at least 94 % (the chance of less, if it held, is below 1 %)."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(4000):
        rows = rng.integers(1, 10, 15)
        same = rng.random(15) < alike
        hits = np.where(same, rows * (rng.random(15) < 0.8), rng.binomial(rows, 0.8))
        found = share_of(hits / rows, int(rows.sum()))
        held += found.low <= 0.8 <= found.high
    assert held >= 0.94 * 4000


# ---------------------------------------------------------------- measurements


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.95])
def test_a_calibrated_model_is_called_fine(alike: float) -> None:
    """At most 4 % alarms are promised; 300 worlds allow 21 (the chance of more, at 4 %, is below 1 %)."""
    rng = np.random.default_rng(int(100 * alike))
    alarms = 0
    for _ in range(N_WORLDS):
        quantities = [measured(rng, alike=alike), measured(rng, alike=alike, quantity="reduction_V")]
        reports = judge_quantities(quantities, ALARM_RATE_OF_MEASUREMENTS, [Reference(), Reference()])
        alarms += any(report.verdict is not Advice.FINE for report in reports)
    assert alarms <= 21


@pytest.mark.parametrize(
    ("change", "verdict", "word"),
    [
        ({"widths": 0.4}, Advice.DISTRUST, "too narrow"),
        ({"bias": 1.0}, Advice.RETRAIN, "above the predicted"),
        ({"bias": -1.0}, Advice.RETRAIN, "below the predicted"),
    ],
)
def test_a_model_that_is_wrong_is_found(change: dict[str, float], verdict: Advice, word: str) -> None:
    """In at least 90 of 100 worlds of 20 sources; a bias of one standard deviation also costs coverage."""
    rng, found = np.random.default_rng(5), 0
    for _ in range(100):
        (report,) = judge_quantities([measured(rng, **change)], ALARM_RATE_OF_MEASUREMENTS, [Reference(0.9)])
        found += report.verdict >= verdict and any(word in told for told in report.words)
    assert found >= 90


def test_one_family_that_is_wrong_is_named() -> None:
    rng = np.random.default_rng(8)
    compared = measured(rng, 60, alike=0.0)
    garnet = compared.group == "garnet"
    compared.value[garnet] *= 4.0
    (report,) = judge_quantities([compared], ALARM_RATE_OF_MEASUREMENTS, [Reference()])
    assert report.verdict is Advice.DISTRUST
    assert any("of garnet" in told for told in report.words)
    assert not any("of argyrodite" in told for told in report.words)


def test_few_sources_are_no_ground_for_a_verdict() -> None:
    rng = np.random.default_rng(9)
    (report,) = judge_quantities([measured(rng, 4, widths=0.01)], ALARM_RATE_OF_MEASUREMENTS, [Reference()])
    assert report.verdict is Advice.FINE
    assert "too few" in report.words[0]


def test_bounds_are_held_where_the_interval_reaches_them() -> None:
    ends = np.ones((4, 3))
    value, flag = np.array([5.0, -5.0, 5.0, -5.0]), np.array([True, True, False, False])
    names = np.array(["a", "b", "c", "d"])
    compared = Compared("x", value, flag, ~flag, names, names, np.zeros(4), -ends, ends)
    assert compared.is_covered()[:, 0].tolist() == [True, False, False, True]
    (report,) = judge_quantities([compared], 0.04, [Reference()])
    assert report.bias is None  # nobody knows how far a bound is off
    assert report.mae is None


def test_levels_without_intervals_are_left_out() -> None:
    compared = measured(np.random.default_rng(1), 10)
    compared.lower[:, 2] = np.nan
    (report,) = judge_quantities([compared], 0.04, [Reference()])
    assert [level.realised.n_rows for level in report.levels] == [len(compared), len(compared), 0]
    assert report.verdict is Advice.FINE


def test_bias_weighs_sources_alike_and_small_ones_are_left_alone() -> None:
    bias = bias_of(np.array([1.0, 1.0, 1.0, -1.0]), np.array(["a", "a", "a", "b"]))
    assert bias is not None
    assert bias.mean == 0.0
    assert bias_of(np.array([1.0]), np.array(["a"])) is None
    rng = np.random.default_rng(2)
    compared = measured(rng, 40)
    smallest = monitoring_limits("conductivity").quantities[compared.quantity].smallest_bias
    compared.value[:] = 0.5 * smallest + 0.001 * compared.value
    (report,) = judge_quantities([compared], 0.04, [Reference(smallest_bias=smallest)])
    assert report.bias is not None
    assert report.bias.p < 1e-6
    assert report.verdict is Advice.FINE


# ---------------------------------------------------------------- limits of a property


@pytest.mark.parametrize("name", registry.names())
def test_the_limits_of_every_property_can_be_read(name: str) -> None:
    limits = monitoring_limits(name)
    assert limits.expected_outside is None or 0.0 < limits.expected_outside < 1.0
    assert all(quantity.smallest_bias > 0.0 for quantity in limits.quantities.values())


@pytest.mark.parametrize(
    ("section", "said"),
    [("viscosity_Pa_s]\n", "no such quantity"), ("log10_sigma_S_per_cm]\nsmallest = 1\n", "unexpected keyword")],
)
def test_limits_that_are_not_meant_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, said: str
) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(f"[monitoring.quantities.{section}")
    monkeypatch.setattr(type(registry.get("conductivity")), "limits", lambda self: path)
    with pytest.raises(LimitsError, match=said):
        monitoring_limits("conductivity")


# ---------------------------------------------------------------- requests


def test_questions_as_familiar_as_left_out_papers_are_fine() -> None:
    """At most 1 % alarms are promised; 300 worlds allow 9 (the chance of more, at 1 %, is below 1 %)."""
    rng = np.random.default_rng(11)
    alarms = sum(
        judge_traffic(traffic(rng, 0.10), 0.10, ALARM_RATE_OF_REQUESTS).verdict is not Advice.FINE
        for _ in range(N_WORLDS)
    )
    assert alarms <= 9


@pytest.mark.parametrize(("share", "verdict"), [(0.35, Advice.RETRAIN), (0.8, Advice.DISTRUST)])
def test_unfamiliar_questions_are_found(share: float, verdict: Advice) -> None:
    rng = np.random.default_rng(12)
    found = [judge_traffic(traffic(rng, share), 0.10, ALARM_RATE_OF_REQUESTS) for _ in range(50)]
    assert sum(report.verdict is verdict for report in found) >= 45
    assert all(report.outside.n_clusters == 100 for report in found)


def test_a_large_request_counts_once_and_few_say_nothing() -> None:
    bins = np.zeros((FEWEST_REQUESTS, 10), dtype=np.int64)
    bins[:, 0] = 1
    bins[0] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 10_000]
    day, recent = np.zeros(FEWEST_REQUESTS, dtype=np.int64), np.ones(FEWEST_REQUESTS, dtype=bool)
    report = judge_traffic(Traffic(day, bins, recent), 0.1, 0.01)
    assert report.verdict is Advice.FINE
    assert report.outside.value == pytest.approx(1 / FEWEST_REQUESTS)
    few = judge_traffic(Traffic(day[:5], bins[:5], recent[:5]), 0.1, 0.01)
    assert "too few" in few.words[0]
    none = judge_traffic(Traffic(day[:0], bins[:0], recent[:0]), 0.1, 0.01)
    assert none.verdict is Advice.FINE


def test_a_change_against_the_time_before_is_told() -> None:
    rng = np.random.default_rng(13)
    old, new = traffic(rng, 0.02, 80), traffic(rng, 0.6, 80)
    both = Traffic(
        np.concatenate([old.day, new.day + 40]), np.vstack([old.bins, new.bins]), np.repeat([False, True], 80)
    )
    report = judge_traffic(both, None, 0.01)
    assert report.shift is not None
    assert report.shift > 0.25
    assert any("has changed" in word for word in report.words)
    assert report.verdict is Advice.FINE  # without an expectation, a change is told and no more
    assert population_shift_index(np.eye(10), np.eye(10)) == 0.0


def test_changes_are_told_by_chance_once_in_a_hundred() -> None:
    """The permutation test is exact; 100 worlds of equal halves allow 5 at 1 % (the chance of more is below 1 %)."""
    rng, told = np.random.default_rng(14), 0
    for _ in range(100):
        same = traffic(rng, 0.1, 60)
        halves = Traffic(same.day, same.bins, rng.permutation(np.repeat([False, True], 30)))
        told += any("has changed" in word for word in judge_traffic(halves, None, 0.01).words)
    assert told <= 5


def test_a_rising_share_is_told() -> None:
    bins = np.zeros((300, 10), dtype=np.int64)
    day = np.repeat(np.arange(10), 30)
    beyond = (np.arange(300) % 30) < 3 * day
    bins[:, 0], bins[:, 9] = ~beyond, beyond
    report = judge_traffic(Traffic(day, bins, np.ones(300, dtype=bool)), 0.1, 0.01)
    assert report.trend == 1.0
    assert any("rises" in word for word in report.words)
    assert [one.n_requests for one in report.days] == [30] * 10
