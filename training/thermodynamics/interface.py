"""What becomes of an electrolyte where it touches lithium, cathodes, coatings and moist air: one call for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from features.candidate import Candidate, MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.errors import CandidateError, Remark, WarningCode
from features.formula import parse_formula
from training.thermodynamics.conduction import NON_METALS
from training.thermodynamics.hydrolysis import Hydrolysis, hydrolyse
from training.thermodynamics.interphase import (
    TOLERATED_V,
    Confidence,
    Interphase,
    InterphaseVerdict,
    electron_conductors,
    interphase_of,
    lasts_by_kinetics,
)
from training.thermodynamics.mixing import Lithiation, Mixing, lithiation, mix
from training.thermodynamics.moist_air import Air
from training.thermodynamics.partners import Partner, Role, find_partners
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import Reactant, read_material

DEFAULT_AGAINST = ("all",)
LARGEST_VOLTAGE_V = 10.0
_CATHODES = (Role.CATHODE, Role.CHARGED_CATHODE)


@dataclass(frozen=True, slots=True)
class SolidContact:
    """An electrolyte against another solid.

    Attributes
    ----------
    partner
        What it touches.
    material
        The partner with its energy.
    closed
        The reaction of the two by themselves.
    at_voltage
        The reaction while lithium is exchanged with a reservoir at the voltage asked for; None without a voltage.
    lithiated
        For lithium metal: the end state of the electrolyte with lithium in excess.
    alone_at_voltage
        What the partner becomes by itself at the voltage asked for; None without one and for lithium metal.
    verdict
        Which kind of layer the decisive reaction leaves (beside lithium the one with lithium in excess, at a voltage
        the one there), and why; see `interphase`.
    electron_conductors
        Products of that reaction that conduct electrons.
    warnings
        Remarks on the partner.
    """

    partner: Partner
    material: Reactant
    closed: Mixing
    at_voltage: Mixing | None
    lithiated: Lithiation | None
    alone_at_voltage: Lithiation | None
    verdict: InterphaseVerdict
    electron_conductors: tuple[str, ...]
    warnings: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class WaterContact:
    """An electrolyte against moist air."""

    partner: Partner
    hydrolysis: Hydrolysis


@dataclass(frozen=True, slots=True)
class FailedContact:
    """A partner that cannot be judged."""

    partner: Partner
    error: CandidateError


Contact = SolidContact | WaterContact | FailedContact


@dataclass(frozen=True, slots=True)
class Interface:
    """The answer to one call.

    Attributes
    ----------
    electrolyte
        With its energy and where that comes from.
    alone
        What it becomes by itself at the voltage asked for, None without one.
    contacts
        One a partner, in the order asked for.
    voltage_V
        As asked for.
    warnings
        Remarks on the electrolyte.
    """

    electrolyte: Reactant
    alone: Lithiation | None
    contacts: tuple[Contact, ...]
    voltage_V: float | None
    warnings: tuple[Remark, ...]


def interface(
    table: PhaseTable,
    electrolyte: Mapping[str, float],
    against: Iterable[str] = DEFAULT_AGAINST,
    *,
    voltage_V: float | None = None,
    energy_eV_per_atom: float | None = None,
    air: Air | None = None,
) -> Interface:
    """Find the reactions of an electrolyte with what it meets in a cell.

    Parameters
    ----------
    table
        Formation energies.
    electrolyte
        Element symbol to amount.
    against
        Formulas, or names that `partners.find_partners` knows.
    voltage_V
        Potential against Li/Li+ at which lithium is exchanged, 0 to 10; a cathode being charged sets it.
    energy_eV_per_atom
        Formation energy of the electrolyte from a model; without it the table's, or the mixture's at its composition.
    air
        Humidity and gas pressures for water.

    Returns
    -------
    Interface
        A partner that cannot be judged is answered with its error; the others stand.

    Raises
    ------
    CandidateError
        If the electrolyte holds an element of which the table has no compound.
    ValueError
        For a voltage out of range.
    """
    if voltage_V is not None and not 0.0 <= voltage_V <= LARGEST_VOLTAGE_V:
        raise ValueError(f"voltage_V: received {voltage_V:g}, expected 0 to {LARGEST_VOLTAGE_V:g} against Li/Li+")
    material = read_material(table, electrolyte, energy_eV_per_atom=energy_eV_per_atom)
    alone = None if voltage_V is None else lithiation(table, material, voltage_V)
    contacts: list[Contact] = []
    for partner in find_partners(against):
        try:
            if partner.role is Role.WATER:
                found = hydrolyse(table, electrolyte, air=air, energy_eV_per_atom=energy_eV_per_atom)
                contacts.append(WaterContact(partner, found))
            else:
                contacts.append(_solid(table, material, partner, voltage_V))
        except CandidateError as error:
            contacts.append(FailedContact(partner, error))
    return Interface(material, alone, tuple(contacts), voltage_V, charge_remarks(material.formula, electrolyte))


def _solid(table: PhaseTable, electrolyte: Reactant, partner: Partner, voltage_V: float | None) -> SolidContact:
    amounts = parse_formula(partner.formula)
    other = read_material(table, amounts)
    closed = mix(table, electrolyte, other)
    open_to_lithium = voltage_V is not None and not any(m.amounts.keys() == {"Li"} for m in (electrolyte, other))
    at_voltage = mix(table, electrolyte, other, voltage_V=voltage_V) if open_to_lithium else None
    alone_at_voltage = None if at_voltage is None or voltage_V is None else lithiation(table, other, voltage_V)
    lithiated = lithiation(table, electrolyte) if partner.role is Role.LITHIUM_METAL else None
    decisive = lithiated.reaction if lithiated else at_voltage.reaction if at_voltage else closed.reaction
    of_electrode = alone_at_voltage.reaction.products if alone_at_voltage and partner.role in _CATHODES else ()
    verdict = interphase_of(decisive, of_electrode)
    if lithiated and verdict.interphase is Interphase.MIXED_CONDUCTING and lasts_by_kinetics(table, electrolyte):
        why = f"lithium reduces it only below {TOLERATED_V:g} V, too little to be seen in most cells; if it does, "
        verdict = InterphaseVerdict(Interphase.STABLE, why + verdict.why, Confidence.MEDIUM)
    if partner.role in _CATHODES:
        verdict = verdict._replace(confidence=Confidence.LOW)
    remarks = charge_remarks(other.formula, amounts)
    return SolidContact(
        partner,
        other,
        closed,
        at_voltage,
        lithiated,
        alone_at_voltage,
        verdict,
        electron_conductors(decisive, of_electrode),
        remarks,
    )


def charge_remarks(formula: str, amounts: Mapping[str, float]) -> tuple[Remark, ...]:
    """Return the remark that a formula cannot be balanced, if it is so; elements and alloys need no balance."""
    if not NON_METALS & amounts.keys() or len(amounts) == 1:
        return ()
    imbalance = float(
        assign_ions(MaterialBatch.from_candidates([Candidate(formula, dict(amounts))])).charge_imbalance[0]
    )
    if abs(imbalance) <= NEUTRALITY_TOLERANCE:
        return ()
    text = f"{formula}: no common oxidation states balance it (charge {imbalance:+.2f} per atom)"
    return (Remark(WarningCode.NOT_CHARGE_BALANCED, text),)
