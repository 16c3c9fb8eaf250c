"""The mechanics model: tables where they hold a composition, fitted models where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_model import ElasticityModel
from training.properties.mechanics.gap_answers import GapAnswers
from training.properties.mechanics.gap_model import GapModel
from training.properties.mechanics.joint_moduli import JointModuli, JointScores
from training.properties.mechanics.known_moduli import NOT_HELD, KnownModuli

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
_GAP = "gap_"
PREDICTED, OF_TABLE = 0, 1
"""Places of `JointModuli.scores`."""


@dataclass(frozen=True, eq=False)
class MechanicsModel:
    """All that a bundle holds.

    Parameters
    ----------
    elasticity
        Predicts moduli.
    known
        Compositions whose moduli were computed.
    scores
        Errors of predicted moduli, in units of their scales.
    gap
        Band gaps, looked up or predicted.
    radius
        Distance within which left-out systems were predicted when the intervals were calibrated.
    largest_scale
        Of log10 G, in decades: that of the same share of them.
    """

    elasticity: ElasticityModel
    known: KnownModuli
    scores: JointScores
    gap: GapModel
    radius: float
    largest_scale: float

    def moduli(self, batch: MaterialBatch, known: NDArray[np.int64], unknown_elements: Flags) -> JointModuli:
        """Return the joint distribution of both moduli.

        Parameters
        ----------
        batch
            n compositions.
        known
            Their rows in the table, `NOT_HELD` where it has none, shape (n,).
        unknown_elements
            Which hold an element of no table: NaN is said of them, shape (n,).
        """
        centre, scale = np.full((len(batch), 2), np.nan), np.full((len(batch), 2), np.nan)
        asked = np.flatnonzero((known == NOT_HELD) & ~unknown_elements)
        if len(asked):
            said = self.elasticity.predict(batch.take(asked))
            centre[asked], scale[asked] = said.centre, said.scale
        held = np.flatnonzero(known != NOT_HELD)
        centre[held], scale[held] = self.known.centre_and_scale(known[held])
        both = (self.scores, JointScores.normal(self.scores.correlation))
        return JointModuli(centre, scale, both, np.where(known == NOT_HELD, PREDICTED, OF_TABLE))

    def gaps(self, batch: MaterialBatch, coverage: float, unknown_elements: Flags) -> GapAnswers:
        """Return band gaps with their intervals, NaN where an element is of no table."""
        return GapAnswers.of(self.gap, batch, coverage, unknown_elements)

    def is_familiar(self, distance: Array, moduli: JointModuli) -> Flags:
        """Return whether materials lie among known ones, and their scale is not extraordinary."""
        sure = (moduli.which == OF_TABLE) | (moduli.scale[:, 0] <= self.largest_scale)
        familiar: Flags = sure & (distance <= self.radius)
        return familiar

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return (
            self.elasticity.arrays()
            | self.known.arrays()
            | self.scores.arrays("moduli")
            | {f"{_GAP}{name}": array for name, array in self.gap.arrays().items()}
            | {"domain": np.array([self.radius, self.largest_scale])}
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> MechanicsModel:
        """Rebuild from `arrays()`."""
        radius, largest_scale = arrays["domain"].tolist()
        return cls(
            ElasticityModel.from_arrays(arrays),
            KnownModuli.from_arrays(arrays),
            JointScores.from_arrays(arrays, "moduli"),
            GapModel.from_arrays({k.removeprefix(_GAP): v for k, v in arrays.items() if k.startswith(_GAP)}),
            radius,
            largest_scale,
        )
