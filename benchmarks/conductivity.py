"""The claims of docs/science/benchmark.md: grouped cross-validation, transfer, noise, bootstrap, speed.

Everything is fitted and scored on the training table of `elyte evaluate conductivity`, which holds no row of the
official OBELiX test split; only the boards, `--what forward|family|anion|gate|population` (`conductivity_boards.py`)
and `sample` (`conductivity_samples.py`), ask about all tables. Prints one JSON line; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from conductivity_splits import (
    COMPOSITION_BINS,
    DISTANCE_BINS,
    Array,
    LeftOut,
    Mask,
    Rows,
    Scores,
    binned,
    laboratory_scatter,
    published_error,
)

from features.formula import parse_formula
from training.properties.conductivity.ensemble import Ensemble, EnsembleSettings
from training.properties.conductivity.familiarity import DOMAIN_QUANTILE, is_familiar
from training.properties.conductivity.held_out import anion_classes, families, without_anion_classes, without_families
from training.properties.conductivity.metrics import (
    PUBLISHED_CENSORED_VALUE,
    SMALLEST_REPORTED_PREDICTION,
    ScoredPredictions,
    Truth,
    honest_error,
    is_covered,
    paired_bootstrap,
)
from training.properties.conductivity.model import VARIANTS, Variant, at_temperature, cross_fit, domain_of, fit_variant
from training.properties.conductivity.rows import ConductivityRows
from training.splits import composition_key, grouped_folds

if TYPE_CHECKING:
    import pandas as pd

MODES = ("cv", "transfer", "noise", "bootstrap", "speed")
BOARDS = ("forward", "family", "anion", "gate", "population", "sample")
N_WORST = 20
N_FORESTS = 10
N_FORMULAS = 10_000
MOST_PER_FORMULA = 200
ALIKE = (
    ("Cl", "Br", "I", "F"),
    ("S", "Se"),
    ("P", "As", "Sb"),
    ("Ge", "Si", "Sn"),
    ("Ti", "Zr", "Hf"),
    ("Nb", "Ta"),
    ("Al", "Ga", "In", "Sc"),
    ("La", "Y", "Er", "Ho", "Yb"),
    ("Ca", "Sr", "Ba", "Mg"),
)


def say(text: str) -> None:
    """Write progress."""
    print(text, file=sys.stderr, flush=True)


@dataclass
class Workbench:
    """The training table and what was fitted on it, each thing once."""

    quick: bool = False
    _fits: dict[str, tuple[Variant, LeftOut]] = field(default_factory=dict)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The training table of an evaluation; every third paper when quick."""
        from training.properties.conductivity.table import load_training_table, papers

        table = load_training_table(with_obelix_test=False)
        keep = grouped_folds(papers(table), 3, 0) == 0 if self.quick else np.ones(len(table), dtype=bool)
        return table.loc[keep].reset_index(drop=True)

    @cached_property
    def rows(self) -> ConductivityRows:
        """The table as arrays."""
        return ConductivityRows.from_table(self.table)

    @property
    def is_obelix(self) -> Mask:
        """Which rows are OBELiX's."""
        found: Mask = (self.table["source"] == "obelix").to_numpy(dtype=bool)
        return found

    @cached_property
    def settings(self) -> EnsembleSettings:
        """The recipe's, or small ones."""
        return EnsembleSettings.quick() if self.quick else EnsembleSettings()

    def fit(self, variant: str) -> tuple[Variant, LeftOut]:
        """Fit and calibrate a variant on the table."""
        if variant not in self._fits:
            say(f"fitting and calibrating the {variant} variant on {len(self.rows)} rows ...")
            fitted, predicted = fit_variant(self.rows, variant, self.settings, on_step=lambda _: None)
            self._fits[variant] = fitted, LeftOut.of(predicted, variant, self.settings)
        return self._fits[variant]


def cross_validation(bench: Workbench) -> dict[str, Any]:
    """Score rows whose papers were left out, per variant, on OBELiX and on all rows it would answer."""
    out: dict[str, Any] = {}
    for variant in VARIANTS:
        _, left_out = bench.fit(variant)
        scopes = {"obelix": left_out.judged & bench.is_obelix, "all": left_out.judged}
        if variant == "lattice":  # no other table holds unit cells
            del scopes["all"]
        out[variant] = {
            **{scope: left_out.scores(keep) for scope, keep in scopes.items()},
            "spearman_with_error": {scope: left_out.rank_correlations(keep) for scope, keep in scopes.items()},
            "by_distance": left_out.coverage_by(binned(left_out.pool.distance, DISTANCE_BINS)),
            "by_composition_distance": left_out.coverage_by(binned(left_out.composition_distance, COMPOSITION_BINS)),
            "in_domain": left_out.coverage_by(left_out.flagged()),
            "by_anion_class": left_out.coverage_by(anion_classes(bench.rows)),
            "activation_energy": _energy_scores(left_out),
        }
    out["worst"] = _worst(bench.fit("formula")[1])
    return out


def _energy_scores(left_out: LeftOut) -> Scores:
    rows = left_out.rows
    known = rows.has_energy
    measured, predicted = rows.activation_energy_eV[known], left_out.pool.activation_energy_eV[known]
    return {
        "n": float(known.sum()),
        "mae_eV": float(np.abs(predicted - measured).mean()),
        "median_error_eV": float(np.median(np.abs(predicted - measured))),
        "mae_of_median_eV": float(np.abs(np.median(measured) - measured).mean()),
    }


def _worst(left_out: LeftOut) -> list[dict[str, Any]]:
    """Return the rows that were missed most; a prediction below a bound is no miss."""
    judged = np.flatnonzero(left_out.judged)
    answer, truth = left_out.answer(judged), left_out.truth(judged)
    order = np.argsort(-honest_error(truth, answer.value))[:N_WORST]
    rows, family = left_out.rows, families(left_out.rows)
    return [
        {
            "formula": str(rows.formula[judged[i]]),
            "family": str(family[judged[i]]),
            "measured": float(truth.log10_sigma[i]),
            "is_upper_bound": bool(truth.is_upper_bound[i]),
            "predicted": float(answer.value[i]),
            "lower": float(answer.lower[i]),
            "upper": float(answer.upper[i]),
            "temperature_C": float(rows.temperature_C[judged[i]]),
            "novelty": float(left_out.pool.novelty[judged[i]]),
            "distance": float(left_out.pool.distance[judged[i]]),
            "composition_distance": float(left_out.composition_distance[judged[i]]),
        }
        for i in order
    ]


def transfer(bench: Workbench) -> dict[str, Any]:
    """Leave whole families and whole classes of anions out of the formula variant.

    Hyperparameters, conformal scores and domain radius stay those of the whole table: a user who brings a new family
    meets a model that was calibrated without knowing of it.
    """
    out: dict[str, Any] = {}
    for kind, splits in (("family", without_families), ("anion_class", without_anion_classes)):
        groups = {}
        for name, train, judged in islice(splits(bench.rows), 2 if bench.quick else None):
            groups[name] = _transfer_to(bench, train, judged)
            say(f"{kind} {name}: {groups[name]}")
        n = np.array([scores["n"] for scores in groups.values()])
        means = {
            key: float(np.average([scores[key] for scores in groups.values()], weights=n))
            for key in next(iter(groups.values()))
        }
        equal = {key: float(np.mean([s[key] for s in groups.values()])) for key in ("mae", "mae_of_median")}
        out[kind] = {"groups": groups, "row_mean": means | {"n": float(n.sum())}, "group_mean": equal}
    return out


def _transfer_to(bench: Workbench, train: Rows, judged: Rows) -> Scores:
    whole, calibration = bench.fit("formula")
    learnt, rows = bench.rows.take(train), bench.rows.take(judged)
    ensemble = Ensemble.fit(learnt, "formula", bench.settings, hyper=whole.ensemble.process.hyper)
    pool = at_temperature(ensemble.predict(rows.descriptors), rows.temperature_C)
    reach = whole.sigma_scale.factor(0.9)
    answer = ScoredPredictions(pool.centre, pool.centre - reach * pool.below, pool.centre + reach * pool.above)
    truth = Truth(rows.log10_sigma, rows.is_upper_bound)
    radius = float(np.quantile(calibration.composition_distance[calibration.judged], DOMAIN_QUANTILE))
    domain = domain_of(learnt.take(learnt.has_sigma), radius)
    composition = rows.descriptors.composition
    inside = domain.in_domain(domain.distances(composition), composition)
    inside &= is_familiar(pool.distance, whole.domain_radius, pool.novelty)
    covered, error = is_covered(truth, answer), honest_error(truth, pool.centre)
    constant = np.full(len(rows), np.median(learnt.log10_sigma[learnt.has_sigma]))
    exact = ~truth.is_upper_bound
    return {
        "n": float(len(rows)),
        "n_train": float(learnt.has_sigma.sum()),
        "mae": float(error.mean()),
        "bias": float((pool.centre - truth.log10_sigma)[exact].mean()) if exact.any() else float("nan"),
        "mae_of_median": float(honest_error(truth, constant).mean()),
        "coverage_90": float(covered.mean()),
        "mean_half_width_90": float((answer.upper - answer.lower).mean() / 2),
        "flagged": float((~inside).mean()),
        "missed_without_flag": float((~covered & inside).mean()),
        "mean_novelty": float(pool.novelty.mean()),
        "mean_distance": float(pool.distance.mean()),
    }


def noise(bench: Workbench) -> dict[str, Scores]:
    """Measure how far papers differ on one composition at room temperature, and on activation energies."""
    rows = bench.rows
    material = np.array([composition_key(formula) for formula in rows.formula])
    exact = rows.has_sigma & ~rows.is_upper_bound & (rows.temperature_C == 25.0)
    scopes = {"obelix_train": (rows.log10_sigma, exact & bench.is_obelix), "all_tables": (rows.log10_sigma, exact)}
    scopes["activation_energy_eV"] = (rows.activation_energy_eV, rows.has_energy)
    return {name: laboratory_scatter(v[keep], material[keep], rows.paper[keep]) for name, (v, keep) in scopes.items()}


def bootstrap(bench: Workbench) -> dict[str, Any]:
    """Compare with the published random-forest recipe on OBELiX training rows whose papers were left out of both."""
    n_draws = 200 if bench.quick else 10_000
    out: dict[str, Any] = {}
    source = bench.table["source"].to_numpy()
    for tables, chosen in (("all_tables", source != ""), ("obelix_only", source != "literature")):
        rows, obelix = bench.rows.take(chosen), np.flatnonzero(bench.is_obelix[chosen])
        say(f"{tables}: random forests ...")
        forest = _forest_predictions(bench, rows, bench.table[chosen])[:, obelix]
        for variant in VARIANTS:
            full, left_out = bench.fit(variant)
            if tables == "obelix_only":
                say(f"{tables}: cross-fitting {variant} ...")
                predicted = cross_fit(rows, variant, full.ensemble.process.hyper, bench.settings)
                left_out = LeftOut.of(predicted, variant, bench.settings)
            out[f"{tables}_{variant}"] = _compare(left_out, obelix, forest, n_draws)
    return out


def _compare(left_out: LeftOut, obelix: Rows, forest: Array, n_draws: int) -> dict[str, Any]:
    truth, ours = left_out.truth(obelix), left_out.pool.centre[obelix]
    paper, exact = left_out.rows.paper[obelix], ~truth.is_upper_bound
    published = published_error(truth, ours), np.mean([published_error(truth, f) for f in forest], axis=0)

    def floored(value: Array) -> Array:
        return np.abs(np.maximum(value, SMALLEST_REPORTED_PREDICTION) - truth.log10_sigma)[exact]

    uncensored = floored(ours), np.mean([floored(f) for f in forest], axis=0)
    return {
        name: {"n": len(mine), "mae": float(mine.mean()), "mae_forest": float(theirs.mean())}
        | paired_bootstrap(mine - theirs, groups, n_draws)
        for name, (mine, theirs), groups in (
            ("published", published, paper),
            ("uncensored", uncensored, paper[exact]),
            ("censored_at_minus_15", (published[0][~exact], published[1][~exact]), paper[~exact]),
        )
    }


def _forest_predictions(bench: Workbench, rows: ConductivityRows, table: pd.DataFrame) -> Array:
    """Return the recipe of `evaluation.baseline_random_forest` for left-out OBELiX rows, shape (seeds, n), else NaN."""
    from sklearn.ensemble import RandomForestRegressor

    from training.properties.conductivity.schema import LATTICE_COLUMNS

    cell = table[list(LATTICE_COLUMNS)].to_numpy(dtype=float)
    features = np.hstack([rows.descriptors.composition * cell[:, [7]], cell[:, :7]])
    target = np.where(rows.is_upper_bound, PUBLISHED_CENSORED_VALUE, rows.log10_sigma)
    is_obelix = (table["source"] == "obelix").to_numpy()
    out = np.full((2 if bench.quick else N_FORESTS, len(rows)), np.nan)
    for train, left_out in rows.folds(bench.settings.n_folds, bench.settings.seed):
        learnt, judged = train[is_obelix[train]], left_out[is_obelix[left_out]]
        if len(judged):
            for seed in range(len(out)):
                forest = RandomForestRegressor(
                    50, max_depth=12, max_features=None, min_samples_leaf=2, random_state=seed
                )
                out[seed, judged] = forest.fit(features[learnt], target[learnt]).predict(features[judged])
    return out


def speed(bench: Workbench) -> Scores:
    """Time different formulas through the Python entrance with the shipped bundle: intervals, domain and neighbours."""
    from serving.answers.request import CandidateInput
    from serving.predictor import Predictor

    predictor = Predictor.load("shipped")
    predictor.warm()
    rows = [
        CandidateInput(formula=f) for f in islice(_substitutions(), N_FORMULAS // 10 if bench.quick else N_FORMULAS)
    ]
    wall, processor = [], []
    for _ in range(1 if bench.quick else 3):
        started, started_cpu = time.perf_counter(), time.process_time()
        document = predictor.answer(rows, properties=["conductivity"])
        wall.append(time.perf_counter() - started)
        processor.append(time.process_time() - started_cpu)
        say(f"{len(rows)} formulas: {wall[-1]:.2f} s wall, {processor[-1]:.2f} s processor")
    failed = sum(result["status"] != "ok" for result in document["results"])
    return {
        "formulas": len(rows),
        "failed": failed,
        "wall_s": min(wall),
        "median_wall_s": statistics.median(wall),
        "processor_s": min(processor),
        "cores": len(os.sched_getaffinity(0)),
        "asked_wall_s": 2.0,
    }


def _substitutions() -> Iterator[str]:
    """Yield the embedded literature compositions with elements swapped for their like, as a screening list holds."""
    from training.properties.conductivity.table import load_literature

    seen: set[str] = set()
    for formula in dict.fromkeys(load_literature()["formula"]):
        amounts = parse_formula(formula)
        choices = [next((group for group in ALIKE if symbol in group), (symbol,)) for symbol in amounts]
        for symbols in islice(product(*choices), MOST_PER_FORMULA):
            if len(set(symbols)) == len(symbols):
                swapped = "".join(f"{s}{x:g}" for s, x in zip(symbols, amounts.values(), strict=True))
                if swapped not in seen:
                    seen.add(swapped)
                    yield swapped


def _rounded(text: str) -> float:
    return int(float(text)) if float(text).is_integer() else round(float(text), 4)


def _short(result: dict[str, Any]) -> dict[str, Any]:
    """Return figures of four digits, null for what is not known."""
    short: dict[str, Any] = json.loads(json.dumps(result), parse_float=_rounded, parse_constant=lambda _: None)
    return short


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=(*MODES, *BOARDS, "all"), default="all", help="all: without the boards")
    parser.add_argument("--quick", action="store_true", help="a third of the papers, small members: a smoke test")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw benchmark_*.png there (after cv, transfer)")
    chosen = parser.parse_args()
    measures: dict[str, Callable[[Workbench], Any]] = {
        "cv": cross_validation,
        "transfer": transfer,
        "noise": noise,
        "bootstrap": bootstrap,
        "speed": speed,
    }
    if chosen.what in BOARDS:
        from conductivity_boards import board_figures, gate_figures, population_figures
        from conductivity_samples import sample_figures

        others = {"gate": gate_figures, "population": population_figures, "sample": sample_figures}
        found = others.get(chosen.what, partial(board_figures, chosen.what))
        result = {chosen.what: found(quick=chosen.quick, say=say)}
        print(json.dumps({"benchmark": "conductivity", "quick": chosen.quick} | _short(result)))
        return
    bench = Workbench(quick=chosen.quick)
    result = {name: measures[name](bench) for name in (MODES if chosen.what == "all" else (chosen.what,))}
    if chosen.pictures is not None:
        from conductivity_pictures import draw_pictures

        draw_pictures(result, chosen.pictures)
    print(json.dumps({"benchmark": "conductivity", "quick": chosen.quick} | _short(result)))


if __name__ == "__main__":
    main()
