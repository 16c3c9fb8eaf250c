"""What the answer about the ways through a crystal holds."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from serving.answers.rows import ShownMaterial


class PathwayBlock(TypedDict):
    """Barriers in eV, null where nothing percolates below 8 eV; the bottleneck is a radius in angstrom."""

    dimension: int
    barrier_1d_eV: float | None
    barrier_2d_eV: float | None
    barrier_3d_eV: float | None
    bottleneck_A: float
    grid_step_A: float


class ShownAtoms(TypedDict):
    """A position of the unit cell: fractions of its vectors, and what stands there with its occupancy."""

    place: list[float]
    occupancies: dict[str, float]


class GridBlock(TypedDict):
    """Energies in the unit cell of the CIF.

    `levels` are bytes in base64, the last axis fastest: the energy above the lowest point is a level times `step_eV`,
    255 means at least that much. Point i of n stands at i / n of a vector; `lattice_A` has the vectors as rows.
    """

    lattice_A: list[list[float]]
    shape: list[int]
    step_eV: float
    levels: str
    atoms: list[ShownAtoms]


class PathwaysDocument(ShownMaterial):
    """The answer about one crystal structure, of status `error` where it cannot be described."""

    id: NotRequired[str]
    status: str
    pathway: NotRequired[PathwayBlock]
    grid: NotRequired[GridBlock]
    error: NotRequired[dict[str, str]]
    warnings: list[dict[str, str]]
