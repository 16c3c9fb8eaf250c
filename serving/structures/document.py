"""The shapes of what is said of a structure; the keys are those of the formula's answer where they mean the same."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from serving.answers.rows import MaterialHead, ModelHeaders, NamedRowError

BASIS: Literal["structure"] = "structure"


class ShownPart(TypedDict):
    """What was computed in place of a disordered crystal, or of an ordered one its primitive cell."""

    formula: str
    atoms: int
    disordered: bool
    supercell: int
    composition_distance: float
    mixing_entropy_kB_per_cell: float
    mixing_eV_per_atom_at_300_K: float


class ShownRelaxation(TypedDict):
    """How a relaxation ended."""

    end: str
    steps: int
    largest_force_eV_per_A: float
    volume_change: float
    bonded_dimensions: int


class ShownContact(TypedDict):
    """What the structure becomes beside one partner, and the same by the formula alone."""

    against: str
    energy_eV_per_atom: float
    energy_by_formula_eV_per_atom: float | None
    reaction: str
    interphase: NotRequired[str]


class ShownMoisture(TypedDict):
    """Whether moist air attacks the structure, and the same by the formula alone."""

    energy_eV_per_H2O: float
    energy_by_formula_eV_per_H2O: float | None
    withstands: bool
    evolves_h2s: bool
    reaction: str


class ShownElasticity(TypedDict):
    """Elastic constants of the relaxed cell and the moduli of a polycrystal of it (Voigt, Reuss, Hill)."""

    bulk_GPa: float
    shear_GPa: float
    youngs_GPa: float
    bulk_voigt_reuss_GPa: list[float]
    shear_voigt_reuss_GPa: list[float]
    constants_GPa: list[list[float]]
    is_stable: bool
    converged: bool
    basis: str


class StructureRow(MaterialHead, total=False):
    """One structure; energies, limits and what competes stand under the names that the formula's answer uses."""

    file: str
    status: Literal["ok", "error"]
    error: NamedRowError
    basis: Literal["structure"]
    potential: str
    energy_by: str
    by_potential: dict[str, float]
    disagreement_eV_per_atom: float
    listed_eV_per_atom: float | None
    decomposition: str
    formula_alone: dict[str, object] | None
    difference: str
    believe: Literal["structure", "formula", "both"] | None
    believe_because: str
    representative: ShownPart
    relaxation: ShownRelaxation
    contacts: list[ShownContact]
    moisture: ShownMoisture | None
    elastic: ShownElasticity | None
    relaxed_cif: str | None
    warnings: list[dict[str, str]]


class StructuresDocument(TypedDict):
    """The answer to a call."""

    models: ModelHeaders
    potentials: dict[str, str]
    calibration: dict[str, object]
    results: list[StructureRow]
