"""Values of variables: `x=0:0.8:0.1` (both ends included) or `x=0,0.25,0.5`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from serving.generation.errors import GenerationError

Array = NDArray[np.float64]
MAX_POINTS = 5_000_000
"""Points of one grid; a grid of this size takes about a minute and a gigabyte."""
_ASSIGNMENT = re.compile(r"([a-z][a-z0-9_]*)=(.+)")


def is_assignment(text: str) -> bool:
    """Return whether a text gives values to a variable."""
    return "=" in text


def read_variable(text: str) -> tuple[str, Array]:
    """Read one assignment.

    Returns
    -------
    name, values

    Raises
    ------
    GenerationError
        Saying what was received and what was expected.
    """
    found = _ASSIGNMENT.fullmatch("".join(text.split()))
    if found is None:
        raise GenerationError(f"'{text}': expected a variable in small letters and values, such as x=0:0.8:0.1")
    name, values = found.groups()
    if name.startswith("site"):
        raise GenerationError(f"'{name}' is what choices are called; give the variable another name")
    return name, _range(values, text) if ":" in values else _list(values, text)


def _list(values: str, text: str) -> Array:
    return np.array([_number(value, text) for value in values.split(",")])


def _range(values: str, text: str) -> Array:
    parts = [_number(value, text) for value in values.split(":")]
    if len(parts) != 3:
        raise GenerationError(
            f"'{text}': a range is first:last:step, such as x=0:0.8:0.1; received {len(parts)} numbers"
        )
    first, last, step = parts
    if step <= 0 or last < first:
        raise GenerationError(f"'{text}': expected first <= last and a step above 0")
    count = math.floor((last - first) / step + 1e-9) + 1
    if count > MAX_POINTS:
        raise GenerationError(f"'{text}': {count} values; at most {MAX_POINTS}")
    return np.round(first + step * np.arange(count), 12)


def _number(value: str, text: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise GenerationError(f"'{text}': '{value}' is not a number")
    return number


def grid(values: Mapping[str, Array], names: Sequence[str]) -> tuple[dict[str, Array], int]:
    """Return all combinations of the values, the last variable changing fastest, and their number.

    Parameters
    ----------
    values
        Of each variable.
    names
        In what order they change.

    Raises
    ------
    GenerationError
        For more than `MAX_POINTS` combinations.
    """
    sizes = [len(values[name]) for name in names]
    n = math.prod(sizes)
    if n > MAX_POINTS:
        raise GenerationError(
            f"{n} combinations of {', '.join(names)}; at most {MAX_POINTS}: take fewer or coarser steps"
        )
    out, repeat = {}, n
    for name, size in zip(names, sizes, strict=True):
        repeat //= size
        out[name] = np.tile(np.repeat(values[name], repeat), n // (repeat * size))
    return out, n
