"""`mlflow models serve` of a champion answers the example of its signature, for every property; bad rows are said."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest
from mlflow.pyfunc import PyFuncModel, scoring_server

from benchmarks.ports import expect_alive, on_a_free_port
from serving.models.store import SHIPPED
from serving.predictor import Predictor
from training.bundle import load_bundle
from training.properties import registry
from training.tracking import CHAMPION, client_of, log_training, model_name

START_SECONDS = 120.0
FIRST = registry.names()[0]
Champion = Callable[[str], PyFuncModel]


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A registry in which the shipped bundle of every property is champion."""
    found = f"sqlite:///{tmp_path_factory.mktemp('registry') / 'mlflow.db'}"
    for name in registry.names():
        bundle = load_bundle(SHIPPED / name, expected_property=name)
        done = log_training(bundle.card, SHIPPED / name, bundle.digest, {}, tracking_uri=found)
        client_of(found).set_registered_model_alias(model_name(name), CHAMPION, done.version)
    return found


@pytest.fixture(scope="module")
def champion(uri: str) -> Iterator[Champion]:
    """Return what loads the champion of a property, once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        yield cache(lambda name: mlflow.pyfunc.load_model(champion_uri(name)))


def champion_uri(name: str) -> str:
    return f"models:/{model_name(name)}@{CHAMPION}"


def example_of(name: str) -> dict[str, Any]:
    """Return the call that MLflow stores beside the signature, ready to be sent."""
    folder = Path(mlflow.artifacts.download_artifacts(champion_uri(name)))
    found: dict[str, Any] = json.loads((folder / "serving_input_example.json").read_text())
    return found


def invoke(model: PyFuncModel, body: object) -> httpx.Response:
    """Send a call to MLflow's own scoring application, in this process."""
    app = scoring_server.init(model)

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            return await client.post("/invocations", json=body)

    return asyncio.run(send())


@pytest.mark.parametrize("name", registry.names())
def test_the_champion_of_every_property_answers_its_example(champion: Champion, name: str) -> None:
    model = champion(name)
    response = invoke(model, example_of(name))
    assert response.status_code == 200, response.text
    (said,) = response.json()["predictions"]
    assert list(said) == model.metadata.get_output_schema().input_names()
    assert said
    assert all(value is not None and math.isfinite(value) for value in said.values())
    first = next(quantity for quantity in registry.get(name).quantities if quantity.in_answers)
    assert said["lower" if "lower" in said else first.columns[1]] <= said[first.name]


def test_a_row_that_cannot_be_judged_says_why_and_harms_no_other(champion: Champion) -> None:
    model = champion("conductivity")
    rows = [["Li6PS5Cl", 25.0], ["Li6PS5Cl)", 25.0], ["Li6PS5Cl", -300.0], ["PEO20-LiTFSI", 25.0], ["Li3YCl6", None]]
    body = {"dataframe_split": {"columns": ["formula", "temperature_C"], "data": rows}}
    said = invoke(model, body).json()["predictions"]
    reasons = ["", "unparseable_formula", "invalid_condition", "wrong_kind", ""]
    assert [row["error"].partition(":")[0] for row in said] == reasons
    values = [row["log10_sigma_S_per_cm"] for row in said]  # MLflow writes what is not a number as NaN
    assert [math.isnan(value) for value in values] == [False, True, True, True, False]
    plain = Predictor.load("shipped", ["conductivity"]).predict_formulas(["Li6PS5Cl", "Li3YCl6"])["results"]
    expected = [row["conductivity"]["log10_sigma_S_per_cm"]["value"] for row in plain]
    assert [values[0], values[4]] == pytest.approx(expected, abs=1e-4)
    nothing = invoke(model, {"dataframe_records": [{"formula": "Xx"}]}).json()["predictions"]
    assert nothing[0]["error"].startswith("unknown_element: ")


@pytest.mark.parametrize("body", [{"dataframe_records": [{"temperature_C": 25}]}, {"surprise": 1}, [1], {}])
def test_what_does_not_fit_the_signature_is_a_bad_request(champion: Champion, body: object) -> None:
    model = champion("conductivity")
    assert invoke(model, body).status_code == 400


@dataclass(frozen=True)
class Server:
    """A running `mlflow models serve`."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def server(uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`mlflow models serve` as the documentation has it, with this environment."""
    log_file = tmp_path_factory.mktemp("serve") / "log"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ELYTE", "MLFLOW"))}
    here = Path(sys.executable).parent  # an activated environment: MLflow calls uvicorn by its name
    paths = os.pathsep.join((str(here), os.environ.get("PATH", os.defpath)))
    environment = plain | {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": paths}
    words = ["models", "serve", "-m", champion_uri(FIRST), "--env-manager", "local"]

    def start(port: int) -> Server:
        with log_file.open("wb") as log:
            command = [sys.executable, "-m", "mlflow", *words, "--host", "127.0.0.1", "--port", str(port)]
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            expect_alive(process, log_file)
            try:
                if httpx.get(f"http://127.0.0.1:{port}/ping", timeout=5.0).status_code == 200:
                    return Server(f"http://127.0.0.1:{port}", process)
            except httpx.TransportError:
                time.sleep(0.2)
        stop(process)
        raise RuntimeError(f"not ready after {START_SECONDS:g} s:\n{log_file.read_text()}")

    found = on_a_free_port(start)
    yield found
    stop(found.process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server with the processes that it started."""
    import signal

    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_real_server_answers_the_example(server: Server, champion: Champion) -> None:
    body = example_of(FIRST)
    response = httpx.post(f"{server.url}/invocations", json=body, timeout=60.0)
    assert response.status_code == 200, response.text
    (here,), (there,) = invoke(champion(FIRST), body).json()["predictions"], response.json()["predictions"]
    assert there == pytest.approx(here, abs=1e-9)
