"""The mechanics model: tables where they hold a composition, fitted models where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
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
    gap
        Band gaps, looked up or predicted.
    radius
        Distance within which left-out systems had a known crystal when the intervals were calibrated.
    """

    elasticity: ElasticityModel
    known: KnownModuli
    gap: GapModel
    radius: float

    @cached_property
    def scores(self) -> tuple[JointScores, JointScores]:
        """Errors of predicted moduli and of those of the table, in units of their scales."""
        left_out = self.elasticity.deviations
        predicted = JointScores.of(left_out.pairs, left_out.shear, left_out.bulk)
        return predicted, JointScores.normal(predicted.correlation)

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
            said = self.elasticity.predict(batch if len(asked) == len(batch) else batch.take(asked))
            centre[asked] = np.column_stack([said.log10_G, said.log10_K])
            scale[asked] = np.column_stack([said.scale_G, said.scale_K])
        held = np.flatnonzero(known != NOT_HELD)
        centre[held], scale[held] = self.known.centre_and_scale(known[held])
        return JointModuli(centre, scale, self.scores, np.where(known == NOT_HELD, PREDICTED, OF_TABLE))

    def gaps(self, batch: MaterialBatch, coverage: float, unknown_elements: Flags) -> GapAnswers:
        """Return band gaps with their intervals, NaN where an element is of no table."""
        return GapAnswers.of(self.gap, batch, coverage, unknown_elements)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return (
            self.elasticity.arrays()
            | self.known.arrays()
            | {f"{_GAP}{name}": array for name, array in self.gap.arrays().items()}
            | {"radius": np.array(self.radius)}
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> MechanicsModel:
        """Rebuild from `arrays()`."""
        return cls(
            ElasticityModel.from_arrays(arrays),
            KnownModuli.from_arrays(arrays),
            GapModel.from_arrays({k.removeprefix(_GAP): v for k, v in arrays.items() if k.startswith(_GAP)}),
            float(arrays["radius"]),
        )
