"""Lithium's ways through a crystal structure, as an answer."""

from __future__ import annotations

import math

import numpy as np

from features.cif import CifAtoms
from features.errors import CandidateError, Remark, WarningCode
from features.structures.pathways import HIGHEST_BARRIER_eV, Pathways, pathways
from serving.pathways.document import PathwayBlock, PathwaysDocument
from serving.pathways.picture import picture
from serving.pathways.request import PathwaysRequest

PICTURE_ONLY = Remark(
    WarningCode.PICTURE_ONLY,
    "a picture of the structure, not a prediction: barriers by bond valence follow measured conductivities at a rank"
    " correlation of -0.5, computed barriers at 0.2; no model of elyte uses them",
)


def answer_pathways(request: PathwaysRequest) -> PathwaysDocument:
    """Describe one crystal structure; one that cannot be read or described gives the status `error`."""
    crystal: CifAtoms | None = None
    try:
        crystal = request.atoms()
        found = pathways(crystal)
    except CandidateError as error:
        return failed_document(crystal, error)
    document = _document(crystal, "ok", (*_without_lithium(crystal), *_closed(found), PICTURE_ONLY))
    document["pathway"] = _block(found)
    if request.grid:
        document["grid"] = picture(found)
    return document


def failed_document(crystal: CifAtoms | None, error: CandidateError) -> PathwaysDocument:
    """Return what is said of a structure that cannot be read (`crystal` is None) or described."""
    document = _document(crystal, "error", ())
    document["error"] = {"code": str(error.code), "message": error.message}
    return document


def _document(crystal: CifAtoms | None, status: str, remarks: tuple[Remark, ...]) -> PathwaysDocument:
    if crystal is None:
        return {"formula": None, "read_as": None, "status": status, "warnings": []}
    structure = crystal.structure
    return {
        "formula": structure.formula,
        "read_as": structure.formula,
        "block": structure.crystal.block,
        "space_group": structure.crystal.space_group,
        "cell_content": structure.crystal.cell_content,
        "status": status,
        "warnings": [one.as_dict() for one in (*structure.remarks, *remarks)],
    }


def _block(found: Pathways) -> PathwayBlock:
    one, two, three = (round(value, 3) if math.isfinite(value) else None for value in found.barriers_eV.tolist())
    landscape = found.landscape
    steps_A = np.linalg.norm(landscape.lattice_A, axis=1) / landscape.energy_eV.shape
    return {
        "dimension": found.dimension,
        "barrier_1d_eV": one,
        "barrier_2d_eV": two,
        "barrier_3d_eV": three,
        "bottleneck_A": round(found.bottleneck_A, 3),
        "grid_step_A": round(float(steps_A.max()), 3),
    }


def _without_lithium(crystal: CifAtoms) -> tuple[Remark, ...]:
    if "Li" in crystal.structure.amounts:
        return ()
    message = f"no lithium in {crystal.structure.formula}: these are the ways of a lithium ion put between its atoms"
    return (Remark(WarningCode.NO_LITHIUM, message),)


def _closed(found: Pathways) -> tuple[Remark, ...]:
    closed = [f"{n}" for n, barrier in enumerate(found.barriers_eV.tolist(), start=1) if not math.isfinite(barrier)]
    if not closed:
        return ()
    message = f"no way in {' or '.join(closed)} dimensions below {HIGHEST_BARRIER_eV:g} eV: null"
    return (Remark(WarningCode.NO_PATH, message),)
