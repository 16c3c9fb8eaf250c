"""Groups are connected components; folds are balanced, repeatable and blind to the order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import CandidateError
from training.splits import (
    composition_key,
    grouped_folds,
    leave_one_group_out,
    normalise_doi,
    paper_groups,
    paper_keys,
)

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "10.1/a", "10.1/b", "10.1/c|10.1/d", "10.1/D", "10.1/e"]), st.sampled_from("pqrstu")
    ),
    min_size=1,
    max_size=40,
)
LABELS = st.lists(st.integers(0, 15).map(str), min_size=8, max_size=80).filter(lambda ls: len(set(ls)) >= 4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Li6PS5Cl", "Cl1 S5 P1 Li6"),
        ("Li6PS5Cl", "Li12P2S10Cl2"),
        ("Li1.3Al0.3Ti1.7(PO4)3", "Li1.3Al0.3Ti1.7P3O12"),
        ("(Li2S)0.75(P2S5)0.25", "75Li2S-25P2S5"),
    ],
)
def test_composition_key_knows_one_material_by_its_spellings(one: str, other: str) -> None:
    assert composition_key(one) == composition_key(other)


def test_composition_key_tells_materials_apart() -> None:
    assert composition_key("Li6PS5Cl") != composition_key("Li6PS5Br")
    assert composition_key("Li3PS4") != composition_key("Li3.1PS4")
    with pytest.raises(CandidateError):
        composition_key("not a formula")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1021/ACS.chemmater.7b05139", "10.1021/acs.chemmater.7b05139"),
        (" https://doi.org/10.1039/D0TA00517G ", "10.1039/d0ta00517g"),
        ("http://dx.doi.org/10.1/x", "10.1/x"),
        ("doi: 10.1/x", "10.1/x"),
        ("10.1021/acs.chemmater.7b05139.s006", "10.1021/acs.chemmater.7b05139"),
        ("10.1002/ange.201604554", "10.1002/anie.201604554"),
    ],
)
def test_normalise_doi(text: str, expected: str) -> None:
    assert normalise_doi(text) == expected
    assert normalise_doi(expected) == expected


def test_paper_keys_prefer_dois_to_a_reference() -> None:
    assert paper_keys("10.1/A|https://doi.org/10.1/b", "somewhere") == {"10.1/a", "10.1/b"}
    assert paper_keys("", "A  thesis, 2021") == {"ref:a thesis, 2021"}
    assert paper_keys("", "") == frozenset()


def test_groups_follow_papers_and_compositions_through_others() -> None:
    papers = ["10.1/a", "10.1/a|10.1/b", "10.1/c", "10.1/d", "", ""]
    compositions = ["x", "y", "y", "z", "z", "lonely"]
    groups = paper_groups(papers, compositions)
    assert groups[0] == groups[1] == groups[2]  # a - a|b - y - c
    assert groups[3] == groups[4]  # one composition, one of the rows of unknown origin
    assert len(set(groups)) == 3


def test_groups_need_one_composition_per_paper() -> None:
    with pytest.raises(ValueError, match="2 papers for 1 compositions"):
        paper_groups(["10.1/a", "10.1/b"], ["x"])


@given(rows=ROWS, seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_groups_do_not_depend_on_the_order_of_rows(rows: list[tuple[str, str]], seed: int) -> None:
    papers, compositions = (list(column) for column in zip(*rows, strict=True))
    groups = paper_groups(papers, compositions)
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = paper_groups([papers[i] for i in order], [compositions[i] for i in order])
    assert list(shuffled) == list(groups[order])


@given(rows=ROWS)
@settings(deadline=None, max_examples=60)
def test_no_paper_and_no_composition_is_in_two_groups(rows: list[tuple[str, str]]) -> None:
    papers, compositions = (list(column) for column in zip(*rows, strict=True))
    groups = paper_groups(papers, compositions)
    owner: dict[str, str] = {}
    for paper, composition, group in zip(papers, compositions, groups, strict=True):
        for name in (*paper_keys(paper), f"composition {composition}"):
            assert owner.setdefault(name, group) == group


@given(labels=LABELS, n_folds=st.integers(2, 4), seed=st.integers(0, 1000), shuffle=st.integers(0, 1000))
@settings(deadline=None, max_examples=100)
def test_folds_keep_groups_whole_and_ignore_row_order(labels: list[str], n_folds: int, seed: int, shuffle: int) -> None:
    folds = grouped_folds(labels, n_folds, seed)
    assert set(folds) == set(range(n_folds))
    assert len({(label, fold) for label, fold in zip(labels, folds, strict=True)}) == len(set(labels))
    sizes = np.bincount(folds, minlength=n_folds)
    largest = max(labels.count(label) for label in labels)
    assert sizes.max() - sizes.min() <= largest
    order = np.random.default_rng(shuffle).permutation(len(labels))
    assert list(grouped_folds([labels[i] for i in order], n_folds, seed)) == list(folds[order])


def test_seeds_give_different_folds() -> None:
    labels = [str(i) for i in range(50)]
    assert list(grouped_folds(labels, 5, 0)) == list(grouped_folds(labels, 5, 0))
    assert list(grouped_folds(labels, 5, 0)) != list(grouped_folds(labels, 5, 1))


@pytest.mark.parametrize("n_folds", [1, 3])
def test_folds_refuse_what_cannot_be_done(n_folds: int) -> None:
    with pytest.raises(ValueError, match="2 groups"):
        grouped_folds(["a", "a", "b"], n_folds, 0)


def test_leave_one_group_out_holds_each_group_out_once() -> None:
    pairs = list(leave_one_group_out(["b", "a", "b", "c"]))
    assert [list(held_out) for _, held_out in pairs] == [[1], [0, 2], [3]]
    for kept, held_out in pairs:
        assert sorted([*kept, *held_out]) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="at least two"):
        next(leave_one_group_out(["a", "a"]))
