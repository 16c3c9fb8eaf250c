"""What the served models say about candidates, as arrays: the ground of all beliefs.

Models are asked once for all candidates and only if an objective needs them; answer documents are not written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, Candidate, MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from serving.answers.conditions import Conditions
from serving.models.store import ModelUnavailableError, ServedModel
from training.properties.conductivity.familiarity import is_familiar
from training.properties.stability.model import StabilityPrediction

if TYPE_CHECKING:
    from training.properties.ccd.model import CcdModel
    from training.properties.conductivity.model import ConductivityModel, ConductivityPrediction
    from training.properties.stability.model import StabilityModel

Array = NDArray[np.float64]
COVERAGE = 0.9
NO_LITHIUM = "no lithium: a window against Li/Li+ is not defined"


@dataclass(frozen=True, eq=False)
class StabilityEvidence:
    """What the stability model says; every array of shape (n,), NaN for rows of elements that it does not cover."""

    covered: NDArray[np.int64]
    said: StabilityPrediction | None
    residual: Array
    scale: Array
    probability_stable: Array
    mixture: Array
    in_domain: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Candidates, their conditions, and what models say when asked.

    Parameters
    ----------
    candidates, conditions
        Of equal length n.
    models
        The served ones.
    sigma_said
        What the conductivity model said, by the bytes of the temperatures.
    """

    candidates: Sequence[Candidate]
    conditions: Sequence[Conditions]
    models: Mapping[str, ServedModel]
    sigma_said: dict[bytes, ConductivityPrediction] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.candidates)

    @cached_property
    def batch(self) -> MaterialBatch:
        """The candidates as arrays."""
        return MaterialBatch.from_candidates(self.candidates)

    @cached_property
    def composition(self) -> Array:
        """Atomic fractions, shape (n, 103)."""
        return self.batch.matrix()

    @cached_property
    def charge_imbalance(self) -> Array:
        """Charges per atom that no common oxidation states balance, shape (n,)."""
        return assign_ions(self.batch).charge_imbalance

    @property
    def balanced(self) -> NDArray[np.bool_]:
        """Whether common oxidation states balance each formula."""
        balanced: NDArray[np.bool_] = np.abs(self.charge_imbalance) <= NEUTRALITY_TOLERANCE
        return balanced

    @property
    def conductivity(self) -> ConductivityModel:
        """The served model."""
        model: ConductivityModel = self._model("conductivity")
        return model

    @property
    def stability(self) -> StabilityModel:
        """The served model."""
        model: StabilityModel = self._model("stability")
        return model

    @property
    def ccd(self) -> CcdModel:
        """The served model."""
        model: CcdModel = self._model("ccd")
        return model

    def _model(self, name: str) -> Any:  # noqa: ANN401
        if name not in self.models:
            raise ModelUnavailableError(f"this installation serves no {name} model")
        return self.models[name].model

    def temperature_C(self, at: Conditions) -> Array:
        """Return the temperature meant: the objective's, else the row's, else room temperature; shape (n,)."""
        own = [c.temperature_C if at.temperature_C is None else at.temperature_C for c in self.conditions]
        return np.array([ROOM_TEMPERATURE_C if value is None else value for value in own], dtype=float)

    def conductivity_at(self, temperature_C: Array) -> ConductivityPrediction:
        """Return what the conductivity model says at temperatures of shape (n,); remembered."""
        key = temperature_C.tobytes()
        if key not in self.sigma_said:
            self.sigma_said[key] = self.conductivity.predict(self.batch, temperature_C, COVERAGE, ())
        return self.sigma_said[key]

    @cached_property
    def stability_said(self) -> StabilityEvidence:
        """What the stability model says of the rows whose elements it covers."""
        model, n = self.stability, len(self)
        covered = np.flatnonzero([not elements for elements in model.uncovered_elements(self.batch)])
        columns = {name: np.full(n, np.nan) for name in ("residual", "scale", "stable", "mixture")}
        inside = np.zeros(n, dtype=np.bool_)
        if not len(covered):
            return _stability_evidence(covered, None, columns, inside)
        said = model.predict(self.batch.take(covered), COVERAGE)
        energy = said.decomposition_energy_eV_per_atom
        columns["residual"][covered] = energy.value
        columns["scale"][covered] = (energy.upper - energy.lower) / (2 * model.calibration.residual.factor(COVERAGE))
        columns["stable"][covered] = said.probability_stable
        columns["mixture"][covered] = said.competing.energy_eV_per_atom
        inside[covered] = said.in_domain
        return _stability_evidence(covered, said, columns, inside)

    @cached_property
    def conductivity_in_domain(self) -> NDArray[np.bool_]:
        """Whether the conductivity model knows the like of each candidate, shape (n,)."""
        model = self.conductivity
        said = self.conductivity_at(self.temperature_C(Conditions()))
        inside = model.domain.in_domain(model.domain.distances(self.composition), self.composition)
        known: NDArray[np.bool_] = inside & is_familiar(said.distance, said.domain_radius, said.novelty)
        return known

    @cached_property
    def no_window(self) -> list[str | None]:
        """Why a candidate has no window, None where it has one."""
        said = self.stability_said
        reasons: list[str | None] = []
        balanced = self.balanced
        limits = np.full(len(self), np.nan)
        if said.said is not None:
            limits[said.covered] = said.said.reduction_V.value
        for i, candidate in enumerate(self.candidates):
            if np.isnan(said.residual[i]):
                reasons.append(self.uncovered(i))
            elif "Li" not in candidate.amounts:
                reasons.append(NO_LITHIUM)
            elif len(candidate.amounts) == 1:
                reasons.append("an element alone has no window")
            elif not balanced[i]:
                left = f"{self.charge_imbalance[i]:+.2f} charges per atom are left"
                reasons.append(f"no common oxidation states balance the formula ({left}): its window means nothing")
            else:
                reasons.append("the phase equilibrium did not converge" if np.isnan(limits[i]) else None)
        return reasons

    def uncovered(self, row: int) -> str:
        """Return which elements of a row the table of energies does not cover."""
        elements = self.stability.uncovered_elements(self.batch.take(np.array([row])))[0]
        return f"the table of formation energies holds no compound of {', '.join(elements)}"


def _stability_evidence(
    covered: NDArray[np.int64],
    said: StabilityPrediction | None,
    columns: Mapping[str, Array],
    inside: NDArray[np.bool_],
) -> StabilityEvidence:  # fmt: skip
    return StabilityEvidence(
        covered, said, columns["residual"], columns["scale"], columns["stable"], columns["mixture"], inside
    )
