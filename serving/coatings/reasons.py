"""Why a coating passed or left, and what each step asks, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from serving.coatings.funnel import RADIOACTIVE, FunnelStage, PRECIOUS_USD_PER_kg, precious_elements
from serving.coatings.neighbours import BothSides
from serving.coatings.request import CoatedSide, CoatingsRequest
from serving.ranking.constraints import TOXIC
from training.thermodynamics.interphase import TOLERATED_V
from training.thermodynamics.reactions import SULFUR_ARTEFACT, amounts_of_own, reduced

if TYPE_CHECKING:
    from serving.coatings.document import Coating, SideReaction

WEAK_eV = 0.02
"""A contact that adds no more is called nearly inert: below it formation energies of DFT tell nothing apart."""


UNSOLVED = "the solver reached its bound of steps, so its reaction is not known"


def said_of_steps(neighbours: BothSides, request: CoatingsRequest) -> Mapping[FunnelStage, str]:
    """Return what each step asks."""
    limits = request.limits
    most = f"the contact adds at most {limits.most_added_eV_per_atom:g} eV/atom to what both do alone"
    at_cathode = (
        f"neither oxidised up to {neighbours.cutoff_V:g} V nor reduced down to {neighbours.low_V:g} V against Li/Li+"
    )
    at_lithium = (
        f"not reduced above {TOLERATED_V:g} V, or to a layer that conducts no electrons; not oxidised where "
        f"the electrolyte begins to be reduced ({neighbours.lower_V:.2f} V)"
    )
    allowed = f", but for {', '.join(limits.allow)}" if limits.allow else ""
    is_cathode = request.side is CoatedSide.CATHODE
    states = " and ".join(str(one.state) for one in neighbours.electrodes)
    return {
        FunnelStage.POOL: "lithium compounds of the reference table" + (", and your own" if request.candidates else ""),
        FunnelStage.HULL: f"at most {limits.most_above_hull_eV_per_atom:g} eV/atom above the hull",
        FunnelStage.HARM: f"no toxic or radioactive element{allowed}",
        FunnelStage.PRECIOUS: f"no element dearer than {PRECIOUS_USD_PER_kg:,.0f} USD/kg{allowed}",
        FunnelStage.GAP: f"band gap (PBE) of at least {limits.least_band_gap_eV:g} eV",
        FunnelStage.WINDOW: at_cathode if is_cathode else at_lithium,
        FunnelStage.ELECTROLYTE: f"beside {neighbours.electrolyte.name} {most}",
        FunnelStage.ELECTRODE: f"beside {request.cathode}, {states}, {most}",
    }


def reasons_of(
    coating: Coating, neighbours: BothSides, request: CoatingsRequest, step: FunnelStage | None
) -> list[str]:
    """Return why a coating passed or left, the decisive reason first."""
    reasons = [] if step is None else [_why_left(coating, neighbours, request, step)]
    if coating["on_front"]:
        reasons.append("on the front: no other one is better in its contacts and in its ionic conductivity")
    reasons += [_of_contact(one) for one in coating["beside"]]
    if step is not FunnelStage.WINDOW and request.side is CoatedSide.CATHODE:
        margin = coating["window_V"][1] - neighbours.cutoff_V
        reasons.append(f"oxidised only at {coating['window_V'][1]:.2f} V, {margin:+.2f} V from the cutoff")
    if request.side is CoatedSide.LITHIUM and coating.get("layer_at_lithium"):
        reasons.append(f"at lithium: {str(coating['layer_at_lithium']).replace('_', ' ')}")
    if coating["band_gap_basis"] == "model":
        reasons.append("its band gap is predicted, not in the table")
    if coating["band_gap_eV"] is None:
        reasons.append("its band gap is not known, which was not held against it")
    sigma = coating["ion_conduction_log10_S_per_cm"]
    if sigma is not None:
        known = "" if coating["ion_conduction_in_domain"] else ", of a kind that the model does not know"
        low, high = 10 ** sigma["lower"], 10 ** sigma["upper"]
        reasons.append(f"ionic conductivity about {10 ** sigma['value']:.0e} S/cm ({low:.0e} .. {high:.0e}){known}")
    if coating["energy_basis"] == "model":
        reasons.append("its energy is predicted: the table does not hold it")
    return reasons


def _of_contact(one: SideReaction) -> str:
    name, state = one["neighbour"], one["state"]
    called = f"{name}, {state}" if state else name
    energy = one["added_by_contact_eV_per_atom"]
    if energy is None:
        return f"beside {called} no reaction was found: {UNSOLVED}"
    if energy > -WEAK_eV:
        return f"nearly inert beside {called} ({energy:.3f} eV/atom added)"
    return f"beside {called} the contact adds {energy:.3f} eV/atom"


def _why_hull(coating: Coating) -> str:
    if reduced(amounts_of_own(coating["read_as"]))[0] == reduced(amounts_of_own(SULFUR_ARTEFACT))[0]:
        return f"left: {SULFUR_ARTEFACT} is an artefact of the table, its energy is too low"
    return f"left: {coating['above_hull_eV_per_atom']:.3f} eV/atom above the hull"


def _why_left(coating: Coating, neighbours: BothSides, request: CoatingsRequest, step: FunnelStage) -> str:
    if step is FunnelStage.HULL:
        return _why_hull(coating)
    if step is FunnelStage.GAP:
        return f"left: its band gap is {coating['band_gap_eV']:.2f} eV"
    if step is FunnelStage.WINDOW and request.side is CoatedSide.CATHODE:
        if coating["window_V"][1] < neighbours.cutoff_V:
            return f"left: oxidised at {coating['window_V'][1]:.2f} V, below the cutoff of {neighbours.cutoff_V:g} V"
        return f"left: reduced at {coating['window_V'][0]:.2f} V, within the cathode's range"
    if step is FunnelStage.WINDOW and coating.get("layer_at_lithium") is None:
        where = f"{neighbours.lower_V:.2f} V, where the electrolyte begins to be reduced"
        return f"left: oxidised at {coating['window_V'][1]:.2f} V, below {where}"
    if step is FunnelStage.WINDOW:
        return f"left: reduced by lithium from {coating['window_V'][0]:.2f} V to a layer that conducts electrons"
    unwanted = {FunnelStage.HARM: frozenset(TOXIC) | RADIOACTIVE, FunnelStage.PRECIOUS: precious_elements()}
    if step in unwanted:
        held = ", ".join(symbol for symbol in amounts_of_own(coating["read_as"]) if symbol in unwanted[step])
        return f"left: it holds {held}"
    if step in (FunnelStage.ELECTROLYTE, FunnelStage.ELECTRODE):
        sides = coating["beside"][:1] if step is FunnelStage.ELECTROLYTE else coating["beside"][1:]
        return _why_contact(sides, request.limits.most_added_eV_per_atom)
    return f"left: {said_of_steps(neighbours, request)[step]}, which it does not fulfil"


def _why_contact(sides: Sequence[SideReaction], most_eV_per_atom: float) -> str:
    """Return by which contact a coating left."""
    found = [(energy, one) for one in sides if (energy := one["added_by_contact_eV_per_atom"]) is not None]
    if len(found) < len(sides):
        return f"left: {UNSOLVED}"
    energy, worst = min(found, key=lambda pair: pair[0])
    state = f" ({worst['state']})" if worst["state"] else ""
    where = f"beside {worst['neighbour']}{state}"
    return f"left: {where} the contact adds {energy:.3f} eV/atom, more than {most_eV_per_atom:g}"
