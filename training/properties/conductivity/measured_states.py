"""What was measured on the material that is asked for, in words and as the block of an answer.

One formula may stand for several materials (cubic and tetragonal Li7La3Zr2O12, glass and crystal of Li3PS4), and a
model of formulas answers one value for all: so the range, the states and the sources are told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.properties.conductivity.measured_first import carried
from training.properties.conductivity.model import ConductivityPrediction
from training.properties.conductivity.sample import state_word
from training.properties.conductivity.samples import Pairs, Samples
from training.properties.contract import DECIMALS

Rows = Sequence[int]

NOT_STATED = "state not stated"
MOST_SOURCES = 3
MOST_SHOWN = 3
"""Samples that an answer shows, the latest first."""


def disagreement_words(samples: Samples, rows: Rows, formula: str) -> tuple[str, str]:
    """Return the range of the measurements of a material near 25 C, and what belongs to which state, in words.

    Parameters
    ----------
    samples, rows
        What was measured, and which of it near 25 C on this material.
    formula
        The material.
    """
    by_state: dict[str, list[int]] = {}
    for i in rows:
        by_state.setdefault(str(samples.state[i]) or NOT_STATED, []).append(i)
    highest = {state: max(samples.log10_sigma[own]) for state, own in by_state.items()}
    states = sorted(by_state, key=lambda state: (state == NOT_STATED, -highest[state]))
    spans = [f"{state} {span(samples, by_state[state])} ({sources(samples, by_state[state])})" for state in states]
    whole = f"{len(rows)} measurements of {formula} near 25 C lie between {span(samples, rows, ' and ')} S/cm"
    return whole, "; ".join(spans)


def in_state_words(samples: Samples, rows: Rows, text: str) -> str:
    """Return what was measured on the material in a stated state, and that it moves nothing, in words."""
    state = state_word(text)
    if not state:
        return f"conductivity: the state '{text}' is none that measurements are told apart by, and moves no answer"
    own = [i for i in rows if state_word(str(samples.state[i])) == state]
    if not own:
        return f"conductivity: the state moves no answer; no measurement of this material is known to be {state}"
    found = f"{len(own)} of {len(rows)} measurements are {state}: {span(samples, own)} S/cm ({sources(samples, own)})"
    return f"conductivity: the state moves no answer; {found}"


def span(samples: Samples, rows: Rows, between: str = " to ") -> str:
    """Return lowest and highest of some measurements in S/cm."""
    order = sorted(rows, key=lambda i: float(samples.log10_sigma[i]))
    ends = [
        f"{'<' if samples.is_upper_bound[i] else ''}{10 ** samples.log10_sigma[i]:.1e}" for i in (order[0], order[-1])
    ]
    return between.join(dict.fromkeys(ends))


def sources(samples: Samples, rows: Rows) -> str:
    """Return the first few sources of some measurements."""
    named = list(dict.fromkeys(str(samples.doi[i]) for i in rows if samples.doi[i])) or ["no source"]
    more = f" and {len(named) - MOST_SOURCES} more" if len(named) > MOST_SOURCES else ""
    return ", ".join(named[:MOST_SOURCES]) + more


def measured_blocks(
    samples: Samples, pairs: Pairs, said: ConductivityPrediction, temperature_C: NDArray[np.float64]
) -> list[dict[str, Any] | None]:
    """Return what was measured on each of n materials as answers have it; None where nothing was.

    Parameters
    ----------
    samples, pairs
        Measurements, and which are of which material.
    said
        The answer that they moved.
    temperature_C
        Asked of each, shape (n,).
    """
    blocks: list[dict[str, Any] | None] = [None] * len(temperature_C)
    value = carried(samples, pairs, said.centre(temperature_C))
    middle, weight = said.measured.log10_sigma.tolist(), said.measured.weight.tolist()
    for candidate, rows, lowest, highest in zip(*_by_candidate(pairs, value), strict=True):
        papers, shown = _papers_and_latest(samples, rows)
        blocks[candidate] = {
            "log10_sigma_S_per_cm": None
            if middle[candidate] != middle[candidate]
            else round(middle[candidate], DECIMALS),
            "lowest": round(lowest, DECIMALS),
            "highest": round(highest, DECIMALS),
            "measurements": len(rows),
            "papers": papers,
            "weight": round(weight[candidate], DECIMALS),
            "samples": [sample.copy() for sample in shown],
        }
    return blocks


def _by_candidate(
    pairs: Pairs, value: NDArray[np.float64]
) -> tuple[list[int], list[tuple[int, ...]], list[float], list[float]]:
    """Return the candidates that were measured, with their samples and the ends of the values; pairs come in order."""
    if not len(pairs.candidate):
        return [], [], [], []
    starts = np.flatnonzero(np.diff(pairs.candidate, prepend=-1))
    sample, ends = pairs.sample.tolist(), [*starts.tolist(), len(value)]
    rows = [tuple(sample[start:end]) for start, end in pairwise(ends)]
    lowest, highest = (ufunc.reduceat(value, starts).tolist() for ufunc in (np.minimum, np.maximum))
    return pairs.candidate[starts].tolist(), rows, lowest, highest


@lru_cache(maxsize=1024)
def _papers_and_latest(samples: Samples, rows: tuple[int, ...]) -> tuple[int, list[dict[str, Any]]]:
    """Return how many papers some samples come from, and those to show: many candidates lie near the same ones."""
    own = np.array(rows)
    order = np.lexsort((-samples.log10_sigma[own], -np.nan_to_num(samples.year[own])))
    return len(set(samples.paper[own].tolist())), [_sample(samples, i) for i in own[order[:MOST_SHOWN]].tolist()]


def _sample(samples: Samples, i: int) -> dict[str, Any]:
    said = samples.columns
    density, year = said["relative_density"][i], said["year"][i]
    return {
        "formula": said["formula"][i],
        "log10_sigma_S_per_cm": round(said["log10_sigma"][i], DECIMALS),
        "is_upper_bound": said["is_upper_bound"][i],
        "is_doubtful": bool(said["is_doubtful"][i]),
        "temperature_C": said["temperature_C"][i],
        "state": said["state"][i] or None,
        "contribution": said["contribution"][i] or None,
        "relative_density": None if density != density else density,
        "year": None if year != year else int(year),
        "doi": said["doi"][i],
        "source": said["source"][i],
    }
