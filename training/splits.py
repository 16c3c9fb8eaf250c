"""Splits by source paper, never by row.

Rows of one paper are near-copies of each other, and one material measured by two papers ties them together: a
group is a connected component of the graph whose edges are "same paper" and "same composition".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.formula import parse_formula

COMPOSITION_DECIMALS = 3
_DOI_PREFIX = re.compile(r"^(?:https?://)?(?:dx\.)?(?:doi\.org/|doi:\s*)", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_SUPPLEMENT = re.compile(r"\.s\d{3}$")
_GERMAN_EDITION = re.compile(r"^10\.1002/ange\.")


def composition_key(formula: str) -> str:
    """Return one text for all spellings of a composition: atomic fractions rounded to 0.001, by symbol.

    Raises
    ------
    CandidateError
        If the formula cannot be read.

    Examples
    --------
    >>> composition_key("Li6PS5Cl") == composition_key("Li12 P2 S10 Cl2")
    True
    """
    amounts = parse_formula(formula)
    total = sum(amounts.values())
    fractions = {symbol: round(amount / total, COMPOSITION_DECIMALS) for symbol, amount in amounts.items()}
    return " ".join(f"{symbol}{fractions[symbol]:.{COMPOSITION_DECIMALS}f}" for symbol in sorted(fractions))


def normalise_doi(text: str) -> str:
    """Return a DOI in lower case: no resolver, no suffix of a supplement, the English edition.

    `10.1021/x.s001` is the supporting information of `10.1021/x`, and `10.1002/ange.N` the German edition of
    `10.1002/anie.N`: the same measurements.
    """
    plain = _DOI_PREFIX.sub("", text.strip()).lower()
    return _GERMAN_EDITION.sub("10.1002/anie.", _SUPPLEMENT.sub("", plain))


def is_doi_list(text: str) -> bool:
    """Whether a text is one DOI or several joined by `|`, without a resolver."""
    return all(_DOI.fullmatch(part) for part in text.split("|"))


def paper_keys(doi: str, reference: str = "") -> frozenset[str]:
    """Return the papers that a row stems from.

    Parameters
    ----------
    doi
        One DOI, several joined by `|`, or nothing.
    reference
        Text key of a source without a DOI; used only where `doi` is empty.

    Returns
    -------
    frozenset of str
        Normalised DOIs, or the reference prefixed by `ref:`, or nothing for a row of unknown origin.
    """
    dois = frozenset(normalise_doi(part) for part in doi.split("|") if part.strip())
    if dois or not reference.strip():
        return dois
    return frozenset({"ref:" + " ".join(reference.lower().split())})


def paper_groups(papers: Sequence[str], compositions: Sequence[str]) -> NDArray[np.str_]:
    """Return the group of every row: rows that share a paper or a composition, directly or through others.

    Parameters
    ----------
    papers
        Shape (n,). DOIs joined by `|`, or a text key for a source without a DOI; an empty text ties a row to
        no other.
    compositions
        Shape (n,). Keys of `composition_key`.

    Returns
    -------
    ndarray of str
        Shape (n,). A group's label is the first of its papers' and compositions' names in the alphabet, which
        depends neither on the order of the rows nor on how often one occurs.

    Raises
    ------
    ValueError
        If the two differ in length.
    """
    if len(papers) != len(compositions):
        raise ValueError(f"{len(papers)} papers for {len(compositions)} compositions; expected one each per row")
    forest = _Forest()
    for paper, composition in zip(papers, compositions, strict=True):
        for part in paper_keys(paper):
            forest.join(f"composition {composition}", f"paper {part}")
    return np.array([forest.root(f"composition {composition}") for composition in compositions], dtype=np.str_)


def grouped_folds(groups: ArrayLike, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of every row, no group split, folds as equal in size as the groups allow.

    Large groups are placed first, each into the smallest fold so far; the seed decides among equals.

    Parameters
    ----------
    groups
        Shape (n,). Group labels.
    n_folds
        Number of folds, at least 2 and at most the number of groups.
    seed
        Same seed, same folds, whatever the order of the rows.

    Returns
    -------
    ndarray of int
        Shape (n,), values 0 to n_folds - 1, none of them absent.

    Raises
    ------
    ValueError
        If there are fewer groups than folds, or fewer than two folds.
    """
    labels, inverse, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if not 2 <= n_folds <= len(labels):
        raise ValueError(f"{n_folds} folds for {len(labels)} groups; expected at least 2 folds and a group for each")
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(labels)), -sizes))
    rank = rng.permutation(n_folds)
    fold_of_group = np.empty(len(labels), dtype=np.int64)
    load = np.zeros(n_folds, dtype=np.int64)
    for group in order:
        fold = np.lexsort((rank, load))[0]
        fold_of_group[group] = fold
        load[fold] += sizes[group]
    folds: NDArray[np.int64] = fold_of_group[inverse.reshape(-1)]
    return folds


def leave_one_group_out(groups: ArrayLike) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield, for each group in the order of the labels, the row numbers outside it and those in it.

    Raises
    ------
    ValueError
        If there is only one group.
    """
    labels, inverse = np.unique(np.asarray(groups), return_inverse=True)
    if len(labels) < 2:
        raise ValueError("one group cannot be left out of itself; expected at least two")
    for number in range(len(labels)):
        held_out = inverse.reshape(-1) == number
        yield np.flatnonzero(~held_out), np.flatnonzero(held_out)


@dataclass(slots=True)
class _Forest:
    """Disjoint sets of names; a set's root is its first name in the alphabet."""

    parent: dict[str, str] = field(default_factory=dict)

    def root(self, name: str) -> str:
        path = []
        while parent := self.parent.get(name):
            path.append(name)
            name = parent
        for passed in path:
            self.parent[passed] = name
        return name

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        if first != second:
            self.parent[second] = first
