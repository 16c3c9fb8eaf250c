"""A registry that does not answer is named within seconds; one that answers anything at all is left to MLflow."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from training import tracking
from training.reachability import RegistryUnreachableError, check_reachable, timeout_seconds
from training.tracking import TRACKING_URI_VARIABLE, look_up_alias


@contextmanager
def silent_port() -> Iterator[int]:
    """Listen on a port, accept, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Answer every request with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql", "mysql+pymysql"])
def test_a_refused_connection_is_named_at_once_without_the_password(scheme: str) -> None:
    uri = f"{scheme}://me:secret@127.0.0.1:{free_port()}/mlflow"
    started = time.monotonic()
    with pytest.raises(
        RegistryUnreachableError, match=r"//\*\*\*@127\.0\.0\.1.*refused.*MLFLOW_TRACKING_URI"
    ) as caught:
        check_reachable(uri)
    assert time.monotonic() - started < 2.0
    assert "secret" not in str(caught.value)


def test_a_port_that_never_answers_is_waited_for_no_longer_than_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    started = time.monotonic()
    with silent_port() as port, pytest.raises(RegistryUnreachableError, match="no answer within 1 s"):
        check_reachable(f"http://127.0.0.1:{port}")
    assert time.monotonic() - started < 3.0


def test_a_name_that_takes_for_ever_to_look_up_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeout of a connection covers that."""
    over = threading.Event()

    def look_up(*_: object, **__: object) -> None:
        over.wait(10.0)
        raise OSError("nobody knows that name")

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    started = time.monotonic()
    with pytest.raises(RegistryUnreachableError, match="no answer within 1 s"):
        check_reachable("http://mlflow.lab:5000")
    assert time.monotonic() - started < 3.0
    over.set()


def test_a_name_that_does_not_resolve_is_named() -> None:
    with pytest.raises(RegistryUnreachableError, match=r"mlflow\.invalid"):
        check_reachable("http://mlflow.invalid:5000")


@pytest.mark.parametrize("status", [200, 401, 404, 503])
def test_whatever_is_answered_is_a_sign_of_life(status: int) -> None:
    with answering(status) as port:
        check_reachable(f"http://me:secret@127.0.0.1:{port}/mlflow/")


@pytest.mark.parametrize("uri", ["sqlite:////nowhere/mlflow.db", "databricks", "databricks://lab", "file:///mlruns"])
def test_stores_of_this_machine_and_clouds_are_not_asked(uri: str) -> None:
    check_reachable(uri)


@pytest.mark.parametrize(("value", "seconds"), [("", 4.0), ("30", 30.0), ("soon", 4.0)])
def test_the_time_is_what_the_user_set(monkeypatch: pytest.MonkeyPatch, value: str, seconds: float) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", value)
    assert timeout_seconds() == seconds


def test_mlflow_is_not_imported_for_a_registry_that_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(RegistryUnreachableError):
        look_up_alias("conductivity", "champion", tracking_uri=f"http://127.0.0.1:{free_port()}")


def test_mlflow_gets_its_limits_where_the_user_sets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracking.MLFLOW_DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    mlflow = tracking._import_mlflow()
    assert mlflow.environment_variables.MLFLOW_HTTP_REQUEST_TIMEOUT.get() == 4
    assert mlflow.environment_variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get() == 3
    for name in tracking.MLFLOW_DEFAULTS:  # undone with the test
        monkeypatch.setenv(name, "")


def test_the_registry_that_mlflow_writes_to_is_not_left_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    mlflow = tracking._import_mlflow()
    for before in (None, "http://mlflow.lab:5000"):
        if before is not None:
            monkeypatch.setenv(TRACKING_URI_VARIABLE, before)
        with tracking._tracking_at(mlflow, "sqlite:////nowhere/mlflow.db"):
            assert mlflow.get_tracking_uri() == "sqlite:////nowhere/mlflow.db"
        assert os.environ.get(TRACKING_URI_VARIABLE) == before
