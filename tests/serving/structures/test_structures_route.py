"""`/structures` over HTTP: what is taken in, refused, followed and cancelled; no worker runs, its lock is held here."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI
from in_process import call
from made_structures import LICL, entry
from test_structure_jobs import LI3OCL

from serving.models.store import load_models
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from serving.rest.routes import structures
from serving.structures.jobs import FOLDER_VARIABLE, JobQueue
from serving.structures.request import StructureRequest
from serving.structures.worker import take_lock

SENT = {"json": {"cif": LI3OCL}}


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobQueue]:
    """The queue of the service, with room for two."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv("ELYTE_STRUCTURES_QUEUE", "2")
    structures._limits.cache_clear()
    lock = take_lock(tmp_path)
    assert lock is not None
    with lock:
        yield JobQueue(tmp_path)
    structures._limits.cache_clear()


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The application; of its models it matters which they are."""
    return create_app(Predictor.load("shipped", properties=["stability"]))


def declared(app: FastAPI, response: httpx.Response, method: str, path: str) -> None:
    """Check that an answer fits the schema that the document promises for its status."""
    document = app.openapi()
    said = document["paths"][path][method]["responses"][str(response.status_code)]
    schema = said["content"]["application/json"]["schema"]
    jsonschema.validate(response.json(), schema | {"components": document["components"]})


def test_a_structure_is_queued_followed_and_cancelled(app: FastAPI, queue: JobQueue) -> None:
    taken = call(app, "POST", "/structures", **SENT)
    assert taken.status_code == 202
    declared(app, taken, "post", "/structures")
    number = taken.json()["id"]
    assert taken.headers["Location"] == f"structures/{number}"
    assert (taken.json()["state"], taken.json()["ahead"]) == ("queued", 0)
    assert call(app, "POST", "/structures", **SENT).json()["id"] == number

    queue.claim()
    queue.progress(number, 3, 0.5)
    running = call(app, "GET", f"/structures/{number}")
    declared(app, running, "get", "/structures/{id}")
    assert (running.json()["state"], running.json()["step"]) == ("running", 3)

    ended = call(app, "DELETE", f"/structures/{number}")
    declared(app, ended, "delete", "/structures/{id}")
    assert ended.json()["state"] == "cancelled"


def test_an_answer_is_handed_out_as_it_was_written(app: FastAPI, queue: JobQueue) -> None:
    number = call(app, "POST", "/structures", **SENT).json()["id"]
    queue.claim()
    queue.finish(number, '{"models": {}, "potentials": {"sevenn-0": "sevenn 0.13.0"}, "results": [{"x": 1}]}')
    done = call(app, "GET", f"/structures/{number}")
    declared(app, done, "get", "/structures/{id}")
    assert done.json()["answer"]["results"] == [{"x": 1}]


def test_a_poscar_and_an_optimade_entry_are_queued_as_a_cif_is(app: FastAPI, queue: JobQueue) -> None:
    for document in (LICL, entry()):
        taken = call(app, "POST", "/structures", json={"structure": document})
        assert (taken.status_code, taken.json()["state"]) == (202, "queued")
        kept = queue.get(taken.json()["id"])
        assert kept is not None
        read = StructureRequest.model_validate_json(kept.request).atoms().structure  # as the worker reads it
        assert read.formula == "LiCl"
    queue.cancel(taken.json()["id"])
    nested = functools.reduce(lambda inside, _: {"a": inside}, range(600), entry())
    deep = call(app, "POST", "/structures", json={"structure": entry() | {"note": nested}})
    assert (deep.status_code, deep.json()["state"]) == (202, "queued")
    refused = call(app, "POST", "/structures", json={"structure": LICL.replace("Li Cl", "Qq Cl")})
    assert refused.json()["error"]["code"] == "unknown_element"


def test_who_names_a_structure_otherwise_gets_no_answer_with_the_first_name(app: FastAPI, queue: JobQueue) -> None:
    numbers = [call(app, "POST", "/structures", json=SENT["json"] | {"id": name}).json()["id"] for name in ("a", "b")]
    assert numbers[0] != numbers[1]
    assert call(app, "POST", "/structures", json=SENT["json"] | {"id": "b"}).json()["id"] == numbers[1]


def test_another_model_is_asked_anew(app: FastAPI, queue: JobQueue) -> None:
    number = call(app, "POST", "/structures", **SENT).json()["id"]
    queue.claim()
    queue.finish(number, '{"models": {}, "potentials": {}, "results": []}')
    assert call(app, "POST", "/structures", **SENT).json()["id"] == number
    served = load_models("shipped", ["stability"])["stability"]
    other = replace(served, bundle=replace(served.bundle, digest="0" * 64))
    anew = call(create_app(Predictor({"stability": other})), "POST", "/structures", **SENT).json()
    assert (anew["state"], anew["id"] != number) == ("queued", True)
    assert call(app, "GET", f"/structures/{number}").json()["state"] == "done"  # and says by which models


def test_nothing_is_queued_before_it_is_known_which_models_answer(queue: JobQueue) -> None:
    said = call(create_app(None), "POST", "/structures", **SENT)
    assert (said.status_code, said.json()["error"]["code"]) == (503, "not_ready")
    assert queue.unfinished() == 0


def test_a_full_queue_says_when_to_come_again(app: FastAPI, queue: JobQueue) -> None:
    for edge in (3.8, 3.85):
        cif = LI3OCL.replace("3.9", str(edge))
        assert call(app, "POST", "/structures", json={"cif": cif}).status_code == 202
    full = call(app, "POST", "/structures", **SENT)
    assert (full.status_code, full.json()["error"]["code"]) == (429, "queue_full")
    assert int(full.headers["Retry-After"]) > 0


def test_a_file_that_cannot_be_read_has_failed_from_the_start(app: FastAPI, queue: JobQueue) -> None:
    for text in ("", "garbage", "data_x\n" * 200_000):
        said = call(app, "POST", "/structures", json={"cif": text})
        assert (said.status_code, said.json()["state"]) == (202, "failed")
        assert said.json()["error"]["code"] in ("unparseable_cif", "cif_too_large")
        kept = queue.get(said.json()["id"])
        assert kept is not None
        assert kept.request == ""  # a million characters of each would fill the disk
    assert call(app, "GET", f"/structures/{said.json()['id']}").json()["state"] == "failed"
    assert queue.unfinished() == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"cif": LI3OCL, "potential": "chgnet"}, 501, "structure_not_installed"),
        ({"cif": LI3OCL, "potential": "mace"}, 400, "invalid_request"),
        ({"cif": LI3OCL, "atoms": 3}, 400, "invalid_request"),
        ({"cif": LI3OCL, "structure": LICL}, 400, "invalid_request"),
        ({"structure": 7}, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
        ({"cif": LI3OCL, "coverage": 2.0}, 400, "invalid_request"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    app: FastAPI, queue: JobQueue, body: dict[str, Any], status: int, code: str
) -> None:
    said = call(app, "POST", "/structures", json=body)
    assert (said.status_code, said.json()["error"]["code"]) == (status, code)
    declared(app, said, "post", "/structures")
    assert queue.unfinished() == 0


def test_unknown_jobs_and_broken_queues_are_said(app: FastAPI, queue: JobQueue) -> None:
    for method in ("GET", "DELETE"):
        unknown = call(app, method, "/structures/0123")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_job")
    (queue.folder / "jobs.sqlite").write_bytes(b"no database" * 500)
    broken = call(app, "POST", "/structures", **SENT)
    assert (broken.status_code, broken.json()["error"]["code"]) == (503, "queue_unavailable")
    assert "Retry-After" in broken.headers


def test_it_says_what_is_installed(app: FastAPI, queue: JobQueue) -> None:
    said = call(app, "GET", "/structures")
    declared(app, said, "get", "/structures")
    assert said.json()["potentials"] == {"sevenn-0": True, "sevenn-l3i5": True, "chgnet": False}
    assert (said.json()["most_waiting"], said.json()["waiting"]) == (2, 0)


def test_metrics_know_the_route_and_not_the_id(app: FastAPI, queue: JobQueue) -> None:
    call(app, "GET", "/structures/0123")
    text = call(app, "GET", "/metrics").text
    assert 'route="/structures/{id}"' in text
    assert "/structures/0123" not in text


def test_the_process_that_answers_requests_loads_no_potential() -> None:
    script = (
        "import sys; from serving.rest.http_api import create_app; create_app(None);"
        " print([name for name in ('torch', 'ase', 'sevenn', 'sqlalchemy', 'pymatgen') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
