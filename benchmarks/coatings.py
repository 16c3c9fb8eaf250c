"""How long the screen of all lithium compounds takes, its funnel, and what published screens' coatings come to.

Times are of a warm process: `seconds_again` with the table's windows at hand, `seconds_first` with the time that these
take, `seconds_all_reactions` for the reactions of every lithium compound with all three neighbours, which no funnel
needs. Loading the models is printed apart. The published compounds are those of `serving/coatings/reported.csv`: of
the screens' complete lists no more could be had with certainty (see docs/science/coatings.md).

    python benchmarks/coatings.py [--electrolyte Li6PS5Cl] [--cathode NMC811] [--cutoff 4.3]
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING

from elyte import CoatingsRequest, Predictor
from serving.coatings.neighbours import read_neighbours
from serving.coatings.pool import compounds_with_lithium, pool_of_rows
from serving.coatings.predicted import properties_asked
from training.thermodynamics.contacts import contacts

if TYPE_CHECKING:
    from serving.coatings.document import Coating, CoatingsDocument


def timed(predictor: Predictor, request: CoatingsRequest) -> tuple[float, CoatingsDocument]:
    """Return the seconds of one call, and its answer."""
    began = time.perf_counter()
    document = predictor.coatings(request)
    return time.perf_counter() - began, document


def seconds_of_all_reactions(predictor: Predictor, request: CoatingsRequest) -> float:
    """Return the seconds that the reactions of every lithium compound with every neighbour take, one thread."""
    table = predictor.phases()
    pool, sides = compounds_with_lithium(table), read_neighbours(table, request)
    began = time.perf_counter()
    for one in (sides.electrolyte, *sides.electrodes):
        mixture = pool.windowed.mixture_eV_per_atom
        contacts(table, one.material, pool.atomic_number, pool.fraction, pool.energy_eV_per_atom, mixture)
    return time.perf_counter() - began


def published(document: CoatingsDocument, kind: str) -> dict[str, object]:
    """Return which reported coatings of one kind passed, and why the others did not."""

    def is_of(one: Coating) -> bool:
        return any(report["kind"] == kind for report in one["reported"])

    passed = sorted({one["formula"] for one in document["coatings"] if is_of(one)})
    left = {one["formula"]: one["reasons"][0] for one in document["asked"] if is_of(one)}
    return {"found": passed, "of": len(passed) + len(left), "why_not": left}


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--electrolyte", default="Li6PS5Cl")
    parser.add_argument("--cathode", default="NMC811")
    parser.add_argument("--cutoff", type=float, default=4.3)
    given = parser.parse_args()
    request = CoatingsRequest(
        electrolyte=given.electrolyte, cathode=given.cathode, cutoff_V=given.cutoff, top=200, candidates=[]
    )
    began = time.perf_counter()
    predictor = Predictor.load("shipped", properties_asked())
    loading = time.perf_counter() - began
    timed(predictor, request)  # compiles
    again, document = timed(predictor, request)
    began = time.perf_counter()
    pool_of_rows(predictor.phases(), compounds_with_lithium(predictor.phases()).row)
    first = again + time.perf_counter() - began
    print(
        json.dumps(
            {
                "seconds_loading": round(loading, 2),
                "seconds_first": round(first, 2),
                "seconds_again": round(again, 2),
                "seconds_all_reactions": round(seconds_of_all_reactions(predictor, request), 2),
                "funnel": {step["step"]: step["left"] for step in document["funnel"]},
                "on_front": sum(one["on_front"] for one in document["coatings"]),
                "screens": published(document, "computed"),
                "tested_in_cells": published(document, "tested"),
                "named_by_review": published(document, "review"),
            }
        )
    )


if __name__ == "__main__":
    main()
