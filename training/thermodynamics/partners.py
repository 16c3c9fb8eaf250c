"""What an electrolyte meets in a cell, by the names the field uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from features.errors import CandidateError
from features.formula import format_formula, parse_formula
from features.names import all_names, exact_names, find_name


class Role(StrEnum):
    """What the partner is in the cell."""

    LITHIUM_METAL = "lithium_metal"
    ANODE = "anode"
    LITHIATED_ANODE = "lithiated_anode"
    CATHODE = "cathode"
    CHARGED_CATHODE = "charged_cathode"
    COATING = "coating"
    WATER = "water"
    MATERIAL = "material"


@dataclass(frozen=True, slots=True)
class Partner:
    """One material that the electrolyte touches.

    Attributes
    ----------
    name
        What the user calls it.
    formula
        As written; it may be wrong, which is found when it is used.
    role
        What it is in the cell.
    """

    name: str
    formula: str
    role: Role


LITHIUM = Partner("lithium", "Li", Role.LITHIUM_METAL)
WATER = Partner("water", "H2O", Role.WATER)


CATHODES = ("LCO", "NMC811", "LFP", "LMO")
"""Those that the group `cathodes` asks of; every other cathode of `features.names` is understood by its name."""
COATING_FORMULAS = ("LiNbO3", "Li3PO4", "Li2SiO3", "LiAlO2", "Li4Ti5O12", "LiTaO3", "Li2ZrO3")
COATINGS = tuple(Partner(formula, formula, Role.COATING) for formula in COATING_FORMULAS)
GROUP_NAMES = ("lithium", "cathodes", "coatings", "water", "all")


@cache
def partner_names() -> tuple[str, ...]:
    """Return what may be asked for by name: groups, then every electrode and electrolyte with a usual composition."""
    return (*GROUP_NAMES, *(name.name for name in all_names() if name.kind in _ROLES and name.formula))


def find_partners(against: Iterable[str]) -> list[Partner]:
    """Return the partners that names and formulas stand for, each once, in the order given.

    Parameters
    ----------
    against
        `GROUP_NAMES`, names of `features.names` in any case, or formulas. A formula that is lithium, water, or one of
        the known cathodes and coatings gets its role; any other is a `material`.
    """
    found: dict[tuple[str, Role], Partner] = {}
    for text in against:
        for partner in _group(text.strip().lower()) or _named(text) or (_of_formula(text),):
            found.setdefault((partner.formula, partner.role), partner)
    return list(found.values())


# kind of a name -> role, and role of the charged cathode or lithiated anode
_ROLES = {
    "cathode": (Role.CATHODE, Role.CHARGED_CATHODE),
    "anode": (Role.ANODE, Role.LITHIATED_ANODE),
    "electrolyte": (Role.MATERIAL, Role.MATERIAL),
}


def _group(name: str) -> tuple[Partner, ...]:
    cathodes = tuple(partner for cathode in CATHODES for partner in _named(cathode))
    groups = {"lithium": (LITHIUM,), "cathodes": cathodes, "coatings": COATINGS, "water": (WATER,)}
    return groups.get(name, (LITHIUM, *cathodes, *COATINGS, WATER) if name == "all" else ())


def _named(text: str) -> tuple[Partner, ...]:
    """Return the partners of a name; none for a text that is none, or that reads as a formula in another case."""
    name = exact_names().get(text.strip()) or (None if _key(text) else find_name(text))
    if name is None or name.formula is None or name.kind not in _ROLES:
        return ()
    if name.formula == LITHIUM.formula:
        return (LITHIUM,)
    plain, charged = _ROLES[name.kind]
    state = "lithiated" if charged is Role.LITHIATED_ANODE else "charged"
    first = Partner(name.name, name.formula, plain)
    second = name.charged_formula
    return (first,) if second is None else (first, Partner(f"{name.name}, {state}", second, charged))


def _of_formula(text: str) -> Partner:
    return Partner(text, text, _known_roles().get(_key(text), Role.MATERIAL))


@cache
def _known_roles() -> dict[str, Role]:
    cathodes = (partner for name in all_names() if name.kind == "cathode" for partner in _named(name.name))
    return {_key(p.formula): p.role for p in (LITHIUM, WATER, *COATINGS, *cathodes)}


def _key(text: str) -> str:
    """Return one spelling of a formula; empty where it cannot be read, which is told where it is used."""
    try:
        return format_formula(parse_formula(text))
    except CandidateError:
        return ""
