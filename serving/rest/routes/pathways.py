"""`POST /pathways`: lithium's ways through a crystal structure."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.refusals import read_as
from serving.pathways.answer import answer_pathways
from serving.pathways.request import PathwaysRequest
from serving.rest.answer_models import FailedMaterial, Note
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, refusals
from serving.rest.routes.answering import answer_json

EXAMPLE = {
    "cif": "data_LiCl\n_cell_length_a 5.13\n_cell_length_b 5.13\n_cell_length_c 5.13\n"
    "_symmetry_space_group_name_H-M 'F m -3 m'\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n"
    "_atom_site_fract_z\nLi1 0 0 0\nCl1 0.5 0.5 0.5\n"
}

router = APIRouter(route_class=AnsweringRoute)


class Pathway(BaseModel):
    """By bond valence; barriers are null where nothing percolates below 8 eV."""

    dimension: int = Field(description="Of the ways that open within 0.2 eV of the easiest one, 0 to 3.")
    barrier_1d_eV: float | None
    barrier_2d_eV: float | None
    barrier_3d_eV: float | None
    bottleneck_A: float = Field(description="Radius that passes in three dimensions between the other ions.")
    grid_step_A: float


class ShownPosition(BaseModel):
    """A position of the unit cell."""

    place: list[float] = Field(description="Fractions of the vectors.")
    occupancies: dict[str, float]


class Grid(BaseModel):
    """Energies above the lowest in the unit cell of the CIF."""

    lattice_A: list[list[float]] = Field(description="Vectors as rows.")
    shape: list[int]
    step_eV: float
    levels: str = Field(description="Bytes in base64, the last axis fastest; a level times step_eV, 255 and above.")
    atoms: list[ShownPosition]


class PathwaysAnswer(FailedMaterial):
    """Lithium's ways through a crystal: a description, not a prediction."""

    status: Literal["ok", "error"]
    pathway: Pathway | None = None
    grid: Grid | None = None
    error: Note | None = None
    warnings: list[Note]


@router.post(
    "/pathways",
    summary="Describe lithium's ways through a crystal structure, by bond valence",
    response_model=PathwaysAnswer,
    response_description="Dimension, barriers and bottleneck; energies on a grid where they are asked for.",
    responses=refusals(),
    openapi_extra=body_of(PathwaysRequest, EXAMPLE),
)
async def pathways(request: Request) -> Response:
    """Describe one CIF, disordered or not; one that cannot be read or described gives the status `error`."""
    return await answer_json(request, lambda raw: answer_pathways(read_as(PathwaysRequest, raw)))
