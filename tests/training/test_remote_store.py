"""A registry behind HTTP is read without MLflow, as MLflow's own client reads it, and its files come by a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from training import remote_store
from training.local_store import UnknownShapeError
from training.reachability import RegistryUnreachableError
from training.remote_store import is_remote, read_alias
from training.tracking import CHAMPION, DIGEST_TAG, AliasTarget, fetch_version, look_up_alias, model_name

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from ports import free_port

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "serving" / "bundles" / "ccd"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run MLflow's own server, which takes some ten seconds to start: no other says what it answers."""
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    place = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")]
    command = [sys.executable, "-m", "mlflow", "server", *place, "--host", "127.0.0.1", "--port", str(port)]
    own = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen([*command, "--workers", "1"], cwd=folder, env=os.environ | own, **quiet)
    try:
        deadline = time.monotonic() + 120.0
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/health", timeout=2.0).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def test_what_an_alias_points_at_is_what_mlflow_says(server: str, tmp_path: Path) -> None:
    import mlflow

    assert look_up_alias("ccd", CHAMPION, tracking_uri=server) is None  # no such model
    client = mlflow.MlflowClient(tracking_uri=server)
    client.create_registered_model(model_name("ccd"))
    assert look_up_alias("ccd", CHAMPION, tracking_uri=server) is None  # no such alias
    run = client.create_run(client.create_experiment("files"))
    client.log_artifacts(run.info.run_id, str(SHIPPED), "bundle")
    source = f"{run.info.artifact_uri}/bundle"
    made = client.create_model_version(model_name("ccd"), source, run.info.run_id, tags={DIGEST_TAG: "d" * 64})
    client.set_registered_model_alias(model_name("ccd"), CHAMPION, made.version)
    theirs = client.get_model_version_by_alias(model_name("ccd"), CHAMPION)
    found = look_up_alias("ccd", CHAMPION, tracking_uri=server)
    assert found == AliasTarget.of(str(theirs.version), theirs.tags, theirs.source)
    assert found is not None
    assert found.digest == "d" * 64
    assert says_without_mlflow(server) == found.version
    folder = fetch_version("ccd", found, tmp_path, tracking_uri=server)
    assert (folder / "card.json").read_bytes() == (SHIPPED / "card.json").read_bytes()


def says_without_mlflow(server: str) -> str:
    """Ask in a process of its own, which fails where MLflow was imported."""
    code = (
        "import sys; from training.tracking import look_up_alias;"
        f"found = look_up_alias('ccd', '{CHAMPION}', tracking_uri={server!r});"
        "assert not {'mlflow', 'pandas', 'sqlalchemy'} & sys.modules.keys(); print(found.version)"
    )
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_files_that_cannot_be_had_are_said_in_mlflows_words(server: str, tmp_path: Path) -> None:
    target = AliasTarget("1", None, "mlflow-artifacts:/nowhere/at/all")
    with pytest.raises((RuntimeError, ValueError), match=r"(?i)artifact|holds 0 bundles|not found|no such"):
        fetch_version("ccd", target, tmp_path, tracking_uri=server)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Answer every request alike, and keep the headers that came."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append({"path": self.path, **dict(self.headers.items())})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", heard
        server.shutdown()


VERSION = json.dumps({"model_version": {"version": "7", "source": "models:/m-1", "tags": [{"key": "a", "value": "b"}]}})


@pytest.mark.parametrize(
    ("of_address", "variables", "sent"),
    [
        ("", {}, None),
        ("me:s%40cret@", {}, "Basic bWU6c0BjcmV0"),
        ("", {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "s@cret"}, "Basic bWU6c0BjcmV0"),
        ("", {"MLFLOW_TRACKING_TOKEN": "t0ken"}, "Bearer t0ken"),
    ],
)
def test_credentials_go_along_as_mlflow_sends_them(
    of_address: str, variables: dict[str, str], sent: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with answering(200, VERSION.encode()) as (place, heard):
        found = read_alias(f"http://{of_address}{place}/base/", "elyte-ccd", "champion")
    assert found is not None
    assert (found.number, found.source, found.tags) == ("7", "models:/m-1", {"a": "b"})
    assert heard[-1].get("Authorization") == sent
    assert heard[-1]["path"] == "/base/api/2.0/mlflow/registered-models/alias?name=elyte-ccd&alias=champion"


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"{}"), (401, b"no"), (500, b'{"error_code": 1}')]
)
def test_what_is_no_answer_of_mlflow_is_left_to_its_client(status: int, body: bytes) -> None:
    with answering(status, body) as (place, _), pytest.raises(UnknownShapeError):
        read_alias(f"http://{place}", "elyte-ccd", "champion")


def test_a_registry_that_went_away_is_named() -> None:
    with answering(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}') as (place, _):
        assert read_alias(f"http://{place}", "elyte-ccd", "champion") is None
    with pytest.raises(RegistryUnreachableError, match="does not answer"):
        read_alias(f"http://{place}", "elyte-ccd", "champion")
    assert f"http://{place}" not in remote_store._reached


def test_settings_of_the_client_alone_leave_the_question_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_remote("http://registry:5000")
    assert is_remote("https://registry/mlflow")
    assert not is_remote("postgresql://registry/db")
    assert not is_remote("sqlite:///mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    assert not is_remote("https://registry/mlflow")


@contextmanager
def redirecting(to: str) -> Iterator[str]:
    """Send every question elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_credentials_are_not_carried_to_where_a_redirect_points() -> None:
    """urllib takes the header along to any host; MLflow's client does not, and is asked instead."""
    with answering(200, VERSION.encode()) as (elsewhere, heard):
        with redirecting(f"http://{elsewhere}/taken") as place, pytest.raises(UnknownShapeError, match="302"):
            read_alias(f"http://me:secret@{place}", "elyte-ccd", "champion")
        assert not [one for one in heard if "Authorization" in one]


@pytest.mark.parametrize(
    "body", [b" " * 2_000_000 + VERSION.encode(), b"[" * 100_000, b'{"model_version": ' + b"[" * 100_000]
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_huge_or_deep_answer_is_none(status: int, body: bytes) -> None:
    with answering(status, body) as (place, _), pytest.raises(UnknownShapeError):
        read_alias(f"http://{place}", "elyte-ccd", "champion")


def test_a_password_of_the_address_is_in_no_command_line_and_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    run = subprocess.run

    def noting(command: list[str], **options: Any) -> Any:
        ran.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", noting)
    uri = f"http://me:s3cret@127.0.0.1:{free_port()}"
    with pytest.raises(RuntimeError) as told:
        remote_store.fetch_elsewhere(uri, "mlflow-artifacts:/1", tmp_path)
    assert ran
    assert "s3cret" not in " ".join(ran[0])
    assert "s3cret" not in str(told.value)
