"""Which warnings of which rows somebody has accepted: `3:not_charge_balanced,7:out_of_domain`.

Whoever accepts names each row and each reason. There is no word for all of them, so nothing is accepted unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from features.errors import shown
from training.measurements.problems import Level, UnusableTableError

if TYPE_CHECKING:
    from training.measurements.rows import Row

Accepted = frozenset[tuple[int, str]]
"""Numbers of rows, each with the code of a warning of it."""
EXAMPLE = "3:not_charge_balanced,7:out_of_domain"
_PAIR = re.compile(r"([1-9][0-9]{0,8}):([a-z][a-z0-9_]*)")
_MOST_NAMED = 5


def read_accepted(given: object) -> Accepted:
    """Read pairs `ROW:code`, parted by commas or blanks, or a list of them.

    Parameters
    ----------
    given
        A text, a list of texts, or pairs that were read already; an empty one accepts nothing.

    Raises
    ------
    UnusableTableError
        For anything else, `all` and `true` among it.
    """
    expected = f"expected ROW:code pairs, each row and reason by name, such as {EXAMPLE} (a dry run lists them)"
    if isinstance(given, frozenset):
        return given
    if not isinstance(given, str) and not (isinstance(given, Sequence) and all(isinstance(one, str) for one in given)):
        raise UnusableTableError(f"accept_warnings: received '{shown(str(given))}', {expected}")
    texts = [given] if isinstance(given, str) else given
    words = [word for text in texts for word in re.split(r"[,\s]+", text) if word]
    pairs = [(word, _PAIR.fullmatch(word)) for word in words]
    wrong = next((word for word, pair in pairs if pair is None), None)
    if wrong is not None:
        raise UnusableTableError(f"accept_warnings: received '{shown(wrong)}', {expected}")
    return frozenset((int(pair[1]), pair[2]) for _, pair in pairs if pair is not None)


def write_accepted(pairs: Iterable[tuple[int, str]]) -> str:
    """Write pairs as `read_accepted` reads them, in the order of rows."""
    return ",".join(f"{row}:{code}" for row, code in sorted(set(pairs)))


def refuse_wrong(accepted: Accepted, rows: Mapping[int, Row], known: Iterable[int], n_rows: int) -> None:
    """Refuse to go on if a pair names a row or a reason that is not there.

    Parameters
    ----------
    accepted
        What was named.
    rows
        By number, with all their problems.
    known
        Rows that the ledger has already: what was accepted of them then may be said again.
    n_rows
        How many rows the table has, readable or not.

    Raises
    ------
    UnusableTableError
        With the first few wrong pairs, and what those rows are held for.
    """
    had = frozenset(known)
    wrong = [
        f"'{row}:{code}' ({reason})"
        for row, code in sorted(accepted)
        if row not in had and (reason := _why_wrong(row, code, rows.get(row), n_rows))
    ]
    if wrong:
        rest = f"; and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
        told = "; ".join(wrong[:_MOST_NAMED])
        raise UnusableTableError(f"accept_warnings: nothing is stored, since nobody can accept {told}{rest}")


def _why_wrong(number: int, code: str, row: Row | None, n_rows: int) -> str:
    if number > n_rows:
        return f"there is no row {number}; expected 1 to {n_rows}"
    if row is None or not row.is_possible:
        return f"row {number} is refused, not held: correct it"
    reasons = row.codes(Level.SUSPICIOUS)
    if code in reasons:
        return ""
    return f"row {number} is held for {', '.join(reasons) if reasons else 'nothing'}"
