"""How good mechanics is: chemical systems that were left out, the benchmark's folds, and published stiffness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from training.crystals import read_measured_gaps
from training.properties.mechanics.elasticity_evaluation import evaluate_elasticity, steps_of_evaluation
from training.properties.mechanics.gap_evaluation import evaluate_gap, measured_gaps
from training.properties.mechanics.gap_fit import n_steps_left_out, predict_left_out
from training.properties.mechanics.recipe import Tables, settings


def n_steps(tables: Tables, *, quick: bool) -> int:
    """Return how often `evaluate` calls its `on_step`."""
    elasticity, gap = settings(quick=quick)
    return steps_of_evaluation(elasticity, tables.auxiliary) + n_steps_left_out(gap)


def evaluate(
    tables: Tables, *, quick: bool = False, on_step: Callable[[str], None] = lambda what: None
) -> dict[str, Any]:
    """Fit without parts of the tables and score on these.

    Returns
    -------
    dict
        Sections `elasticity` (decades of GPa), `band_gap` (eV), and `measured_gaps`, which are set beside those of the
        table.
    """
    of_elasticity, of_gap = settings(quick=quick)
    elasticity = evaluate_elasticity(tables.moduli, tables.auxiliary, of_elasticity, on_step=on_step)
    left_out = predict_left_out(tables.gaps, of_gap, on_step)
    gap, measured = (
        evaluate_gap(tables.gaps, left_out),
        measured_gaps(left_out.compositions.lookup, *read_measured_gaps()),
    )
    return {"elasticity": asdict(elasticity), "band_gap": asdict(gap), "measured_gaps": asdict(measured)}
