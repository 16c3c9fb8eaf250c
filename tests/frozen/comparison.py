"""Compare two answers: byte for byte, but for the last digits of floats."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOLERANCE = 1e-9
"""Floats may differ by so much, absolutely or relatively; integers, and numbers inside words (formulas, DOIs), not."""

FLOAT = re.compile(r"(?<![\w./-])(-?\d+\.\d+(?:[eE][+-]?\d+)?|-?\d+[eE][+-]?\d+)(?![\w/]|\.\d)")
MOST_SHOWN, LONGEST_SHOWN = 12, 160


def differences(frozen: dict[str, str], found: dict[str, str]) -> list[str]:
    """Return what differs between two answers, one line each; of nothing but digits beyond the tolerance none."""
    lines: list[str] = []
    for name in [*frozen, *(name for name in found if name not in frozen)]:
        if name not in found:
            lines.append(f"{name}: no longer there")
        elif name not in frozen:
            lines.append(f"{name}: new: {_short(found[name])}")
        elif not same_text(frozen[name], found[name]):
            lines += [f"{name}{line}" for line in _explained(frozen[name], found[name])]
    return lines


def same_text(frozen: str, found: str) -> bool:
    """Whether two texts are the same but for the last digits of floats."""
    if frozen == found:
        return True
    old, new = FLOAT.split(frozen), FLOAT.split(found)
    return len(old) == len(new) and all(
        a == b or (i % 2 == 1 and close(float(a), float(b))) for i, (a, b) in enumerate(zip(old, new, strict=True))
    )


def close(a: float, b: float) -> bool:
    """Whether two floats agree."""
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def report(request_id: str, lines: list[str]) -> str:
    """Return the differences of one request for people."""
    more = [f"... and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
    return "\n".join([request_id, *(f"  {line}" for line in [*lines[:MOST_SHOWN], *more])])


def _explained(frozen: str, found: str) -> list[str]:
    try:
        lines = list(_paths(json.loads(frozen), json.loads(found), ""))
    except json.JSONDecodeError:
        lines = list(_lines(frozen, found))
    return lines or [": the same values, written otherwise (blanks, escapes or numbers)"]


def _paths(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from (f"{path}.{key}: no longer there, was {_short(old[key])}" for key in old if key not in new)
        yield from (f"{path}.{key}: new: {_short(new[key])}" for key in new if key not in old)
        common = [key for key in old if key in new]
        if common != [key for key in new if key in old]:
            yield f"{path}: keys in another order: {', '.join(new)}"
        for key in common:
            yield from _paths(old[key], new[key], f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{path}: {len(old)} items became {len(new)}"
        for i, (a, b) in enumerate(zip(old, new, strict=False)):
            yield from _paths(a, b, f"{path}[{i}]")
    elif not _same_value(old, new):
        yield f"{path}: {_short(old)} -> {_short(new)}"


def _same_value(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return close(old, new)
    if isinstance(old, str) and isinstance(new, str):
        return same_text(old, new)
    return type(old) is type(new) and bool(old == new)


def _lines(old: str, new: str) -> Iterator[str]:
    before, after = old.splitlines(), new.splitlines()
    if len(before) != len(after):
        yield f": {len(before)} lines became {len(after)}"
    for number, (a, b) in enumerate(zip(before, after, strict=False), 1):
        if not same_text(a, b):
            start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
            start = max(0, start - LONGEST_SHOWN // 4)
            yield f" line {number}: {_short(a[start:])} -> {_short(b[start:])}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
    return repr(shown) if isinstance(value, str) else shown


def load_answers(path: Path) -> dict[str, dict[str, str]]:
    """Return the frozen answers by the id of their request."""
    import lzma

    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return {row["id"]: row["answer"] for row in map(json.loads, lines)}


def save_answers(path: Path, answers: dict[str, dict[str, str]]) -> None:
    """Write the frozen answers, the same bytes for the same answers."""
    import lzma

    rows = (json.dumps({"id": name, "answer": answer}, ensure_ascii=False) for name, answer in answers.items())
    path.write_bytes(lzma.compress("".join(f"{row}\n" for row in rows).encode(), preset=6))
