"""What a featurizer is, and the registered ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.chemistry import ChemistryFeaturizer
from features.composition import MagpieFeaturizer
from features.crystal import CrystalFeaturizer
from features.stoichiometry import StoichiometryFeaturizer


@runtime_checkable
class Featurizer(Protocol):
    """A stateless map from materials to numbers."""

    version: str

    @property
    def labels(self) -> tuple[str, ...]:
        """Column names."""

    def __call__(self, batch: MaterialBatch) -> NDArray[np.float64]:
        """Return an array of shape (n, len(labels))."""


FEATURIZERS: Mapping[str, Featurizer] = {
    "chemistry": ChemistryFeaturizer(),
    "crystal": CrystalFeaturizer(),
    "magpie": MagpieFeaturizer(),
    "stoichiometry": StoichiometryFeaturizer(),
}
