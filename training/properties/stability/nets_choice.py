"""Whom to ask about a composition that no table lists: the student, or the pool of nets from which it learnt."""

from __future__ import annotations

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
