"""What is chosen while rows stream by is what sorting and comparing everything gives."""

from __future__ import annotations

import numpy as np
import pytest

from serving.screening.filters import Chooser, FilterError, SortedColumn, Where, all_met, parse_objectives

SIGMA, HULL, CCD = "log10_sigma_S_per_cm", "energy_above_hull_eV_per_atom", "log10_ccd_mA_per_cm2"


def streamed(chooser: Chooser, parts: list[dict[str, np.ndarray]], order: np.ndarray) -> list[tuple[int, int]]:
    for number in order.tolist():
        chooser.take_in(number, parts[number])
    best = chooser.ranking()
    return list(zip(chooser.part[best].tolist(), chooser.row[best].tolist(), strict=True))


def made(rng: np.random.Generator, n_parts: int, decimals: int) -> list[dict[str, np.ndarray]]:
    parts = []
    for _ in range(n_parts):
        n = int(rng.integers(0, 60))
        columns = {name: rng.normal(size=n).round(decimals) for name in (SIGMA, HULL, CCD)}
        columns[SIGMA][rng.random(n) < 0.1] = np.nan
        parts.append(columns)
    return parts


@pytest.mark.parametrize("decimals", [0, 1, 6])
@pytest.mark.parametrize("count", [1, 7, 10_000])
def test_the_best_k_are_those_of_a_full_sort_in_any_order(decimals: int, count: int) -> None:
    rng = np.random.default_rng(decimals + count)
    parts = made(rng, 9, decimals)
    everything = [
        (-value, part, row)
        for part, columns in enumerate(parts)
        for row, value in enumerate(columns[SIGMA])
        if not np.isnan(value)
    ]
    expected = [(part, row) for _, part, row in sorted(everything)[:count]]
    for _ in range(3):
        chooser = Chooser((SortedColumn.parse(SIGMA),), count)
        assert streamed(chooser, parts, rng.permutation(len(parts))) == expected


@pytest.mark.parametrize("decimals", [0, 1, 6])
@pytest.mark.parametrize("text", [f"{SIGMA}:max,{HULL}:min", f"{SIGMA}:max,{HULL}:min,{CCD}:max"])
def test_the_front_is_that_of_all_pairs_in_any_order(decimals: int, text: str) -> None:
    rng = np.random.default_rng(decimals)
    parts = made(rng, 7, decimals)
    objectives = parse_objectives(text)
    rows = [
        (part, row, np.array([o.factor * columns[o.column][row] for o in objectives]))
        for part, columns in enumerate(parts)
        for row in range(len(columns[SIGMA]))
        if not np.isnan(columns[SIGMA][row])
    ]
    expected = {
        (part, row)
        for part, row, cost in rows
        if not any((other <= cost).all() and (other < cost).any() for _, _, other in rows)
    }
    found = [streamed(Chooser(objectives), parts, rng.permutation(len(parts))) for _ in range(3)]
    assert set(found[0]) == expected
    assert found[0] == found[1] == found[2]


def test_conditions_keep_what_meets_them_and_nothing_unknown() -> None:
    columns = {
        SIGMA: np.array([-2.0, -3.0, -4.0, np.nan]),
        "in_domain": np.array([True, False, True, False]),
        "electrolyte_class": np.array(["garnet", None, "halide", "garnet"], dtype=object),
    }

    def kept(*texts: str) -> list[bool]:
        return all_met([Where.parse(text) for text in texts], columns).tolist()

    assert kept(f"{SIGMA}>=-3") == [True, True, False, False]
    assert kept(f"{SIGMA} != -3") == [True, False, True, False]
    assert kept("in_domain==true", f"{SIGMA}<-2") == [False, False, True, False]
    assert kept("electrolyte_class == 'garnet'") == [True, False, False, True]
    assert kept() == [True] * 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sigma", "expected a column"),
        ("sigma>=1", "'sigma' is no column"),
        (f"{SIGMA}>=good", "'good' is no number"),
        ("electrolyte_class>=a", "compare it by == or !="),
        ("in_domain==2", "true or false"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(text: str, words: str) -> None:
    with pytest.raises(FilterError, match=words):
        Where.parse(text)


@pytest.mark.parametrize("text", ["formula:max", f"{SIGMA}:up", "", f"{SIGMA}:max,,"])
def test_an_objective_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse_objectives(text)
