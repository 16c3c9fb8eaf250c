"""Interface reactions as one JSON document, and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from features.candidate import Candidate
from features.errors import CandidateError, shown
from features.formula import read_formula
from features.formula_writing import write_formula
from serving.answers import material_of, unread_material_of, warnings_of
from serving.terminal_tables import with_reading

if TYPE_CHECKING:
    from training.stability.interface import Contact, SolidContact, WaterContact
    from training.stability.mixing import Lithiation, Mixing
    from training.stability.phases import PhaseTable
    from training.stability.reactions import Material, Reaction


def answer_interface(
    phases: PhaseTable, formula: str, against: Sequence[str], voltage_V: float | None, models: dict[str, Any]
) -> dict[str, Any]:
    """Answer one call.

    Parameters
    ----------
    phases
        Formation energies.
    formula
        The electrolyte, as sent.
    against
        Formulas and names that `training.stability.partners.find_partners` knows.
    voltage_V
        Potential against Li/Li+, None for closed systems only.
    models
        What every answer says about the model.

    Returns
    -------
    dict
        `models`, `electrolyte`, `contacts` (one a partner, `status` ok or error), or `status` error with the reason
        where the electrolyte itself cannot be judged.
    """
    from training.stability.interface import interface

    said, warnings = unread_material_of(formula), warnings_of(())
    try:
        candidate = Candidate.from_formula(formula)
        said, warnings = material_of(candidate), warnings_of(candidate.remarks)
        found = interface(phases, candidate.amounts, against, voltage_V=voltage_V)
    except CandidateError as error:
        return {"models": models, "status": "error", **said, "error": _error(error), "warnings": warnings}
    return {
        "models": models,
        "status": "ok",
        "electrolyte": said | _energies(found.electrolyte),
        "voltage_V": voltage_V,
        "alone_at_voltage": None if found.alone is None else _lithiation(found.alone),
        "contacts": [_contact(contact) for contact in found.contacts],
        "warnings": warnings + warnings_of(found.warnings),
    }


def _error(error: CandidateError) -> dict[str, str]:
    return {"code": str(error.code), "message": error.message}


def _energies(material: Material) -> dict[str, Any]:
    return {
        "reduced_formula": material.formula,
        "formation_energy_eV_per_atom": round(material.energy_eV_per_atom, 6),
        "energy_above_mixture_eV_per_atom": round(material.energy_above_mixture_eV_per_atom, 6),
        "energy_basis": str(material.basis),
    }


def _contact(contact: Contact) -> dict[str, Any]:
    from training.stability.interface import FailedContact, WaterContact

    partner = contact.partner
    try:
        reading = read_formula(partner.formula)
        said = {"formula": partner.formula.strip(), "read_as": write_formula(reading.amounts)}
        remarks = reading.remarks
    except CandidateError:  # which is the error of the contact
        said, remarks = unread_material_of(partner.formula), ()
    named = {"against": partner.name, **said, "role": str(partner.role)}
    if isinstance(contact, FailedContact):
        return named | {"status": "error", "error": _error(contact.error), "warnings": warnings_of(remarks)}
    if isinstance(contact, WaterContact):
        return named | {"status": "ok"} | _water(contact) | {"warnings": warnings_of(remarks)}
    warnings = warnings_of(dict.fromkeys((*remarks, *contact.warnings)))
    return named | {"status": "ok"} | _solid(contact) | {"warnings": warnings}


def _solid(contact: SolidContact) -> dict[str, Any]:
    return {
        "partner": _energies(contact.material),
        "closed": _mixing(contact.closed),
        "at_voltage": None if contact.at_voltage is None else _mixing(contact.at_voltage),
        "with_excess_lithium": None if contact.lithiated is None else _lithiation(contact.lithiated),
        "electron_conducting_products": list(contact.electron_conductors),
    }


def _mixing(mixing: Mixing) -> dict[str, Any]:
    return {
        "energy_eV_per_atom": round(mixing.energy_eV_per_atom, 6),
        "mutual_energy_eV_per_atom": round(mixing.mutual_energy_eV_per_atom, 6),
        "partner_share_of_atoms": round(mixing.ratio, 6),
        "reaction": _reaction(mixing.reaction),
        "mutual_reaction": _reaction(mixing.mutual_reaction),
    }


def _lithiation(found: Lithiation) -> dict[str, Any]:
    return {
        "energy_eV_per_atom_without_lithium": round(found.energy_eV_per_atom, 6),
        "lithium_per_formula_unit": round(found.lithium, 6),
        "voltage_V": found.voltage_V,
        "reaction": _reaction(found.reaction),
    }


def _reaction(reaction: Reaction) -> dict[str, Any]:
    return {
        "text": reaction.text,
        "reactants": {formula: round(amount, 6) for formula, amount in reaction.reactants.items()},
        "products": {formula: round(amount, 6) for formula, amount in reaction.products.items()},
        "energy_eV": None if reaction.energy_eV is None else round(reaction.energy_eV, 6),
    }


def _water(contact: WaterContact) -> dict[str, Any]:
    found = contact.hydrolysis
    return {
        "energy_eV_per_H2O": round(found.energy_eV_per_H2O, 6),
        "withstands": found.withstands,
        "evolves_h2s": found.evolves_h2s,
        "gas_per_formula_unit": {gas: round(amount, 6) for gas, amount in found.gases.items()},
        "reaction": _reaction(found.reaction),
        "final_reaction": _reaction(found.final_reaction),
        "humidity_bar": found.air.humidity_bar,
        "gas_bar": found.air.gas_bar,
        "temperature_K": 300.0,
    }


def terminal_lines(document: dict[str, Any]) -> list[str]:
    """Return the answer as lines for people.

    Parameters
    ----------
    document
        From `answer_interface`.
    """
    if document["status"] == "error":
        error = document["error"]
        return [f"{shown(document['formula'])}  error {error['code']}: {error['message']}"]
    electrolyte = document["electrolyte"]
    basis = "of the reference table" if electrolyte["energy_basis"] == "reference" else "of the mixture there"
    lines = [f"{with_reading(electrolyte)}  energy {basis}; energies in eV per atom of the reacting mixture, 0 K"]
    lines += [f"  {warning['code']}: {warning['message']}" for warning in document["warnings"]]
    alone = document["alone_at_voltage"]
    if alone is not None:
        lines.append(f"  alone at {document['voltage_V']:g} V: {alone['reaction']['text']}")
    for contact in document["contacts"]:
        lines += _contact_lines(contact, document["voltage_V"])
    return lines


def _contact_lines(contact: dict[str, Any], voltage_V: float | None) -> list[str]:
    if contact["against"].strip() == contact["formula"]:
        name = with_reading(contact | {"status": "ok"})
    else:
        name = f"{contact['against']} ({contact['formula']})"
    if contact["status"] == "error":
        return [f"{name}", f"  error {contact['error']['code']}: {contact['error']['message']}"]
    if contact["role"] == "water":
        return _water_lines(name, contact)
    closed = contact["closed"]
    lines = [f"{name}  {_energy_text(closed)}"]
    if contact["with_excess_lithium"] is not None:
        lines.append(f"  {contact['with_excess_lithium']['reaction']['text']}")
    else:
        lines += _mixing_lines(closed, "")
    if contact["at_voltage"] is not None:
        lines.append(f"  at {voltage_V:g} V  {_energy_text(contact['at_voltage'])}, per atom without lithium")
        lines += _mixing_lines(contact["at_voltage"], "  ")
    if contact["electron_conducting_products"]:
        metals = ", ".join(contact["electron_conducting_products"])
        lines.append(f"  conducts electrons: {metals}; the layer may keep growing")
    lines += [f"  {warning['code']}: {warning['message']}" for warning in contact["warnings"]]
    return lines


def _energy_text(mixing: dict[str, Any]) -> str:
    text = f"{mixing['energy_eV_per_atom']:.3f} eV/atom"
    if abs(mixing["energy_eV_per_atom"] - mixing["mutual_energy_eV_per_atom"]) >= 5e-4:
        text += f" ({mixing['mutual_energy_eV_per_atom']:.3f} beyond what each does alone)"
    return text


def _mixing_lines(mixing: dict[str, Any], indent: str) -> list[str]:
    text, mutual = mixing["reaction"]["text"], mixing["mutual_reaction"]["text"]
    lines = [f"{indent}  {text}"]
    if mutual not in (text, "no reaction"):
        lines.append(f"{indent}  beyond that: {mutual}")
    return lines


def _water_lines(name: str, contact: dict[str, Any]) -> list[str]:
    verdict = "withstands" if contact["withstands"] else "reacts with"
    air = f"air of {100 * contact['humidity_bar']:g} % water at 300 K"
    lines = [f"{name}  {contact['energy_eV_per_H2O']:.3f} eV per H2O: {verdict} {air}"]
    final = contact["final_reaction"]
    lines.append(f"  {(final if final['products'] else contact['reaction'])['text']}")
    if contact["evolves_h2s"]:
        lines.append(f"  gives off {contact['gas_per_formula_unit']['H2S']:g} H2S per formula unit (toxic)")
    return lines
