"""The report of `elyte monitor` as one page without scripts, links or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from serving.monitoring.answer import Monitoring

STYLE = """
body {font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222}
table {border-collapse: collapse; margin: .5rem 0 1.5rem} td, th {padding: .2rem .8rem; text-align: right}
th:first-child, td:first-child {text-align: left} tr + tr {border-top: 1px solid #ddd}
.bar {display: inline-block; height: .7rem; background: #47a} .beyond {background: #c62}
.fine {color: #163} .retrain {color: #850} .distrust {color: #a11}
"""


def page_of(found: Monitoring) -> str:
    """Return the page of a monitoring."""
    document = found.document
    verdict = document["verdict"]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><title>elyte monitor</title>',
        f"<style>{STYLE}</style></head><body>",
        "<h1>elyte monitor</h1>",
        f'<p>Verdict: <strong class="{verdict}">{verdict}</strong></p>',
    ]
    for told in (document["requests"] or {}).get("properties", []):
        parts += _requests(told)
    for name, own in (document["measurements"] or {}).items():
        parts += _measurements(name, own)
    words = "\n".join(map(escape, found.lines))
    return "\n".join([*parts, f"<h2>In words</h2><pre>{words}</pre>", "</body></html>", ""])


def _requests(told: dict[str, Any]) -> list[str]:
    rows = []
    for place, share in enumerate(told["histogram"]):
        beyond = " beyond" if place >= 5 else ""
        bar = f'<span class="bar{beyond}" style="width:{max(share * 300, 1):.0f}px"></span>'
        rows.append((f"{0.2 * place:.1f}", f"{share:.1%}", bar))
    title = f"Requests: {told['property']}, version {told['version']}"
    head = ("distance over radius, from", "share of rows", "")
    return [f"<h2>{escape(title)}</h2>", *_paragraphs(told["words"]), _table(head, rows)]


def _measurements(name: str, own: dict[str, Any]) -> list[str]:
    rows = []
    for report in own["quantities"]:
        levels = [
            f"{level['value']:.0%} ({level['low']:.0%} to {level['high']:.0%})" if level["n_rows"] else "none"
            for level in report["levels"]
        ]
        bias = "" if report["bias"] is None else f"{report['bias']['mean']:+.2g}"
        errors = ["" if report[key] is None else f"{report[key]:.2g}" for key in ("mae", "card_mae")]
        counts = (report["n_rows"], report["n_sources"])
        rows.append(tuple(escape(str(cell)) for cell in (report["quantity"], *counts, *levels, bias, *errors)))
    head = ("quantity", "rows", "sources", "held by 50 %", "80 %", "90 % intervals", "bias", "error", "card's error")
    title = f"<h2>Measurements: {escape(name)}</h2>"
    return [title, *_paragraphs(own["words"]), *([_table(head, rows)] if rows else [])]


def _paragraphs(words: Sequence[str]) -> list[str]:
    return [f"<p>{escape(word)}</p>" for word in words]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"
