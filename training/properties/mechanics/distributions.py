"""Predictive distributions: moduli and all that follows from them share two errors, the band gap has its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.distributions import HALF, Bound, Chance, Errors, Predictive
from training.elasticity import (
    fracture_toughness_MPa_m05,
    overpotential_into_flaw_mV,
    poisson_of_pugh,
    volume_per_atom_A3,
)
from training.properties.contract import Quantity
from training.properties.mechanics import quantities as names
from training.properties.mechanics.joint_moduli import N_DRAWS, JointModuli, log10_youngs_modulus
from training.properties.mechanics.judgement import MechanicsJudgement
from training.properties.outputs import ModelOutputs, distribution_of_intervals

Array = NDArray[np.float64]
OfModuli = Callable[[Array], Array]
SHEAR_ERROR, BULK_ERROR = "shear modulus", "bulk modulus beside the shear modulus"
"""Sources of error."""

OF_MODULI: Mapping[str, OfModuli] = {
    names.YOUNG.name: lambda log10: 10.0 ** log10_youngs_modulus(log10),
    names.SHEAR.name: lambda log10: 10.0 ** log10[..., 0],
    names.BULK.name: lambda log10: 10.0 ** log10[..., 1],
    names.PUGH.name: lambda log10: 10.0 ** (log10[..., 1] - log10[..., 0]),
    names.POISSON.name: lambda log10: poisson_of_pugh(10.0 ** (log10[..., 1] - log10[..., 0])),
}


@dataclass(frozen=True, eq=False)
class FromModuli:
    """A quantity that follows from shear and bulk modulus.

    Parameters
    ----------
    moduli
        Of n candidates.
    of_moduli
        From log10 of both in the last axis to the quantity.
    factor
        Of each candidate, by which that is multiplied, shape (n,).
    """

    moduli: JointModuli
    of_moduli: OfModuli
    factor: Array
    sources: tuple[str, ...] = (SHEAR_ERROR, BULK_ERROR)

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""
        log10 = self.moduli.of_normal(errors[SHEAR_ERROR], errors[BULK_ERROR])
        return self.of_moduli(log10) * self.factor

    def central(self) -> Array:
        """Return the model's answer."""
        return self.of_moduli(self.moduli.centre) * self.factor

    def take(self, rows: NDArray[np.int64]) -> FromModuli:
        """Return the chosen candidates."""
        return FromModuli(self.moduli.take(rows), self.of_moduli, self.factor[rows])

    def chance(self, group: Sequence[Bound], composition: Array) -> Chance:
        """Return the share of joint draws in which all bounds of the group hold."""
        held = np.ones((len(self.moduli), N_DRAWS), dtype=np.bool_)
        drawn = self.moduli.drawn(slice(None))
        for bound in group:
            one = bound.distribution
            assert isinstance(one, FromModuli)
            values = one.of_moduli(drawn) * one.factor[:, None]
            held &= (values >= bound.low) & (values <= bound.high)
        share = np.where(np.isnan(self.central()), np.nan, held.mean(axis=1))
        return Chance(share, np.sqrt(share * (1.0 - share) / N_DRAWS), "quadrature")


def distribution(quantity: Quantity, outputs: ModelOutputs) -> Predictive:
    """See `contract.Property.distribution`."""
    if quantity in (names.GAP, names.PROBABILITY_METAL):
        return distribution_of_intervals(names.NAME, quantity, outputs)
    judged, n = outputs.judged(names.NAME), len(outputs)
    judgement = judged.judgement
    assert isinstance(judgement, MechanicsJudgement)  # nothing is refused
    of_moduli, factor = OF_MODULI.get(quantity.name, _root_of_product), np.ones(n)
    if quantity is names.GRIFFITH:
        factor = _mV_per_GPa(judgement)
    shared = {SHEAR_ERROR: np.full(n, HALF), BULK_ERROR: np.full(n, HALF)}
    return Predictive(FromModuli(judgement.moduli, of_moduli, factor), judged.missing, shared)


def _root_of_product(log10: Array) -> Array:
    """Return the geometric mean of both moduli, to which fracture toughness is proportional."""
    result: Array = 10.0 ** (log10.sum(axis=-1) / 2.0)
    return result


def _mV_per_GPa(judgement: MechanicsJudgement) -> Array:
    one = np.ones(len(judgement))
    toughness = fracture_toughness_MPa_m05(one, one, volume_per_atom_A3(judgement.query.batch.lattice))
    return overpotential_into_flaw_mV(toughness, judgement.flaw_size_um)
