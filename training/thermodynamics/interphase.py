"""What kind of layer a reaction leaves between electrolyte and electrode, by whether its products conduct electrons.

The three kinds of Wenzel et al., Solid State Ionics 278, 98 (2015), doi 10.1016/j.ssi.2015.06.001: no reaction; a
layer of electronic insulators that stops growing once it is thick enough; a layer that conducts electrons as well as
ions and goes on growing. Whether products conduct is `conduction.conduction`'s to say, by computed band gaps where the
table of phases has them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.thermodynamics.conduction import Conduction, conduction
from training.thermodynamics.hull import NO_PHASE, open_equilibria
from training.thermodynamics.mixing import lithiation
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import LEAST_AMOUNT, Reactant, Reaction, chemists_formula, layout, phase_formula

TOLERATED_V = 0.1
"""A limit of reduction so near lithium's that little of a reaction is seen: garnets (Li7La3Zr2O12: 0.05 V, some 0.02 eV
an atom) last on lithium. Zhu, He and Mo, ACS Appl. Mater. Interfaces 7, 23685 (2015), doi 10.1021/acsami.5b07517."""
DRIVING_FORCE_eV = 1e-7  # per atom without lithium: below is the noise of the solver
_NOT_A_PRODUCT = "Li"


class Interphase(StrEnum):
    """Kinds of layers, the worst first."""

    MIXED_CONDUCTING = "mixed_conducting"
    PROTECTIVE = "protective"
    STABLE = "stable"


LEVELS = tuple(Interphase)
"""Codes of `lithium_interphases` are places in this tuple."""


class Confidence(StrEnum):
    """How far a kind of layer can be relied on; `benchmarks/interphases.py` prints how often each was right."""

    HIGH = "high"  # computed gaps, elements and alloys decide
    MEDIUM = "medium"  # a product was judged by its composition, or a reaction is left to kinetics
    LOW = "low"  # beside a cathode: kinetics decides more there, and few layers were identified


class InterphaseVerdict(NamedTuple):
    """The kind of layer, why, and how far that can be relied on."""

    interphase: Interphase
    why: str
    confidence: Confidence = Confidence.MEDIUM


def electron_conductors(reaction: Reaction, beside: Collection[str] = ()) -> tuple[str, ...]:
    """Return the products that conduct electrons, lithium itself apart, and what stands `beside` the layer anyway."""
    products = (formula for formula in reaction.products if formula != _NOT_A_PRODUCT and formula not in beside)
    return tuple(formula for formula in products if _conduction(reaction, formula).conducts)


def _conduction(reaction: Reaction, formula: str) -> Conduction:
    return conduction(formula, reaction.band_gap_eV.get(formula))


def interphase_of(reaction: Reaction, beside: Collection[str] = ()) -> InterphaseVerdict:
    """Return what layer a reaction leaves; without a reaction there is none.

    Parameters
    ----------
    reaction
        As computed.
    beside
        Products that an electrode becomes by itself: they conduct where the electrode was, not in the layer.
    """
    if not reaction.products:
        return InterphaseVerdict(Interphase.STABLE, "no reaction is downhill", Confidence.HIGH)
    conductors = electron_conductors(reaction, beside)
    judged = conductors or [f for f in reaction.products if f != _NOT_A_PRODUCT and f not in beside]
    # one certain conductor is enough for a mixed conductor; a film protects only if all of it insulates
    decided = (any if conductors else all)(_conduction(reaction, formula).certain for formula in judged)
    confidence = Confidence.HIGH if decided else Confidence.MEDIUM
    if conductors:
        reasons = "; ".join(
            f"{chemists_formula(f)} conducts electrons ({_conduction(reaction, f).why})" for f in conductors
        )
        return InterphaseVerdict(Interphase.MIXED_CONDUCTING, f"{reasons}: the layer may keep growing", confidence)
    products = ", ".join(map(chemists_formula, judged))
    if not products and reaction.products.keys() & set(beside):
        return InterphaseVerdict(
            Interphase.STABLE, "nothing forms but what the electrode becomes by itself", confidence
        )
    if not products:
        return InterphaseVerdict(Interphase.PROTECTIVE, "nothing but lithium is formed", confidence)
    return InterphaseVerdict(Interphase.PROTECTIVE, f"no product conducts electrons: {products}", confidence)


def lasts_by_kinetics(table: PhaseTable, material: Reactant) -> bool:
    """Return whether lithium reduces a material only below `TOLERATED_V`, judged as the mixture if it lies above."""
    as_mixture = replace(
        material, energy_eV_per_atom=min(material.energy_eV_per_atom, material.mixture_energy_eV_per_atom)
    )
    return not lithiation(table, as_mixture, TOLERATED_V).reaction.products


def lithium_interphases(
    table: PhaseTable,
    amounts: Sequence[Mapping[str, float]],
    energy_eV_per_atom: NDArray[np.float64],
    *,
    tolerated_V: float = 0.0,
) -> NDArray[np.float64]:
    """Return the kinds of layers that n materials form with lithium metal, in one pass.

    Parameters
    ----------
    table
        Phases that may form.
    amounts
        Element symbol to amount; n of them.
    energy_eV_per_atom
        Formation energies, shape (n,), NaN for what is not to be judged. They decide whether a material reacts; what
        it becomes follows from its composition alone.
    tolerated_V
        What lithium reduces only below this potential counts as stable.

    Returns
    -------
    array
        Places in `LEVELS`, shape (n,): 0 conducts, 1 protects, 2 does not react; NaN where not judged.
    """
    found = np.full(len(amounts), np.nan)
    others = [{symbol: n for symbol, n in row.items() if symbol != "Li"} for row in amounts]
    known = ~np.isnan(energy_eV_per_atom)
    for i in np.flatnonzero(known).tolist():
        if not others[i]:  # lithium itself
            found[i] = LEVELS.index(Interphase.STABLE)
    asked = [i for i in np.flatnonzero(known).tolist() if others[i]]
    if not asked:
        return found
    counted = np.array([sum(others[i].values()) for i in asked])
    atoms = np.array([sum(amounts[i].values()) for i in asked]) / counted
    lithium = np.array([amounts[i].get("Li", 0.0) for i in asked]) / counted
    composition = layout([others[i] for i in asked])
    held = open_equilibria(table, *composition, np.full(len(asked), tolerated_V))
    own = energy_eV_per_atom[asked] * atoms + tolerated_V * lithium
    stands = held.energy_eV_per_atom - own > -DRIVING_FORCE_eV
    mixed = open_equilibria(table, *composition, np.zeros(len(asked))) if tolerated_V else held
    for place, i in enumerate(asked):
        if held.steps[place] < 0 or mixed.steps[place] < 0:
            continue
        rows = mixed.phase[place][(mixed.amount[place] > LEAST_AMOUNT) & (mixed.phase[place] != NO_PHASE)]
        conducts = any(conduction(phase_formula(table, row), table.band_gap_of(row)).conducts for row in rows.tolist())
        reacted = Interphase.MIXED_CONDUCTING if conducts else Interphase.PROTECTIVE
        found[i] = LEVELS.index(Interphase.STABLE if stands[place] else reacted)
    return found
