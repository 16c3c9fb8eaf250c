"""An interface's answer as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.errors import shown
from serving.answers.terminal_tables import with_reading

if TYPE_CHECKING:
    from serving.answers.interface_answers import (
        ContactDocument,
        InterfaceDocument,
        ShownLithiation,
        ShownMixing,
        ShownReaction,
        ShownWindow,
    )
    from serving.answers.rows import Cell

LEAST_SHOWN_eV = 5e-4


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
    lines += [_practical_line(window) for window in document["practical_windows"]]
    alone = document["alone_at_voltage"]
    if alone is not None:
        lines.append(f"  alone at {voltage_V:g} V: {_alone_text(alone)}")
    for contact in document["contacts"]:
        lines += _contact_lines(contact, electrolyte["formula"], alone, voltage_V)
    footnotes = dict.fromkeys(_footnotes(document))
    return lines + [f"* {footnote}" for footnote in footnotes]


def _practical_line(window: ShownWindow) -> str:
    low, high = (("?" if limit is None else f"{limit:g}") for limit in (window["low_V"], window["high_V"]))
    method = f"{window['method']}, {window['doi']}"
    return f"  practical window {low} .. {high} V ({method}): by its method no rival of the thermodynamic one"


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
    lines += _heat_lines(closed["reaction"])
    kind, sure = contact["interphase"].replace("_", " "), contact["interphase_confidence"]
    lines.append(f"  {kind} (confidence {sure}): {contact['interphase_why']}")
    found = contact["reported_interphase"]
    if found is not None:
        at = "" if found["voltage_V"] is None else f" at {found['voltage_V']:g} V"
        lines.append(f"  reported{at}: {found['interphase'].replace('_', ' ')} ({found['doi']})")
    lines += [f"  {warning['code']}: {warning['message']}" for warning in contact["warnings"]]
    return lines


def _heat_lines(reaction: ShownReaction) -> list[str]:
    if "heat_J_per_g" not in reaction:
        return []
    gas = f", {reaction['gas_mL_per_g']:.3g} mL/g of gas ({', '.join(reaction['gases'])})" if reaction["gases"] else ""
    return [f"  by itself gives off {reaction['heat_J_per_g']:.0f} J per gram of both{gas}"]


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
