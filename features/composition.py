"""The Magpie statistics of a composition, for a whole batch in one numpy pass.

Equal to matminer's `ElementProperty.from_preset("magpie", impute_nan=True)` (Ward et al., npj Comput. Mater.
2, 16028 (2016), doi 10.1038/npjcompumats.2016.28), without looping over compositions.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import MAGPIE_PROPERTIES, magpie_matrix

STATISTICS = ("minimum", "maximum", "range", "mean", "avg_dev", "mode")
_LABELS = tuple(f"MagpieData {statistic} {name}" for name in MAGPIE_PROPERTIES for statistic in STATISTICS)
_ROWS_PER_BLOCK = 128  # temporaries of 20 kB stay in the processor's cache and in memory already mapped


class MagpieFeaturizer:
    """132 statistics: six per elemental property, in matminer's order."""

    version = "1"

    @property
    def labels(self) -> tuple[str, ...]:
        """Matminer's feature labels."""
        return _LABELS

    def __call__(self, batch: MaterialBatch) -> NDArray[np.float64]:
        """Return the statistics, shape (n, 132)."""
        out = np.empty((len(batch), len(MAGPIE_PROPERTIES), len(STATISTICS)))
        n_elements = (batch.fraction > 0).sum(axis=1)
        for count in np.unique(n_elements):
            rows = np.flatnonzero(n_elements == count)
            for start in range(0, len(rows), _ROWS_PER_BLOCK):
                block = rows[start : start + _ROWS_PER_BLOCK]
                out[block] = _statistics(batch.element_index[block, :count], batch.fraction[block, :count])
        return out.reshape(len(batch), len(_LABELS))


def _statistics(index: NDArray[np.int64], fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (rows, properties, statistics) for rows that all have the same number of elements."""
    table = magpie_matrix()
    values = [table[index[:, j]] for j in range(index.shape[1])]  # one (rows, properties) array an element
    weights = [fraction[:, j, None] for j in range(index.shape[1])]
    lowest, highest = reduce(np.minimum, values), reduce(np.maximum, values)
    mean = sum(v * w for v, w in zip(values, weights, strict=True))
    deviation = sum(np.abs(v - mean) * w for v, w in zip(values, weights, strict=True))
    # matminer: the lowest value among the elements whose weight is the largest (numpy.isclose)
    largest = fraction.max(axis=1, keepdims=True)
    most = np.abs(fraction - largest) <= 1e-8 + 1e-5 * largest
    mode = reduce(np.minimum, (np.where(most[:, j, None], v, np.inf) for j, v in enumerate(values)))
    return np.stack([lowest, highest, highest - lowest, mean, deviation, mode], axis=2)
