"""Interface reactions as one JSON document, and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

from features.candidate import Candidate
from features.errors import CandidateError
from features.formula import read_formula
from features.formula_writing import write_formula
from serving.answers.rows import (
    FlatRow,
    ModelHeaders,
    ShownMaterial,
    material_of,
    unread_material_of,
    warnings_of,
)
from training.properties import registry

if TYPE_CHECKING:
    from training.thermodynamics.interface import Contact, SolidContact, WaterContact
    from training.thermodynamics.mixing import Lithiation, Mixing
    from training.thermodynamics.phases import PhaseTable
    from training.thermodynamics.reactions import Reactant, Reaction


class ShownReaction(TypedDict):
    """A reaction with its coefficients, and what layer it leaves where it leaves one."""

    text: str
    reactants: dict[str, float]
    products: dict[str, float]
    energy_eV: float | None
    interphase: NotRequired[str]
    interphase_why: NotRequired[str]
    interphase_confidence: NotRequired[str]
    heat_J_per_g: NotRequired[float]
    gas_mL_per_g: NotRequired[float]
    gases: NotRequired[list[str]]
    footnote: NotRequired[str]


class ShownMixing(TypedDict):
    """What two materials become together, at the ratio that releases most."""

    energy_eV_per_atom: float
    mutual_energy_eV_per_atom: float
    partner_share_of_atoms: float
    reaction: ShownReaction
    mutual_reaction: ShownReaction


class ShownLithiation(TypedDict):
    """What one material becomes at a potential, or with lithium in excess."""

    energy_eV_per_atom_without_lithium: float
    lithium_per_formula_unit: float
    voltage_V: float
    reaction: ShownReaction


class ShownWindow(TypedDict):
    """A window that a paper reports; by its method it is not to be compared with the thermodynamic one."""

    low_V: float | None
    high_V: float | None
    method: str
    doi: str


class ReportedInterphase(TypedDict):
    """What layer a paper found between the two, at which voltage of a charged cathode, and where."""

    interphase: str
    voltage_V: float | None
    doi: str


class ContactDocument(TypedDict, total=False):
    """What an electrolyte becomes at one partner: at a solid, in water (`role`), or why that is not known."""

    against: str
    formula: str | None
    read_as: str | None
    role: str
    status: str
    error: dict[str, str]
    warnings: list[dict[str, str]]
    partner: dict[str, str | float]
    closed: ShownMixing
    at_voltage: ShownMixing | None
    partner_alone_at_voltage: ShownLithiation | None
    with_excess_lithium: ShownLithiation | None
    interphase: str
    interphase_why: str
    interphase_confidence: str
    reported_interphase: ReportedInterphase | None
    electron_conducting_products: list[str]
    energy_eV_per_H2O: float
    withstands: bool
    evolves_h2s: bool
    gas_per_formula_unit: dict[str, float]
    reaction: ShownReaction
    final_reaction: ShownReaction
    humidity_bar: float
    gas_bar: float
    temperature_K: float


class InterfaceDocument(TypedDict, total=False):
    """The answer to one call, or of status `error` with the material as read."""

    models: ModelHeaders
    status: str
    electrolyte: FlatRow
    voltage_V: float | None
    alone_at_voltage: ShownLithiation | None
    practical_windows: list[ShownWindow]
    contacts: list[ContactDocument]
    formula: str | None
    read_as: str | None
    error: dict[str, str]
    warnings: list[dict[str, str]]


def answer_interface(
    phases: PhaseTable, formula: str, against: Sequence[str], voltage_V: float | None, models: ModelHeaders
) -> InterfaceDocument:
    """Answer one call.

    Parameters
    ----------
    phases
        Formation energies.
    formula
        The electrolyte, as sent.
    against
        Formulas and names that `training.thermodynamics.partners.find_partners` knows.
    voltage_V
        Potential against Li/Li+, None for closed systems only.
    models
        What every answer says about the model.

    Returns
    -------
    InterfaceDocument
        Of status `error` with the reason where the electrolyte itself cannot be judged; else one contact a partner.
    """
    from training.thermodynamics.interface import interface
    from training.thermodynamics.reported import practical_windows

    said, warnings = unread_material_of(formula), warnings_of(())
    try:
        candidate = Candidate.from_formula(formula)
        said, warnings = material_of(candidate), warnings_of(candidate.remarks)
        found = interface(phases, candidate.amounts, against, voltage_V=voltage_V)
    except CandidateError as error:
        failed = {"models": models, "status": "error", **said, "error": _error(error), "warnings": warnings}
        return cast("InterfaceDocument", failed)
    return {
        "models": models,
        "status": "ok",
        "electrolyte": cast("FlatRow", {**said, **_energies(found.electrolyte)}),
        "voltage_V": voltage_V,
        "alone_at_voltage": None if found.alone is None else _lithiation(found.alone),
        "practical_windows": [cast("ShownWindow", w._asdict()) for w in practical_windows(found.electrolyte.formula)],
        "contacts": [_contact(contact, found.electrolyte.formula) for contact in found.contacts],
        "warnings": warnings + warnings_of(found.warnings),
    }


def _error(error: CandidateError) -> dict[str, str]:
    return {"code": str(error.code), "message": error.message}


def _energies(material: Reactant) -> dict[str, str | float]:
    formation, _ = registry.of_phases().phase_energies
    return {
        "reduced_formula": material.formula,
        formation.name: round(material.energy_eV_per_atom, 6),
        "energy_above_mixture_eV_per_atom": round(material.energy_above_mixture_eV_per_atom, 6),
        "energy_basis": str(material.basis),
    }


def _contact(contact: Contact, electrolyte: str) -> ContactDocument:
    from training.thermodynamics.interface import FailedContact, WaterContact
    from training.thermodynamics.reported import reported_layer

    partner = contact.partner
    try:
        reading = read_formula(partner.formula)
        said: ShownMaterial = {"formula": partner.formula.strip(), "read_as": write_formula(reading.amounts)}
        remarks = reading.remarks
    except CandidateError:  # which is the error of the contact
        said, remarks = unread_material_of(partner.formula), ()
    named = cast("ContactDocument", {"against": partner.name, **said, "role": str(partner.role), "status": "ok"})
    if isinstance(contact, FailedContact):
        named |= {"status": "error", "error": _error(contact.error)}
    elif isinstance(contact, WaterContact):
        named |= _water(contact)
    else:
        layer = reported_layer(electrolyte, partner)
        reported = None if layer is None else cast("ReportedInterphase", layer._asdict())
        named |= _solid(contact) | {"reported_interphase": reported}
        remarks = tuple(dict.fromkeys((*remarks, *contact.warnings)))
    return named | {"warnings": warnings_of(remarks)}


def _solid(contact: SolidContact) -> ContactDocument:
    alone = contact.alone_at_voltage
    return {
        "partner": _energies(contact.material),
        "closed": _mixing(contact.closed),
        "at_voltage": None if contact.at_voltage is None else _mixing(contact.at_voltage),
        "partner_alone_at_voltage": None if alone is None else _lithiation(alone),
        "with_excess_lithium": None if contact.lithiated is None else _lithiation(contact.lithiated),
        "interphase": str(contact.verdict.interphase),
        "interphase_why": contact.verdict.why,
        "interphase_confidence": str(contact.verdict.confidence),
        "electron_conducting_products": list(contact.electron_conductors),
    }


def _mixing(mixing: Mixing) -> ShownMixing:
    return {
        "energy_eV_per_atom": round(mixing.energy_eV_per_atom, 6),
        "mutual_energy_eV_per_atom": round(mixing.mutual_energy_eV_per_atom, 6),
        "partner_share_of_atoms": round(mixing.ratio, 6),
        "reaction": shown_reaction_of(mixing.reaction) | _given_off(mixing.reaction, mixing.voltage_V),
        "mutual_reaction": shown_reaction_of(mixing.mutual_reaction),
    }


def _given_off(reaction: Reaction, voltage_V: float | None) -> ShownReaction:
    """Return heat and gas per gram of a reaction by itself; with a reservoir of lithium its energy is no heat."""
    from training.thermodynamics.heat_and_gas import heat_and_gas

    found = heat_and_gas(reaction) if voltage_V is None else None
    if found is None:
        return cast("ShownReaction", {})
    heat, gas = round(found.heat_J_per_g, 1), round(found.gas_mL_per_g, 2)
    return cast("ShownReaction", {"heat_J_per_g": heat, "gas_mL_per_g": gas, "gases": list(found.gases)})


def _lithiation(found: Lithiation) -> ShownLithiation:
    return {
        "energy_eV_per_atom_without_lithium": round(found.energy_eV_per_atom, 6),
        "lithium_per_formula_unit": round(found.lithium, 6),
        "voltage_V": found.voltage_V,
        "reaction": shown_reaction_of(found.reaction),
    }


def shown_reaction_of(computed: Reaction) -> ShownReaction:
    """Return a reaction as it is shown; what layer it leaves is judged by what was computed."""
    from training.thermodynamics.interphase import interphase_of
    from training.thermodynamics.reactions import shown_reaction

    reaction, footnote = shown_reaction(computed)
    verdict = interphase_of(computed)
    block: ShownReaction = {
        "text": reaction.text,
        "reactants": {formula: round(amount, 6) for formula, amount in reaction.reactants.items()},
        "products": {formula: round(amount, 6) for formula, amount in reaction.products.items()},
        "energy_eV": None if reaction.energy_eV is None else round(reaction.energy_eV, 6),
        "interphase": str(verdict.interphase),
        "interphase_why": verdict.why,
        "interphase_confidence": str(verdict.confidence),
    }
    return block if footnote is None else block | {"footnote": footnote}


def _without_verdict(reaction: Reaction) -> ShownReaction:
    """Return a reaction that leaves no layer to judge: hydroxides and gases."""
    block = shown_reaction_of(reaction)
    del block["interphase"], block["interphase_why"], block["interphase_confidence"]
    return block


def _water(contact: WaterContact) -> ContactDocument:
    found = contact.hydrolysis
    return {
        "energy_eV_per_H2O": round(found.energy_eV_per_H2O, 6),
        "withstands": found.withstands,
        "evolves_h2s": found.evolves_h2s,
        "gas_per_formula_unit": {gas: round(amount, 6) for gas, amount in found.gases.items()},
        "reaction": _without_verdict(found.reaction),
        "final_reaction": _without_verdict(found.final_reaction),
        "humidity_bar": found.air.humidity_bar,
        "gas_bar": found.air.gas_bar,
        "temperature_K": 300.0,
    }
