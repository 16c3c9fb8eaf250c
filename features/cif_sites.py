"""The atom sites of a CIF's data block: element, place and occupancy of each row."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.cif_text import (
    CARTESIAN_TAGS,
    MULTIPLICITY_TAGS,
    POSITION_TAGS,
    DataBlock,
    decimals_of,
    number_of,
    unusable,
)
from features.elements import ATOMIC_NUMBER
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode, shown

_CLIPPED_OCCUPANCY = 1.05  # refinements that are let go above 1
_ROUNDED_OCCUPANCY = 1.001  # no word is lost about it
_MOST_HYDROGENS = 8  # attached to one atom, by the dictionary of the IUCr
_LARGEST_COORDINATE = 1e4
_LEAST_DECIMALS = 2  # a coordinate of 0.5 is not one that was rounded to a single digit
_MOST_NAMED = 6
_EVEN_TAGS = (*POSITION_TAGS, "_atom_site_label", "_atom_site_type_symbol", "_atom_site_occupancy")
_DUMMY_NAMES = frozenset(
    ("du", "dum", "dummy", "x", "xx", "q", "va", "vac", "vacancy", "cnt", "cen", "cg", "bq", "lp")
)  # as viewers and refinement programs call centroids, lone pairs, vacancies and peaks that no atom was given
_ALSO_LABELS = frozenset(("va", "cen"))  # of vanadium and carbon, where no type symbol says otherwise


class Sites(NamedTuple):
    """The occupied sites of a block, one entry a row: m rows.

    Attributes
    ----------
    labels, symbols, kinds
        Label, element symbol, and the type as written, charge included.
    positions
        Fractional coordinates, shape (m, 3).
    resolutions
        Last digit to which a row's coordinates are written, shape (m,).
    occupancies
        From 0 to 1, shape (m,).
    hydrogens
        Attached to an atom, without places of their own, shape (m,).
    multiplicities
        As the file states them, NaN where it does not, shape (m,).
    """

    labels: list[str]
    symbols: list[str]
    kinds: list[str]
    positions: NDArray[np.float64]
    resolutions: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    hydrogens: NDArray[np.float64]
    multiplicities: NDArray[np.float64]


def read_sites(block: DataBlock) -> tuple[Sites, list[Remark]]:
    """Read the atom sites of a block; dummy atoms are left out.

    Raises
    ------
    CandidateError
        Where a site has no usable element, position or occupancy, with its label.
    """
    _check_columns(block)
    rows, dummies, clipped = [], [], []
    for row in _rows(block):
        label, kind = row["label"] or row["kind"], row["kind"]
        if row["flag"].lower() == "dum":
            continue
        if _is_dummy(kind, label):
            dummies.append(label)
            continue
        occupancy = _occupancy(label, row["occupancy"])
        if occupancy > _ROUNDED_OCCUPANCY:
            clipped.append(f"{label} {occupancy:g}")
        if occupancy == 0.0:
            continue
        rows.append((label, element_of(kind, label), kind, *_place(label, row), min(occupancy, 1.0), *_counts(row)))
    if not rows:
        raise unusable("no occupied atom sites")
    remarks = []
    if dummies:
        message = f"dummy atoms and vacancies are left out: {_listed(dummies)}"
        remarks.append(Remark(WarningCode.SITES_IGNORED, message))
    if clipped:
        message = f"occupancies above 1 are taken as 1: {_listed(clipped)}"
        remarks.append(Remark(WarningCode.OCCUPANCY_CLIPPED, message))
    labels, symbols, kinds, *numbers = zip(*rows, strict=True)
    return Sites(list(labels), list(symbols), list(kinds), *(np.array(column) for column in numbers)), remarks


def element_of(kind: str, label: str) -> str:
    """Return the element of a site: by its type symbol (`Li`, `Li1+`, `LI`, `7Li`), else by its label (`Li2A`).

    Deuterium is hydrogen.

    Raises
    ------
    CandidateError
        `unknown_element`.
    """
    text = kind or label
    match = re.match(r"\d{0,3}([A-Za-z]{1,2})", text)
    letters = match[1].capitalize() if match else ""
    symbol = next((one for one in (letters, "" if kind else letters[:1]) if one in ATOMIC_NUMBER or one == "D"), None)
    others = re.findall(r"[A-Z][a-z]?", kind[match.end() :]) if match else []
    if symbol is not None and not any(other in ATOMIC_NUMBER for other in others):
        return "H" if symbol == "D" else symbol
    message = f"site '{shown(label)}' of the CIF holds no known element"
    if symbol is not None:
        message = (
            f"site '{shown(label)}' of the CIF holds several elements; expected one row for each, with occupancies"
        )
    if kind and kind != label:
        message += f" (received type symbol '{shown(kind)}')"
    raise CandidateError(RowErrorCode.UNKNOWN_ELEMENT, message)


def _check_columns(block: DataBlock) -> None:
    if not block.has_positions:
        if any(any(block.values.get(tag, ())) for tag in CARTESIAN_TAGS):
            raise unusable(
                "no fractional coordinates, only Cartesian ones (_atom_site_Cartn_x ...); export the structure with"
                " _atom_site_fract_x, _y and _z"
            )
        raise unusable("no fractional coordinates of the atoms (_atom_site_fract_x, _y and _z)")
    n = len(block.values[POSITION_TAGS[0]])
    uneven = next((tag for tag in _EVEN_TAGS if len(block.values.get(tag, ())) not in (0, n)), None)
    if uneven is not None:
        raise unusable(f"{len(block.values[uneven])} values of {uneven}, {n} of {POSITION_TAGS[0]}; expected as many")
    if not (block.values.get("_atom_site_label") or block.values.get("_atom_site_type_symbol")):
        raise unusable("no labelled atom sites (_atom_site_label or _atom_site_type_symbol)")


def _rows(block: DataBlock) -> list[dict[str, str]]:
    n = len(block.values[POSITION_TAGS[0]])
    columns = {
        "label": ("_atom_site_label",),
        "kind": ("_atom_site_type_symbol",),
        "occupancy": ("_atom_site_occupancy",),
        "flag": ("_atom_site_calc_flag",),
        "hydrogens": ("_atom_site_attached_hydrogens",),
        "multiplicity": MULTIPLICITY_TAGS,
        **{axis: (tag,) for axis, tag in zip("xyz", POSITION_TAGS, strict=True)},
    }
    given = {name: block.column(tags) for name, tags in columns.items()}
    given = {name: column if len(column) == n else [""] * n for name, column in given.items()}
    return [dict(zip(given, cells, strict=True)) for cells in zip(*given.values(), strict=True)]


def _is_dummy(kind: str, label: str) -> bool:
    match = re.match(r"[A-Za-z]+", kind or label)
    name = match[0].lower() if match else ""
    return name in _DUMMY_NAMES and (kind != "" or name not in _ALSO_LABELS)


def _occupancy(label: str, text: str) -> float:
    """Return an occupancy; what the file leaves open is full."""
    if not text:
        return 1.0
    value = number_of(text)
    if value is None:
        hint = "; write decimals with a point" if "," in text else ""
        raise unusable(
            f"site '{shown(label)}' has occupancy '{shown(text)}'; expected a number from 0 to 1, such as 0.5{hint}"
        )
    if not 0.0 <= value <= _CLIPPED_OCCUPANCY:
        hint = " (in per cent?)" if 1 < value <= 100 else ""
        raise unusable(f"site '{shown(label)}' has occupancy {value:g}; expected 0 to 1{hint}")
    return value


def _place(label: str, row: dict[str, str]) -> tuple[list[float], float]:
    """Return the coordinates of a site and the last digit of the most precise one."""
    place = []
    for axis in "xyz":
        value = number_of(row[axis]) if row[axis] else None
        if value is None or not abs(value) < _LARGEST_COORDINATE:
            hint = "; write decimals with a point" if "," in row[axis] else ""
            received = f"{axis} is '{shown(row[axis])}'" if row[axis] else f"{axis} is not given"
            raise unusable(f"site '{shown(label)}' has no usable position: {received}, expected a number{hint}")
        place.append(value)
    return place, 10.0 ** -max(_LEAST_DECIMALS, *(decimals_of(row[axis]) for axis in "xyz"))


def _counts(row: dict[str, str]) -> tuple[float, float]:
    """Return attached hydrogens and the multiplicity that the file states, NaN where it states none."""
    hydrogens = number_of(row["hydrogens"]) if row["hydrogens"] else 0.0
    if hydrogens is None or not 0 <= hydrogens <= _MOST_HYDROGENS:
        raise unusable(
            f"site '{shown(row['label'] or row['kind'])}' has '{shown(row['hydrogens'])}' attached hydrogens;"
            f" expected a number from 0 to {_MOST_HYDROGENS}"
        )
    stated = row["multiplicity"]
    known = stated.isascii() and stated.isdigit() and 0 < len(stated) <= 3  # no site has more images
    return hydrogens, float(stated) if known else np.nan


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(shown(name) for name in names[:_MOST_NAMED]) + more
