"""Coatings that papers report, tested in cells, proposed by a screen, or named by a review: `reported.csv`."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TypedDict

from features.formula import parse_formula
from training.thermodynamics.reactions import reduced


class CoatingReport(TypedDict):
    """One mention of a coating: `tested`, `computed` (a screen's proposal) or `review`, and where."""

    kind: str
    doi: str


@cache
def reported() -> dict[str, list[CoatingReport]]:
    """Return the reports by reduced formula, as `reactions.reduced` writes it."""
    found: dict[str, list[CoatingReport]] = {}
    with (files("serving") / "coatings" / "reported.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            formula, _ = reduced(parse_formula(row["formula"]))
            found.setdefault(formula, []).append({"kind": row["kind"], "doi": row["doi"]})
    return found
