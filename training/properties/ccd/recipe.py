"""The CCD recipe: from the embedded table to a tracked, bundled, registered model.

1. The embedded literature table; molten lithium and scaffolds are kept on the shelf and out of the fit.
2. Conductivity as measured, else as the conductivity model predicts it; reduction potential and energy above hull from
   the stability model.
3. A hierarchical regression on log10 CCD: terms under priors, an offset per paper, lower bounds as bounds.
4. Conformal intervals from predictions of left-out papers.
5. Checks against physics; bundle, MLflow run, registry version with alias `challenger`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.bundle import Card, DataSource, save_bundle, stamped
from training.properties.ccd import mixed_model, terms
from training.properties.ccd.bundling import golden_predictions
from training.properties.ccd.cells import Reports, reports_of, table_numbers
from training.properties.ccd.evaluation import scores_of
from training.properties.ccd.model import CcdModel, LeftOut, fit_model
from training.properties.ccd.physics import physics_checks
from training.properties.ccd.schema import REGULAR
from training.properties.ccd.shelf import Shelf
from training.properties.ccd.table import LITERATURE_PATH, load_literature

if TYPE_CHECKING:
    import pandas as pd

    from training.properties.conductivity.model import ConductivityModel
    from training.properties.stability.model import StabilityModel

METRICS_COMMAND = "elyte train ccd"
SUMMARY = (
    "log10 critical current density of lithium | solid electrolyte | lithium cells from formula, class, conductivity,"
    " reduction potential and test conditions: hierarchical regression with one offset per source paper and conformal"
    " intervals"
)
INTENDED_USE = (
    "Telling a designer what order of current to expect, how sure that is, and from how many papers. The interval is"
    " the answer; compare candidates by it, not by their values."
)
LIMITATIONS = [
    "Papers report champions: a new cell will more often fall short of the value than exceed it.",
    "CCD depends on the protocol (step size and time, capacity, stopping rule), which most papers do not state; the"
    " same material varies by 0.2 to 0.3 in log10 between laboratories.",
    "93 of 225 rows were read by a third party; see `provenance`.",
    "Molten lithium (above 180.6 C) and 3D or mixed-conducting scaffolds are refused: another regime, nine reports.",
    "Areal capacity, thickness and step time are no inputs: about half of the stated capacities are the CCD times one"
    " hour, which would leak the answer, and the others did not help.",
    "Stack pressure moves the value little: the two contrasts within a paper have opposite signs.",
]


class ReportSet(NamedTuple):
    """What a recipe learns from.

    Attributes
    ----------
    id, reports
        The rows of the regular regime, and their names.
    shelf
        All rows.
    """

    id: NDArray[np.str_]
    reports: Reports
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class CcdFit:
    """What a run of training left behind."""

    folder: Path
    card: Card
    digest: str
    model: CcdModel
    left_out: LeftOut
    table: pd.DataFrame


def report_set(
    table: pd.DataFrame, conductivity: ConductivityModel | None, stability: StabilityModel | None
) -> ReportSet:
    """Ask the other models about the materials of a table, as `load_literature` gives it."""
    numbers = table_numbers(table, conductivity, stability)
    everything = reports_of(table, numbers)
    regular = (table["regime"] == REGULAR).to_numpy(dtype=bool)
    shelf = Shelf.of(table, everything.cells.composition, numbers)
    return ReportSet(table["id"].to_numpy(dtype=np.str_)[regular], everything.take(regular), shelf)


def n_steps() -> int:
    """Return how often `train` calls `on_step`."""
    table = load_literature()
    return int(table[table["regime"] == REGULAR]["paper"].nunique()) + 1


def train(
    folder: Path,
    conductivity: ConductivityModel | None,
    stability: StabilityModel | None,
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> CcdFit:
    """Fit on the embedded table and write the bundle.

    Parameters
    ----------
    folder
        Where the bundle goes.
    conductivity, stability
        Models to ask; without one its numbers are unknown.
    on_step
        Called once for every paper and once at the end, for a progress bar.
    """
    table = load_literature()
    _, reports, shelf = report_set(table, conductivity, stability)
    model, left_out = fit_model(reports, shelf, on_step=on_step)
    source = DataSource(
        name="ccd literature",
        rows=len(table),
        licence="facts with sources",
        attribution="compiled for elyte, a DOI or reference per row",
        sha256=hashlib.sha256(LITERATURE_PATH.read_bytes()).hexdigest(),
    )
    card = card_of(model, left_out, table, [source], choices())
    digest = save_bundle(folder, card, model.arrays())
    return CcdFit(folder, card, digest, model, left_out, table)


def card_of(
    model: CcdModel,
    left_out: LeftOut,
    table: pd.DataFrame,
    data: Sequence[DataSource],
    recipe: Mapping[str, Any],
    *,
    command: str = METRICS_COMMAND,
) -> Card:
    """Return what is told of a fitted model.

    Parameters
    ----------
    model, left_out, table
        As fitted, its answers to papers left out, and the reports.
    data, recipe
        Where the reports come from, and all that was chosen.
    command
        What prints the scores.
    """
    metrics = _metrics(left_out, table, model)
    return Card(
        property="ccd",
        summary=SUMMARY,
        intended_use=INTENDED_USE,
        limitations=_verdict(scores_of(left_out)) + LIMITATIONS,
        data=list(data),
        recipe=dict(recipe),
        metrics={name: value for name, value in metrics.items() if np.isfinite(value)},
        metrics_command=command,
        model=model.settings(),
        golden=golden_predictions(model),
        **stamped(("numpy", "scipy")),
    )


def choices() -> dict[str, Any]:
    """Return the constants of the recipe, so that a card says all that was chosen."""
    return {
        "number_terms": [asdict(term) for term in terms.NUMBER_TERMS],
        "material_reach": terms.MATERIAL_REACH,
        "fewest_for_a_mean": terms.FEWEST_FOR_A_MEAN,
        "largest_deviation": terms.LARGEST_DEVIATION,
        "student_freedom": mixed_model.STUDENT_FREEDOM,
        "prior_paper_variance": mixed_model.PAPER_VARIANCE,
        "prior_noise_variance": mixed_model.NOISE_VARIANCE,
        "prior_weight": mixed_model.PRIOR_WEIGHT,
    }


def _metrics(left_out: LeftOut, table: pd.DataFrame, model: CcdModel) -> dict[str, float]:
    """Return the numbers of the evaluation flat, and the checks against physics."""
    scores = scores_of(left_out)
    flat = {name: value for name, value in scores.items() if isinstance(value, int | float)}
    for other in ("class_median", "global_median"):
        against = scores[f"against_{other}"]
        flat |= {f"gain_over_{other}": against["gain"], f"paper_gain_over_{other}": against["paper_gain"]}
        for name in ("gain", "paper_gain"):
            low, high = against[f"{name}_95"]
            flat |= {f"{name}_over_{other}_low_95": low, f"{name}_over_{other}_high_95": high}
    flat |= {f"mae_{name}": values["mae"] for name, values in scores["by_class"].items()}
    flat |= {f"physics_{name}": value for name, value in physics_checks(table, model).items()}
    return {name: round(float(value), 4) for name, value in flat.items()}


def _verdict(scores: dict[str, Any]) -> list[str]:
    """Say plainly whether the model beats the class median."""
    told = []
    for name, words in (("gain", "row by row"), ("paper_gain", "with papers weighted alike")):
        low, high = scores["against_class_median"][f"{name}_95"]
        beats = "better than" if low > 0 else "NOT established as better than"
        told.append(
            f"{beats} the median of the class {words}: mean absolute error smaller by"
            f" {scores['against_class_median'][name]:.3f} (95 % interval over papers {low:+.3f} to {high:+.3f})"
        )
    return ["Leaving one source out, the model is " + "; ".join(told) + "."]
