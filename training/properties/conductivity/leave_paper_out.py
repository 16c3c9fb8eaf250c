"""What the fitted process says of its own training rows when their paper is left out, without fitting anew.

Trees that see the process's predictions as features must see them as they will be for a new material, not flattered by
the row itself. For a Gaussian process leaving a block R of observations out is linear algebra on the inverse covariance
(Rasmussen and Williams, Gaussian Processes for Machine Learning, section 5.4.2): with P the inverse covariance and
r the residuals, the weights become P r - P[:, R] P[R, R]^-1 (P r)[R].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.similarity import half_l1
from training.properties.conductivity.gaussian_process import ArrheniusProcess, LatentPrediction

Array = NDArray[np.float64]


def predict_without_own_paper(
    process: ArrheniusProcess,
    material: NDArray[np.int64],
    paper: NDArray[np.str_],
    paper_of_observation: NDArray[np.str_],
    same_distance: float,
) -> LatentPrediction:
    """Predict training rows without their paper and without copies of its materials.

    Parameters
    ----------
    process
        Fitted on the rows.
    material, paper
        Shape (n,), of each row: its material in the process, its paper.
    paper_of_observation
        Shape (m,), of each observation of the process.
    same_distance
        Half-L1 distance below which another paper's material is a copy.
    """
    composition = process.materials.descriptors.composition
    out = LatentPrediction(*(np.empty(len(material)) for _ in LatentPrediction._fields))
    between = process.between_materials()
    for name in np.unique(paper):
        rows = np.flatnonzero(paper == name)
        own = np.unique(material[rows])
        copies = half_l1(composition[own], composition).min(axis=0) < same_distance
        left_out = (paper_of_observation == name) | copies[process.observations.material]
        answer = process.predict_without(between[material[rows]], left_out)
        for column, values in zip(out, answer, strict=True):
            column[rows] = values
    return out
