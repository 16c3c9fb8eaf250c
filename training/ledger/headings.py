"""The header row: which column is what, of which kind the table is, and what is left aside.

A header names its column and its unit (`sigma_mS_per_cm`, `sigma (mS/cm)`, `T / K`), or a neighbour column names the
unit (`sigma` beside `sigma_unit`).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from features.errors import shown
from training.ledger.kinds import all_columns, kinds, measurements_of
from training.measurements.columns import LedgerColumn
from training.measurements.problems import UnusableTableError
from training.measurements.units import Notation, Unit, plain_unit

_BRACKETED = re.compile(r"(.+?)\s*[(\[]\s*(.*?)\s*[)\]]")
_LOG_OF = re.compile(r"log_?10\s*[(\[]\s*(.+?)\s*[)\]]", re.IGNORECASE)
_UNIT_SUFFIX = "_unit"


class HeaderError(ValueError):
    """One header cannot be understood; the message says what was found and what is understood."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a header means.

    Parameters
    ----------
    header
        As it was written.
    column
        Where its cells go.
    notation
        None for a column of text.
    unit
        None for text, and for numbers whose unit stands in the column `unit_header`.
    unit_header
        Header of the column that names the unit of each row.
    """

    header: str
    column: LedgerColumn
    notation: Notation | None = None
    unit: Unit | None = None
    unit_header: str | None = None


@dataclass(frozen=True, slots=True)
class Headings:
    """What the headers of a table mean.

    Parameters
    ----------
    kind
        What the rows measure.
    known
        Headers with a meaning; of two for one column, that in the column's own unit comes first.
    ignored
        Headers that mean nothing here and are left aside.
    """

    kind: str
    known: tuple[Heading, ...]
    ignored: tuple[str, ...]


def read_headings(headers: Sequence[str], kind: str | None, name: str) -> Headings:
    """Understand the header row.

    Parameters
    ----------
    headers
        As written.
    kind
        What is measured; None infers it from the measured columns.
    name
        What messages call the table.

    Raises
    ------
    UnusableTableError
        With every header that is not understood, or if the kind cannot be told.
    """
    found: list[Heading] = []
    ignored: list[str] = []
    faults: list[str] = []
    everything = frozenset(headers)
    for header in headers:
        try:
            heading = understand(header, everything) if header else None
        except HeaderError as error:
            faults.append(str(error))
            continue
        if heading is not None:
            found.append(heading)
        elif header:
            ignored.append(header)
    if faults:
        raise UnusableTableError(f"{name}: " + "\n  ".join(faults))
    kind = kind or _infer_kind({heading.column for heading in found}, headers, name)
    measurements = measurements_of(kind)
    own: dict[str, LedgerColumn] = {column: column for column in measurements.columns} | dict(measurements.stands_for)
    foreign = [heading.header for heading in found if heading.column not in own]
    known = [replace(heading, column=own[heading.column]) for heading in found if heading.column in own]
    if not any(heading.column in measurements.measured for heading in known):
        columns = ", ".join(measurements.measured)
        raise UnusableTableError(f"{name}: expected a measured column of {kind} ({columns}), found {_shown(headers)}")
    unit_headers = {heading.unit_header for heading in known}
    left = [header for header in (*ignored, *foreign) if header not in unit_headers]
    known.sort(key=lambda heading: heading.header != heading.column)
    return Headings(kind, tuple(known), tuple(left))


def _infer_kind(columns: set[LedgerColumn], headers: Sequence[str], name: str) -> str:
    """Tell the kind from the measured columns, of several from those that it requires."""
    found = {kind: one for kind, one in kinds().items() if columns & {*one.measured, *one.stands_for}}
    deciding = [kind for kind, one in found.items() if one.decides_kind]
    whole = [kind for kind, one in found.items() if {column for column in one.columns if column.is_required} <= columns]
    candidates = deciding or whole or [kind for kind, one in found.items() if columns & set(one.measured)]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        wanted = "; ".join(f"{kind}: {', '.join(one.measured)}" for kind, one in kinds().items())
        raise UnusableTableError(f"{name}: no measured column found ({wanted}), found {_shown(headers)}")
    names = " and ".join(candidates)
    raise UnusableTableError(f"{name} holds columns of {names}; say which with --kind, one file each")


def _shown(headers: Sequence[str]) -> str:
    return ", ".join(shown(header) for header in headers[:20]) or "no columns"


def understand(header: str, all_headers: frozenset[str]) -> Heading | None:
    """Return what a header means, None if it means nothing here.

    Parameters
    ----------
    header
        As written.
    all_headers
        Every header of the table, in which `NAME_unit` may stand.

    Raises
    ------
    HeaderError
        If the quantity is known and its unit is missing or unknown, or a name is nearly a known one.
    """
    name, unit = _split(header)
    if unit is None and name in _plain_names():
        column = _plain_names()[name]
        return Heading(header, column, next(iter(column.notations), None))
    for known, column, notation in _notations():
        if name == known:
            return _with_unit(header, column, notation, unit, all_headers)
        if unit is None and name.startswith(known + "_") and name != known + _UNIT_SUFFIX:
            suffix = plain_unit(_normal(header)[len(known) + 1 :])
            if suffix in notation.units:
                return Heading(header, column, notation, notation.units[suffix])
    _complain_of_near_miss(header, name, unit)
    return None


def _with_unit(
    header: str, column: LedgerColumn, notation: Notation, unit: str | None, all_headers: frozenset[str]
) -> Heading:
    known = ", ".join(filter(None, notation.units))
    if unit is not None:
        found = notation.units.get(plain_unit(unit))
        if found is None:
            raise HeaderError(f"column '{header}': unit '{unit}' is not known; expected one of: {known}")
        return Heading(header, column, notation, found)
    unit_header = next((other for other in all_headers if _split(other)[0] == _split(header)[0] + _UNIT_SUFFIX), None)
    if unit_header is not None:
        return Heading(header, column, notation, None, unit_header)
    if "" in notation.units:
        return Heading(header, column, notation, notation.units[""])
    raise HeaderError(
        f"column '{header}' names no unit; expected '{column}', another of the units {known} in brackets"
        f" after the name, or a column '{header}{_UNIT_SUFFIX}'"
    )


def _normal(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").strip()
    return re.sub(r"\s+", "_", plain)


def _split(header: str) -> tuple[str, str | None]:
    """Return name (lower case) and unit (None where none is set apart) of a header."""
    text = unicodedata.normalize("NFKC", header).strip()
    log = _LOG_OF.fullmatch(text)
    if log:
        inner, unit = _split(log[1])
        return f"log10_{inner}", unit
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed:
        return _normal(bracketed[1]).lower(), bracketed[2]
    name, slash, unit_text = text.partition(" / ")
    if slash:
        return _normal(name).lower(), unit_text.strip()
    return _normal(text).lower(), None


@cache
def _plain_names() -> dict[str, LedgerColumn]:
    """Every heading that stands without a unit."""
    columns = all_columns().values()
    names = {column.lower(): column for column in columns if not column.notations}
    return names | {alias: column for column in columns for alias in column.aliases}


@cache
def _notations() -> tuple[tuple[str, LedgerColumn, Notation], ...]:
    """Every name of a column of numbers, with the units that it may have."""
    return tuple(
        (name, column, notation)
        for column in all_columns().values()
        for notation in column.notations
        for name in notation.names
    )


@cache
def _known_names() -> dict[str, str]:
    """Every accepted canonical name in lower case, and as it is written."""
    columns = all_columns().values()
    names = {column.lower(): column.name for column in columns if len(column) > 2}
    return names | {header: header for column in columns for header in column.often_written}


def _complain_of_near_miss(header: str, name: str, unit: str | None) -> None:
    if name.endswith(_UNIT_SUFFIX):
        return
    near = difflib.get_close_matches(name, _known_names(), n=1, cutoff=0.85)
    hint = f" (did you mean '{_known_names()[near[0]]}'?)" if near else ""
    for known, _, notation in _notations():
        if len(known) > 2 and unit is None and name.startswith(known + "_"):
            rest = _normal(header)[len(known) + 1 :]
            units = ", ".join(filter(None, notation.units))
            raise HeaderError(f"column '{header}': unit '{rest}' is not known; expected one of: {units}{hint}")
    if near:
        raise HeaderError(f"column '{header}' is not known{hint}")
