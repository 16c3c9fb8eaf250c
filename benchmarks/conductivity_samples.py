"""What samples tell: other papers on the same material, its density, bulk beside total, its state; papers left out.

The figures of `training/properties/conductivity/measured_first.py` and `sample.py`. Nothing here is a look at the
official split as such: all tables are learnt from, as by the served model, and each row is asked without its own paper.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.properties.conductivity.bundling import load_conductivity
from training.properties.conductivity.ensemble import EnsembleSettings, Pool
from training.properties.conductivity.measured_first import Measured
from training.properties.conductivity.metrics import paired_bootstrap
from training.properties.conductivity.model import VARIANTS, calibration_weights, left_out_beside_copies
from training.properties.conductivity.rows import ConductivityRows, near_room_temperature
from training.properties.conductivity.sample import DENSE, are_garnets, state_word
from training.properties.conductivity.table import load_training_table
from training.sources import locate
from training.splits import grouped_folds
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Say = Callable[[str], None]

SHIPPED = Path(__file__).parents[1] / "serving" / "bundles" / "conductivity"
SHARES = (0.5, 1.0, 2.0)
"""Variance between laboratories over that of the model, as tried."""
SLOPES = np.linspace(0.0, 30.0, 301)
POROUS = 0.90
EVERY = 3
"""Of so many rows a quick run takes one."""
COVERAGE = 0.9


def sample_figures(*, quick: bool, say: Say) -> dict[str, object]:
    """Measure all of it; quick fits are small, and their figures mean nothing."""
    rows = ConductivityRows.from_table(load_training_table(with_obelix_test=True))
    if quick:
        rows = rows.take(np.arange(len(rows)) % EVERY == 0)
    model, _ = load_conductivity(SHIPPED)
    settings = EnsembleSettings.quick() if quick else EnsembleSettings().economical()
    left_out: dict[str, tuple[Pool, Measured]] = {}
    for variant in VARIANTS:
        say(f"{variant}: papers left out, copies kept ...")
        hyper = model.variants[variant].ensemble.process.hyper
        left_out[variant] = left_out_beside_copies(rows, variant, hyper, settings)
    return {
        "measured": {name: _measured(rows, *found) for name, found in left_out.items()},
        "interval": _intervals(rows, left_out),
        "garnet_density": _density(rows, left_out["formula"][0]),
        "bulk_over_total": _bulk_over_total(),
        "state": _states(rows),
        "between_laboratories": _between_laboratories(rows),
    }


def _measured(rows: ConductivityRows, pool: Pool, measured: Measured) -> dict[str, object]:
    """Score the model, the median of other papers, and both together on rows near room temperature."""
    told = _told(rows, measured) & ~rows.is_upper_bound
    truth, centre, middle = rows.log10_sigma[told], pool.centre[told], measured.log10_sigma[told]
    papers = measured.papers[told]
    errors = {"model": np.abs(truth - centre), "median_of_papers": np.abs(truth - middle)}
    for share in SHARES:
        moved = centre + papers / (papers + share) * (middle - centre)
        errors[f"together_{share:g}"] = np.abs(truth - moved)
    gain = paired_bootstrap(errors["together_1"] - errors["model"], rows.paper[told], 1000)
    return {
        "n": int(told.sum()),
        "mae": _means(errors),
        "median_error": _middles(errors),
        "together_1_less_model": gain,
    }


def _told(rows: ConductivityRows, measured: Measured) -> Flags:
    told: Flags = (measured.papers > 0.0) & near_room_temperature(rows) & ~rows.is_doubtful
    return told


def _means(errors: dict[str, Array]) -> dict[str, float]:
    return {name: float(error.mean()) for name, error in errors.items()}


def _middles(errors: dict[str, Array]) -> dict[str, float]:
    return {name: float(np.median(error)) for name, error in errors.items()}


def _intervals(rows: ConductivityRows, left_out: dict[str, tuple[Pool, Measured]]) -> dict[str, object]:
    """Cover each half of the papers by a scale that the other half of the formula variant's answers calibrated."""
    half = grouped_folds(rows.paper, 2, seed=0)
    weight = calibration_weights(rows, EnsembleSettings().half_life_years)
    found: dict[str, object] = {}
    base, of_base = left_out["formula"]
    for name, (pool, measured) in left_out.items():
        covered, width = [], []
        for number in (0, 1):
            fit = _told(rows, of_base) & (half != number) & (weight > 0.0)
            own = np.isfinite(pool.centre) & rows.descriptors.has_lattice if name == "lattice" else True
            held = _told(rows, measured) & (half == number) & ~rows.is_upper_bound & own
            centre = of_base.updated(base.centre)[fit]
            scale = ConformalScale.fit(
                rows.log10_sigma[fit], rows.is_upper_bound[fit], centre, base.below[fit], base.above[fit], weight[fit]
            )
            reach, centre = scale.factor(COVERAGE), measured.updated(pool.centre)[held]
            above, below = reach * pool.above[held], reach * pool.below[held]
            truth = rows.log10_sigma[held]
            covered.append((truth >= centre - below) & (truth <= centre + above))
            width.append((above + below) / 2)
        found[name] = {
            "coverage": float(np.concatenate(covered).mean()),
            "half_width": float(np.concatenate(width).mean()),
        }
    return found


def _density(rows: ConductivityRows, pool: Pool) -> dict[str, object]:
    """Fit the one slope of the law without a paper at a time, and score garnets whose density is stated."""
    own = are_garnets(rows.descriptors.composition) & np.isfinite(rows.relative_density) & np.isfinite(pool.centre)
    density, paper = rows.relative_density[own], rows.paper[own]
    residual, below = (rows.log10_sigma - pool.centre)[own], np.minimum(density - DENSE, 0.0)
    moved, slopes = np.empty(len(residual)), []
    for name in np.unique(paper):
        slopes.append(_slope(residual[paper != name], below[paper != name]))
        moved[paper == name] = slopes[-1] * below[paper == name]
    errors = {"without": np.abs(residual), "with": np.abs(residual - moved)}
    porous = density < POROUS
    return {
        "n": len(residual),
        "papers": len(np.unique(paper)),
        "decades_per_density": _slope(residual, below),
        "over_papers": [min(slopes), max(slopes)],
        "mae": _means(errors),
        "n_porous": int(porous.sum()),
        "mae_porous": _means({name: error[porous] for name, error in errors.items()}),
        "mae_dense": _means({name: error[~porous] for name, error in errors.items()}),
        "with_less_without": paired_bootstrap(errors["with"] - errors["without"], paper, 1000),
    }


def _slope(residual: Array, below: Array) -> float:
    return float(SLOPES[np.argmin(np.abs(residual - SLOPES[:, None] * below).sum(axis=1))])


def _bulk_over_total() -> dict[str, float]:
    """Compare samples of OBELiX of which both were reported."""
    table = pd.concat([pd.read_csv(locate(key), dtype=str) for key in ("obelix_train", "obelix_test")])
    bulk, total = (
        pd.to_numeric(table[name].str.replace("<", ""), errors="coerce") for name in ("IC (Bulk)", "IC (Total)")
    )
    both = (bulk > 0.0) & (total > 0.0)
    apart = np.log10(bulk[both] / total[both])
    of_garnets = table.loc[both, "Family"].str.contains("garnet", case=False, na=False)
    return {
        "pairs": float(both.sum()),
        "of_garnets": float(of_garnets.sum()),
        "median": float(apart.median()),
        "median_of_garnets": float(apart[of_garnets].median()),
        "lowest": float(apart.min()),
        "highest": float(apart.max()),
    }


def _states(rows: ConductivityRows) -> dict[str, float]:
    """Score the median of other papers in the same state against that of all other papers."""
    samples = rows.take(near_room_temperature(rows) & ~rows.is_doubtful).samples()
    state = np.array([state_word(str(text)) for text in samples.state])
    pairs = samples.of_materials(samples.composition)
    other = samples.paper[pairs.candidate] != samples.paper[pairs.sample]
    same, anyhow = [], []
    for row in np.flatnonzero(state != ""):
        near = pairs.sample[other & (pairs.candidate == row)]
        alike = near[state[near] == state[row]]
        if len(alike):
            same.append(abs(np.median(samples.log10_sigma[alike]) - samples.log10_sigma[row]))
            anyhow.append(abs(np.median(samples.log10_sigma[near]) - samples.log10_sigma[row]))
    return {"n": float(len(same)), "mae_same_state": float(np.mean(same)), "mae_any_state": float(np.mean(anyhow))}


def _between_laboratories(rows: ConductivityRows) -> dict[str, float]:
    """Return the standard deviation of papers on one material, a paper by its median, over materials as measured."""
    samples = rows.take(near_room_temperature(rows) & ~rows.is_doubtful & ~rows.is_upper_bound).samples()
    pairs = samples.of_materials(samples.composition)
    variances = []
    for row in range(len(samples)):
        own = pairs.sample[pairs.candidate == row]
        papers = [np.median(samples.log10_sigma[own[samples.paper[own] == name]]) for name in set(samples.paper[own])]
        if len(papers) > 1:
            variances.append(np.var(papers, ddof=1))
    return {"n": float(len(variances)), "sd_decades": float(np.sqrt(np.mean(variances)))}
