"""The difference between a structure and its formula in words, and which of the two to believe."""

from __future__ import annotations

from typing import Literal, NamedTuple

MOST_COMPOSITION_DISTANCE = 0.005


class SideBySide(NamedTuple):
    """What stands side by side; energies above the hull in eV/atom.

    Attributes
    ----------
    structure, structure_half_width
        By the relaxed structure, below 0 where it is stable.
    formula, formula_half_width
        By the formula alone, None where it cannot be judged; below 0 only where it is listed.
    listed
        Whether the formula's energy is the one that the table lists.
    relative_to_listed
        Energy of the structure less the one that the table lists for this composition, None where it lists none.
    doubts
        Why the structure's energy may mean little.
    """

    structure: float
    structure_half_width: float
    formula: float | None
    formula_half_width: float
    listed: bool
    relative_to_listed: float | None
    doubts: tuple[str, ...]


Believe = Literal["structure", "formula", "both"] | None


def difference(said: SideBySide) -> str:
    """Return the comparison as one sentence."""
    drawn = f"as drawn in your CIF {_hull(said.structure)} (within {_meV(said.structure_half_width)})"
    if said.formula is None:
        return f"{drawn}; the formula alone cannot be judged"
    how = "from the table" if said.listed else f"by the nets, within {_meV(said.formula_half_width)}"
    sentence = f"{drawn}; the formula alone {_hull(said.formula)} ({how})"
    if said.relative_to_listed is None:
        return sentence
    return f"{sentence}: the structure has {_against_listed(said.relative_to_listed)}"


def believe(said: SideBySide) -> tuple[Believe, str]:
    """Return whether to believe the structure, the formula or both, and why; None where there is one of them only."""
    doubts = f"of the structure: {'; '.join(said.doubts)}"
    if said.formula is None:
        return None, f"there is nothing to set beside the structure{f'; {doubts}' if said.doubts else ''}"
    if said.doubts:
        return "formula", doubts
    apart = abs((said.structure if said.listed else max(said.structure, 0.0)) - said.formula)
    together = said.structure_half_width + said.formula_half_width
    if said.listed and apart <= said.structure_half_width:
        return "both", "they agree within the error of the potential"
    if said.listed and said.structure < said.formula:
        return "structure", "it lies below the cell that the table computed for this composition"
    if said.listed:
        return (
            "structure",
            "it is this arrangement that was computed; the table lists the lowest one of the composition",
        )
    if said.structure_half_width < said.formula_half_width:
        return "structure", "no table lists the composition, and the structure's interval is the narrower one"
    if apart <= together:
        return "both", "no table lists the composition, and the two agree within their errors"
    return "formula", "no table lists the composition, and the nets know such compositions better than the potentials"


def _against_listed(energy_eV: float) -> str:
    if abs(energy_eV) < 0.0005:
        return "the energy that the table lists"
    return f"{_meV(abs(energy_eV))} {'more' if energy_eV > 0 else 'less'} than the cell that the table lists"


def _hull(energy_eV: float) -> str:
    if abs(energy_eV) < 0.0005:
        return "on the hull"
    return f"{_meV(abs(energy_eV))} {'above' if energy_eV > 0 else 'below'} the hull"


def _meV(energy_eV: float) -> str:
    return f"{1000.0 * energy_eV:.0f} meV/atom"
