"""`POST /structures` queues a structure to be relaxed, `GET` and `DELETE /structures/{id}` follow and cancel it."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from functools import cache
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from features.candidate import RowError
from serving.answers.refusals import RequestError, read_as
from serving.answers.request import read_inputs
from serving.predictor import Predictor
from serving.rest.answer_models import ModelHeader, Note
from serving.rest.answer_writers import json_response
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import Refusals, body_of, refusals
from serving.rest.request_body import JSON
from serving.rest.routes.answering import Loaded, admitted_body, lanes_of
from serving.structures.jobs import (
    JobQueue,
    JobState,
    QueuedJob,
    QueueFullError,
    QueueLimits,
    QueueUnavailableError,
    jobs_folder,
)
from serving.structures.request import StructureRequest
from serving.structures.worker import ensure_worker
from training.properties import registry
from training.structures.potentials import POTENTIALS, installed_versions, is_installed

RETRY_SECONDS = 30
POLL_SECONDS = 2
EXAMPLE = {
    "cif": (
        "data_Li3OCl\n_cell_length_a 3.9\n_cell_length_b 3.9\n_cell_length_c 3.9\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P m -3 m'\nloop_\n_atom_site_label\n"
        "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nCl1 0 0 0\nO1 0.5 0.5 0.5\nLi1 0.5 0.5 0\n"
    ),
}
OWN: Refusals = {
    429: (
        "As many structures wait as may, or too many requests are being answered.",
        "queue_full",
        "16 structures wait, as many as may; try again later",
    ),
    501: (
        "The extra `structure` is not installed here.",
        "structure_not_installed",
        "structures are not relaxed here: pip install 'elyte[structure]' on the machine of the service",
    ),
    503: (
        "The queue cannot be read or written now.",
        "queue_unavailable",
        "the queue of structures cannot be used now: database is locked",
    ),
}
UNKNOWN: Refusals = {404: ("There is no such job.", "unknown_job", "no structure was queued under this id")}
_GENERAL = (400, 401, 403, 408, 413, 415, 429, 500, 504)
_READING = (401, 403, 500, 504)

router = APIRouter(route_class=AnsweringRoute)
JobId = Annotated[str, Path(description="As `POST /structures` answered.")]
T = TypeVar("T")


class StructureAnswer(BaseModel):
    """What `elyte relax --json` prints."""

    model_config = ConfigDict(extra="allow")

    models: dict[str, ModelHeader]
    potentials: dict[str, str] = Field(description="Those that were asked, with package and version.")
    calibration: dict[str, object] = Field({}, description="What the intervals were calibrated on, and what is known.")
    results: list[dict[str, object]]


class ShownJob(BaseModel):
    """Where a job stands; its answer once it is done."""

    id: str
    state: JobState
    ahead: int | None = Field(None, description="How many jobs come before, while it is queued.")
    step: int | None = Field(None, description="Steps of the relaxation so far.")
    largest_force_eV_per_A: float | None = None
    waited_seconds: float | None = None
    error: Note | None = Field(None, description="Why it failed.")
    answer: StructureAnswer | None = None


@router.post(
    "/structures",
    status_code=202,
    summary="Queue a crystal structure to be relaxed by a universal potential",
    response_model=ShownJob,
    response_description="The job is queued; `Location` says where to follow it.",
    responses=refusals(
        OWN | {503: (f"{OWN[503][0]} Or models are being loaded: `not_ready`.", *OWN[503][1:])}, only=_GENERAL
    ),
    openapi_extra=body_of(StructureRequest, EXAMPLE),
)
async def queue_structure(request: Request, predictor: Loaded) -> Response:
    """Take a structure in; the same question is answered once by the same models, a disordered one by one arrangement.

    A structure that cannot be read gives a job that has failed already.
    """
    async with admitted_body(request, JSON) as raw:
        asked = read_as(StructureRequest, raw)
        _require_installed(str(asked.potential))
        limits, queue = _limits(), _queue()
        digest = asked.digest(limits.atoms, _versions(predictor, str(asked.potential)))

        def submit() -> QueuedJob:
            read = read_inputs([asked.candidate()])[0]
            if isinstance(read, RowError):
                return queue.refuse(digest, str(read.code), read.message)
            job = queue.submit(asked.model_dump_json(), digest, limits.waiting)
            if not job.state.is_over:
                ensure_worker(queue.folder)
            return job

        job, ahead = await lanes_of(request).write(lambda: _followed(queue, _refusing(submit)))
    response = json_response(_document(job, ahead))
    response.status_code = 202
    response.headers["Location"] = f"structures/{job.id}"
    response.headers["Retry-After"] = str(POLL_SECONDS)
    return response


class StructuresInstalled(BaseModel):
    """What this service does with structures."""

    potentials: dict[str, bool] = Field(description="Name to whether its packages are installed.")
    most_atoms: int
    most_seconds: float
    most_waiting: int
    waiting: int = Field(description="Jobs that are queued or running.")


@router.get(
    "/structures",
    summary="Say which potentials are installed, and how many structures wait",
    response_model=StructuresInstalled,
    response_description="What this service does with structures.",
    responses=refusals({503: OWN[503]}, only=_READING),
)
async def structures_installed(request: Request) -> Response:
    """Answer also where none is installed."""
    queue, limits = _queue(), _limits()
    waiting = await lanes_of(request).write(lambda: _refusing(queue.unfinished))
    return json_response(
        {
            "potentials": {name: is_installed(name) for name in POTENTIALS},
            "most_atoms": limits.atoms,
            "most_seconds": limits.seconds,
            "most_waiting": limits.waiting,
            "waiting": waiting,
        }
    )


@router.get(
    "/structures/{id}",
    summary="Follow a queued structure",
    response_model=ShownJob,
    response_description="Where it stands, with the answer once it is done.",
    responses=refusals({**UNKNOWN, 503: OWN[503]}, only=_READING),
)
async def follow_structure(request: Request, id: JobId) -> Response:
    """Answer at once; ask again every few seconds."""
    queue = _queue()

    def look() -> QueuedJob:
        job = queue.get(id)
        if job is None:
            raise _unknown()
        if not job.state.is_over and is_installed():
            ensure_worker(queue.folder)  # of a service that was started again
        return job

    job, ahead = await lanes_of(request).write(lambda: _followed(queue, _refusing(look)))
    return json_response(_document(job, ahead))


@router.delete(
    "/structures/{id}",
    summary="Cancel a queued structure",
    response_model=ShownJob,
    response_description="It is cancelled, unless it was over before.",
    responses=refusals({**UNKNOWN, 503: OWN[503]}, only=_READING),
)
async def cancel_structure(request: Request, id: JobId) -> Response:
    """Stop after the current step; nothing of an answer is left."""
    queue = _queue()

    def cancel() -> QueuedJob:
        job = queue.cancel(id)
        if job is None:
            raise _unknown()
        return job

    job = await lanes_of(request).write(lambda: _refusing(cancel))
    return json_response(_document(job, None))


def _followed(queue: JobQueue, job: QueuedJob) -> tuple[QueuedJob, int | None]:
    return job, _refusing(lambda: queue.ahead_of(job)) if job.state is JobState.QUEUED else None


def _refusing(work: Callable[[], T]) -> T:
    try:
        return work()
    except QueueFullError as error:
        raise RequestError(429, "queue_full", str(error), {"Retry-After": str(RETRY_SECONDS)}) from None
    except QueueUnavailableError as error:
        raise RequestError(503, "queue_unavailable", str(error), {"Retry-After": str(POLL_SECONDS)}) from None


def _require_installed(potential: str) -> None:
    if not is_installed(potential):
        how = POTENTIALS[potential].how
        message = f"structures are not relaxed by {potential} here: {how} on the machine of the service"
        raise RequestError(501, "structure_not_installed", message)


def _versions(predictor: Predictor, potential: str) -> str:
    """Return what an answer of now would be computed by: under another model the same question is another job."""
    models = predictor.headers([registry.of_phases().name])
    digests = {name: header["digest"] for name, header in models.items()}
    return f"{digests} {installed_versions(potential)} {importlib.metadata.version('elyte')}"


def _unknown() -> RequestError:
    return RequestError(404, *UNKNOWN[404][1:])


def _document(job: QueuedJob, ahead: int | None) -> dict[str, object]:
    end = job.finished if job.finished is not None else time.time()
    failed = None if job.code is None else {"code": job.code, "message": job.message}
    return {
        "id": job.id,
        "state": str(job.state),
        "ahead": ahead,
        "step": job.step,
        "largest_force_eV_per_A": job.force,
        "waited_seconds": round(max(end - job.created, 0.0), 1),
        "error": failed,
        "answer": None if job.answer is None else orjson.loads(job.answer),
    }


@cache
def _limits() -> QueueLimits:
    return QueueLimits.from_environment()


def _queue() -> JobQueue:
    return JobQueue(jobs_folder())
