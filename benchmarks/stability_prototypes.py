"""Families of prototypes that a net never saw: `python benchmarks/stability.py --what prototypes`.

The shipped nets are fitted with all families, so two small nets of the student's shape are fitted here, of a few epochs
each: one without any row of the families, one with them. What the two differ by is what not knowing a family costs;
that both are worse than the shipped nets is what a few epochs cost. The test split is not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.properties.conductivity.prototypes import Prototype, prototypes_of
from training.properties.stability.calibration import Pooled
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.ensemble_fit import fit_scaling
from training.properties.stability.families import absolute_scores
from training.properties.stability.fit import FitSettings, fit_member
from training.properties.stability.inputs import Surroundings, net_inputs
from training.properties.stability.network import NetworkSettings
from training.properties.stability.table import EnergyTable

EPOCHS, QUICK_EPOCHS, QUICK_ROWS = 8, 1, 6000
FAMILIES = {
    "garnet": (Prototype.GARNET,),
    "NASICON": (Prototype.NASICON,),
    "argyrodite": (Prototype.ARGYRODITE,),
    "LGPS": (Prototype.LGPS,),
    "ternary and trihalides": (Prototype.TERNARY_HALIDE, Prototype.TRIHALIDE),
}
SPINEL = "spinel (AB2X4)"
SPINEL_FRACTIONS = np.array([4.0, 2.0, 1.0]) / 7.0
FEWEST_TO_RANK = 5
Array = NDArray[np.float64]


def families_of(table: EnergyTable) -> Mapping[str, NDArray[np.bool_]]:
    """Return which rows belong to each family, told from the formula alone; no row belongs to two."""
    width = int(table.atomic_number.max()) + 1
    dense = np.zeros((len(table), width))
    np.put_along_axis(dense, np.where(table.fraction > 0, table.atomic_number, 0), table.fraction, axis=1)
    composition = np.zeros((len(table), 103))
    composition[:, : width - 1] = dense[:, 1:]
    prototype = prototypes_of(composition)
    found = {name: np.isin(prototype, members) for name, members in FAMILIES.items()}
    largest = np.sort(table.fraction, axis=1)[:, ::-1][:, :3]
    taken = np.logical_or.reduce(list(found.values()))
    return found | {SPINEL: (np.abs(largest - SPINEL_FRACTIONS).max(axis=1) < 1e-6) & ~taken}


@dataclass(frozen=True, eq=False)
class Fitted:
    """A net and what it was told of while it was fitted."""

    net: NetEnsemble
    surroundings: Surroundings


def fitted(table: EnergyTable, rows: NDArray[np.int64], epochs: int) -> Fitted:
    """Fit a net of the student's shape on some rows, their phases being all that is known."""
    settings = FitSettings(epochs=epochs, network=NetworkSettings(head_layers=1))
    surroundings = Surroundings.of(table, rows)
    inputs = net_inputs(surroundings, table.batch(rows), fit_scaling(table), table.phases.row_of_input[rows])
    return Fitted(NetEnsemble.from_networks([fit_member(table, surroundings, inputs, rows, 0, settings)]), surroundings)


def scores(
    net: NetEnsemble, known: Surroundings, table: EnergyTable, rows: NDArray[np.int64]
) -> dict[str, float | None]:
    """Score rows, each without itself among what is known; None without rows; ranks of `FEWEST_TO_RANK` at least."""
    if not len(rows):
        return {"n": 0} | dict.fromkeys(("ef_mae", "ed_mae", "ed_bias", "ed_spearman"))
    inputs = net_inputs(known, table.batch(rows), fit_scaling(table), table.phases.row_of_input[rows])
    said = Pooled.of(net(inputs))
    formation = inputs.hull.energy_eV_per_atom + said.residual_eV_per_atom
    board = absolute_scores(said.decomposition_eV_per_atom, table.decomposition_energy_eV_per_atom[rows])
    return {
        "n": len(rows),
        "ef_mae": float(np.abs(formation - table.formation_energy_eV_per_atom[rows]).mean()),
        "ed_mae": board["mae"],
        "ed_bias": board["bias"],
        "ed_spearman": board["spearman"] if len(rows) >= FEWEST_TO_RANK else None,
    }


def prototype_board(table: EnergyTable, quick: bool) -> dict[str, Any]:
    """Fit both nets and score every family.

    Returns
    -------
    dict
        By family: `left_out` (all its training and validation rows, by a net fitted without the families, none of their
        phases known), `left_out_but_known` (the same net, told of the other phases of the family), and of validation
        rows alone `validation_left_out` and `validation_fitted` (the net that was fitted with them).
    """
    started, used = time.perf_counter(), time.process_time()
    families, train, validation = families_of(table), table.rows_of("train"), table.rows_of("val")
    if quick:
        train = np.sort(np.random.default_rng(0).choice(train, min(QUICK_ROWS, len(train)), replace=False))
    anywhere = np.logical_or.reduce(list(families.values()))
    epochs = QUICK_EPOCHS if quick else EPOCHS
    without, with_all = fitted(table, train[~anywhere[train]], epochs), fitted(table, train, epochs)
    board: dict[str, Any] = {}
    for name, member in families.items():
        rows, of_validation = (part[member[part]] for part in (np.concatenate([train, validation]), validation))
        board[name] = {
            "left_out": scores(without.net, without.surroundings, table, rows),
            "left_out_but_known": scores(without.net, with_all.surroundings, table, rows),
            "validation_left_out": scores(without.net, without.surroundings, table, of_validation),
            "validation_fitted": scores(with_all.net, with_all.surroundings, table, of_validation),
        }
    others = validation[~anywhere[validation]]
    board["all others, validation"] = {
        "left_out": scores(without.net, without.surroundings, table, others),
        "fitted": scores(with_all.net, with_all.surroundings, table, others),
    }
    return {
        "epochs": epochs,
        "families": board,
        "s": time.perf_counter() - started,
        "processor_s": time.process_time() - used,
    }
