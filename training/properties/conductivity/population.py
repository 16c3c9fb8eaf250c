"""Like what gets reported: who asks so may have the model's answers moved by what publications taught of it.

The model answers for all materials. Tables of recent years hold what was worth reporting, conductors mostly, and there
its left-out answers lay below what was measured. `python benchmarks/conductivity.py --what population` measures what
the shift does: since 2019 it pays, before it costs, and so it is off unless asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.errors import CandidateError
from training.properties.conditions import ConditionColumns, one_of, refused_words
from training.properties.contract import Condition, Content

ALL, REPORTED = POPULATIONS = ("all", "reported")
POPULATION = Condition(
    "population",
    Content.TEXT,
    "'reported' asks for materials like those that get reported, conductors mostly, and moves the model's answer by the"
    " median error of its left-out papers ('all', which moves nothing, unless a row says otherwise).",
    short="population",
    words=lambda: POPULATIONS,
    label="Population",
)


def refused_populations(conditions: ConditionColumns) -> dict[int, CandidateError]:
    """Return the rows that name none of `POPULATIONS`."""
    return refused_words(conditions.texts[POPULATION.name], _population)


def as_reported(conditions: ConditionColumns) -> NDArray[np.bool_]:
    """Return which rows ask for materials like those that get reported, shape (n,)."""
    texts = conditions.texts[POPULATION.name]
    return np.array([text is not None and _population(text) == REPORTED for text in texts], dtype=bool)


def _population(text: str) -> str:
    return one_of(text, POPULATIONS, POPULATION.name)
