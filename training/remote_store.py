"""A registry behind HTTP read without MLflow: what an alias points at; files are fetched by MLflow in another process.

MLflow takes two seconds and 150 MB to import, which a worker that follows a registry would keep for good. One question
of MLflow's REST interface says all that is polled. What only its client knows how to do, certificates and signed
requests among them, raises `UnknownShapeError`, which sends the caller to MLflow.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlencode, urlsplit

from training.local_store import UnknownShapeError, Version
from training.reachability import CREDENTIALS, check_reachable, timeout_seconds, unreachable

if TYPE_CHECKING:
    from urllib.request import OpenerDirector, Request

SCHEMES = ("http", "https")
_ALIAS = "api/2.0/mlflow/registered-models/alias"
_OF_THE_CLIENT = (
    "MLFLOW_TRACKING_INSECURE_TLS",
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
    "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_WORKSPACE",
)
"""Settings after which a request of ours would not be the client's."""
_NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_FETCH = """
import json, sys
from training.tracking import download
print(download(*json.load(sys.stdin)))
"""
FETCH_SECONDS = 600.0
MAX_ANSWER_BYTES = 1_000_000
_reached: set[str] = set()
"""Registries that answered: a dead one is looked for in a way that no name server can hold up."""


def is_remote(tracking_uri: str) -> bool:
    """Return whether a registry is MLflow's server, and is asked as its REST interface is documented."""
    return urlsplit(tracking_uri).scheme in SCHEMES and not any(os.environ.get(name) for name in _OF_THE_CLIENT)


def read_alias(tracking_uri: str, name: str, alias: str) -> Version | None:
    """Return the version that an alias of a registered model points at; None where there is no such alias.

    Raises
    ------
    RegistryUnreachableError
        If no answer comes.
    UnknownShapeError
        If the answer is none that is known here.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError

    if tracking_uri not in _reached:
        check_reachable(tracking_uri)
        _reached.add(tracking_uri)
    try:
        with _opener().open(_request(tracking_uri, name, alias), timeout=timeout_seconds()) as response:
            said = json.loads(response.read(MAX_ANSWER_BYTES))["model_version"]  # what is longer is cut: no JSON
        tags = {str(tag["key"]): str(tag["value"]) for tag in said.get("tags", ())}
        return Version(str(said["version"]), tags, str(said["source"]))
    except HTTPError as error:
        with error:
            if _code_of(error.read(MAX_ANSWER_BYTES)) in _NOT_THERE:
                return None
        raise UnknownShapeError(f"the registry answers {error.code}") from error
    except OSError as error:
        _reached.discard(tracking_uri)
        raise unreachable(tracking_uri, error.reason if isinstance(error, URLError) else error) from error
    except (HTTPException, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnknownShapeError(f"the registry answers otherwise than MLflow: {error}") from error


def fetch_elsewhere(tracking_uri: str, source: str, folder: Path) -> Path:
    """Download a version's files in a process of its own, which takes MLflow's memory with it; return where they lie.

    Raises
    ------
    RuntimeError
        If they cannot be had; the message is what MLflow says.
    """
    asked = json.dumps([source, str(folder), tracking_uri])  # not as arguments: every account sees those
    root = str(Path(__file__).parents[1])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    try:
        ended = subprocess.run(
            [sys.executable, "-c", _FETCH],
            input=asked,
            env=os.environ | {"PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"the files of a version did not come within {FETCH_SECONDS:g} s") from None
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RuntimeError(CREDENTIALS.sub("//***@", reason))
    return Path(ended.stdout.strip().splitlines()[-1])


def _request(tracking_uri: str, name: str, alias: str) -> Request:
    from urllib.request import Request

    place = urlsplit(tracking_uri)
    address = place._replace(
        netloc=place.netloc.rpartition("@")[2],
        path=f"{place.path.rstrip('/')}/{_ALIAS}",
        query=urlencode({"name": name, "alias": alias}),
    )
    return Request(address.geturl(), headers=_credentials(tracking_uri))


def _opener() -> OpenerDirector:
    """Return what asks without following a redirect, which would carry the credentials to wherever it points."""
    from urllib.request import HTTPRedirectHandler, build_opener

    class Staying(HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            """Make it an answer like any other that is none of MLflow's."""

    return build_opener(Staying)


def _credentials(tracking_uri: str) -> dict[str, str]:
    """Return the header that MLflow's client would send: of its variables, else of the address."""
    place = urlsplit(tracking_uri)
    user = os.environ.get("MLFLOW_TRACKING_USERNAME") or unquote(place.username or "")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD") or unquote(place.password or "")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if user:
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    return {"Authorization": f"Bearer {token}"} if token else {}


def _code_of(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["error_code"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
