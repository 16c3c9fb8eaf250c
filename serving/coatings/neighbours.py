"""What a coating touches: the electrolyte, and the cathode with and without lithium, read from what a caller asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.candidate import Candidate
from features.errors import CandidateError, Remark, RowErrorCode, shown
from features.formula import parse_formula
from features.names import Name, all_names, find_name
from serving.coatings.request import CoatedSide, CoatingsRequest
from training.thermodynamics.interface import charge_remarks
from training.thermodynamics.partners import Role, find_partners
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import Reactant, layout, read_material, reduced
from training.thermodynamics.window import windows

LEAST_WINDOW_V = 1e-3
LOWEST_CATHODE_V = 3.0
"""Taken as the lowest potential of a cathode that is no name of the list: where layered oxides are discharged to."""


@dataclass(frozen=True, slots=True)
class TouchedMaterial:
    """A material that the coating touches, as it is called, as typed, and as a side of a reaction."""

    name: str
    candidate: Candidate
    material: Reactant
    state: str | None = None
    """`discharged` or `charged`, of a cathode."""


@dataclass(frozen=True, slots=True)
class BothSides:
    """Both sides of a coating.

    Attributes
    ----------
    electrolyte
        With the limits of its own window.
    lower_V, upper_V
        Of the electrolyte.
    electrodes
        States of the cathode; none at lithium.
    low_V, cutoff_V
        Between which potentials the coating must hold at the electrode.
    warnings
        What had to be assumed.
    """

    electrolyte: TouchedMaterial
    lower_V: float
    upper_V: float
    electrodes: tuple[TouchedMaterial, ...]
    low_V: float
    cutoff_V: float
    warnings: tuple[Remark, ...]
    assumed: tuple[str, ...]


def read_neighbours(table: PhaseTable, request: CoatingsRequest) -> BothSides:
    """Read both sides.

    Raises
    ------
    CandidateError
        For an electrolyte that cannot be read or has no window, an unknown cathode, or a cutoff at which the cathode
        is not charged; the message says what was expected.
    """
    electrolyte = _electrolyte(table, request.electrolyte)
    found = windows(table, *layout([electrolyte.material.amounts]))
    low, high = float(found.lower_V[0]), float(found.upper_V[0])
    remarks = charge_remarks(electrolyte.material.formula, electrolyte.material.amounts)
    if not np.isfinite([low, high]).all() or high - low < LEAST_WINDOW_V:
        why = "it holds no lithium" if not np.isfinite(low) else "both limits coincide"
        hint = f"; {remarks[0].message}" if remarks else ""
        message = f"{shown(request.electrolyte)} has no electrochemical window ({why}){hint}; expected an electrolyte"
        raise CandidateError(RowErrorCode.NO_WINDOW, message)
    warnings = (*electrolyte.candidate.remarks, *remarks)
    if request.side is CoatedSide.LITHIUM:
        return BothSides(electrolyte, low, high, (), 0.0, low, warnings, ())
    assert request.cathode is not None
    states, name = _cathode(table, request.cathode)
    lowest, cutoff, assumed = _potentials(request, name)
    if len(states) == 1:
        assumed = (*assumed, "the charged state of this cathode is not known: only the composition given was judged")
    return BothSides(electrolyte, low, high, states, lowest, cutoff, warnings, assumed)


def _electrolyte(table: PhaseTable, text: str) -> TouchedMaterial:
    partners = find_partners([text])
    known = len(partners) == 1 and partners[0].role is Role.MATERIAL
    candidate = Candidate.from_formula(partners[0].formula if known else text)
    return TouchedMaterial(text.strip(), candidate, read_material(table, candidate.amounts))


def _cathode(table: PhaseTable, text: str) -> tuple[tuple[TouchedMaterial, ...], Name | None]:
    name = _named(text)
    formulas = {"discharged": name.formula, "charged": name.charged_formula} if name else {"discharged": text}
    try:
        candidates = {state: Candidate.from_formula(formula) for state, formula in formulas.items() if formula}
    except CandidateError as error:
        known = ", ".join(one.name for one in all_names() if one.kind == "cathode" and one.charged_formula)
        message = f"'{shown(text)}' is no cathode that is known by name ({known}) and no formula: {error.message}"
        raise CandidateError(RowErrorCode.UNKNOWN_NAME, message) from None
    called = name.name if name else text.strip()
    states = tuple(
        TouchedMaterial(called, one, read_material(table, one.amounts), state) for state, one in candidates.items()
    )
    return states, name


def _named(text: str) -> Name | None:
    """Return the cathode of a name, or of a formula that is a cathode's usual composition."""
    name = find_name(text)
    if name is not None and name.kind == "cathode" and name.formula:
        return name
    try:
        asked, _ = reduced(parse_formula(text))
    except CandidateError:
        return None
    cathodes = (one for one in all_names() if one.kind == "cathode" and one.formula)
    return next((one for one in cathodes if reduced(parse_formula(one.formula or ""))[0] == asked), None)


def _potentials(request: CoatingsRequest, name: Name | None) -> tuple[float, float, tuple[str, ...]]:
    low = name.low_V if name else None
    cutoff = request.cutoff_V if request.cutoff_V is not None else name.high_V if name else None
    if cutoff is None:
        message = f"cutoff_V: expected the highest potential of {shown(request.cathode or '')}, such as 4.3"
        raise CandidateError(RowErrorCode.INVALID_CONDITION, message)
    if low is not None and cutoff < low:
        called = name.name if name else request.cathode
        message = f"cutoff_V: received {cutoff:g}, but {called} is charged above {low:g} V; expected at least that"
        raise CandidateError(RowErrorCode.INVALID_CONDITION, message)
    assumed = () if request.cutoff_V is not None else (f"cutoff taken as {cutoff:g} V, the usual one of this cathode",)
    if low is None:
        low = min(LOWEST_CATHODE_V, cutoff)
        assumed = (*assumed, f"lowest potential of the cathode taken as {low:g} V")
    return low, cutoff, assumed
