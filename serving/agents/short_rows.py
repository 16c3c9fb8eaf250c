"""Rows of `predict` and `nearest` for agents: every quantity with its unit, short, as an object and as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from serving.agents.errors import error_document, error_words
from serving.agents.quoting import doi, formula, quoted
from serving.agents.shapes import ShortNear, ShortProperty, ShortRow, ShortValue, ShortWarning
from serving.answers.rows import ResultRow, answered
from training.properties import registry
from training.properties.contract import Quantity

_MOST_WARNINGS = 6
_LONGEST_WARNING = 220


def short_row(row: ResultRow) -> ShortRow:
    """Return what an agent needs of a row: the composition as read, values with intervals and units, doubts."""
    if row["status"] == "error":
        return {"index": row["index"], "status": "error", "error": error_document(**_error_of(row))}
    said: ShortRow = {"index": row["index"], "status": "ok", "read_as": row["read_as"]}
    if "space_group" in row:
        said |= {"space_group": row["space_group"], "cell_content": row["cell_content"]}
    properties: dict[str, ShortProperty] = {}
    for name in _names_in(row):
        one = answered(row, name)
        if one.block is None:
            properties[name] = {"reason": one.reason}
            continue
        properties[name] = {
            "quantities": [_value(q, one.block[q.name]) for q in _shown_quantities(name, one.block)],
            "in_domain": one.domain.get("in_domain"),
            "basis": one.block.get("basis"),
            "nearest": near(one.nearest),
        }
    return {**said, "properties": properties, "warnings": short_warnings(row["warnings"])}


def row_lines(row: ShortRow) -> Iterator[str]:
    """Give a row of `short_row` as lines."""
    number = row["index"] + 1
    if row["status"] == "error":
        error = row["error"]
        yield f"{number}. {error_words(error['code'], error['message'])}"
        return
    group = f", space group {row['space_group']}, cell {row['cell_content']}" if "space_group" in row else ""
    yield f"{number}. {row['read_as']}{group}"
    for name, said in row["properties"].items():
        if "reason" in said:
            yield f"   {name}: no value; reason: {quoted(str(said['reason']))}"
            continue
        for value in said["quantities"]:
            yield f"   {name}: {value['label']} {value_words(value)}"
        known = said["nearest"]
        near_words = "" if not known else f"; nearest known {known['formula']} ({known['doi'] or 'no DOI'})"
        basis = f", basis {one_word(said['basis'])}" if said["basis"] else ""
        yield f"   {name}: {'inside' if said['in_domain'] else 'OUTSIDE'} what the model knows{basis}{near_words}"
    yield from warning_lines(row["warnings"], "   ")


def one_word(text: object) -> str:
    """Return a word of ours, such as a basis, without quotation marks; anything longer is quoted."""
    words = str(text)
    return words if len(words) <= 40 and words.replace("+", "").replace(" ", "").isalpha() else quoted(words, 60)


def value_words(value: ShortValue) -> str:
    """Return a value with its interval and unit."""
    lower, upper = value.get("lower"), value.get("upper")
    if lower is None or upper is None:
        return f"{value['value']:.3g} {value['unit']}".strip()
    span = f"{lower:.3g} to {upper:.3g}, {100 * value['coverage']:g} % interval"
    return f"{value['value']:.3g} {value['unit']} ({span})"


def short_warnings(warnings: Sequence[Mapping[str, str]]) -> list[ShortWarning]:
    """Return warnings, the first six, each cut."""
    return [{"code": one["code"], "message": one["message"][:_LONGEST_WARNING]} for one in warnings[:_MOST_WARNINGS]]


def warning_lines(warnings: Sequence[Mapping[str, str]], indent: str = "") -> Iterator[str]:
    """Give warnings as lines; what they say is quoted, as it may repeat what a file says."""
    for one in warnings:
        yield f"{indent}warning {one['code']}: {quoted(one['message'], _LONGEST_WARNING)}"


def near(known: Mapping[str, Any]) -> ShortNear | None:
    """Return a known material near a candidate; its formula is written anew."""
    if not known:
        return None
    return {"formula": formula(known["formula"]), "distance": known["distance"], "doi": doi(known.get("doi"))}


def _error_of(row: ResultRow) -> dict[str, str]:
    return {"code": row["error"]["code"], "message": row["error"]["message"]}


def _names_in(row: ResultRow) -> list[str]:
    return [name for name in registry.names() if name in row]


def _shown_quantities(name: str, block: Mapping[str, Any]) -> list[Quantity]:
    quantities = registry.get(name).quantities
    return [q for q in quantities if q.in_answers and block.get(q.name) is not None]


def _value(quantity: Quantity, given: Any) -> ShortValue:  # noqa: ANN401
    """Return a quantity by the name of what users write: of a logarithm, the number itself."""
    ends = given if isinstance(given, Mapping) else {"value": given}
    numbers = {
        end: (float(f"{10 ** ends[end]:.4g}") if quantity.is_log10 and ends[end] is not None else ends[end])
        for end in ("value", "lower", "upper")
        if end in ends
    }
    coverage = {"coverage": ends["coverage"]} if "coverage" in ends else {}
    unit = quantity.unit.removeprefix("log10 ")
    said = {"name": quantity.measured_name, "label": quantity.label, **numbers, "unit": unit, **coverage}
    return cast("ShortValue", said)
