"""Whom to ask about a composition that no table lists: the student, or the pool of nets from which it learnt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.errors import CandidateError
from training.properties.conditions import ConditionColumns, one_of, refused_words
from training.properties.contract import Condition, Content

STUDENT, POOL = CHOICES = ("student", "pool")
NETS = Condition(
    "nets",
    Content.TEXT,
    "Which nets answer for compositions that no table lists: one 'student' (unless a row says otherwise), or the 'pool'"
    " from which it learnt, four times slower.",
    short="nets",
    words=lambda: CHOICES,
    label="Nets",
)


def refused_nets(conditions: ConditionColumns) -> dict[int, CandidateError]:
    """Return the rows that name none of `CHOICES`."""
    return refused_words(conditions.texts[NETS.name], _choice)


def asks_pool(conditions: ConditionColumns) -> NDArray[np.bool_]:
    """Return which rows ask the pool, shape (n,)."""
    texts = conditions.texts[NETS.name]
    return np.array([text is not None and _choice(text) == POOL for text in texts], dtype=bool)


def _choice(text: str) -> str:
    return one_of(text, CHOICES, NETS.name)
