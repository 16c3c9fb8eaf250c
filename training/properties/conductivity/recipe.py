"""The conductivity recipe: from tables to a tracked, bundled, registered model.

1. OBELiX (all of it; the official test split is held out only when `elyte evaluate` asks how good the recipe is), the
   embedded literature table, the activation energies of Laskowski et al.
2. Descriptors of composition and, where known, unit cell.
3. A Gaussian process over conductivity and activation energy, a quantile forest, boosted trees and small neural nets,
   pooled.
4. Conformal intervals from predictions of left-out papers; those of answers that measurements of the very material
   have moved are calibrated apart (`measured_first`).
5. A surrogate on named physical features, which explains the answers.
6. Bundle, MLflow run, registry version with alias `challenger`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.bundle import Card, DataSource, data_source, save_bundle, stamped
from training.properties.conductivity.bundling import golden_predictions
from training.properties.conductivity.explanation import with_explainers
from training.properties.conductivity.metrics import ScoredPredictions, Truth, is_covered, score
from training.properties.conductivity.model import ConductivityModel, OutOfFold, at_temperature, fit_model
from training.splits import grouped_folds

if TYPE_CHECKING:
    import pandas as pd

    from training.properties.conductivity.ensemble import EnsembleSettings

PUBLIC_SOURCES: tuple[str, ...] = ("obelix_train", "obelix_test", "laskowski", "laskowski_dois")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "lightgbm", "torch")
METRICS_COMMAND = "elyte train conductivity"
SUMMARY = (
    "log10 ionic conductivity and activation energy of lithium solid electrolytes from formula, temperature and, where"
    " given, unit cell: average of a Gaussian process, a quantile forest, boosted trees and neural nets, with"
    " conformal intervals"
)
INTENDED_USE = (
    "Ranking candidates before synthesis. The interval, the in-domain flag and the nearest known materials belong to"
    " the answer; a value without them is not one."
)
LIMITATIONS = [
    "Papers report what works: materials that conduct badly are rarer in the tables than in the world.",
    "Two laboratories differ by 0.4 to 0.8 decades on the same composition; no model can be better than that.",
    "Glasses, grain boundaries and processing are not seen: total and bulk values are mixed in the sources.",
    "Temperature follows one activated process: phase changes and melting are only warned of, -40 to 200 C at most.",
    "Chemistry that no table holds is answered with a wide interval and an out-of-domain flag; believe the flag.",
]
WITHOUT_PUBLIC_TABLES = (
    "Fitted on the embedded literature table alone (public tables were not fetched): recent, good conductors only, no"
    " unit cells, far too optimistic about unfamiliar chemistry. Run `elyte data fetch` and train again."
)


@dataclass(frozen=True, slots=True)
class ConductivityFit:
    """What a run of training left behind."""

    folder: Path
    card: Card
    digest: str
    left_out: dict[str, OutOfFold]


def load_tables() -> tuple[pd.DataFrame, list[DataSource], list[str]]:
    """Return the rows to learn from, where they come from, and what the model will lack."""
    from training.properties.conductivity.table import LITERATURE_PATH, load_literature, load_training_table
    from training.sources import MissingSourceError, locate

    try:
        for key in PUBLIC_SOURCES:
            locate(key)
        table, present, lacking = load_training_table(with_obelix_test=True), PUBLIC_SOURCES, []
    except MissingSourceError:
        table, present, lacking = load_literature(), (), [WITHOUT_PUBLIC_TABLES]
    counts = table["source"].value_counts()
    data = [
        DataSource(
            name="literature",
            rows=int(counts.get("literature", 0)),
            licence="facts with sources",
            attribution="compiled for elyte, a DOI or reference per row",
            sha256=hashlib.sha256(LITERATURE_PATH.read_bytes()).hexdigest(),
        )
    ]
    of_split = table["obelix_split"].value_counts()
    for key in present:
        rows = counts if key == "laskowski" else of_split
        data.append(data_source(key, int(rows.get(key.removeprefix("obelix_"), 0))))
    return table, data, lacking


def train(
    folder: Path,
    settings: EnsembleSettings | None = None,
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> ConductivityFit:
    """Fit on all tables at hand and write the bundle.

    Parameters
    ----------
    folder
        Where the bundle goes.
    settings
        Sizes and seeds; None takes the recipe's.
    on_step
        Called with what is being done, for a progress bar.
    """
    from training.properties.conductivity.ensemble import EnsembleSettings
    from training.properties.conductivity.rows import ConductivityRows

    chosen = settings or EnsembleSettings()
    table, data, lacking = load_tables()
    rows = ConductivityRows.from_table(table)
    model, left_out = fit_model(rows, chosen, on_step=on_step)
    model, fidelity = with_explainers(model, rows, chosen, on_step=on_step)
    metrics = cross_validated_metrics(model, left_out) | fidelity
    card = card_of(model, metrics, data, lacking, asdict(chosen) | fixed_choices())
    digest = save_bundle(folder, card, model.arrays())
    return ConductivityFit(folder, card, digest, left_out)


def card_of(
    model: ConductivityModel,
    metrics: Mapping[str, float],
    data: Sequence[DataSource],
    lacking: Sequence[str],
    recipe: Mapping[str, Any],
    *,
    command: str = METRICS_COMMAND,
) -> Card:
    """Return what is told of a fitted model.

    Parameters
    ----------
    model, metrics
        As fitted and calibrated, and its scores.
    data, lacking, recipe
        Where the rows come from, which tables were not there, and all that was chosen.
    command
        What prints the scores.
    """
    return Card(
        property="conductivity",
        summary=SUMMARY,
        intended_use=INTENDED_USE,
        limitations=[*lacking, *LIMITATIONS],
        data=list(data),
        recipe=dict(recipe),
        metrics=dict(metrics),
        metrics_command=command,
        model=model.settings(),
        golden=golden_predictions(model),
        **stamped(LIBRARIES),
    )


def fixed_choices() -> dict[str, Any]:
    """Return the constants of the recipe that are no settings, so that a card says all that was chosen."""
    from training.properties.conductivity import ensemble, familiarity, measured_first, rows, samples

    return {
        "levels": [float(level) for level in ensemble.LEVELS],
        "smallest_width": ensemble.SMALLEST_WIDTH,
        "widen": [ensemble.WIDEN_FROM, ensemble.WIDEN_TO, ensemble.WIDEN_BY],
        "revert": [ensemble.REVERT_FROM, ensemble.REVERT_TO, ensemble.REVERT_BY],
        "pull_between": [ensemble.PULL_FROM, ensemble.PULL_TO],
        "scatter_decades": familiarity.SCATTER_DECADES,
        "largest_novelty": familiarity.LARGEST_NOVELTY,
        "domain_quantile": familiarity.DOMAIN_QUANTILE,
        "largest_known_error": familiarity.LARGEST_KNOWN_ERROR,
        "trust_in_other_tables": rows.TRUST_IN_OTHERS,
        "crowding_exponent": rows.CROWDING_EXPONENT,
        "same_composition": samples.SAME_COMPOSITION,
        "laboratories_over_model": measured_first.LABORATORIES_OVER_MODEL,
        "between_laboratories": measured_first.BETWEEN_LABORATORIES,
    }


def cross_validated_metrics(model: ConductivityModel, left_out: dict[str, OutOfFold]) -> dict[str, float]:
    """Score the predictions of left-out papers, per variant, over the rows that carry a conductivity."""
    metrics: dict[str, float] = {}
    for name, predicted in left_out.items():
        truth, answer, chosen = scored_rows(model, predicted, name)
        scores = score(truth, answer) | {"coverage_90": _coverage_across_papers(predicted, name)}
        variant = model.variants[name]
        beyond = predicted.pool.distance[chosen] > variant.domain_radius
        scores |= {"median_score": variant.sigma_scale.median, "beyond_radius": float(beyond.mean())}
        metrics |= {f"{name}_cv_{key}": round(value, 4) for key, value in scores.items()}
        energy = predicted.rows.has_energy
        if energy.any():
            error = predicted.pool.activation_energy_eV - predicted.rows.activation_energy_eV
            metrics[f"{name}_cv_activation_energy_mae_eV"] = round(float(np.abs(error[energy]).mean()), 4)
    return metrics


def _coverage_across_papers(predicted: OutOfFold, variant: str, coverage: float = 0.9) -> float:
    """Return the coverage on each half of the papers of intervals that the other half calibrated."""
    rows = predicted.rows
    pool = at_temperature(predicted.pool, rows.temperature_C)
    keep = rows.has_sigma & (rows.descriptors.has_lattice if variant == "lattice" else True)
    half = grouped_folds(rows.paper, 2, seed=0)
    covered = []
    for number in (0, 1):
        fit, held = keep & (half != number), keep & (half == number)
        reach = predicted.sigma_scale(fit).factor(coverage)
        ends = (pool.centre, pool.centre - reach * pool.below, pool.centre + reach * pool.above)
        truth = Truth(rows.log10_sigma[held], rows.is_upper_bound[held])
        covered.append(is_covered(truth, ScoredPredictions(*(end[held] for end in ends))))
    return float(np.concatenate(covered).mean())


def scored_rows(
    model: ConductivityModel, predicted: OutOfFold, variant: str
) -> tuple[Truth, ScoredPredictions, np.ndarray[Any, Any]]:
    """Return truth, answer (with the variant's 90 % interval) and row numbers of the left-out conductivities."""
    rows = predicted.rows
    keep = rows.has_sigma & (rows.descriptors.has_lattice if variant == "lattice" else True)
    chosen = np.flatnonzero(keep)
    pool = at_temperature(predicted.pool, rows.temperature_C)
    reach = model.variants[variant].sigma_scale.factor(0.9)
    answer = ScoredPredictions(pool.centre, pool.centre - reach * pool.below, pool.centre + reach * pool.above)
    return (
        Truth(rows.log10_sigma[chosen], rows.is_upper_bound[chosen]),
        ScoredPredictions(*(part[chosen] for part in answer)),
        chosen,
    )
