"""What an electrolyte meets in a cell, by the names the field uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from features.formula import format_formula, parse_formula


class Role(StrEnum):
    """What the partner is in the cell."""

    LITHIUM_METAL = "lithium_metal"
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


def _cathode(name: str, discharged: str, charged: str) -> tuple[Partner, Partner]:
    return (Partner(name, discharged, Role.CATHODE), Partner(f"{name}, charged", charged, Role.CHARGED_CATHODE))


# Charged to what full cells use: half of the lithium of LCO (4.2 V), about 200 of 275 mAh/g of NMC811 (4.3 V)
CATHODES: Mapping[str, tuple[Partner, Partner]] = {
    "LCO": _cathode("LCO", "LiCoO2", "Li0.5CoO2"),
    "NMC811": _cathode("NMC811", "LiNi0.8Mn0.1Co0.1O2", "Li0.25Ni0.8Mn0.1Co0.1O2"),
    "LFP": _cathode("LFP", "LiFePO4", "FePO4"),
    "LMO": _cathode("LMO", "LiMn2O4", "Mn2O4"),
}
COATING_FORMULAS = ("LiNbO3", "Li3PO4", "Li2SiO3", "LiAlO2", "Li4Ti5O12", "LiTaO3", "Li2ZrO3")
COATINGS = tuple(Partner(formula, formula, Role.COATING) for formula in COATING_FORMULAS)

_GROUPS: dict[str, tuple[Partner, ...]] = {
    "lithium": (LITHIUM,),
    **{name.lower(): pair for name, pair in CATHODES.items()},
    "ncm811": CATHODES["NMC811"],
    "cathodes": tuple(partner for pair in CATHODES.values() for partner in pair),
    "coatings": COATINGS,
    "water": (WATER,),
}
PRESETS: Mapping[str, tuple[Partner, ...]] = _GROUPS | {
    "all": (LITHIUM, *_GROUPS["cathodes"], *COATINGS, WATER),
}
PRESET_NAMES = ("lithium", *CATHODES, "cathodes", "coatings", "water", "all")
_BY_FORMULA = {format_formula(parse_formula(p.formula)): p for p in (LITHIUM, WATER, *COATINGS)}
_BY_FORMULA |= {format_formula(parse_formula(p.formula)): p for p in PRESETS["cathodes"]}


def find_partners(against: Iterable[str]) -> list[Partner]:
    """Return the partners that names and formulas stand for, each once, in the order given.

    Parameters
    ----------
    against
        Names of `PRESET_NAMES`, in any case, or formulas. A formula that is lithium, water, or one of the known
        cathodes and coatings gets its role; any other is a `material`.
    """
    found: dict[tuple[str, Role], Partner] = {}
    for text in against:
        for partner in PRESETS.get(text.strip().lower()) or (_of_formula(text),):
            found.setdefault((partner.formula, partner.role), partner)
    return list(found.values())


def _of_formula(text: str) -> Partner:
    try:
        known = _BY_FORMULA.get(format_formula(parse_formula(text)))
    except ValueError:  # told where it is used
        known = None
    return Partner(text, text, known.role if known else Role.MATERIAL)
