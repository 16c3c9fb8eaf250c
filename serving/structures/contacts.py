"""What a structure becomes beside lithium, a charged cathode and in moist air: with its own energy, and by formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from features.errors import CandidateError
from training.thermodynamics.interface import FailedContact, WaterContact, interface
from training.thermodynamics.reactions import shown_reaction

if TYPE_CHECKING:
    from serving.structures.document import ShownContact, ShownMoisture
    from training.thermodynamics.phases import PhaseTable

AGAINST = ("lithium", "NMC811", "water")
_DECIMALS = 4


class ContactsBlock(TypedDict):
    """Contacts, and the reaction with moist air; None where nothing could be said of it."""

    contacts: list[ShownContact]
    moisture: ShownMoisture | None


def contacts_of(
    phases: PhaseTable, amounts: Mapping[str, float], energy_eV_per_atom: float, listed_eV_per_atom: float | None
) -> ContactsBlock:
    """Return `contacts` and `moisture` of a structure.

    Parameters
    ----------
    phases
        Formation energies.
    amounts
        Element symbol to amount.
    energy_eV_per_atom
        Formation energy of the structure.
    listed_eV_per_atom
        What the table lists of the composition; None where it lists nothing, and the formula is taken as the mixture.
    """
    try:
        own = interface(phases, amounts, AGAINST, energy_eV_per_atom=energy_eV_per_atom)
        formula = interface(phases, amounts, AGAINST, energy_eV_per_atom=listed_eV_per_atom)
    except CandidateError:
        return {"contacts": [], "moisture": None}
    contacts: list[ShownContact] = []
    moisture: ShownMoisture | None = None
    for here, there in zip(own.contacts, formula.contacts, strict=True):
        if isinstance(here, FailedContact) or isinstance(there, FailedContact):
            continue
        if isinstance(here, WaterContact):
            assert isinstance(there, WaterContact)
            moisture = _moisture(here, there)
            continue
        assert not isinstance(there, WaterContact)
        reaction, _ = shown_reaction(here.closed.reaction)
        contacts.append(
            {
                "against": here.partner.name,
                "energy_eV_per_atom": round(here.closed.energy_eV_per_atom, _DECIMALS),
                "energy_by_formula_eV_per_atom": round(there.closed.energy_eV_per_atom, _DECIMALS),
                "reaction": reaction.text,
                "interphase": str(here.verdict.interphase),
            }
        )
    return {"contacts": contacts, "moisture": moisture}


def _moisture(own: WaterContact, formula: WaterContact) -> ShownMoisture:
    found = own.hydrolysis
    return {
        "energy_eV_per_H2O": round(found.energy_eV_per_H2O, _DECIMALS),
        "energy_by_formula_eV_per_H2O": round(formula.hydrolysis.energy_eV_per_H2O, _DECIMALS),
        "withstands": found.withstands,
        "evolves_h2s": found.evolves_h2s,
        "reaction": found.reaction.text,
    }
