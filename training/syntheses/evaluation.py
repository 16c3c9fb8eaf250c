"""What the library's answers are worth on syntheses of later years."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from training.syntheses.heating import HeatingAnswer
from training.syntheses.library import SynthesisLibrary
from training.syntheses.precursor_names import amounts_of, key_of, source_elements
from training.syntheses.precursors import PrecursorExperience
from training.syntheses.table import HeatingStep, ReportedSynthesis

TOPS = (1, 3, 5, 10)


_FAMILIES = {
    "garnets": ({"Li", "La", "O"}, {"Zr", "Ta", "Nb", "Hf"}),
    "nasicon_phosphates": ({"Li", "P", "O"}, {"Ti", "Ge", "Zr", "Hf", "Sn"}),
    "sulfides": ({"Li", "S"}, {"P", "Ge", "Sn", "Si", "As", "Sb"}),
    "halides": ({"Li"}, {"Cl", "Br", "I"}),
}


def family_of(formula: str) -> str | None:
    """Return the family of lithium electrolytes to which a target belongs by its elements; None for all others.

    Examples
    --------
    >>> [family_of(f) for f in ("Li7La3Zr2O12", "Li1.3Al0.3Ti1.7(PO4)3", "Li6PS5Cl", "Li3YCl6", "LiCoO2")]
    ['garnets', 'nasicon_phosphates', 'sulfides', 'halides', None]
    """
    elements = set(amounts_of(formula) or ())
    if elements & {"Fe", "Co", "Ni", "Mn", "V", "Cr", "Cu", "Mo"}:
        return None
    for name, (needed, one_of) in _FAMILIES.items():
        if needed <= elements and one_of & elements and (name != "halides" or "O" not in elements):
            return name
    return None


class Hits(NamedTuple):
    """Share of targets whose reported set is among the first 1, 3, 5, 10, and how many targets."""

    share: dict[int, float]
    n: int


def precursor_hits(library: SynthesisLibrary, later: SynthesisLibrary, rows: Sequence[int]) -> dict[str, Hits]:
    """Ask a library for the sets that later papers report, exactly, water of hydrates included.

    Parameters
    ----------
    library
        What is known.
    later
        What is asked; its bottles are numbered like the library's.
    rows
        Of `later`, each target and set once.

    Returns
    -------
    dict
        "experience", and "most_used": each element's most used bottle in all of chemistry.
    """
    experience = PrecursorExperience(library)
    found: dict[str, Counter[int]] = {"experience": Counter(), "most_used": Counter()}
    usual = {s: Counter(library.entry_precursor[library.uses(s)].tolist()).most_common(1) for s in ATOMIC_NUMBER}
    for row in rows:
        amounts = amounts_of(later.targets[row]) or {}
        wanted = frozenset(map(key_of, later.precursors_of(row)))
        ranked = [frozenset(map(key_of, s.precursors)) for s in experience.rank(amounts, max(TOPS))]
        simple = frozenset(key_of(library.precursors[n]) for s in source_elements(amounts) for n, _ in usual[s])
        for top in TOPS:
            found["experience"][top] += wanted in ranked[:top]
            found["most_used"][top] += wanted == simple
    return {name: Hits({top: counts[top] / len(rows) for top in TOPS}, len(rows)) for name, counts in found.items()}


def heating_scores(
    earlier: Sequence[ReportedSynthesis], asked: Sequence[ReportedSynthesis], step: HeatingStep, said: HeatingAnswer
) -> dict[str, dict[str, float]]:
    """Score temperatures (C) and times (log10 h) of one step.

    Returns
    -------
    dict
        By quantity: "mae", "median", "constant_mae" (the median of the earlier rows for all), "coverage_90",
        "mean_half_width", "n", and MAE and count of the families of lithium electrolytes that were asked.
    """
    families = np.array([family_of(row.target) or "" for row in asked])
    scores = {}
    for place, (name, interval) in enumerate(zip(said._fields, said, strict=True)):
        measured, known = (np.array([row.heating[step][place] for row in rows]) for rows in (asked, earlier))
        if place:
            measured, known = np.log10(measured), np.log10(known)
        there = np.isfinite(measured)
        error = np.abs(interval.value - measured)[there]
        covered = ((interval.lower <= measured) & (measured <= interval.upper))[there]
        score = {
            "mae": error.mean(),
            "median": np.median(error),
            "constant_mae": np.abs(np.nanmedian(known) - measured[there]).mean(),
            "coverage_90": covered.mean(),
            "mean_half_width": np.nanmean((interval.upper - interval.lower)[there]) / 2,
            "n": there.sum(),
        }
        for family in sorted(set(families[there]) - {""}):
            here = families[there] == family
            score |= {f"mae_{family}": error[here].mean(), f"n_{family}": here.sum()}
        scores[name] = {key: round(float(value), 3) for key, value in score.items()}
    return scores


def rows_once(library: SynthesisLibrary, chosen: NDArray[np.bool_]) -> list[int]:
    """Return the chosen rows, each target and set of precursors once."""
    seen: dict[tuple[str, frozenset[str]], int] = {}
    for row in np.flatnonzero(chosen):
        seen.setdefault((key_of(library.targets[row]), frozenset(library.precursors_of(int(row)))), int(row))
    return list(seen.values())
