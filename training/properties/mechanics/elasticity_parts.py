"""Nets and trees that answer together, and what tells how far they may be from the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_net import ElementNets
from training.properties.mechanics.elasticity_trees import ModuliTrees, descriptors

Array = NDArray[np.float64]
NET_SHARE = 0.65
"""Of the nets in the answer; the trees have the rest."""
BOOSTED_SHARE = 0.7
"""Of the boosted trees in what the trees say; those grown at random have the rest."""


class PartAnswers(NamedTuple):
    """What the parts say of n compositions, (n, 2) each.

    Attributes
    ----------
    value
        Their average, decimal logarithms of shear and bulk modulus in GPa.
    net_scale, forest_spread, apart
        From what the uncertainty is judged: the scale that the nets give themselves, the spread of the random trees,
        and how far nets and trees lie apart.
    """

    value: Array
    net_scale: Array
    forest_spread: Array
    apart: Array

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> PartAnswers:
        """Return what is said of some of the compositions."""
        return PartAnswers(*(column[rows] for column in self))


@dataclass(frozen=True, eq=False)
class Parts:
    """Nets and trees fitted to the same moduli."""

    nets: ElementNets
    trees: ModuliTrees

    def __call__(self, batch: MaterialBatch) -> PartAnswers:
        """Answer for a batch."""
        nets, trees = self.nets(batch), self.trees(descriptors(batch))
        net, tree = nets.value.mean(axis=0), BOOSTED_SHARE * trees.boosted + (1 - BOOSTED_SHARE) * trees.random
        value = NET_SHARE * net + (1 - NET_SHARE) * tree
        return PartAnswers(value, nets.scale.mean(axis=0), trees.spread, np.abs(net - tree))
