"""Elastic moduli, what follows from them, and the band gap, as quantities; the size of flaws as a condition."""

from __future__ import annotations

from training.properties.contract import Condition, Content, Quantity

NAME = "mechanics"
DEFAULT_FLAW_SIZE_um = 1.0

FLAW_SIZE = Condition(
    "flaw_size_um",
    Content.NUMBER,
    "Depth of the largest surface flaw of the electrolyte in micrometres.",
    above=0.0,
    at_most=1000.0,
    short="flaw",
    label="Flaw size",
    unit="µm",
)
CONDITIONS = (FLAW_SIZE,)

_GPA = (("GPa", 1.0), ("MPa", 1e-3), ("kbar", 0.1))
_SHARED = (
    "the moduli of one candidate, and what follows from them, share the errors of its shear modulus and of its bulk"
    " modulus"
)
_CRYSTAL = "The modulus is that of the dense crystal: pores, grain boundaries and glassy parts lower it"


def _modulus(stem: str, label: str, aliases: tuple[str, ...], *, higher_is_better: bool) -> Quantity:
    return Quantity(
        stem,
        "GPa",
        label,
        "GPa",
        higher_is_better,
        0.01,
        2000.0,
        aliases,
        units=_GPA,
        assumes=_SHARED,
        caveat=_CRYSTAL,
    )


YOUNG = _modulus("youngs_modulus", "Young's modulus", ("E", "youngs_modulus", "stiffness"), higher_is_better=False)
SHEAR = _modulus("shear_modulus", "shear modulus", ("G", "shear_modulus"), higher_is_better=True)
BULK = _modulus("bulk_modulus", "bulk modulus", ("K", "bulk_modulus"), higher_is_better=False)
POISSON = Quantity(
    "poisson_ratio",
    "",
    label="Poisson ratio",
    unit="",
    higher_is_better=True,
    lowest=-1.0,
    highest=0.5,
    aliases=("nu", "poisson", "poisson_ratio"),
    assumes=_SHARED,
)
PUGH = Quantity(
    "pugh_ratio",
    "",
    label="Pugh ratio K/G",
    unit="",
    higher_is_better=True,
    lowest=0.0,
    highest=100.0,
    aliases=("pugh", "pugh_ratio"),
    assumes=_SHARED,
)
GRIFFITH = Quantity(
    "griffith_overpotential",
    "mV",
    label="overpotential that drives lithium into a flaw",
    unit="mV",
    higher_is_better=True,
    lowest=0.0,
    highest=1e6,
    aliases=("griffith", "griffith_overpotential"),
    units=(("mV", 1.0), ("V", 1e3)),
    conditions=(FLAW_SIZE.name,),
    assumes=_SHARED,
    caveat="Real flaws, wetted grain boundaries and plastic lithium decide where a crack starts",
)
GAP = Quantity(
    "pbe_band_gap",
    "eV",
    label="band gap (PBE)",
    unit="eV",
    higher_is_better=True,
    lowest=0.0,
    highest=20.0,
    aliases=("gap", "band_gap", "pbe_gap"),
    units=(("eV", 1.0), ("meV", 1e-3)),
    caveat="PBE gaps lie below measured ones, and no gap says how well defects and grain boundaries conduct",
)
PROBABILITY_METAL = Quantity(
    "probability_metal",
    "",
    label="probability of having no band gap",
    unit="",
    higher_is_better=False,
    lowest=0.0,
    highest=1.0,
    aliases=("metal", "probability_metal"),
    has_interval=False,
)
QUANTITIES = (YOUNG, SHEAR, BULK, POISSON, PUGH, GRIFFITH, GAP, PROBABILITY_METAL)
