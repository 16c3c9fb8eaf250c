from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from features.conformance import check_featurizer
from features.featurizers import FEATURIZERS
from features.lattice import Lattice


@pytest.mark.parametrize("name", list(FEATURIZERS))
def test_every_registered_featurizer_keeps_its_promises(name: str) -> None:
    check_featurizer(FEATURIZERS[name])


@pytest.mark.parametrize("name", list(FEATURIZERS))
def test_every_registered_featurizer_keeps_them_on_diverse_formulas(name: str, diverse_formulas: list[str]) -> None:
    check_featurizer(FEATURIZERS[name], [Candidate.from_formula(formula) for formula in diverse_formulas])


@pytest.mark.parametrize("name", list(FEATURIZERS))
def test_every_registered_featurizer_keeps_them_on_obelix_with_its_cells(
    name: str, obelix_rows: dict[str, dict[str, str]]
) -> None:
    candidates = []
    for row in list(obelix_rows.values())[::6]:
        atoms = sum(Candidate.from_formula(row["True Composition"]).amounts.values())
        cell = [float(row[column]) for column in ("a", "b", "c", "alpha", "beta", "gamma", "Space group #")]
        candidates.append(Candidate.from_formula(row["Reduced Composition"], lattice=Lattice(*cell, atoms)))
    assert len(candidates) == 100
    check_featurizer(FEATURIZERS[name], candidates)


class Sum:
    """A featurizer without fault: the mean atomic number, and the volume of a cubic cell."""

    version = "1"
    labels: tuple[str, ...] = ("mean_number", "volume_A3")

    def __init__(
        self, change: Callable[[MaterialBatch, NDArray[np.float64]], NDArray[np.float64]] | None = None
    ) -> None:
        self.change = change

    def __call__(self, batch: MaterialBatch) -> NDArray[np.float64]:
        number = ((batch.element_index + 1) * batch.fraction).sum(axis=1)
        rows = np.column_stack([number, batch.lattice[:, 0] ** 3])
        return self.change(batch, rows) if self.change else rows


def broken(change: Callable[[MaterialBatch, NDArray[np.float64]], NDArray[np.float64]]) -> Sum:
    return Sum(change)


def overwrite_input(batch: MaterialBatch, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    batch.fraction[:] *= 2
    return rows


def test_a_featurizer_without_fault_passes() -> None:
    check_featurizer(Sum())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (overwrite_input, "the input was changed"),
        (lambda _, rows: rows[1:], "shape"),
        (lambda _, rows: rows[:, :1], "shape"),
        (lambda _, rows: rows.astype(np.float32), "float32"),
        (lambda _, rows: rows.tolist(), "list"),
        (lambda _, rows: rows[::-1], "not finite|alone instead of in a batch"),
        (lambda _, rows: rows - rows[:1], "alone instead of in a batch"),
        (lambda batch, rows: rows + batch.fraction.shape[1], "alone instead of in a batch"),
        (lambda _, rows: np.where(np.isnan(rows), np.inf, rows), "not finite"),
        (lambda _, rows: np.full_like(rows, np.nan), "not finite"),
        (lambda _, rows: rows + np.random.default_rng().normal(size=rows.shape), "again"),
        (lambda _, rows: np.where(rows == rows, np.round(rows * 1e15) % 2, rows), "spelled otherwise|alone"),
    ],
)
def test_a_broken_promise_is_named(
    change: Callable[[MaterialBatch, NDArray[np.float64]], NDArray[np.float64]], complaint: str
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_featurizer(broken(change))


@pytest.mark.parametrize(
    ("attribute", "value", "complaint"),
    [
        ("version", "", "version"),
        ("version", 1, "version"),
        ("labels", (), "labels"),
        ("labels", ["a", "b"], "labels"),
        ("labels", ("a", ""), "label"),
        ("labels", ("a", "a"), r"twice: \['a'\]"),
        ("labels", ("a", "b", "c"), "shape"),
    ],
)
def test_bad_versions_and_labels_are_named(attribute: str, value: object, complaint: str) -> None:
    featurizer = Sum()
    setattr(featurizer, attribute, value)
    with pytest.raises(AssertionError, match=complaint):
        check_featurizer(featurizer)


def test_checking_on_nothing_is_refused() -> None:
    with pytest.raises(AssertionError, match="no materials"):
        check_featurizer(Sum(), [])


def test_the_complaint_names_the_material_and_the_column() -> None:
    def poison(batch: MaterialBatch, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        rows[batch.fraction_of("Bi") > 0, 0] = np.inf
        return rows

    with pytest.raises(AssertionError, match=r"Li3Bi.*mean_number"):
        check_featurizer(broken(poison))
