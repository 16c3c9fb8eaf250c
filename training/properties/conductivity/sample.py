"""What may be stated of a sample, and what it does to the answer: nothing, unless paired measurements say so.

Measured by `python benchmarks/conductivity.py --what sample`, papers left out:

- *Relative density*: of garnets below 94 % the conductivity falls by 0.99 decades for every tenth of density (48 rows
  of 13 papers: those below 90 % are then missed by 0.73 instead of 1.05 decades, dense ones by 0.31 instead of 0.29;
  paired over papers -0.10 [-0.31 +0.10], so likely and not certain). Of other families five rows state one.
- *Bulk instead of total*: 27 samples of OBELiX have both, 24 of them garnets: bulk is higher by 0.18 decades in the
  median (0.02 to 1.4). The model answers what papers report, which is the total nearly always.
- *State* (sintered, glass, ...): papers of the same state come no nearer to a left-out one than papers of any state. It
  moves nothing, and the answer says what was measured in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.errors import CandidateError
from training.properties.conditions import RELATIVE_DENSITY, ConditionColumns, one_of, refused_words
from training.properties.conductivity.prototypes import Prototype, prototypes_of
from training.properties.contract import Condition, Content

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

BULK, TOTAL = "bulk", "total"
DENSE = 0.94
"""Relative density from which garnets are alike."""
DECADES_PER_DENSITY = 9.9
"""By which the conductivity of garnets falls per unit of relative density below `DENSE`; 8.7 to 12.8 over papers."""
BULK_OVER_TOTAL_DECADES = 0.18

GLASS_CERAMIC, GLASS, FILM, HOT, SINTERED, COLD, CRYSTAL = STATES = (
    "glass-ceramic",
    "glass",
    "thin film",
    "hot-pressed",
    "sintered",
    "cold-pressed",
    "crystal",
)
_WORDS = {
    "glass-ceramic": GLASS_CERAMIC,
    "glass ceramic": GLASS_CERAMIC,
    "glass": GLASS,
    "amorph": GLASS,
    "film": FILM,
    "hot-press": HOT,
    "hot press": HOT,
    "sps": HOT,
    "spark": HOT,
    "cold-sinter": SINTERED,
    "sinter": SINTERED,
    "cold-press": COLD,
    "cold press": COLD,
    "pellet": COLD,
    "crystal": CRYSTAL,
    "space group": CRYSTAL,
}
"""The first that stands in a text tells the state."""


def state_word(text: str) -> str:
    """Return which of `STATES` a text means; blank where none."""
    plain = text.lower()
    return next((state for word, state in _WORDS.items() if word in plain), "")


STATE = Condition(
    "state",
    Content.TEXT,
    "How the sample was made; it moves no answer, but the measured samples in it are told.",
    short="state",
    words=lambda: STATES,
    plain=lambda text: state_word(text) or text,
    of_one_sample=True,
)
CONTRIBUTION = Condition(
    "contribution",
    Content.TEXT,
    "Bulk or total conductivity (total unless a row says otherwise; bulk moves garnets alone).",
    short="contribution",
    words=lambda: (BULK, TOTAL),
    of_one_sample=True,
)
SAMPLE_CONDITIONS = (RELATIVE_DENSITY, CONTRIBUTION, STATE)


def are_garnets(composition: Array) -> Flags:
    """Return which compositions, shape (n, 103), have the stoichiometry of a garnet."""
    found: Flags = prototypes_of(composition) == Prototype.GARNET
    return found


def density_shift(relative_density: Array) -> Array:
    """Return by how many decades garnets of these relative densities conduct differently from dense ones, shape (n,).

    0 where the density is not known.
    """
    below = np.minimum(np.nan_to_num(relative_density, nan=DENSE) - DENSE, 0.0)
    shift: Array = DECADES_PER_DENSITY * below
    return shift


def refused_samples(conditions: ConditionColumns) -> dict[int, CandidateError]:
    """Return the rows whose contribution is neither bulk nor total; a state that is none is only warned of."""
    return refused_words(conditions.texts[CONTRIBUTION.name], _contribution)


def are_bulk(conditions: ConditionColumns) -> Flags:
    """Return for which rows the bulk conductivity is asked, shape (n,)."""
    texts = conditions.texts[CONTRIBUTION.name]
    found: Flags = np.array([text is not None and _contribution(text) == BULK for text in texts], dtype=bool)
    return found


def _contribution(text: str) -> str:
    return one_of(text, (BULK, TOTAL), CONTRIBUTION.name)


def sample_shift(composition: Array, conditions: ConditionColumns) -> Array:
    """Return by how many decades what is stated of each sample moves the answer, shape (n,)."""
    density = conditions.numbers[RELATIVE_DENSITY.name]
    is_bulk = are_bulk(conditions)
    if np.isnan(density).all() and not is_bulk.any():
        return np.zeros(len(density))
    decades = density_shift(density) + np.where(is_bulk, BULK_OVER_TOTAL_DECADES, 0.0)
    return np.where(are_garnets(composition), decades, 0.0)
