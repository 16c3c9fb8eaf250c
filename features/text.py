"""Words for people who wrote something slightly else."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def suggestion(word: str, known: Sequence[str]) -> str:
    """Return ` (did you mean 'x'?)` where a known word is near or begins with it, else nothing."""
    plain = [one.lower() for one in known]
    near = difflib.get_close_matches(word.lower(), plain, n=1, cutoff=0.6)
    if not near and len(word) > 1:
        near = [one for one in plain if one.startswith(word.lower())]
    by_lower = {one.lower(): one for one in known}
    return f" (did you mean '{by_lower[near[0]]}'?)" if near else ""
