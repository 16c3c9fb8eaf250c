"""Are new conductivities what their compositions suggest? A check of seconds, before minutes are spent on a fit.

The predictions are those of a Gaussian process with the champion's hyperparameters, the quickest member of the
ensemble; `learnability` says what is made of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from features.similarity import half_l1
from training.properties.conductivity.arrhenius import to_temperature
from training.properties.conductivity.gaussian_process import Hyperparameters
from training.properties.conductivity.kernels import TrainingMaterials
from training.properties.conductivity.process_fit import condition
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows
from training.refitting.comparison import NewRows
from training.refitting.held_out import HeldOutPredictions
from training.refitting.learnability import Contradictions, new_rows, source_folds

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]
SAME_TEMPERATURE_C = 10.0


def examine(
    rows: ConductivityRows,
    is_new: Flags,
    by_champion: HeldOutPredictions,
    hyper: Hyperparameters,
    *,
    seed: int,
    on_step: Callable[[str], None] = lambda what: None,
) -> NewRows:
    """Examine new rows.

    Parameters
    ----------
    rows
        All n rows: known ones, and new ones with a conductivity.
    is_new
        Shape (n,).
    by_champion
        The champion's answers to the new rows, in their order.
    hyper
        Of the champion's process for formulas.
    seed
        Of folds and permutations.
    on_step
        Called after every fit, with what was done.
    """
    new = np.flatnonzero(is_new)
    papers, composition = rows.paper[new], rows.descriptors.composition
    known = np.flatnonzero(~is_new & ~np.isin(rows.paper, papers))
    alone = _predict(rows, known, new, hyper)
    on_step("new rows: from known data")
    left_out = alone.copy()
    for held, rest in source_folds(papers, seed):
        others = new[rest]
        is_copy = half_l1(composition[others], composition[new[held]]).min(axis=1) < SAME_MATERIAL_DISTANCE
        left_out[held] = _predict(rows, np.concatenate([known, others[~is_copy]]), new[held], hyper)
        on_step("new rows: sources left out")
    _, material = np.unique(composition[new].round(3), axis=0, return_inverse=True)
    return new_rows(by_champion, alone, left_out, material.reshape(-1), contradictions(rows, is_new), seed=seed)


def contradictions(rows: ConductivityRows, is_new: Flags) -> Contradictions:
    """Count new rows that are a decade or more off the median of other papers on the same composition.

    Their chance is reckoned at the rate at which known rows contradict each other, which is not small: two laboratories
    differ by 0.4 to 0.8 decades on one composition.
    """
    composition = rows.descriptors.composition

    def is_same(row: int, others: Numbers) -> Flags:
        is_close: Flags = np.abs(rows.temperature_C[others] - rows.temperature_C[row]) <= SAME_TEMPERATURE_C
        is_close[is_close] = half_l1(composition[others[is_close]], composition[[row]])[:, 0] < SAME_MATERIAL_DISTANCE
        return is_close

    usable = rows.has_sigma & ~rows.is_upper_bound
    return Contradictions.between(rows.log10_sigma, rows.paper, usable, is_new, is_same)


def _predict(rows: ConductivityRows, learnt: Numbers, asked: Numbers, hyper: Hyperparameters) -> Array:
    known = rows.take(learnt)
    distinct, material = known.descriptors.distinct(with_lattice=False)
    process = condition(TrainingMaterials.of(distinct), known.observations().of_materials(material), hyper)
    said = process.predict(rows.descriptors.take(asked))
    at_temperature: Array = to_temperature(
        said.log10_sigma, np.maximum(said.activation_energy_eV, 0.0), rows.temperature_C[asked]
    )
    return at_temperature
