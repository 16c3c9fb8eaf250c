"""POSCAR and CONTCAR, the structures of VASP.

The format is that of https://www.vasp.at/wiki/index.php/POSCAR: a comment, a scale, three lattice vectors, the
elements (since VASP 5), how many atoms of each, optionally `Selective dynamics`, `Direct` or `Cartesian`, and the
atoms. What follows (velocities) is passed over.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from features.cif_text import number_of
from features.crystal_formats.cell import (
    ListedCell,
    ListedSite,
    check_site_count,
    check_symbol,
    check_vectors,
    fractional,
    unusable_structure,
)
from features.errors import CandidateError, RowErrorCode, shown

NAME = "POSCAR"
_HEADER_LINES = 8  # comment, scale, three vectors, elements, counts, mode
_LONGEST_LINE = 2000
_COMMENT = re.compile(r"\s[!#].*$")
_POTENTIAL = re.compile(r"[_/.].*$")  # Li_sv, Li_sv/d3a1: the element's potential, not another element
_CARTESIAN, _DIRECT = "ck", "df"


def is_poscar(text: str) -> bool:
    """Whether the first five lines of a text are those of a POSCAR: a comment, a scale, three vectors."""
    lines = text.lstrip("\ufeff").split("\n", 5)[:5]
    if len(lines) < 5:
        return False
    scale, *vectors = ([number_of(word) for word in _words(line)] for line in lines[1:])
    return len(scale) in (1, 3) and None not in scale and all(len(v) >= 3 and None not in v[:3] for v in vectors)


def read_poscar(text: str) -> ListedCell:
    """Read a POSCAR.

    Raises
    ------
    CandidateError
        `structure_without_elements` for a file of VASP 4, `unparseable_structure` with the line that is wrong.
    """
    lines = text.lstrip("\ufeff").split("\n")
    if len(lines) <= _HEADER_LINES:
        raise unusable_structure(f"a POSCAR of {len(lines)} lines ends before its atoms")
    vectors = np.array([_numbers(lines, i) for i in (2, 3, 4)])
    scale = _scale(lines, vectors)
    with np.errstate(over="ignore"):  # what overflows is refused as impossible
        vectors_A = check_vectors(vectors * scale)
    symbols, counts = _composition(lines)
    mode = 8 if lines[7].strip()[:1].lower() == "s" else 7
    letter = lines[mode].strip()[:1].lower() if mode < len(lines) else ""
    if not letter or letter not in _CARTESIAN + _DIRECT:
        raise _wrong(lines, mode, "expected Direct or Cartesian")
    first, total = mode + 1, sum(counts)
    if len(lines) < first + total:
        raise unusable_structure(f"{total} atoms are announced, {max(len(lines) - first, 0)} lines follow")
    positions = np.array([_numbers(lines, first + i) for i in range(total)])
    if letter in _CARTESIAN:
        positions = fractional(positions * scale, vectors_A)
    elements = [symbol for symbol, count in zip(symbols, counts, strict=True) for _ in range(count)]
    sites = [
        ListedSite(f"{symbol}{i + 1}", (x, y, z), {symbol: 1.0})
        for i, (symbol, (x, y, z)) in enumerate(zip(elements, positions.tolist(), strict=True))
    ]
    return ListedCell(NAME, vectors_A, sites)


def _words(line: str) -> list[str]:
    return _COMMENT.sub("", line[:_LONGEST_LINE]).split()


def _wrong(lines: list[str], index: int, expected: str) -> CandidateError:
    received = f"'{shown(lines[index].strip())}'" if index < len(lines) else "no such line"
    return unusable_structure(f"line {index + 1} of a POSCAR: received {received}, {expected}")


def _numbers(lines: list[str], index: int) -> list[float]:
    numbers = [number_of(word) for word in _words(lines[index])[:3]]
    if len(numbers) < 3 or None in numbers:
        raise _wrong(lines, index, "expected three numbers")
    return [number for number in numbers if number is not None]


def _scale(lines: list[str], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the vectors' x, y and z are multiplied with; a negative scale is the cell's volume."""
    numbers = [number_of(word) for word in _words(lines[1])]
    scale = np.array([number for number in numbers if number is not None])
    if len(scale) == 3 and len(numbers) == 3 and (scale > 0).all() and np.isfinite(scale).all():
        return scale
    if len(numbers) != 1 or len(scale) != 1 or scale[0] == 0 or not np.isfinite(scale[0]):
        raise _wrong(lines, 1, "expected a scale, a volume with a minus sign, or three scales above 0")
    if scale[0] > 0:
        return np.repeat(scale, 3)
    volume = abs(float(np.linalg.det(vectors))) if np.isfinite(vectors).all() else 0.0
    if not 0 < volume < np.inf:
        raise unusable_structure("unit cell without volume: the lattice vectors lie in one plane")
    return np.repeat((-scale / volume) ** (1.0 / 3.0), 3)


def _composition(lines: list[str]) -> tuple[list[str], list[int]]:
    """Return the elements and how many atoms of each follow."""
    words, counts = _words(lines[5]), _words(lines[6])
    if words and all(word.isascii() and word.isdigit() for word in words):
        message = (
            "a POSCAR of VASP 4 names no elements; add a line with their symbols above the line with their numbers"
            " (line 6)"
        )
        raise CandidateError(RowErrorCode.STRUCTURE_WITHOUT_ELEMENTS, message)
    symbols = [check_symbol(_POTENTIAL.sub("", word), "line 6 of a POSCAR") for word in words]
    if not symbols:
        raise _wrong(lines, 5, "expected symbols of elements")
    is_whole = all(word.isascii() and word.isdigit() and len(word) <= 9 for word in counts)
    if len(counts) != len(symbols) or not is_whole:
        raise _wrong(lines, 6, f"expected {len(symbols)} whole numbers, one for each element of the line before")
    numbers = [int(word) for word in counts]
    check_site_count(sum(numbers))
    return symbols, numbers
