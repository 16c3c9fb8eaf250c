"""Whether a solid stops electrons, judged by its PBE band gap; undecided where gaps do not tell.

A reacted layer that shall not grow may conduct about 1e-12 S/cm (`training.thermodynamics.conduction` says why). A pure
semiconductor conducts q (mu_e + mu_h) sqrt(Nc Nv) exp(-E / 2kT): with 2.5e19 states/cm3 in either band and mobilities
of 1 cm2/Vs each that is 1e-12 S/cm at 25 C for a gap E of 1.5 eV. Measured gaps lie some 0.6 eV above those of PBE
where these are 0.5 to 4 eV (`gap_evaluation.measured_gaps`), so 1 eV of PBE is asked, as Sendek et al. do to keep
electronic conductors out: Energy Environ. Sci. 10, 306 (2017), doi 10.1039/c6ee02697d.

Below that a gap decides nothing: Li3P (0.7 eV) protects, Li3Sb (0.6 eV) and Fe3O4 (0.6 eV) conduct by electrons that
their defects or their mixed valence leave. So the rule of `conduction` is asked there, as it is for elements (the table
lists hypothetical forms of carbon and silicon), where polymorphs contradict each other, and where the table has a metal
that everything related contradicts (Li4P2S6 was computed in an averaged structure).

No electronic conductivity follows from a gap: it is set by defects and impurities, which move it by ten decades.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.gap_lookup import KnownGaps
from training.properties.mechanics.gap_model import GapPrediction

Flags = NDArray[np.bool_]
INSULATING_eV = 1.0
METALLIC_eV = 0.1
"""Gaps below this are those of metals: half the table's gaps below it belong to metals in another polymorph."""
SURE = 0.9
CONTRADICTED = 0.1
"""Probability of a metal, by its relatives, below which a metal of the table is doubted."""


class Character(NamedTuple):
    """What gaps say of n solids, each of shape (n,); where neither holds they do not decide.

    Parameters
    ----------
    insulates, conducts
        Whether a layer of it stops electrons, and whether it lets them through.
    """

    insulates: Flags
    conducts: Flags


def character(batch: MaterialBatch, known: KnownGaps, predicted: GapPrediction) -> Character:
    """Judge solids by the gaps of the table, and by those of the model where the table has none.

    Parameters
    ----------
    batch
        Compositions, n of them.
    known, predicted
        What the table holds of them, and what the model says of them.
    """
    in_table = known.n_polymorphs > 0
    compound = (batch.fraction > 0).sum(axis=1) > 1
    insulates = np.where(in_table, known.lowest_eV >= INSULATING_eV, predicted.p_gap_above(INSULATING_eV) >= SURE)
    metal = (known.middle_eV < METALLIC_eV) & (known.highest_eV < INSULATING_eV)
    agreed = predicted.p_metal >= CONTRADICTED
    conducts = np.where(in_table, metal & agreed, predicted.p_gap_above(METALLIC_eV) <= 1.0 - SURE)
    return Character(insulates & compound, conducts & compound)
