"""The header row: which column is what, of which kind the table is, and what is left aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from features.errors import shown
from training.ledger.problems import UnusableTableError
from training.ledger.schema import MEASURED, Column, Kind, columns_of
from training.ledger.units import HeaderError, Heading, understand


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

    kind: Kind
    known: tuple[Heading, ...]
    ignored: tuple[str, ...]


def read_headings(headers: Sequence[str], kind: Kind | None, name: str) -> Headings:
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
    told = kind or _infer_kind({heading.column for heading in found}, headers, name)
    allowed = columns_of(told)
    foreign = [heading.header for heading in found if heading.column not in allowed]
    known = [heading for heading in found if heading.column in allowed]
    if not any(heading.column in MEASURED[told] for heading in known):
        columns = ", ".join(MEASURED[told])
        raise UnusableTableError(f"{name}: expected a measured column of {told} ({columns}), found {_shown(headers)}")
    unit_headers = {heading.unit_header for heading in known}
    left = [header for header in (*ignored, *foreign) if header not in unit_headers]
    known.sort(key=lambda heading: heading.header != heading.column)
    return Headings(told, tuple(known), tuple(left))


def _infer_kind(columns: set[Column], headers: Sequence[str], name: str) -> Kind:
    """Tell the kind from the measured columns; a CCD table may hold conductivities besides."""
    if columns & set(MEASURED[Kind.CCD]):
        candidates = [Kind.CCD]
    else:
        candidates = [kind for kind in (Kind.CONDUCTIVITY, Kind.STABILITY) if columns & set(MEASURED[kind])]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        wanted = "; ".join(f"{kind}: {', '.join(MEASURED[kind])}" for kind in Kind)
        raise UnusableTableError(f"{name}: no measured column found ({wanted}), found {_shown(headers)}")
    names = " and ".join(candidates)
    raise UnusableTableError(f"{name} holds columns of {names}; say which with --kind, one file each")


def _shown(headers: Sequence[str]) -> str:
    return ", ".join(shown(header) for header in headers[:20]) or "no columns"
