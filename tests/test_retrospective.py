"""What the retrospective benchmark may know of a pool: nothing. On the embedded literature table."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from retraining_families import ALIKE
from retrospective_cuts import FAMILIES, Cut, History, distinct
from retrospective_figures import compared, family_figures, left_out_materials, reliability, spread
from retrospective_rankings import Ranked

from features.similarity import half_l1
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE
from training.properties.conductivity.table import load_literature
from training.publication_years import first_year, year_of_doi


@pytest.fixture(scope="module")
def history() -> History:
    return History(load_literature())


def _cuts(history: History) -> list[Cut]:
    families = history.without_families(("argyrodite", "halide"), 1)
    return [*history.random_halves(2), *history.years((2021, 2023)), *families]


def _ranked(cut: Cut, seed: int = 0) -> Ranked:
    rng = np.random.default_rng(seed)
    n = len(cut.pool)
    names = ("success 1e-3", "success 1e-2", "value", "forest", "forest of hits 1e-3", "nearest")
    scores = {name: rng.random(n) for name in names}
    return Ranked(scores, {"1e-3": rng.random(n), "1e-2": rng.random(n)}, rng.random(n), rng.random(n) < 0.5, {})


def test_no_material_of_a_pool_is_in_training(history: History) -> None:
    for cut in _cuts(history):
        between = half_l1(history.composition[cut.pool], history.composition[cut.train])
        assert between.min() >= SAME_MATERIAL_DISTANCE
        assert not set(cut.pool.tolist()) & set(cut.train.tolist())


def test_a_pool_holds_each_material_once(history: History) -> None:
    for cut in _cuts(history):
        among = half_l1(history.composition[cut.pool], history.composition[cut.pool])
        np.fill_diagonal(among, 1.0)
        assert among.min() >= SAME_MATERIAL_DISTANCE
        assert len(cut.pool) > 10


def test_a_paper_lies_on_one_side_and_both_sides_are_tried(history: History) -> None:
    first, second = islice(history.random_halves(1), 2)
    for cut in (first, second):
        assert not set(history.rows.paper[cut.train]) & set(history.rows.paper[cut.pool])
    assert len(np.union1d(first.train, second.train)) == len(history.rows)
    assert not len(np.intersect1d(first.train, second.train))


def test_years_part_past_and_future(history: History) -> None:
    assert not list(history.years((1990,))), "too little was known"
    for cut in history.years((2021,)):
        assert history.year[cut.train].max() < 2021 <= history.year[cut.pool].min()


def test_a_family_taken_out_leaves_nothing_like_it(history: History) -> None:
    for cut in history.without_families(("argyrodite",), 1):
        own = np.isin(history.family, FAMILIES["argyrodite"])
        assert not own[cut.train].any()
        assert half_l1(history.composition[cut.train], history.composition[own]).min() >= ALIKE
        assert cut.is_member.any()
        assert not cut.is_member.all()


def test_a_bound_is_no_hit_and_the_median_counts(history: History) -> None:
    cut = next(history.random_halves(1))
    assert not (cut.is_hit(-30.0) & cut.is_bound).any()
    assert cut.is_hit(-30.0).sum() == (~cut.is_bound).sum()


def test_materials_are_told_apart() -> None:
    apart = np.array([[0.5, 0.5], [0.504, 0.496], [0.52, 0.48], [0.508, 0.492], [1.0, 0.0]])
    assert distinct(apart).tolist() == [0, 0, 1, 0, 2]


@pytest.mark.parametrize(
    ("doi", "year"),
    [
        ("10.1016/j.ssi.2012.03.045", 2012),
        ("10.1016/0167-2738(89)90438-4", 1989),
        ("10.1016/s0167-2738(00)00491-4", 2000),
        ("10.1021/acs.chemmater.5b00940", 2015),
        ("10.1021/jacs.0c10735", 2020),
        ("10.1021/acsenergylett.9b02599", 2019),
        ("10.1021/cm021717j", 2002),
        ("10.1021/cm300792t", 2012),
        ("10.1021/jp983755p", 1998),
        ("10.1039/c3ta15264b", 2013),
        ("10.1039/a800234g", 1998),
        ("10.1038/s41467-021-24697-2", 2021),
        ("10.1002/adma.202417796", 2024),
        ("10.1111/j.1551-2916.2005.00060.x", 2005),
        ("10.1007/s11581-014-1261-6", 2014),
        ("10.1149/2.0501412jes", 2014),
        ("10.1063/1.2357843", None),
        ("10.1038/nmat3066", None),
        ("", None),
    ],
)
def test_years_of_dois(doi: str, year: int | None) -> None:
    assert year_of_doi(doi) == year


def test_the_first_of_several_papers_counts() -> None:
    assert first_year("10.1021/acs.chemmater.7b00886|10.1039/c4ta05231e") == 2014
    assert first_year("10.1063/1.2357843|10.1039/c4ta05231e") == 2014


def test_years_of_dois_agree_with_those_of_the_table() -> None:
    table = load_literature()
    told = table["doi"].map(first_year).to_numpy(dtype=float)
    both = np.isfinite(told) & np.isfinite(table["year"].to_numpy(dtype=float))
    assert both.sum() > 150
    assert np.mean(np.abs(told - table["year"])[both] <= 1) > 0.98


def test_differences_are_of_the_same_cut(history: History) -> None:
    pairs = [(cut, _ranked(cut, seed)) for seed, cut in enumerate(history.random_halves(2))]
    first = {id(ranked): float(place) for place, (_, ranked) in enumerate(pairs)}

    def figure(cut: Cut, ranked: Ranked, score: str) -> float:
        return first[id(ranked)] + (1.0 if score == "success 1e-3" else 0.0)

    found = compared(figure, pairs, "1e-3")
    assert found["elyte probability"][0] == pytest.approx(found["forest"][0] + 1.0)
    assert found["probability minus forest"] == {"mean_low_high": [1.0, 1.0, 1.0], "cuts_above_0": 1.0}


def test_family_verdict_follows_the_share_of_hits_found(history: History) -> None:
    cut = next(history.without_families(("argyrodite",), 1))
    hit = cut.is_member & cut.is_hit(-3.0)
    for score, verdict in ((hit.astype(float), "found"), (-hit.astype(float), "missed")):
        ranked = _ranked(cut)
        ranked.scores["success 1e-3"] = score
        assert family_figures("argyrodite", [(cut, ranked)])["elyte_verdict"] == verdict


def test_reliability_counts_every_question_once(history: History) -> None:
    pairs = [(cut, _ranked(cut, seed)) for seed, cut in enumerate(history.random_halves(2))]
    for ranked in (pair[1] for pair in pairs):
        ranked.probability["1e-3"][:] = 0.25
    lines = reliability(pairs)["sigma>=1e-3"]
    hits = np.concatenate([cut.is_hit(-3.0) for cut, _ in pairs])
    assert lines == [{"asked": len(hits), "stated": 0.25, "found": round(float(hits.mean()), 3)}]


def test_materials_are_averaged_over_cuts(history: History) -> None:
    pairs = [(cut, _ranked(cut, seed)) for seed, cut in enumerate(history.random_halves(2))]
    found = left_out_materials(history, pairs)
    assert sum(one["times"] for one in found) == sum(len(cut.pool) for cut, _ in pairs)
    assert all(0.0 <= one["in_domain"] <= 1.0 for one in found)


def test_rankings_are_read_as_they_were_written(history: History, tmp_path: Path) -> None:
    cut = next(history.random_halves(1))
    before = _ranked(cut)
    before.write(tmp_path / "one.json")
    after = Ranked.read(tmp_path / "one.json")
    assert all((after.scores[name] == score).all() for name, score in before.scores.items())
    assert (after.in_domain == before.in_domain).all()


def test_a_spread_leaves_out_what_has_no_answer() -> None:
    assert spread([1.0, float("nan"), 3.0]) == pytest.approx([2.0, 1.05, 2.95])
    assert np.isnan(spread([float("nan")])).all()
