"""The energies and potentials of stability as quantities."""

from __future__ import annotations

from training.properties.contract import Quantity
from training.properties.stability.solid_solution import SYNTHESIS_TEMPERATURE

NAME = "stability"
PER_ATOM = (("eV/atom", 1.0), ("meV/atom", 1e-3))
"""What measurements may be written in: there `eV` alone could be meant of a formula unit."""
_VOLT = (("V", 1.0), ("mV", 1e-3))


_SHARED = (
    "energy above hull, limits of the window and hydrolysis of one candidate share the error of its formation energy;"
    " the limits have besides the deviation of published limits"
)
_AT_0_K = "Energies at 0 K know no disorder and no entropy"


def _energy(stem: str, label: str, aliases: tuple[str, ...], lowest: float, caveat: str = "") -> Quantity:
    unit = "eV/atom"
    return Quantity(
        stem,
        "eV_per_atom",
        label,
        unit,
        False,
        lowest,
        10.0,
        aliases,
        units=(("eV", 1.0), ("meV", 1e-3), *PER_ATOM),
        assumes=_SHARED,
        caveat=caveat,
    )


FORMATION_ENERGY = _energy("formation_energy", "formation energy", ("formation_energy", "ef"), -10.0)
DECOMPOSITION_ENERGY = _energy("decomposition_energy", "decomposition energy", ("decomposition_energy", "ed"), -10.0)
ABOVE_HULL = _energy("energy_above_hull", "energy above the hull", ("hull", "energy_above_hull", "ehull"), 0.0, _AT_0_K)
PROBABILITY_STABLE = Quantity(
    "probability_stable",
    "",
    label="probability of lying on the hull",
    unit="",
    higher_is_better=True,
    lowest=0.0,
    highest=1.0,
    aliases=("stable", "p_stable"),
    has_interval=False,
    caveat=_AT_0_K,
)
FREE_ENERGY = Quantity(
    "free_energy_above_hull",
    "eV_per_atom",
    label="energy above the hull less what ideal mixing gains",
    unit="eV/atom",
    higher_is_better=False,
    lowest=-10.0,
    highest=10.0,
    aliases=("free_energy", "free_energy_above_hull"),
    units=(("eV", 1.0), ("meV", 1e-3), *PER_ATOM),
    conditions=(SYNTHESIS_TEMPERATURE.name,),
    in_answers=False,
    assumes=(
        f"{_SHARED}; the entropy is the smallest that a formula allows, on sites that it does not tell, and 0 where no"
        " temperature of synthesis is stated; competing phases have none; below 0 a phase is stable even without it"
    ),
)
SOLID_SOLUTION = "solid_solution"
"""Key of what an answer says of mixing at the temperature of synthesis."""
REDUCTION = Quantity(
    "reduction",
    "V",
    label="reduction limit",
    unit="V",
    higher_is_better=False,
    lowest=0.0,
    highest=10.0,
    aliases=("reduction", "red"),
    units=_VOLT,
    never_above=(("oxidation_V", "the oxidation limit never lies below the reduction limit"),),
    assumes=_SHARED,
)
OXIDATION = Quantity(
    "oxidation",
    "V",
    label="oxidation limit",
    unit="V",
    higher_is_better=True,
    lowest=0.0,
    highest=10.0,
    aliases=("oxidation", "ox"),
    units=_VOLT,
    assumes=_SHARED,
)
INTERPHASE = Quantity(
    "lithium_interphase",
    "",
    label="layer between the material and lithium metal",
    unit="",
    higher_is_better=True,
    lowest=0.0,
    highest=2.0,
    aliases=("interphase", "lithium_layer"),
    in_answers=False,
    levels=("mixed_conducting", "protective", "stable"),
    assumes=(
        "the layer beside lithium metal is met or not (0 or 1): its products follow from the composition and the"
        " table, whether they conduct from a rule, and neither states an error"
    ),
)
WINDOW_WIDTH = Quantity(
    "window_width",
    "V",
    label="width of the window",
    unit="V",
    higher_is_better=True,
    lowest=0.0,
    highest=10.0,
    aliases=("window", "width", "window_width"),
    units=_VOLT,
    in_answers=False,
    against="margin_V",
    never_above=(("oxidation_V", "a window is no wider than its oxidation limit is high"),),
    assumes=_SHARED,
)
MARGIN = Quantity(
    "margin",
    "V",
    label="margin against an electrode",
    unit="V",
    higher_is_better=True,
    lowest=-10.0,
    highest=10.0,
    aliases=("margin",),
    units=_VOLT,
    in_answers=False,
    against="margin_V",
    assumes=_SHARED,
)
HYDROLYSIS = Quantity(
    "hydrolysis",
    "eV_per_H2O",
    label="energy of the reaction with moist air",
    unit="eV/H2O",
    higher_is_better=True,
    lowest=-20.0,
    highest=20.0,
    aliases=("moisture", "hydrolysis", "water"),
    units=(("eV", 1.0), ("eV/H2O", 1.0), ("meV", 1e-3)),
    in_answers=False,
    assumes=_SHARED,
)
H2S = Quantity(
    "h2s",
    "mmol_per_g",
    label="hydrogen sulfide given off in moist air",
    unit="mmol/g",
    higher_is_better=False,
    lowest=0.0,
    highest=100.0,
    aliases=("h2s",),
    units=(("mmol/g", 1.0),),
    in_answers=False,
)
