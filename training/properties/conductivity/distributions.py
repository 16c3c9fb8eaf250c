"""Predictive distributions of conductivity, at all temperatures with one error, and of its activation energy."""

from __future__ import annotations

import numpy as np

from features.crystal import LABELS
from training.distributions import HALF, ConformalDistribution, KnownValue, Predictive, ScoreDistribution
from training.properties.conductivity import quantities as names
from training.properties.conductivity.judgement import ConductivityJudgement
from training.properties.conductivity.model import ConductivityModel, ConductivityPrediction
from training.properties.contract import Array, Made, Quantity
from training.properties.outputs import ModelOutputs
from training.uncertainty import ConformalScale, InsufficientCalibrationError

SIGMA_ERROR, ENERGY_ERROR = "conductivity", "activation energy"
"""Sources of error."""


def distribution(quantity: Quantity, outputs: ModelOutputs) -> Predictive:
    """See `contract.Property.distribution`."""
    judged = outputs.judged(names.NAME)
    if judged.judgement is None:
        return Predictive(KnownValue(np.full(len(outputs), np.nan)), judged.missing)
    assert isinstance(judged.judgement, ConductivityJudgement)
    model: ConductivityModel = outputs.models[names.NAME]
    said, coverage = judged.judgement.prediction, judged.judgement.query.coverage
    return _sigma(model, said, coverage) if quantity == names.SIGMA else _activation_energy(model, said, coverage)


def _sigma(model: ConductivityModel, said: ConductivityPrediction, coverage: float) -> Predictive:
    found = model.scales_of(said.used_lattice, said.measured)
    scales = [scale for scale, _ in found]
    which = np.argmax([rows for _, rows in found], axis=0)
    reach = np.array([scale.factor(coverage) for scale in scales])[which]
    sigma = said.log10_sigma_S_per_cm
    below, above = (sigma.value - sigma.lower) / reach, (sigma.upper - sigma.value) / reach
    law = ConformalDistribution(SIGMA_ERROR, sigma.value, below, above, _scores(scales), which)
    hyper = model.variants["formula"].ensemble.process.hyper
    latent = (said.novelty * hyper.sd_sigma) ** 2
    return Predictive(law, [None] * len(which), {SIGMA_ERROR: latent / (latent + hyper.noise_sigma**2)})


def _activation_energy(model: ConductivityModel, said: ConductivityPrediction, coverage: float) -> Predictive:
    scales = [variant.energy_scale for variant in model.variants.values()]
    which = _variant_of_rows(model, said)
    n = len(which)
    try:
        reach = np.array([scale.factor(coverage) for scale in scales])[which]
    except InsufficientCalibrationError as error:
        return Predictive(KnownValue(np.full(n, np.nan)), [str(error)] * n)
    energy = said.activation_energy_eV
    width = (energy.upper - energy.value) / reach
    found = ConformalDistribution(ENERGY_ERROR, energy.value, width, width, _scores(scales), which, floor=0.0)
    return Predictive(found, [None] * n, {ENERGY_ERROR: np.full(n, HALF)})


def _variant_of_rows(
    model: ConductivityModel, said: ConductivityPrediction
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return which variant answered each row, shape (n,)."""
    known = list(model.variants)
    with_cell = known.index("lattice") if "lattice" in known else 0
    return np.where(said.used_lattice, with_cell, known.index("formula"))


def _scores(scales: list[ConformalScale]) -> tuple[ScoreDistribution, ...]:
    return tuple(ScoreDistribution(scale) for scale in scales)


def made(model: ConductivityModel) -> Made:
    """See `contract.Property.made`."""
    deck = model.variants["formula"].ensemble.hot_deck
    volume: Array = deck.crystal[:, LABELS.index("volume_per_atom_A3")] if len(deck.crystal) else np.zeros(0)
    usable = np.isfinite(volume) & (volume > 0.0)
    return Made(model.domain, deck.composition[usable], volume[usable])
