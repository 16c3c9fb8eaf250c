"""What reported syntheses teach: precursors and heating of later years, beside simple baselines. Prints one JSON line.

`--what precursors` asks a library of the papers until `--last-year` for the sets that later papers report;
`--what heating` fits the heating model on the cleaned table's earlier years and the mined papers until then;
`--what ranking` ranks the sets that balance from the shipped shelf by energies, by experience, and by both.
`--split val` asks the papers of 2015 and 2016 (for choosing), `--split test` those since 2017 (each look is logged in
docs/science/test-looks.md).
"""

from __future__ import annotations

import os

# before numpy is imported: one thread
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from features.candidate import MaterialBatch
from serving.synthesis.errors import SynthesisError
from serving.synthesis.plan import Route, SynthesisRequest, plan, thermodynamic_rank
from serving.synthesis.plan import rank as combined_rank
from training.syntheses.evaluation import family_of, heating_scores, precursor_hits, rows_once
from training.syntheses.heating import ASKED
from training.syntheses.heating_fit import HeatingSettings, fit_heating
from training.syntheses.library import SynthesisLibrary
from training.syntheses.precursor_names import amounts_of, key_of, without_water
from training.syntheses.precursors import PrecursorExperience
from training.syntheses.table import ReportedSynthesis, read_syntheses

LAST_YEAR = {"val": 2014, "test": 2016}
CLEANED = {"val": ("train",), "test": ("train", "val")}
YEARS = {"val": (2015, 2016), "test": (2017, 2020)}


def _libraries(split: str, count: int) -> tuple[SynthesisLibrary, SynthesisLibrary, list[int]]:
    library = SynthesisLibrary.build([row for row in read_syntheses() if not row.split])
    first, last = YEARS[split]
    asked = rows_once(library, (library.year >= first) & (library.year <= last))
    chosen = np.random.default_rng(0).permutation(asked)[: None if count < 0 else count].tolist()
    known = library.take(np.flatnonzero((library.year > 0) & (library.year <= LAST_YEAR[split])))
    return known, library, chosen


def precursors(split: str, count: int) -> dict[str, Any]:
    """Return hits of whole sets, all and by family of lithium electrolytes."""
    known, library, rows = _libraries(split, count)
    families: dict[str, list[int]] = {"all": rows}
    for row in rows:
        if (family := family_of(library.targets[row])) is not None:
            families.setdefault(family, []).append(row)
    started = time.process_time()
    said = {name: precursor_hits(known, library, some) for name, some in families.items()}
    spent = (time.process_time() - started) / max(sum(map(len, families.values())), 1)
    shown = {
        name: {
            "n": hits["experience"].n,
            "top": {str(top): round(share, 3) for top, share in hits["experience"].share.items()},
            "most_used_top_1": round(hits["most_used"].share[1], 3),
        }
        for name, hits in said.items()
    }
    return {"library": len(known), "seconds_a_target": round(spent, 4), **shown}


def _heating_rows(split: str) -> tuple[list[ReportedSynthesis], list[ReportedSynthesis]]:
    rows = read_syntheses()
    asked = [row for row in rows if row.split == split]
    papers = {row.doi for row in asked}
    earlier = [
        row
        for row in rows
        if row.doi not in papers
        and (row.split in CLEANED[split] or (not row.split and 0 < row.year <= LAST_YEAR[split]))
    ]
    return earlier, asked


def heating(split: str, settings: HeatingSettings) -> dict[str, Any]:
    """Return errors and coverage of temperatures and times."""
    earlier, asked = _heating_rows(split)
    started = time.process_time()
    model = fit_heating(earlier, settings)
    spent = time.process_time() - started
    batch = MaterialBatch.from_formulas([row.target for row in asked])
    said = {step: model.predict(batch, [row.precursors for row in asked], step) for step in ASKED}
    return {
        "fitted_rows": len(earlier),
        "fit_s": round(spent),
        **{step.name.lower(): heating_scores(earlier, asked, step, answer) for step, answer in said.items()},
    }


def ranking(split: str, count: int) -> dict[str, Any]:
    """Return how often the reported set leads the sets that balance from the shelf, for targets with lithium."""
    from serving.models.store import load_models
    from training.properties import registry

    phases = registry.of_phases()
    served = load_models("shipped", [phases.name])[phases.name]
    known, library, rows = _libraries(split, -1)
    rows = [row for row in rows if "Li" in (amounts_of(library.targets[row]) or {})][:count]
    experience = PrecursorExperience(known)
    hits: Counter[str] = Counter()
    for row in rows:
        try:
            made = plan(SynthesisRequest(library.targets[row]), phases.phases(served.model), None, experience)
        except (SynthesisError, ValueError):
            hits["no_set"] += 1
            continue
        wanted = _dry(library.precursors_of(row))
        sets = {id(route): _dry([s.precursor.formula for s in route.made.sources]) for route in made.routes}
        if wanted not in sets.values():
            hits["reported_set_not_among_them"] += 1
            continue
        hits["asked"] += 1
        for name, order in (("energies", thermodynamic_rank), ("experience", _by_experience), ("both", combined_rank)):
            first = min(made.routes, key=order)
            hits[name] += sets[id(first)] == wanted
    asked = max(hits["asked"], 1)
    shares = {name: round(hits[name] / asked, 3) for name in ("energies", "experience", "both")}
    left_out = {name: hits[name] for name in ("no_set", "reported_set_not_among_them")}
    return {"asked": hits["asked"], **left_out, "top_1": shares}


def _by_experience(route: Route) -> tuple[float, ...]:
    return (-(route.log_share or 0.0),)


def _dry(precursors: Sequence[str]) -> frozenset[str]:
    return frozenset(key_of(without_water(formula)) for formula in precursors)


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("precursors", "heating", "ranking"), default="precursors")
    parser.add_argument("--split", choices=tuple(YEARS), default="val")
    parser.add_argument("--count", type=int, default=1000, help="targets asked for precursors")
    parser.add_argument("--quick", action="store_true", help="few targets and trees: to try the path")
    asked = parser.parse_args()
    count = 30 if asked.quick else asked.count
    if asked.what == "precursors":
        said = precursors(asked.split, count)
    elif asked.what == "ranking":
        said = ranking(asked.split, count)
    else:
        said = heating(asked.split, HeatingSettings(rounds=20, spread_rounds=10) if asked.quick else HeatingSettings())
    sys.stdout.write(json.dumps({"what": asked.what, "split": asked.split, **said}) + "\n")


if __name__ == "__main__":
    main()
