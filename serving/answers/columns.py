"""Answers as flat columns, straight from arrays: what screening and ranking work on.

The same models, numbers, warnings and errors as `Predictor.answer` gives, without the JSON document between; what only
an answer in words needs (reactions, products, probabilities above thresholds, explanations) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, Conditions, MaterialBatch, RowError, read_candidates
from features.elements import SYMBOLS
from features.errors import CandidateError, WarningCode
from features.formula_writing import write_formula
from serving.answers.column_blocks import Block, Materials, ccd_block, conductivity_block, stability_block
from serving.answers.condition_columns import ConditionColumns
from serving.answers.output_tables import FLAT_COLUMNS
from serving.answers.request import DEFAULT_COVERAGE, Property
from serving.answers.rows import MATERIAL_COLUMNS, material_of, material_of_failed, remarks_on
from serving.models.properties import lacking, needed_by
from serving.models.store import ServedModel
from training.uncertainty import InsufficientCalibrationError

Column = NDArray[Any]
_Codes = tuple[str, ...]
NOT_HERE = ("id", "index", "decomposition_products", "reduction_products", "oxidation_products")
COLUMNS = tuple(name for name in FLAT_COLUMNS if name not in NOT_HERE)
TEXT_COLUMNS = (
    "status", *MATERIAL_COLUMNS, "nearest_formula", "nearest_doi", "stability_basis", "electrolyte_class",
    "interlayer_type", "nearest_ccd_formula", "nearest_ccd_doi", "ccd_reason", "warnings", "error_code",
    "error_message",
)  # fmt: skip
FLAG_COLUMNS = ("in_domain",)
NUMBER_COLUMNS = tuple(name for name in COLUMNS if name not in (*TEXT_COLUMNS, *FLAG_COLUMNS))
_ROWS_PER_PASS = 1024  # what they need stays in the processor's cache
_NO_LITHIUM = str(WarningCode.NO_LITHIUM)
_BALANCE = str(WarningCode.NOT_CHARGE_BALANCED)


def predict_columns(
    models: Mapping[Property, ServedModel],
    materials: Sequence[str | None] | Sequence[Candidate | RowError] | MaterialBatch,
    conditions: ConditionColumns | Conditions | None = None,
    *,
    coverage: float = DEFAULT_COVERAGE,
    properties: Sequence[Property] | None = None,
) -> dict[str, Column]:
    """Judge n materials.

    Parameters
    ----------
    models
        Served models, as `Predictor.load(...)` holds them; those that a property asks among them.
    materials
        Formulas, candidates as `features.candidate.read_candidates` returns them, or a batch, whose atomic fractions
        are written as the formulas.
    conditions
        One set for all, or n of them.
    coverage
        Nominal coverage of the intervals, 0.5 to 0.99.
    properties
        What to judge; None means every property that has a model.

    Returns
    -------
    dict
        `COLUMNS`, each of shape (n,), names and units as in the flat tables of `elyte predict`, rounded alike: float64
        with NaN for `NUMBER_COLUMNS`, bool for `FLAG_COLUMNS` (False where unknown), objects with None for
        `TEXT_COLUMNS`. A row that fails says so in `status`, `error_code` and `error_message`.
    """
    read = _materials(materials)
    n = len(read.rows)
    good = np.array([i for i, row in enumerate(read.rows) if not isinstance(row, RowError)], dtype=np.int64)
    general = conditions if isinstance(conditions, ConditionColumns) else ConditionColumns.of(n, conditions)
    wanted = list(dict.fromkeys(properties or models))
    out = empty_columns(n)
    _name(out, read)
    for places in _passes(read.batch):
        rows = good[places]
        own = rows.tolist()
        chosen = Materials(read.batch.take(places), [read.amounts[i] for i in own], general.take(rows))
        _fill(out, rows, _blocks(models, chosen, wanted, coverage), [read.remarks[i] for i in own])
    return out


def _name(out: dict[str, Column], read: _Read) -> None:
    """Write which material each row is, and why one cannot be read."""
    for i, (row, said) in enumerate(zip(read.rows, read.said, strict=True)):
        for key, text in said.items():
            out[key][i] = text
        if isinstance(row, RowError):
            out["error_code"][i], out["error_message"][i] = str(row.code), row.message
            out["warnings"][i] = "; ".join(read.remarks[i])


def _passes(batch: MaterialBatch) -> list[NDArray[np.int64]]:
    """Return the rows of each pass; those of the same elements, which share much work, stand together."""
    if len(batch) <= _ROWS_PER_PASS:
        return [np.arange(len(batch))] if len(batch) else []
    order = np.lexsort(np.where(batch.fraction > 0, batch.element_index + 1, 0).T)
    return np.split(order, range(_ROWS_PER_PASS, len(order), _ROWS_PER_PASS))


def _fill(
    out: dict[str, Column], rows: NDArray[np.int64], blocks: Mapping[Property, Block], remarks: Sequence[_Codes]
) -> None:
    """Write what the properties say of some rows; a row that one of them refuses says nothing else."""
    failed = _first_errors(blocks)
    fine = np.array([place for place in range(len(rows)) if place not in failed], dtype=np.int64)
    for block in blocks.values():
        for name, values in block.columns.items():
            out[name][rows[fine]] = values[fine]
    out["status"][rows[fine]] = "ok"
    out["warnings"][rows] = ["; ".join(codes) for codes in remarks]
    out["warnings"][rows[fine]] = _warnings(remarks, blocks)[fine]
    for place, error in failed.items():
        out["error_code"][rows[place]], out["error_message"][rows[place]] = str(error.code), error.message


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows as given.

    Attributes
    ----------
    rows
        Candidates and errors; numbers for the rows of a batch.
    said
        Cells of `MATERIAL_COLUMNS`.
    amounts, remarks
        Of each row, empty where it cannot be read.
    batch
        Those that can be read.
    """

    rows: Sequence[Candidate | RowError | int]
    said: Sequence[Mapping[str, str | None]]
    amounts: Sequence[Mapping[str, float]]
    remarks: Sequence[_Codes]
    batch: MaterialBatch


def _materials(given: Sequence[str | None] | Sequence[Candidate | RowError] | MaterialBatch) -> _Read:
    if isinstance(given, MaterialBatch):
        return _of_batch(given)
    if any(isinstance(row, Candidate | RowError) for row in given):
        rows = cast("list[Candidate | RowError]", list(given))
    else:
        nothing = [None] * len(given)
        rows = read_candidates(cast("Sequence[str | None]", given), nothing, nothing)
    known = [row if isinstance(row, Candidate) else None for row in rows]
    return _Read(
        rows,
        [material_of(row) if isinstance(row, Candidate) else material_of_failed(row) for row in rows],
        [{} if row is None else row.amounts for row in known],
        [tuple(str(remark.code) for remark in remarks_on(row)) for row in rows],
        MaterialBatch.from_candidates([row for row in known if row is not None]),
    )


def _of_batch(batch: MaterialBatch) -> _Read:
    amounts = [
        {SYMBOLS[z]: share for z, share in zip(numbers, shares, strict=True) if share > 0}
        for numbers, shares in zip(batch.element_index.tolist(), batch.fraction.tolist(), strict=True)
    ]
    written = [write_formula(row) for row in amounts]
    said = [{"formula": text, "read_as": text} for text in written]
    remarks = [() if "Li" in row else (_NO_LITHIUM,) for row in amounts]
    return _Read(range(len(batch)), said, amounts, remarks, batch)


def _blocks(
    models: Mapping[Property, ServedModel], materials: Materials, wanted: Sequence[Property], coverage: float
) -> dict[Property, Block]:
    """Ask the models, those first on whose numbers others build, so that none is asked twice."""
    blocks: dict[Property, Block] = {}
    for name in sorted(wanted, key=lambda one: len(needed_by(one))):
        served = models.get(name)
        said = {
            key: numbers for other in needed_by(name) if other in blocks for key, numbers in blocks[other].said.items()
        }
        if served is None:
            blocks[name] = _silent(name, len(materials), f"this installation serves no {name} model")
            continue
        if (reason := lacking(name, models)) is not None:
            blocks[name] = _silent(name, len(materials), reason)
            continue
        try:
            if name is Property.CONDUCTIVITY:
                blocks[name] = conductivity_block(served.model, materials, coverage)
            elif name is Property.STABILITY:
                blocks[name] = stability_block(served.model, materials, coverage)
            else:
                blocks[name] = ccd_block(served.model, materials, coverage, models, said)
        except InsufficientCalibrationError as error:
            blocks[name] = _silent(name, len(materials), str(error))
    return {name: blocks[name] for name in wanted}


def _silent(name: Property, n: int, reason: str) -> Block:
    """Return the block of a property that says nothing; the flat tables give the reason for ccd only."""
    return Block({"ccd_reason": np.full(n, reason, dtype=object)} if name is Property.CCD else {})


def _first_errors(blocks: Mapping[Property, Block]) -> dict[int, CandidateError]:
    first: dict[int, CandidateError] = {}
    for block in blocks.values():
        first = block.errors | first
    return first


def _warnings(remarks: Sequence[_Codes], blocks: Mapping[Property, Block]) -> Column:
    """Return the codes of each row, in the order of the answers; one that two properties give alike stands once.

    Parameters
    ----------
    remarks
        What reading each row found.
    blocks
        What the properties warn of.
    """
    flags: list[tuple[str, NDArray[np.bool_]]] = []
    for codes in filter(None, dict.fromkeys(remarks)):
        alike = np.array([codes == own for own in remarks])
        flags += [(code, alike) for code in codes]
    for block in blocks.values():
        flags += [flag for flag in block.warnings if flag[0] != _BALANCE or all(f[0] != _BALANCE for f in flags)]
    if not flags:
        return np.full(len(remarks), "", dtype=object)
    names = [code for code, _ in flags]
    rows = np.stack([where for _, where in flags], axis=1)
    patterns, which = np.unique(rows, axis=0, return_inverse=True)
    texts = ["; ".join(code for code, here in zip(names, pattern, strict=True) if here) for pattern in patterns]
    out: Column = np.array(texts, dtype=object)[which.reshape(-1)]
    return out


def empty_columns(n: int) -> dict[str, Column]:
    """Return the columns of `predict_columns` for n rows of which nothing is known."""
    out: dict[str, Column] = {name: np.full(n, None, dtype=object) for name in TEXT_COLUMNS}
    out |= {name: np.zeros(n, dtype=np.bool_) for name in FLAG_COLUMNS}
    out |= {name: np.full(n, np.nan) for name in NUMBER_COLUMNS}
    out["status"][:] = "error"
    return {name: out[name] for name in COLUMNS}
