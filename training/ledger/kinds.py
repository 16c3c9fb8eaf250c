"""The kinds of measurements that this installation keeps: those of its properties that say how, and syntheses."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from training.properties import registry
from training.syntheses import outcomes
from training.syntheses.model import NAME as SYNTHESIS

if TYPE_CHECKING:
    from training.measurements.columns import LedgerColumn
    from training.measurements.contract import Measurements


class UnknownKindError(ValueError):
    """No measurements of this kind are kept; the message names those that are."""


@cache
def kinds() -> dict[str, Measurements]:
    """Return every kind by its name."""
    found = {one.name: one.measurements() for one in registry.properties()}
    return {name: one for name, one in found.items() if one is not None} | {SYNTHESIS: outcomes.MEASUREMENTS}


def measurements_of(kind: str) -> Measurements:
    """Return what is to be known of a kind.

    Raises
    ------
    UnknownKindError
        If there is none of this name.
    """
    if kind not in kinds():
        raise UnknownKindError(f"no measurements of {kind!r} are kept; expected one of {', '.join(kinds())}")
    return kinds()[kind]


@cache
def all_columns() -> dict[str, LedgerColumn]:
    """Return the columns of all kinds by name; kinds that share one agree on its unit and its headings.

    Raises
    ------
    ValueError
        If they do not, or if two columns have a heading in common.
    """
    found: dict[str, LedgerColumn] = {}
    owner: dict[str, LedgerColumn] = {}
    for kind, one in kinds().items():
        for column in one.columns:
            if found.setdefault(column, column).shared != column.shared:
                raise ValueError(f"{kind} declares the column '{column}' otherwise than another kind of measurements")
            for heading in (*column.aliases, *(name for notation in column.notations for name in notation.names)):
                if owner.setdefault(heading, column) != column:
                    raise ValueError(f"{kind}: the heading '{heading}' of '{column}' stands for '{owner[heading]}' too")
    return found
