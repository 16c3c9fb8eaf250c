"""What every featurizer keeps to, as one check that tests and authors of a new featurizer call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from features.featurizers import Featurizer
from features.formula import parse_formula
from features.lattice import Lattice

TOLERANCE = 1e-9
"""Largest difference, absolute or relative, that counts as equal."""

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_ARGYRODITE_CELL = Lattice(9.86, 9.86, 9.86, 90.0, 90.0, 90.0, 216, 52)
_TRICLINIC_CELL = Lattice(5.51, 6.04, 5.52, 116.9, 120.9, 62.2, 2, 14)


def check_featurizer(featurizer: Featurizer, materials: Sequence[Candidate] | None = None) -> None:
    """Check that a featurizer keeps its promises.

    It names its version and its columns, keeps order and length, leaves its input alone, gives a row the same
    values alone and in company, in any order and in any spelling of the formula, and answers with finite
    numbers, NaN only where no lattice is known.

    Parameters
    ----------
    featurizer
        What to check.
    materials
        Candidates to try it on; without them, two dozen diverse ones, with and without a lattice.

    Raises
    ------
    AssertionError
        At the first broken promise, with the material and the column.
    """
    candidates = list(materials) if materials is not None else _reference_materials()
    _require(len(candidates) > 0, "no materials to check the featurizer on")
    _check_names(featurizer)
    batch = MaterialBatch.from_candidates(candidates)
    rows = _checked_call(featurizer, batch, "the batch")
    _check_finite(featurizer, candidates, rows)
    _require_equal(featurizer, candidates, rows, _checked_call(featurizer, batch, "a second call"), "again")
    singles = [_checked_call(featurizer, MaterialBatch.from_candidates([one]), one.formula) for one in candidates]
    _require_equal(featurizer, candidates, rows, np.concatenate(singles), "alone instead of in a batch")
    order = np.random.default_rng(0).permutation(len(candidates))
    _require_equal(featurizer, candidates, rows[order], featurizer(batch.take(order)), "permuted", order)
    _check_spelling(featurizer, candidates, rows)
    _checked_call(featurizer, MaterialBatch.from_candidates([]), "an empty batch")


def _check_names(featurizer: Featurizer) -> None:
    version, labels = featurizer.version, featurizer.labels
    _require(isinstance(version, str) and version != "", f"version is {version!r}; expected text, not empty")
    _require(isinstance(labels, tuple) and len(labels) > 0, f"labels are {labels!r}; expected a tuple of names")
    _require(all(isinstance(label, str) and label for label in labels), f"a label of {labels} is no name")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    _require(not twice, f"labels are given twice: {twice}")
    _require(featurizer.labels == labels, "labels differ from one look to the next")


def _checked_call(featurizer: Featurizer, batch: MaterialBatch, name: str) -> NDArray[np.float64]:
    """Call the featurizer: one row a material, one column a label, and the input as it was."""
    before = [array.copy() for array in (batch.element_index, batch.fraction, batch.lattice)]
    rows = featurizer(batch)
    after = [batch.element_index, batch.fraction, batch.lattice]
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True))
    _require(same, f"{name}: the input was changed")
    _require(isinstance(rows, np.ndarray), f"{name}: the answer is {type(rows).__name__}, expected an array")
    expected = (len(batch), len(featurizer.labels))
    _require(rows.shape == expected, f"{name}: shape {rows.shape}, expected {expected} (materials, labels)")
    _require(rows.dtype == np.float64, f"{name}: type {rows.dtype}, expected float64")
    return rows


def _check_finite(featurizer: Featurizer, candidates: Sequence[Candidate], rows: NDArray[np.float64]) -> None:
    for candidate, row in zip(candidates, rows, strict=True):
        allowed = np.isfinite(row) | (np.isnan(row) & (not candidate.has_lattice))
        wrong = [featurizer.labels[column] for column in np.flatnonzero(~allowed)]
        _require(not wrong, f"{candidate.formula}: not finite, though nothing is unknown: {wrong}")


def _check_spelling(featurizer: Featurizer, candidates: Sequence[Candidate], rows: NDArray[np.float64]) -> None:
    spellings = [list(_spellings(candidate)) for candidate in candidates]
    for variant in zip(*spellings, strict=True):
        respelled = [
            replace(candidate, formula=text, amounts=parse_formula(text))
            for candidate, text in zip(candidates, variant, strict=True)
        ]
        got = featurizer(MaterialBatch.from_candidates(respelled))
        _require_equal(featurizer, candidates, rows, got, f"spelled otherwise ({variant[0]} ...)")


def _spellings(candidate: Candidate) -> Iterator[str]:
    """Spell the same composition in other ways, the same ways for every candidate."""
    terms = [(symbol, _written(amount)) for symbol, amount in candidate.amounts.items()]
    yield "".join(symbol + amount for symbol, amount in terms)
    yield "".join(symbol + amount for symbol, amount in reversed(terms))
    yield " ".join(symbol + amount.translate(_SUBSCRIPTS) for symbol, amount in terms)
    for factor in (3.7, 0.3, 7.0, 1.1):  # rounding must not decide anything
        yield "".join(symbol + _written(factor * amount) for symbol, amount in candidate.amounts.items())
    yield "{[" + "".join(f"({symbol}){amount}" for symbol, amount in reversed(terms)) + "]2}0.25"


def _written(amount: float) -> str:
    return np.format_float_positional(amount, trim="-")


def _require_equal(
    featurizer: Featurizer,
    candidates: Sequence[Candidate],
    expected: NDArray[np.float64],
    received: NDArray[np.float64],
    how: str,
    order: NDArray[np.int64] | None = None,
) -> None:
    _require(received.shape == expected.shape, f"{how}: shape {received.shape}, expected {expected.shape}")
    close = np.isclose(received, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    if close.all():
        return
    row, column = (int(i) for i in np.argwhere(~close)[0])
    candidate = candidates[row if order is None else int(order[row])]
    _require(
        False,
        f"{how}: {featurizer.labels[column]} of {candidate.formula} is {float(received[row, column])!r}, was"
        f" {float(expected[row, column])!r}",
    )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _reference_materials() -> list[Candidate]:
    """Return families of lithium conductors, odd cases, and two known cells."""
    formulas = (
        "Li6PS5Cl",
        "Li5.5PS4.5Cl1.5",
        "Li10GeP2S12",
        "Li7La3Zr2O12",
        "Li6.4Al0.2La3Zr2O12",
        "Li1.3Al0.3Ti1.7(PO4)3",
        "Li0.33La0.557TiO3",
        "Li3YCl6",
        "LiTaOCl4",
        "Li3OCl",
        "LiBH4",
        "Li2(OH)Br",
        "Li2SO4",
        "LiNO3",
        "Li3N",
        "Li2PO2N",
        "75Li2S-25P2S5",
        "Li2B12H12",
        "Li3Bi",
        "Li",
        "Al2O3",
        "Li2S2O5",
        "Li1.75S4.5",
        "Ti9Cl9.75",
        "O4.75La1.5",
        "S12PCl5",
        "LiOH.H2O",
        "Li2NaKRbMgCaSrBaScYTiZrHfVNbTaCrMoWO30",
    )
    return [
        Candidate.from_formula("Li6PS5Cl", lattice=_ARGYRODITE_CELL),
        *(Candidate.from_formula(formula) for formula in formulas),
        Candidate.from_formula("Li7BiO6", lattice=_TRICLINIC_CELL),
        Candidate.from_formula("Al2O3", lattice=_TRICLINIC_CELL),
    ]
