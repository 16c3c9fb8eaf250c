"""What the conductivity model says of many materials, computed as far as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.errors import WarningCode
from training.applicability import N_NEAREST, Neighbour
from training.properties.conditions import RELATIVE_DENSITY, chose
from training.properties.conductivity.arrhenius import TRUSTED_RANGE_C
from training.properties.conductivity.explanation import explanations_of
from training.properties.conductivity.explanation_block import WITHOUT_EXPLAINER, explanation_block
from training.properties.conductivity.familiarity import LARGEST_NOVELTY, Strangeness, in_domain
from training.properties.conductivity.measured_states import disagreement_words, in_state_words, measured_blocks
from training.properties.conductivity.model import ConductivityModel, ConductivityPrediction
from training.properties.conductivity.phase_changes import PhaseChange, crossed
from training.properties.conductivity.population import POPULATION, REPORTED
from training.properties.conductivity.sample import CONTRIBUTION, STATE, are_bulk, are_garnets, sample_shift
from training.properties.conductivity.samples import Pairs
from training.properties.contract import BY_STATE, DECIMALS, Array, Flags, Judgement, Query, Warn
from training.properties.material_warnings import not_charge_balanced
from training.uncertainty import Interval

MEASURED_BASIS = "measured + model"
THRESHOLDS = {"1e-10": -10.0, "1e-4": -4.0, "1e-3": -3.0}


class ConductivityJudgement(Judgement):
    """Conductivity of n materials, each at its own temperature.

    Parameters
    ----------
    model
        What judges.
    query
        The materials.
    ignored
        Names of the conditions on which conductivity does not depend.
    """

    def __init__(self, model: ConductivityModel, query: Query, ignored: Sequence[str]) -> None:
        super().__init__(query)
        self._model = model
        self._ignored = ignored

    @cached_property
    def temperature_C(self) -> Array:
        """Shape (n,)."""
        return self.query.conditions.temperature_C()

    @cached_property
    def prediction(self) -> ConductivityPrediction:
        """What the model says."""
        return self._model.predict(
            self.query.batch,
            self.temperature_C,
            self.query.coverage,
            tuple(THRESHOLDS.values()),
            sample_shift(self._composition, self.query.conditions),
            chose(self.query.conditions, POPULATION, REPORTED),
        )

    @cached_property
    def basis(self) -> list[str]:
        """On what each answer stands."""
        said = self.prediction
        alone = np.where(said.used_lattice, "formula and unit cell", "formula")
        return [str(word) for word in np.where(said.measured.papers > 0.0, MEASURED_BASIS, alone)]

    @cached_property
    def _samples(self) -> Pairs:
        found = self.prediction.pairs
        return self._model.known.of_materials(self._composition) if found is None else found

    @cached_property
    def _composition(self) -> Array:
        return self.query.batch.matrix()

    @cached_property
    def _around(self) -> tuple[Array, list[list[Neighbour]]]:
        """Distances in composition, and the nearest materials as answers name them."""
        return self._model.domain.describe(self._composition, N_NEAREST)

    def adopting(self, whole: Judgement, rows: NDArray[np.int64]) -> Self:
        """See `contract.Judgement.adopting`."""
        assert isinstance(whole, ConductivityJudgement)
        vars(self)["prediction"] = whole.prediction.take(rows)
        return self

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """See `contract.Judgement`."""
        said = self.prediction
        return {"log10_sigma_S_per_cm": said.log10_sigma_S_per_cm, "activation_energy_eV": said.activation_energy_eV}

    @cached_property
    def in_domain(self) -> Flags:
        """Whether the model knows the like of each material."""
        said = self.prediction
        strange = Strangeness(said.distance, said.domain_radius, said.novelty)
        return in_domain(self._model.domain, self._composition, self._around[0], strange)

    @property
    def distance(self) -> Array:
        """From 0, the like is known and agrees, to 1."""
        return self.prediction.distance

    @property
    def domain(self) -> Mapping[str, Array]:
        """See `contract.Judgement`."""
        said = self.prediction
        return {
            "domain_radius": said.domain_radius,
            "composition_distance": self._around[0],
            "composition_radius": np.full(len(self), self._model.domain.radius),
            "novelty": said.novelty,
        }

    def nearest(self, count: int) -> list[list[dict[str, Any]]]:
        """Return measured materials, nearest in composition first."""
        around = self._around
        known = around[1] if count <= N_NEAREST else self._model.domain.describe(self._composition, count)[1]
        return [[neighbour.as_dict() for neighbour in row[:count]] for row in known]

    @property
    def numbers(self) -> Mapping[str, Array]:
        """See `contract.Judgement`; NaN where a unit cell was known: others build on what formulas say.

        What is stated of the sample is left out: who builds on this number hears of it himself.
        """
        said = self.prediction
        return {"log10_sigma": np.where(said.used_lattice, np.nan, said.log10_sigma_25C)}

    @cached_property
    def warnings(self) -> Sequence[Warn]:
        """See `contract.Judgement`."""
        low, high = TRUSTED_RANGE_C
        degrees = self.temperature_C
        stated = self.query.conditions.stated(self._ignored)
        new: Flags = np.asarray(((self._composition > 0) & ~self._model.domain.known_elements).any(axis=1))
        return (
            not_charge_balanced(self.query),
            Warn(WarningCode.TEMPERATURE_EXTRAPOLATED, (degrees < low) | (degrees > high), self._extrapolation_words),
            *self._phase_warnings(),
            self._measurement_warning(),
            Warn(WarningCode.UNSEEN_ELEMENT, new, self._unseen_words),
            Warn(WarningCode.OUT_OF_DOMAIN, ~new & ~self.in_domain, self._domain_words),
            Warn(WarningCode.CONDITION_IGNORED, stated, self._ignored_words),
            *self._sample_warnings(),
        )

    def _extrapolation_words(self, row: int) -> str:
        (low, high), degrees = TRUSTED_RANGE_C, self.temperature_C[row]
        return f"{degrees:g} C lies outside {low:g} to {high:g} C: phase changes and melting are not known to the model"

    def _phase_warnings(self) -> list[Warn]:
        changes = crossed(self._composition, self.temperature_C)
        counts = np.array([len(found) for found in changes])

        def warning_of(number: int) -> Warn:
            return Warn(WarningCode.PHASE_CHANGE, counts > number, lambda row: words(changes[row][number], row))

        def words(change: PhaseChange, row: int) -> str:
            return (
                f"between 25 C and {self.temperature_C[row]:g} C, near {change.temperature_C:g} C, lies a change of"
                f" {change.formula} that the model does not know of: {change.kind} ({change.source})"
            )

        return [warning_of(number) for number in range(int(counts.max(initial=0)))]

    def _measurement_warning(self) -> Warn:
        domain = self._model.domain
        formulas = [domain.disagreement_at(known[0]) for known in self._around[1]]

        def words(row: int) -> str:
            formula = formulas[row] or ""
            whole, by_state = disagreement_words(self._model.samples, domain.disagreeing[formula], formula)
            return f"conductivity: {whole}{BY_STATE}{by_state}"

        rows = np.array([formula is not None for formula in formulas], dtype=bool)
        return Warn(WarningCode.MEASUREMENTS_DISAGREE, rows, words)

    def _unseen_words(self, row: int) -> str:
        (names,) = self._model.domain.unseen_elements(self._composition[[row]])
        return f"no measured material of the tables holds {', '.join(names)}"

    def _domain_words(self, row: int) -> str:
        said = {name: float(column[row].round(DECIMALS)) for name, column in self.domain.items()}
        said["distance"] = float(self.distance[row].round(DECIMALS))
        beyond = [
            f"{name} {said[key]:.2f} above {limit:.2f}"
            for name, key, limit in (
                ("distance", "distance", said["domain_radius"]),
                ("distance in composition", "composition_distance", said["composition_radius"]),
                ("novelty", "novelty", LARGEST_NOVELTY),
            )
            if said[key] > limit
        ]
        return (
            f"conductivity: unfamiliar chemistry ({', '.join(beyond)}): trust the interval more than the value, and"
            " neither much"
        )

    def _ignored_words(self, row: int) -> str:
        given = [name for name in self._ignored if self.query.conditions.stated([name])[row]]
        return f"conductivity does not depend on {', '.join(given)} here"

    def _sample_warnings(self) -> tuple[Warn, ...]:
        """Say of what is stated of a sample where it moves nothing."""
        conditions, garnets = self.query.conditions, are_garnets(self._composition)
        states = conditions.texts[STATE.name]

        def of_state(row: int) -> str:
            own = self._samples.sample[self._samples.candidate == row]
            return in_state_words(self._model.known, own.tolist(), states[row])

        def without_law(row: int) -> str:
            stated = (RELATIVE_DENSITY.name, CONTRIBUTION.name)
            given = [name for name in stated if conditions.stated([name])[row]]
            return (
                f"conductivity: {' and '.join(given)} moves answers of garnets alone: too few others were measured so"
            )

        def led(row: int) -> str:
            return f"conductivity: {POPULATION.name} moves what the model says alone, and here measurements lead"

        moved_by = conditions.stated([RELATIVE_DENSITY.name]) | are_bulk(conditions)
        is_led = chose(conditions, POPULATION, REPORTED) & (self.prediction.measured.papers > 0.0)
        return (
            Warn(WarningCode.CONDITION_IGNORED, moved_by & ~garnets, without_law),
            Warn(WarningCode.CONDITION_IGNORED, conditions.stated([STATE.name]), of_state),
            Warn(WarningCode.CONDITION_IGNORED, is_led, led),
        )

    def details(self) -> Sequence[Mapping[str, Any]]:
        """Return what was measured, the model alone, probabilities above the thresholds, temperature and basis."""
        said = self.prediction
        above = np.array([said.probability_above[level] for level in THRESHOLDS.values()]).T.round(DECIMALS).tolist()
        of_sample = sample_shift(self._composition, self.query.conditions)
        moved = {
            "sample_shift_decades": of_sample.round(DECIMALS),
            "towards_reported_decades": (said.stated - of_sample).round(DECIMALS),
        }
        columns = zip(
            measured_blocks(self._model.known, self._samples, said, self.temperature_C),
            said.of_model.round(DECIMALS).tolist(),
            above,
            self.temperature_C.tolist(),
            self.basis,
            strict=True,
        )
        return [
            {
                "measured": measured,
                "log10_sigma_S_per_cm": None,
                "activation_energy_eV": None,
                "model_log10_sigma_S_per_cm": of_model,
                "probability_sigma_above_S_per_cm": dict(zip(THRESHOLDS, probabilities, strict=True)),
                "temperature_C": temperature,
                "basis": basis,
                **{name: float(decades[row]) for name, decades in moved.items() if decades[row]},
            }
            for row, (measured, of_model, probabilities, temperature, basis) in enumerate(columns)
        ]

    def explanations(self) -> Sequence[Mapping[str, Any]]:
        """See `contract.Judgement`."""
        found = explanations_of(self._model, self.query.batch, self.prediction)
        if found is None:
            return [{"explanation": None, "explanation_reason": WITHOUT_EXPLAINER}] * len(self)
        values = self.prediction.log10_sigma_S_per_cm.value.round(DECIMALS).tolist()
        return [{"explanation": explanation_block(found, row, value)} for row, value in enumerate(values)]
