"""How uncertain the CCD model is of many cells together: a Bayesian regression has a covariance in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.properties.ccd.cells import Cells
from training.properties.ccd.judgement import CcdJudgement
from training.properties.ccd.mixed_model import predictive_sd
from training.properties.ccd.model import CcdModel
from training.properties.ccd.quantities import NAME
from training.properties.outputs import ModelOutputs
from training.suggestions.pool import NO_NUMBER, DesignPool, UnsuitableReferenceError

Array = NDArray[np.float64]


class CellUncertainty:
    """Posterior covariance of log10 CCD of n cells (decades squared); noise is that of a report of a new paper."""

    def __init__(self, model: CcdModel, cells: Cells) -> None:
        fit = model.regression.fit
        self._design = model.regression.terms.design(cells)
        self._folded = self._design @ fit.covariance
        self._noise = float(predictive_sd(np.zeros((1, self._design.shape[1])), fit)[0] ** 2)

    @property
    def noise_variance(self) -> float:
        """Variance between papers and within them, decades squared."""
        return self._noise

    def variance(self) -> Array:
        """Return the variance of each cell, shape (n,)."""
        variance: Array = np.maximum(np.einsum("ij,ij->i", self._folded, self._design), 0.0)
        return variance

    def covariance(self, points: NDArray[np.int64]) -> Array:
        """Return the covariance of all cells with some, shape (n, len(points))."""
        covariance: Array = self._folded @ self._design[points].T
        return covariance


def pool_of(outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
    """Judge cells of one set of conditions; classes that no paper measured have no answer."""
    if with_domain:
        raise UnsuitableReferenceError
    judged = outputs.judged(NAME)
    for error in judged.errors.values():
        raise error  # the conditions are those of all candidates
    assert isinstance(judged.judgement, CcdJudgement)
    uncertainty = CellUncertainty(outputs.models[NAME], judged.judgement.cells)
    possible = np.array([reason is None for reason in judged.missing], dtype=bool)
    inside = possible & judged.in_domain
    return DesignPool(
        uncertainty,
        len(outputs),
        possible,
        np.sqrt(uncertainty.variance()),
        "decades",
        lambda: ((~inside).astype(float), np.zeros(len(outputs)), inside),
        (NO_NUMBER,) * int((~possible).sum()),
    )
