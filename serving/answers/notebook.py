"""Answers as notebooks show them: a small table with units, intervals and warnings; every text in it is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, cast

from serving.answers.rows import ResultRow, Results, answered
from training.properties import registry
from training.properties.contract import Quantity

if TYPE_CHECKING:
    from serving.answers.rows import ModelHeaders

MOST_ROWS = 20
"""Candidates that are shown; the document has all."""
_DIGITS = 4
_HEADER = ("material", "quantity", "value", "interval", "unit", "to know")
_LEFT = ' style="text-align:left"'


class ShownAnswer(dict[str, object]):
    """The document of an answer, which notebooks show as a table; in everything else the dict that it is."""

    def _repr_html_(self) -> str:
        told = cast("Results", self)
        return answer_html(told["models"], told["results"])


def shown(models: ModelHeaders, results: list[ResultRow]) -> Results:
    """Return the document of an answer, ready for notebooks."""
    return cast("Results", ShownAnswer(models=models, results=results))


def answer_html(models: ModelHeaders, results: Sequence[ResultRow]) -> str:
    """Return the answers to candidates as an HTML table.

    Parameters
    ----------
    models
        Which models answered.
    results
        Rows, in order; those beyond the first `MOST_ROWS` are counted.
    """
    header = "".join(f"<th{_LEFT}>{name}</th>" for name in _HEADER)
    body = "".join(_material(row) for row in results[:MOST_ROWS])
    left = len(results) - MOST_ROWS
    more = f'<tr><td colspan="{len(_HEADER)}"{_LEFT}>and {left} more</td></tr>' if left > 0 else ""
    told = ", ".join(f"{name} {header['version']}" for name, header in models.items())
    caption = f"<caption{_LEFT}>{escape(told)}</caption>"
    return f"<table>{caption}<thead><tr>{header}</tr></thead><tbody>{body}{more}</tbody></table>"


def _material(row: ResultRow) -> str:
    """Return the lines of one candidate: its name and what to know beside all its quantities."""
    lines = list(_lines(row)) or [("", "", "", "")]
    typed, read = row["formula"] or "", row["read_as"]
    name = typed if read in (None, typed) else f"{typed} (read as {read})"
    span = f' rowspan="{len(lines)}"' if len(lines) > 1 else ""
    notes = f"<td{span}{_LEFT}>{'<br>'.join(_notes(row))}</td>"
    html = ""
    for place, cells in enumerate(lines):
        first = f"<td{span}{_LEFT}>{escape(name)}</td>" if place == 0 else ""
        html += f"<tr>{first}{''.join(f'<td{_LEFT}>{cell}</td>' for cell in cells)}{notes if place == 0 else ''}</tr>"
    return html


def _lines(row: ResultRow) -> Iterator[tuple[str, str, str, str]]:
    """Yield label, value, interval and unit of each quantity that the answer gives, escaped."""
    for one in registry.properties():
        block = answered(row, one.name).block
        for quantity in one.quantities if block is not None else ():
            if quantity.in_answers and block is not None and block.get(quantity.name) is not None:
                yield _line(quantity, block[quantity.name])


def _line(quantity: Quantity, said: Mapping[str, float | None] | float) -> tuple[str, str, str, str]:
    unit = escape(f"log10 of {quantity.unit}" if quantity.is_log10 else quantity.unit)
    label = escape(quantity.label)
    if not isinstance(said, Mapping):
        return label, _number(said), "", unit
    ends = f"{_number(said['lower'])} to {_number(said['upper'])}"
    return label, _number(said["value"]), f"{ends} ({said['coverage']:.0%})", unit


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.{_DIGITS}g}"


def _notes(row: ResultRow) -> Iterator[str]:
    """Yield why there is no answer, properties that say nothing, and warnings; the message of each as its title."""
    error = row.get("error")
    if error is not None:
        yield f'<b title="{escape(error["message"])}">{escape(error["code"])}</b>: {escape(error["message"])}'
    for name, reason in row.get("reasons", {}).items():
        yield f"{escape(name)}: {escape(reason)}"
    for warning in row["warnings"]:
        yield f'<span title="{escape(warning["message"])}">{escape(warning["code"])}</span>'
