"""How good the stability model is: the official test split, and windows published elsewhere.

The nets see what a hull of the training phases (or of training and validation phases) tells of a test compound, never
the test compounds themselves: energies placed on a hull that holds the truth would be void.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.correlation import spearman
from training.properties.stability.calibration import Pooled
from training.properties.stability.families import Predicted, family_scores, nasicon_scores
from training.properties.stability.inputs import Surroundings, net_inputs
from training.properties.stability.literature import literature_windows
from training.properties.stability.model import StabilityModel
from training.properties.stability.nasicon import SOURCE, read_nasicons
from training.properties.stability.table import EnergyTable, compositions
from training.sources import missing
from training.thermodynamics.window import windows

Array = NDArray[np.float64]
COVERAGE = 0.9
NOT_NEUTRAL_AS_PRINTED = ("Li0.33La0.56TiO3",)
PEERS = {
    "crabnet": {"ef_mae": 0.0593, "ed_mae": 0.0632, "accuracy": 0.826, "f1": 0.788, "auc": 0.884},
    "roost": {"ef_mae": 0.0547, "ed_mae": 0.0669, "accuracy": 0.791, "f1": 0.738, "auc": 0.850},
    "random_forest": {"ef_mae": 0.0997, "ed_mae": 0.0759},
}
"""Published predictions on the same split, as scored before the project began (no command here prints them): CrabNet,
doi 10.1038/s41524-021-00545-1; Roost, doi 10.1038/s41467-020-19964-7."""


@dataclass(frozen=True, eq=False)
class Scored:
    """Predictions for some rows of the table beside the truth, energies in eV/atom; each array of shape (n,).

    Attributes
    ----------
    rows
        Rows of the table.
    pooled
        What the nets said.
    hull
        Energy of the hull they were told of.
    formation, decomposition
        True energies.
    """

    rows: NDArray[np.int64]
    pooled: Pooled
    hull: Array
    formation: Array
    decomposition: Array

    @property
    def formation_error(self) -> Array:
        """Predicted minus true formation energy."""
        return self.hull + self.pooled.residual_eV_per_atom - self.formation

    @property
    def decomposition_error(self) -> Array:
        """Predicted minus published decomposition energy."""
        return self.pooled.decomposition_eV_per_atom - self.decomposition


def predict_rows(model: StabilityModel, table: EnergyTable, known: tuple[str, ...], split: str) -> Scored:
    """Predict one split from the phases of other splits (of its own, each row without itself).

    Parameters
    ----------
    model
        The nets; what they know of phases is not used.
    known
        Splits whose phases they are told of.
    split
        Split to predict.
    """
    surroundings = Surroundings.of(table, table.rows_of(*known))
    rows = table.rows_of(split)
    inputs = net_inputs(surroundings, table.batch(rows), model.scaling, table.phases.row_of_input[rows])
    return Scored(
        rows,
        model.pooled(inputs, table.atomic_number[rows], table.fraction[rows]),
        inputs.hull.energy_eV_per_atom.astype(float),
        table.formation_energy_eV_per_atom[rows],
        table.decomposition_energy_eV_per_atom[rows],
    )


def split_scores(model: StabilityModel, scored: Scored) -> dict[str, float]:
    """Return errors, classification scores and coverages of predictions."""
    from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

    pooled, calibration = scored.pooled, model.calibration
    stable = scored.decomposition <= 0
    probability = calibration.probability_published_stable(pooled)
    called = probability >= calibration.decision
    reach = {
        "ef": calibration.residual.factor(COVERAGE) * pooled.scale_residual_eV_per_atom,
        "ed": calibration.decomposition.factor(COVERAGE) * pooled.scale_decomposition_eV_per_atom,
    }
    error = {"ef": np.abs(scored.formation_error), "ed": np.abs(scored.decomposition_error)}
    return {
        "ef_mae": float(error["ef"].mean()),
        "ed_mae": float(error["ed"].mean()),
        "accuracy": float((called == stable).mean()),
        "f1": float(f1_score(stable, called)),
        "auc": float(roc_auc_score(stable, probability)),
        "brier": float(brier_score_loss(stable, probability)),
        "coverage_90": float((error["ef"] <= reach["ef"]).mean()),
        "coverage_90_ed": float((error["ed"] <= reach["ed"]).mean()),
        "mean_half_width_90": float(reach["ef"].mean()),
        "mean_half_width_90_ed": float(reach["ed"].mean()),
        "coverage_90_widest_fifth": _coverage_of_widest(error["ef"], reach["ef"]),
        "spearman_half_width_error": spearman(reach["ef"], error["ef"]),
    }


def _coverage_of_widest(error: Array, reach: Array) -> float:
    widest = reach >= np.quantile(reach, 0.8)
    return float((error <= reach)[widest].mean())


def window_deviations(table: EnergyTable, *, as_printed: bool = False) -> tuple[Array, Array]:
    """Return computed minus published reduction and oxidation limits (V), where the two are comparable.

    Parameters
    ----------
    as_printed
        Whether to keep the formulas that are not neutral as printed: their computed windows have no width.
    """
    published = [
        row
        for row in literature_windows()
        if row.comparable != "no" and (as_printed or row.formula not in NOT_NEUTRAL_AS_PRINTED)
    ]
    found = windows(table.phases, *compositions(MaterialBatch.from_formulas([row.formula for row in published])))
    reduction = found.lower_V - np.array([row.reduction_V for row in published])
    both = np.array([row.comparable == "yes" for row in published])
    oxidation = (found.upper_V - np.array([row.oxidation_V for row in published]))[both]
    return reduction[np.isfinite(reduction)], oxidation[np.isfinite(oxidation)]


def evaluate(model: StabilityModel, table: EnergyTable) -> dict[str, Any]:
    """Score a model on the official test split, with the keys of DESIGN.md.

    Returns
    -------
    dict
        Scores of the pool of nets, as `nets_scores`, under `student` the same of the student that answers unless the
        pool is asked for (None where there is none); deviations of windows, and the peers' scores under `peers`.
    """
    reduction, oxidation = window_deviations(table)
    return nets_scores(model.of_pool, table) | {
        "n_test": len(table.rows_of("test")),
        "esw_reduction_mae": float(np.abs(reduction).mean()),
        "esw_oxidation_mae": float(np.abs(oxidation).mean()),
        "n_esw": len(reduction),
        "esw_oxidation_mae_as_printed": float(np.abs(window_deviations(table, as_printed=True)[1]).mean()),
        "student": None if model.pool is None else nets_scores(model, table),
        "peers": PEERS,
    }


def nets_scores(model: StabilityModel, table: EnergyTable) -> dict[str, Any]:
    """Score the nets of a model on the official test split.

    Returns
    -------
    dict
        Scores with hull inputs from the training split, the same with validation phases added under
        `with_validation_phases`, those of lithium compounds under `lithium_compounds`, those of differences under
        `families`.
    """
    from_train = predict_rows(model, table, ("train",), "test")
    both = split_scores(model, predict_rows(model, table, ("train", "val"), "test"))
    return split_scores(model, from_train) | {
        "ef_mae_tv": both["ef_mae"],
        "ed_mae_tv": both["ed_mae"],
        "with_validation_phases": both,
        "lithium_compounds": split_scores(model, _with_lithium(from_train, table)),
        "families": differences(model, table, from_train),
    }


def differences(model: StabilityModel, table: EnergyTable, scored: Scored) -> dict[str, Any]:
    """Score differences among alike rows, and under `nasicon` a family computed whole (None without its table).

    `group_spearman` and `nasicon_spearman` (with the prior, as users are answered) repeat what is compared.
    """
    reach = model.calibration.decomposition.factor(COVERAGE) * scored.pooled.scale_decomposition_eV_per_atom
    where = table.atomic_number[scored.rows], table.fraction[scored.rows]
    said = Predicted(*where, scored.pooled.decomposition_eV_per_atom, scored.decomposition, reach)
    nasicon = None if missing((SOURCE,)) else nasicon_scores(model, read_nasicons())
    board = family_scores(said)
    compared = {
        "group_spearman": board["spearman"],
        "nasicon_spearman": None if nasicon is None else nasicon["with_prior"]["spearman"],
    }
    return compared | board | {"nasicon": nasicon}


def _with_lithium(scored: Scored, table: EnergyTable) -> Scored:
    keep = np.flatnonzero((table.atomic_number[scored.rows] == 3).any(axis=1))
    rest = (part[keep] for part in (scored.hull, scored.formation, scored.decomposition))
    return Scored(scored.rows[keep], scored.pooled.take(keep), *rest)
