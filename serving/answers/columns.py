"""Answers as flat columns, straight from arrays: what screening and ranking work on.

The same models, numbers, warnings and errors as `Predictor.answer` gives, without the JSON document between; what only
an answer in words needs (reactions, products, probabilities above thresholds, explanations) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from features.candidate import INORGANIC, Candidate, MaterialBatch, RowError
from features.elements import SYMBOLS
from features.errors import WarningCode
from features.formula_writing import write_formula
from features.kinds import KINDS, read_candidates
from serving.answers.conditions import Conditions, shared_conditions
from serving.answers.judging import Judged, Models, Silence, by_kind, judge, speaking_of, wrong_kind
from serving.answers.output_tables import FLAT_COLUMNS
from serving.answers.request import DEFAULT_COVERAGE
from serving.answers.rows import MATERIAL_COLUMNS, Cell, material_of, material_of_failed, remarks_on
from training.properties import registry
from training.properties.conditions import ConditionColumns
from training.properties.contract import DECIMALS, Answered, Content, Flags, Judgement, Property, Query

Column = NDArray[Any]
_Codes = tuple[str, ...]
_OF_PROPERTIES = [column for one in registry.properties() for column in one.columns()]
_NOT_HERE = ("id", "index", *(column.name for column in _OF_PROPERTIES if column.array is None))
_TEXTS = ("status", *MATERIAL_COLUMNS, "warnings", "error_code", "error_message")
_CONTENT = dict.fromkeys(_TEXTS, Content.TEXT) | {column.name: column.content for column in _OF_PROPERTIES}
COLUMNS = tuple(name for name in FLAT_COLUMNS if name not in _NOT_HERE)
TEXT_COLUMNS = tuple(name for name in COLUMNS if _CONTENT.get(name) is Content.TEXT)
FLAG_COLUMNS = tuple(name for name in COLUMNS if _CONTENT.get(name) is Content.FLAG)
NUMBER_COLUMNS = tuple(name for name in COLUMNS if name not in (*TEXT_COLUMNS, *FLAG_COLUMNS))
_ROWS_PER_PASS = 1024  # what they need stays in the processor's cache
_NO_LITHIUM = str(WarningCode.NO_LITHIUM)


def predict_columns(
    models: Models,
    materials: Sequence[str | None] | Sequence[Candidate | RowError] | MaterialBatch,
    conditions: ConditionColumns | Conditions | None = None,
    *,
    coverage: float = DEFAULT_COVERAGE,
    properties: Sequence[str] | None = None,
) -> dict[str, Column]:
    """Judge n materials.

    Parameters
    ----------
    models
        Served models, as `Predictor.load(...)` holds them; those that a property asks among them.
    materials
        Formulas, candidates as `features.kinds.read_candidates` returns them, or a batch, whose atomic fractions
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
    general = conditions if isinstance(conditions, ConditionColumns) else shared_conditions(n, conditions)
    wanted = list(dict.fromkeys(properties or models))
    out = empty_columns(n)
    _name(out, read)
    for part in read.parts:
        names = speaking_of(part.kind, wanted)
        for places in _passes(part.batch):
            rows = part.rows[places]
            own = rows.tolist()
            remarks = [read.remarks[i] for i in own]
            if not names:
                errors = dict.fromkeys(range(len(own)), wrong_kind(part.kind, wanted))
                _fill(out, rows, Judged(np.zeros(0, dtype=np.int64), errors, {}), remarks)
                continue
            query = Query(part.batch.take(places), [read.amounts[i] for i in own], general.take(rows), coverage, {})
            _fill(out, rows, judge(models, query, names, _flat), remarks)
    return out


def _name(out: dict[str, Column], read: _Read) -> None:
    """Write which material each row is, and why one cannot be read."""
    for i, (row, said) in enumerate(zip(read.rows, read.said, strict=True)):
        for key, text in said.items():
            out[key][i] = text
        if isinstance(row, RowError):
            out["error_code"][i], out["error_message"][i] = str(row.code), row.message
            out["warnings"][i] = "; ".join(read.remarks[i])


def _passes(batch: Any) -> list[NDArray[np.int64]]:  # noqa: ANN401
    """Return the rows of each pass; those of the same elements, which share much work, stand together."""
    if len(batch) <= _ROWS_PER_PASS:
        return [np.arange(len(batch))] if len(batch) else []
    order = np.arange(len(batch))
    if isinstance(batch, MaterialBatch):
        order = np.lexsort(np.where(batch.fraction > 0, batch.element_index + 1, 0).T)
    return np.split(order, range(_ROWS_PER_PASS, len(order), _ROWS_PER_PASS))


@dataclass(frozen=True, slots=True)
class _Flat:
    """What one property says of n materials, as columns; codes of warnings in order, and which rows carry them."""

    columns: dict[str, Column]
    warnings: list[tuple[str, Flags]]
    of_materials: frozenset[str]


def _flat(one: Property, judged: Judgement) -> _Flat:
    columns: dict[str, Column] = {}
    for quantity in one.quantities:
        if quantity.in_answers:
            ends = judged.intervals[quantity.name]
            columns |= {name: end.round(DECIMALS) for name, end in zip(quantity.columns, ends, strict=False)}
    columns |= {column.name: column.array(judged) for column in one.columns() if column.array is not None}
    warnings = judged.warnings
    of_materials = frozenset(str(warning.code) for warning in warnings if warning.is_of_material)
    return _Flat(columns, [(str(warning.code), warning.rows) for warning in warnings], of_materials)


def _silent(name: str, silence: Silence) -> dict[str, Cell]:
    """Return the cells of a property that says nothing."""
    said = Answered(None, {}, silence.reason)
    columns = registry.get(name).columns()
    cells = {column.name: column.cell(said) for column in columns if column.array is not None}
    return {key: cell for key, cell in cells.items() if cell is not None}


def _fill(out: dict[str, Column], rows: NDArray[np.int64], judged: Judged[_Flat], remarks: Sequence[_Codes]) -> None:
    """Write what the properties say of some rows; a row that one of them refuses says nothing else."""
    fine = rows[judged.rows]
    for name, said in judged.said.items():
        for key, values in (_silent(name, said) if isinstance(said, Silence) else said.columns).items():
            out[key][fine] = values
    out["status"][fine] = "ok"
    out["warnings"][rows] = ["; ".join(codes) for codes in remarks]
    flat = [said for said in judged.said.values() if not isinstance(said, Silence)]
    out["warnings"][fine] = _warnings([remarks[place] for place in judged.rows.tolist()], flat)
    for place, error in judged.errors.items():
        out["error_code"][rows[place]], out["error_message"][rows[place]] = str(error.code), error.message


class _Part(NamedTuple):
    """The readable rows of one kind, and what they are as arrays."""

    kind: str
    rows: NDArray[np.int64]
    batch: Any


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
    parts
        Those that can be read, by kind.
    """

    rows: Sequence[Candidate | RowError | int]
    said: Sequence[Mapping[str, str | None]]
    amounts: Sequence[Mapping[str, float]]
    remarks: Sequence[_Codes]
    parts: Sequence[_Part]


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
        [_texts_of(row) for row in rows],
        [{} if row is None else row.amounts for row in known],
        [tuple(str(remark.code) for remark in remarks_on(row)) for row in rows],
        [
            _Part(kind, own, KINDS[kind].lay_out([row for i in own.tolist() if (row := known[i]) is not None]))
            for kind, own in by_kind(rows).items()
        ],
    )


def _texts_of(row: Candidate | RowError) -> dict[str, str | None]:
    said = material_of(row) if isinstance(row, Candidate) else material_of_failed(row)
    return cast("dict[str, str | None]", said)


def _of_batch(batch: MaterialBatch) -> _Read:
    amounts = [
        {SYMBOLS[z]: share for z, share in zip(numbers, shares, strict=True) if share > 0}
        for numbers, shares in zip(batch.element_index.tolist(), batch.fraction.tolist(), strict=True)
    ]
    written = [write_formula(row) for row in amounts]
    said = [{"formula": text, "read_as": text} for text in written]
    remarks = [() if "Li" in row else (_NO_LITHIUM,) for row in amounts]
    return _Read(range(len(batch)), said, amounts, remarks, [_Part(INORGANIC, np.arange(len(batch)), batch)])


def _warnings(remarks: Sequence[_Codes], said: Sequence[_Flat]) -> Column:
    """Return the codes of each row, in the order of the answers; what two properties say of a material stands once.

    Parameters
    ----------
    remarks
        What reading each row found.
    said
        What the properties warn of.
    """
    flags: list[tuple[str, Flags]] = []
    for codes in filter(None, dict.fromkeys(remarks)):
        alike = np.array([codes == own for own in remarks])
        flags += [(code, alike) for code in codes]
    for one in said:
        known = one.of_materials.intersection(code for code, _ in flags)
        flags += [flag for flag in one.warnings if flag[0] not in known]
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
