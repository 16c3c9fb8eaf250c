"""Which measurements no model may learn from, because a frozen evaluation set holds the same material or paper.

Each kind says which sets are frozen (`Measurements.reasons_to_exclude`); there is no kind without an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.ledger.kinds import measurements_of
from training.measurements.columns import Contents


def reasons_to_exclude(kind: str, contents: Sequence[Contents]) -> list[str]:
    """Return, per measurement, why no model may learn from it, "" where one may.

    Where a frozen set is not on this machine its reason says so: what was not checked is not learned from.

    Parameters
    ----------
    contents
        Checked measurements of one kind.

    Raises
    ------
    ValueError
        If the kind does not answer for each of them.
    """
    reasons = measurements_of(kind).reasons_to_exclude(contents)
    if len(reasons) != len(contents):
        raise ValueError(f"{kind} says of {len(reasons)} of {len(contents)} measurements whether they leak")
    return reasons
