"""What the mechanics model says of many materials, computed as far as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.elements import SYMBOLS
from features.errors import WarningCode
from training.crystals import MATBENCH_DOI
from training.elasticity import (
    DUCTILE_FROM,
    MONROE_NEWMAN_GPa,
    fracture_toughness_MPa_m05,
    overpotential_into_flaw_mV,
    poisson_of_pugh,
    volume_per_atom_A3,
)
from training.properties.contract import DECIMALS, Array, Flags, Judgement, Query, Warn, rounded
from training.properties.mechanics import quantities as names
from training.properties.mechanics.gap_answers import GapAnswers
from training.properties.mechanics.glasses import usually_glass
from training.properties.mechanics.joint_moduli import JointModuli
from training.properties.mechanics.known_moduli import NOT_HELD
from training.properties.mechanics.model import MechanicsModel
from training.uncertainty import Interval

MONROE_NEWMAN_CAVEAT = (
    "lithium grows through garnets and sulfides whose shear modulus is above it: along grain boundaries, pores and"
    " flaws, which the criterion does not know"
)
SHEAR, BULK = 0, 1


class MechanicsJudgement(Judgement):
    """Elastic moduli and band gap of the dense crystal of each composition.

    Parameters
    ----------
    model
        What judges.
    query
        n materials; the flaw size of its conditions counts for the overpotential alone.
    """

    def __init__(self, model: MechanicsModel, query: Query) -> None:
        super().__init__(query)
        self._model = model

    @cached_property
    def moduli(self) -> JointModuli:
        """Joint distribution of shear and bulk modulus, NaN where an element is in no table."""
        return self._model.moduli(self.query.batch, self.known, ~self._covered)

    @cached_property
    def gaps(self) -> GapAnswers:
        """Band gaps, NaN where an element is in no table."""
        return self._model.gaps(self.query.batch, self.query.coverage, ~self._covered)

    @cached_property
    def known(self) -> NDArray[np.int64]:
        """Row of each composition in the table of moduli, `NOT_HELD` where it has none."""
        return self._model.known.find(self.query.batch)

    @cached_property
    def _missing_elements(self) -> Flags:
        missing: Flags = (self.query.batch.matrix() > 0) & ~self._model.known.elements
        return missing

    @property
    def _covered(self) -> Flags:
        covered: Flags = ~np.logical_or.reduce(self._missing_elements, axis=1)
        return covered

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """See `contract.Judgement`."""
        moduli, coverage = self.moduli, self.query.coverage
        pugh = _power(moduli.combination((-1.0, 1.0), coverage))
        said = {
            names.YOUNG: _power(moduli.log10_youngs_modulus(coverage)),
            names.SHEAR: _power(moduli.log10_modulus(SHEAR, coverage)),
            names.BULK: _power(moduli.log10_modulus(BULK, coverage)),
            names.POISSON: Interval(*(poisson_of_pugh(end) for end in pugh)),
            names.PUGH: pugh,
            names.GRIFFITH: Interval(*(overpotential_into_flaw_mV(end, self.flaw_size_um) for end in self.toughness)),
            names.GAP: self.gaps.interval,
            names.PROBABILITY_METAL: Interval(*[self.gaps.probability_metal] * 3),
        }
        return {quantity.name: interval for quantity, interval in said.items()}

    @cached_property
    def toughness(self) -> Interval:
        """Fracture toughness in MPa m^0.5."""
        both = _power(self.moduli.combination((0.5, 0.5), self.query.coverage))
        volume = volume_per_atom_A3(self.query.batch.lattice)
        return Interval(*(fracture_toughness_MPa_m05(mean, mean, volume) for mean in both))

    @property
    def flaw_size_um(self) -> Array:
        """As stated, else the usual one."""
        stated = self.query.conditions.numbers[names.FLAW_SIZE.name]
        return np.where(np.isnan(stated), names.DEFAULT_FLAW_SIZE_um, stated)

    @cached_property
    def _nearest_one(self) -> Array:
        return self._model.known.distance(self.query.batch)[1][:, 0]

    @property
    def distance(self) -> Array:
        """Half-L1 distance to the nearest composition whose moduli were computed."""
        return self._nearest_one

    @property
    def in_domain(self) -> Flags:
        """Whether each material lies among compositions whose moduli were computed."""
        inside: Flags = self._covered & (self.distance <= self._model.radius)
        return inside

    @property
    def domain(self) -> Mapping[str, Array]:
        """See `contract.Judgement`."""
        return {"domain_radius": np.full(len(self), self._model.radius)}

    def nearest(self, count: int) -> list[list[dict[str, Any]]]:
        """Return compositions of the table, nearest first; `value` is Young's modulus in GPa."""
        known = self._model.known
        rows, apart = known.distance(self.query.batch, count)
        young = known.youngs_modulus_GPa
        return [
            [
                {
                    "formula": known.formula(row),
                    "value": round(float(young[row]), 2),
                    "shear_modulus_GPa": round(float(10.0 ** known.polymorphs.median[row, SHEAR]), 2),
                    "bulk_modulus_GPa": round(float(10.0 ** known.polymorphs.median[row, BULK]), 2),
                    "doi": MATBENCH_DOI,
                    "distance": round(between, DECIMALS),
                }
                for row, between in zip(*pair, strict=True)
                if row != NOT_HELD
            ]
            for pair in zip(rows.tolist(), apart.tolist(), strict=True)
        ]

    @cached_property
    def reasons(self) -> Sequence[str | None]:
        """Say which elements occur in no crystal of the tables."""
        out: list[str | None] = [None] * len(self)
        for row in np.flatnonzero(~self._covered).tolist():
            missing = ", ".join(SYMBOLS[place] for place in np.flatnonzero(self._missing_elements[row]).tolist())
            out[row] = f"no crystal of the tables of moduli and band gaps holds {missing}"
        return out

    @cached_property
    def warnings(self) -> Sequence[Warn]:
        """See `contract.Judgement`."""
        return (
            Warn(WarningCode.CRYSTAL_MEANT, usually_glass(self.query.batch), lambda row: _GLASS),
            Warn(WarningCode.OUT_OF_DOMAIN, ~self.in_domain & self._covered, self._domain_words),
        )

    def _domain_words(self, row: int) -> str:
        return (
            f"mechanics: far from crystals whose moduli were computed (distance {self.distance[row]:.2f}): trust the"
            " interval more than the value"
        )

    @property
    def basis(self) -> list[str]:
        """Whether moduli are of the table or of the model."""
        return ["model" if row == NOT_HELD else "table" for row in self.known.tolist()]

    @property
    def band_gap_basis(self) -> list[str]:
        """Whether band gaps are of the table or of the model."""
        return self.gaps.basis

    @cached_property
    def probability_ductile(self) -> Array:
        """Probability that the Pugh ratio lies above `DUCTILE_FROM`."""
        return self.moduli.probability_above((-1.0, 1.0), float(np.log10(DUCTILE_FROM)))

    @cached_property
    def probability_monroe_newman(self) -> Array:
        """Probability that the shear modulus is above twice lithium's."""
        return self.moduli.probability_above((1.0, 0.0), float(np.log10(MONROE_NEWMAN_GPa)))

    def details(self) -> Sequence[Mapping[str, Any]]:
        """Return where numbers come from, and what they say of a cell."""
        count = np.where(self.known == NOT_HELD, 0, self._model.known.polymorphs.n_crystals[self.known])
        numbers = {
            "polymorphs": count.tolist(),
            "probability_ductile": rounded(self.probability_ductile),
            "fracture_toughness_MPa_m05": rounded(self.toughness.value),
            "flaw_size_um": rounded(self.flaw_size_um),
        }
        stiff, gaps, basis = rounded(self.probability_monroe_newman), self.gaps.details(), self.basis
        return [
            {
                "basis": basis[row],
                **{name: column[row] for name, column in numbers.items()},
                "monroe_newman": {
                    "probability": stiff[row],
                    "shear_modulus_above_GPa": MONROE_NEWMAN_GPa,
                    "caveat": MONROE_NEWMAN_CAVEAT,
                },
                **gaps[row],
            }
            for row in range(len(self))
        ]


_GLASS = (
    "mechanics: such oxynitrides are glasses when they are made; moduli and band gap are those of a crystal, and a"
    " glass is softer (LiPON: 77 GPa by nanoindentation, doi 10.1016/j.tsf.2011.07.068)"
)


def _power(log10: Interval) -> Interval:
    return Interval(*(10.0**end for end in log10))
