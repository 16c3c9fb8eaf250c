"""From what models say (`evidence`) to a belief about each objective (`beliefs`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.ranking.beliefs import Belief, Conformal, Known, Source
from serving.ranking.ccd_evidence import ccd_belief
from serving.ranking.density import density_belief
from serving.ranking.elements import element_price_USD_per_kg, supply_concentration
from serving.ranking.energy_beliefs import AboveHull, Hydrolysis, Margin, ResidualEnergy, Width, WindowLimit
from serving.ranking.evidence import COVERAGE, Evidence
from serving.ranking.laws import ScoreLaw
from serving.ranking.objectives import Objective
from serving.ranking.quantities import Quantity
from training.properties.stability.table import compositions
from training.thermodynamics.interphase import TOLERATED_V, lithium_interphases
from training.thermodynamics.window import window_draws
from training.uncertainty import InsufficientCalibrationError

Array = NDArray[np.float64]
Reasons = list[str | None]
N_ENERGIES = 9
"""Energies below the hull at which windows are computed."""
LOWEST_LEVEL = 1e-4
"""Share of the mass of a formation energy that lies below the lowest of them."""
HYDROLYSIS_SD_eV = 0.39
"""Mean deviation of computed from published energies of hydrolysis at 1 ppm of gas, 0.311 eV per H2O
(docs/science/stability.md), times sqrt(pi / 2): the deviation of a normal law with that mean."""
SHARED_ENERGY, SHARED_OTHER = 0.5, 0.5
"""Share of the error variance that similar compositions have in common where no model says it."""


class Believed(NamedTuple):
    """A belief about n candidates, and why nothing is believed of some."""

    belief: Belief
    missing: Reasons


class Believer:
    """Makes beliefs; what several objectives need is made once.

    Parameters
    ----------
    evidence
        Candidates and models.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._made: dict[object, Believed] = {}

    def believe(self, objective: Objective) -> Believed:
        """Return what is believed of an objective's quantity."""
        if objective.key not in self._made:
            self._made[objective.key] = self._makers[objective.quantity](objective)
        return self._made[objective.key]

    def shared(self) -> dict[Source, Array]:
        """Return the share of each source's error variance that similar compositions have in common, shape (n,)."""
        n = len(self.evidence)
        given = {source: np.full(n, SHARED_OTHER) for source in (Source.ACTIVATION, Source.CCD, Source.WATER)}
        given[Source.ENERGY] = np.full(n, SHARED_ENERGY)
        if self.evidence.sigma_said:
            said = next(iter(self.evidence.sigma_said.values()))
            hyper = self.evidence.conductivity.variants["formula"].ensemble.process.hyper
            latent = (said.novelty * hyper.sd_sigma) ** 2
            given[Source.SIGMA] = latent / (latent + hyper.noise_sigma**2)
        return given

    @property
    def _makers(self) -> dict[Quantity, Callable[[Objective], Believed]]:
        return {
            Quantity.SIGMA: self._sigma,
            Quantity.ACTIVATION_ENERGY: self._activation,
            Quantity.HULL: lambda _: Believed(AboveHull(self.residual), self._uncovered),
            Quantity.STABLE: lambda _: Believed(Known(self.residual.probability_stable), self._uncovered),
            Quantity.REDUCTION: lambda _: Believed(self.limits[0], self.evidence.no_window),
            Quantity.OXIDATION: lambda _: Believed(self.limits[1], self.evidence.no_window),
            Quantity.INTERPHASE: lambda _: Believed(self.interphase, self._uncovered),
            Quantity.WINDOW: lambda _: Believed(Width(*self.limits), self.evidence.no_window),
            Quantity.MARGIN: self._margin,
            Quantity.CCD: lambda objective: Believed(*ccd_belief(self.evidence, objective.at)),
            Quantity.HYDROLYSIS: lambda _: Believed(self.water[0], self._uncovered),
            Quantity.H2S: lambda _: Believed(self.water[1], self._uncovered),
            Quantity.PRICE: lambda _: Believed(*element_price_USD_per_kg(self.evidence.composition)),
            Quantity.SUPPLY: lambda _: Believed(*supply_concentration(self.evidence.composition)),
            Quantity.DENSITY: lambda _: Believed(*density_belief(self.evidence)),
        }

    def _sigma(self, objective: Objective) -> Believed:
        evidence = self.evidence
        said = evidence.conductivity_at(evidence.temperature_C(objective.at))
        names = list(evidence.conductivity.variants)
        variants = [evidence.conductivity.variants[name] for name in names]
        which = np.where(said.used_lattice, names.index("lattice") if "lattice" in names else 0, names.index("formula"))
        reach = np.array([variant.sigma_scale.factor(COVERAGE) for variant in variants])[which]
        sigma = said.log10_sigma_S_per_cm
        belief = Conformal(
            Source.SIGMA, sigma.value, (sigma.value - sigma.lower) / reach, (sigma.upper - sigma.value) / reach,
            tuple(ScoreLaw(variant.sigma_scale) for variant in variants), which,
        )  # fmt: skip
        return Believed(belief, [None] * len(evidence))

    def _activation(self, objective: Objective) -> Believed:
        evidence = self.evidence
        said = evidence.conductivity_at(evidence.temperature_C(objective.at))
        names = list(evidence.conductivity.variants)
        scales = [evidence.conductivity.variants[name].energy_scale for name in names]
        which = np.where(said.used_lattice, names.index("lattice") if "lattice" in names else 0, names.index("formula"))
        try:
            reach = np.array([scale.factor(COVERAGE) for scale in scales])[which]
        except InsufficientCalibrationError as error:
            n = len(evidence)
            return Believed(Known(np.full(n, np.nan)), [str(error)] * n)
        energy = said.activation_energy_eV
        width = (energy.upper - energy.value) / reach
        laws = tuple(ScoreLaw(scale) for scale in scales)
        belief = Conformal(Source.ACTIVATION, energy.value, width, width, laws, which, floor=0.0)
        return Believed(belief, [None] * len(evidence))

    @cached_property
    def residual(self) -> ResidualEnergy:
        """The formation energy less that of the competing mixture."""
        said, model = self.evidence.stability_said, self.evidence.stability
        law = ScoreLaw(model.calibration.residual)
        return ResidualEnergy(said.residual, said.scale, said.probability_stable, law)

    @cached_property
    def _uncovered(self) -> Reasons:
        missing = np.isnan(self.evidence.stability_said.residual)
        return [self.evidence.uncovered(i) if missing[i] else None for i in range(len(self.evidence))]

    @cached_property
    def interphase(self) -> Known:
        """The layer between material and lithium metal: a place in `training.thermodynamics.interphase.LEVELS`.

        Taken as known: the products follow from the composition and the table, the energy decides only whether there
        is a reaction, and the central one is taken. As for windows, a material above the hull counts as the mixture
        there.
        """
        said = self.evidence.stability_said
        energy = said.mixture + np.minimum(said.residual, 0.0)
        amounts = [candidate.amounts for candidate in self.evidence.candidates]
        return Known(lithium_interphases(self.evidence.stability.phases, amounts, energy, tolerated_V=TOLERATED_V))

    @cached_property
    def limits(self) -> tuple[WindowLimit, WindowLimit]:
        """Reduction and oxidation limit."""
        evidence, model = self.evidence, self.evidence.stability
        said, n = evidence.stability_said, len(evidence)
        without = np.array([reason is not None for reason in evidence.no_window], dtype=bool)
        energies, limits = np.zeros((N_ENERGIES, n)), np.full((2, N_ENERGIES, n), np.nan)
        value = np.full((2, n), np.nan)
        if said.said is not None:
            found = (said.said.reduction_V.value, said.said.oxidation_V.value)
            value[:, said.covered] = found
            limits[:, :, said.covered] = np.stack(found)[:, None]
        value[:, without], limits[:, :, without] = np.nan, np.nan
        drawn = np.flatnonzero(~without & (said.scale > 0.0))
        if len(drawn):
            lowest = np.minimum(self.residual.take(drawn).at(np.full((1, len(drawn)), LOWEST_LEVEL))[0], 0.0)
            energies[:, drawn] = np.linspace(1.0, 0.0, N_ENERGIES)[:, None] * lowest
            atomic_number, fraction = compositions(evidence.batch.take(drawn))
            own = said.mixture[drawn] + energies[:, drawn]
            limits[:, :, drawn] = window_draws(model.phases, atomic_number, fraction, own_energy_eV_per_atom=own)
        errors = (model.reduction_error_V, model.oxidation_error_V)
        sources = (Source.REDUCTION, Source.OXIDATION)
        reduction, oxidation = (
            WindowLimit(sources[j], self.residual, energies, limits[j], value[j], ScoreLaw(errors[j])) for j in (0, 1)
        )
        return reduction, oxidation

    def _margin(self, objective: Objective) -> Believed:
        electrode = objective.electrode
        assert electrode is not None
        reduction, oxidation = self.limits
        positive = electrode.side == "positive"
        margin = Margin(oxidation, electrode.high_V) if positive else Margin(reduction, electrode.low_V)
        return Believed(margin, self.evidence.no_window)

    @cached_property
    def water(self) -> tuple[Hydrolysis, Known]:
        """Reaction with moist air: its energy, and the hydrogen sulfide given off per mass."""
        from serving.ranking.water import hydrolysis_of

        said = self.evidence.stability_said
        found = hydrolysis_of(
            self.evidence.stability.phases, [candidate.amounts for candidate in self.evidence.candidates],
            np.where(said.scale > 0.0, said.mixture + said.residual, np.nan), said.covered,
        )  # fmt: skip
        belief = Hydrolysis(self.residual, found.energy_eV_per_H2O, found.slope, HYDROLYSIS_SD_eV)
        return belief, Known(found.h2s_mmol_per_g)


def believe_all(believer: Believer, objectives: Sequence[Objective]) -> list[Believed]:
    """Return what is believed of each objective."""
    return [believer.believe(objective) for objective in objectives]
