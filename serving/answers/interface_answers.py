"""Interface reactions as one JSON document, and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

from features.candidate import Candidate
from features.errors import CandidateError, shown
from features.formula import read_formula
from features.formula_writing import write_formula
from serving.answers.rows import (
    Cell,
    FlatRow,
    ModelHeaders,
    ShownMaterial,
    material_of,
    unread_material_of,
    warnings_of,
)
from serving.answers.terminal_tables import with_reading
from training.properties import registry

if TYPE_CHECKING:
    from training.thermodynamics.interface import Contact, SolidContact, WaterContact
    from training.thermodynamics.mixing import Lithiation, Mixing
    from training.thermodynamics.phases import PhaseTable
    from training.thermodynamics.reactions import Reactant, Reaction

LEAST_SHOWN_eV = 5e-4


class ShownReaction(TypedDict):
    """A reaction with its coefficients, and what layer it leaves where it leaves one."""

    text: str
    reactants: dict[str, float]
    products: dict[str, float]
    energy_eV: float | None
    interphase: NotRequired[str]
    interphase_why: NotRequired[str]
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
        "contacts": [_contact(contact) for contact in found.contacts],
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


def _contact(contact: Contact) -> ContactDocument:
    from training.thermodynamics.interface import FailedContact, WaterContact

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
        named |= _solid(contact)
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
        "electron_conducting_products": list(contact.electron_conductors),
    }


def _mixing(mixing: Mixing) -> ShownMixing:
    return {
        "energy_eV_per_atom": round(mixing.energy_eV_per_atom, 6),
        "mutual_energy_eV_per_atom": round(mixing.mutual_energy_eV_per_atom, 6),
        "partner_share_of_atoms": round(mixing.ratio, 6),
        "reaction": shown_reaction_of(mixing.reaction),
        "mutual_reaction": shown_reaction_of(mixing.mutual_reaction),
    }


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
    }
    return block if footnote is None else block | {"footnote": footnote}


def _without_verdict(reaction: Reaction) -> ShownReaction:
    """Return a reaction that leaves no layer to judge: hydroxides and gases."""
    block = shown_reaction_of(reaction)
    del block["interphase"], block["interphase_why"]
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


def terminal_lines(document: InterfaceDocument) -> list[str]:
    """Return the answer as lines for people.

    Parameters
    ----------
    document
        From `answer_interface`.
    """
    if document["status"] == "error":
        error = document["error"]
        return [f"{shown(str(document['formula']))}  error {error['code']}: {error['message']}"]
    electrolyte, voltage_V = document["electrolyte"], document["voltage_V"]
    basis = "of the reference table" if electrolyte["energy_basis"] == "reference" else "of the mixture there"
    lines = [f"{with_reading(electrolyte)}  energy {basis}; energies in eV per atom of the reacting mixture, 0 K"]
    lines += [f"  {warning['code']}: {warning['message']}" for warning in document["warnings"]]
    alone = document["alone_at_voltage"]
    if alone is not None:
        lines.append(f"  alone at {voltage_V:g} V: {_alone_text(alone)}")
    for contact in document["contacts"]:
        lines += _contact_lines(contact, electrolyte["formula"], alone, voltage_V)
    footnotes = dict.fromkeys(_footnotes(document))
    return lines + [f"* {footnote}" for footnote in footnotes]


def _footnotes(part: object) -> list[str]:
    """Return the footnotes of all reactions of a document, in order."""
    if isinstance(part, dict):
        own = [part["footnote"]] if "footnote" in part else []
        return own + [note for value in part.values() for note in _footnotes(value)]
    return [note for value in part for note in _footnotes(value)] if isinstance(part, list) else []


def _text(reaction: ShownReaction) -> str:
    return f"{reaction['text']}{' *' if 'footnote' in reaction else ''}"


def _alone_text(alone: ShownLithiation) -> str:
    if not alone["reaction"]["products"]:
        return "no reaction"
    return f"{_text(alone['reaction'])}  ({alone['energy_eV_per_atom_without_lithium']:.3f} eV/atom)"


def _contact_lines(
    contact: ContactDocument, electrolyte: Cell, alone: ShownLithiation | None, voltage_V: float | None
) -> list[str]:
    if contact["against"].strip() == contact["formula"]:
        name = with_reading(contact | {"status": "ok"})
    else:
        name = f"{contact['against']} ({contact['formula']})"
    if contact["status"] == "error":
        return [f"{name}", f"  error {contact['error']['code']}: {contact['error']['message']}"]
    if contact["role"] == "water":
        return _water_lines(name, contact)
    closed = contact["closed"]
    lines = [f"{name}  {closed['energy_eV_per_atom']:.3f} eV/atom"]
    if contact["with_excess_lithium"] is not None:
        lines.append(f"  {_text(contact['with_excess_lithium']['reaction'])}")
    else:
        lines += _mixing_lines(closed, "  ")
    at_voltage, partner_alone = contact["at_voltage"], contact["partner_alone_at_voltage"]
    if at_voltage is not None and alone is not None and partner_alone is not None:
        lines.append(f"  at {voltage_V:g} V  {at_voltage['energy_eV_per_atom']:.3f} eV/atom without lithium")
        lines.append(f"    {electrolyte} alone: {_alone_text(alone)}")
        lines.append(f"    {contact['formula']} alone: {_alone_text(partner_alone)}")
        lines += _mixing_lines(at_voltage, "    both in contact: ")
    lines.append(f"  {contact['interphase'].replace('_', ' ')}: {contact['interphase_why']}")
    lines += [f"  {warning['code']}: {warning['message']}" for warning in contact["warnings"]]
    return lines


def _mixing_lines(mixing: ShownMixing, lead: str) -> list[str]:
    """Return the reaction, and how much of its energy the contact itself adds."""
    indent = " " * (len(lead) - len(lead.lstrip()))
    lines = [f"{lead}{_text(mixing['reaction'])}"]
    total, mutual = mixing["energy_eV_per_atom"], mixing["mutual_energy_eV_per_atom"]
    if total - mutual > -LEAST_SHOWN_eV:
        return lines
    if mutual > -LEAST_SHOWN_eV:
        return [*lines, f"{indent}the contact adds nothing: each would do the same alone"]
    added = f"{indent}of its energy the contact adds {mutual:.3f} eV/atom at most to what each does alone"
    if mixing["mutual_reaction"]["text"] != mixing["reaction"]["text"]:
        added += f", namely where the two meet as {' + '.join(_terms(mixing['mutual_reaction']))}"
    return [*lines, added]


def _terms(reaction: ShownReaction) -> list[str]:
    from training.thermodynamics.reactions import written_amount

    shown = {formula: written_amount(n) for formula, n in reaction["reactants"].items()}
    return [formula if n == "1" else f"{n} {formula}" for formula, n in shown.items()]


def _water_lines(name: str, contact: ContactDocument) -> list[str]:
    verdict = "withstands" if contact["withstands"] else "reacts with"
    air = f"air of {100 * contact['humidity_bar']:g} % water at 300 K"
    lines = [f"{name}  {contact['energy_eV_per_H2O']:.3f} eV per H2O: {verdict} {air}"]
    final = contact["final_reaction"]
    lines.append(f"  {_text(final if final['products'] else contact['reaction'])}")
    if contact["evolves_h2s"]:
        lines.append(f"  gives off {contact['gas_per_formula_unit']['H2S']:g} H2S per formula unit (toxic)")
    return lines
