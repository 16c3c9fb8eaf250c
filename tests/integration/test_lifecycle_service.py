"""Models are swapped, refused and brought back in a running service; workers die and drain; floods are refused."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from champions import Registry, variant
from running_service import ELYTE_SERVE, RunningService, running_service

from serving.models.store import SHIPPED
from serving.predictor import Predictor

KEY = {"X-API-Key": "integration-key"}
FORMULAS = ["Li6PS5Cl", "Li3YCl6", "Li7La3Zr2O12"]
P = "conductivity"


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


# ---------------------------------------------------------------- a service that follows a registry


@dataclass
class Followed:
    """A service with a registry of two sound versions and a broken one, and what the sound ones answer."""

    service: RunningService
    registry: Registry
    versions: dict[str, str]  # card's version to registry's
    sigma: dict[str, list[float]]  # card's version to values of FORMULAS

    def card(self) -> dict[str, object]:
        card: dict[str, object] = self.service.client.get("/models").json()["conductivity"]
        return card

    def promote(self, version: str) -> None:
        self.registry.promote(P, self.versions[version])

    def wait_for(self, version: str) -> None:
        eventually(lambda: self.card()["version"] == version)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    folder = tmp_path_factory.mktemp("followed")
    registry = Registry.at(folder / "registry")
    versions, sigma = {}, {}
    for version, shift, golden_of in (("v1", 0.0, None), ("v2", 1.0, None), ("broken", 2.0, 0.0)):
        target = folder / version / "conductivity"
        digest = variant(SHIPPED / "conductivity", target, "conductivity", version, shift, golden_of)
        versions[version] = registry.register(P, target, digest)
        if golden_of is None:
            rows = Predictor.load(str(folder / version)).predict_formulas(FORMULAS)["results"]
            sigma[version] = [row["conductivity"]["log10_sigma_S_per_cm"]["value"] for row in rows]
    registry.promote(P, versions["v1"])
    environment = {
        "MLFLOW_TRACKING_URI": registry.uri,
        "ELYTE_POLL_SECONDS": "0.5",
        "ELYTE_API_KEY": f"other,{KEY['X-API-Key']}",
    }
    with running_service(folder, arguments=ELYTE_SERVE, **environment) as service:
        yield Followed(service, registry, versions, sigma)


@dataclass
class Load:
    """Clients that ask without pause, and what they saw."""

    followed: Followed
    failures: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    told: dict[str, set[float]] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)

    def ask(self, number: int) -> None:
        """Send requests until told to stop; check each answer against the version that it names."""
        size = number % len(FORMULAS) + 1
        body = {"candidates": [{"formula": formula} for formula in FORMULAS[:size]]}
        with httpx.Client(base_url=self.followed.service.url, timeout=60) as client:
            while not self.done.is_set():
                try:
                    self.check(client.post("/predict", json=body))
                except (httpx.HTTPError, KeyError, ValueError) as error:
                    self.failures.append(repr(error))

    def check(self, response: httpx.Response) -> None:
        """Note a failure unless the numbers are those of the version in the header."""
        if response.status_code != 200:
            self.failures.append(response.text)
            return
        document = response.json()
        version = document["models"]["conductivity"]["version"]
        self.seen[version] += 1
        for row, expected in zip(document["results"], self.followed.sigma[version], strict=False):
            if abs(row["conductivity"]["log10_sigma_S_per_cm"]["value"] - expected) > 1e-6:
                self.failures.append(f"{version} answered as another version")
        asked = document["results"][0]["ccd"]["material"]["log10_sigma"]
        self.told.setdefault(version, set()).add(asked)


def test_a_swap_under_load_fails_no_request_and_mixes_no_answer(followed: Followed) -> None:
    load = Load(followed)
    swaps = followed.service.metric('elyte_model_swaps_total{property="conductivity"}')
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(load.ask, number) for number in range(4)]
        try:
            for version in ("v2", "v1", "v2", "v1", "v2"):
                followed.promote(version)
                followed.wait_for(version)
        finally:
            load.done.set()
        for client in clients:
            client.result()
    assert not load.failures, load.failures[:3]
    assert min(load.seen["v1"], load.seen["v2"]) > 10
    # what critical currents were told of the conductivity is of the same version, too
    assert all(len(values) == 1 for values in load.told.values())
    assert load.told["v1"] != load.told["v2"]
    assert followed.service.metric('elyte_model_swaps_total{property="conductivity"}') == swaps + 5
    assert followed.service.metric('elyte_model_info{property="conductivity",version="v1"}') == 0
    assert followed.service.metric('elyte_model_info{property="conductivity",version="v2"}') == 1
    assert followed.service.predict(*FORMULAS).json()["models"]["conductivity"]["version"] == "v2"


def test_a_broken_champion_shows_and_the_old_one_answers(followed: Followed) -> None:
    before = followed.card()["version"]
    followed.promote("broken")
    eventually(lambda: "refused" in followed.card())
    card = followed.card()
    assert card["version"] == before
    assert card["refused"]["reason"] == "not_reproduced"
    assert card["registry"]["state"] == "refused"
    name = 'elyte_model_refusals_total{property="conductivity",reason="not_reproduced"}'
    assert followed.service.metric(name) == 1
    time.sleep(1.5)  # three polls
    assert followed.service.metric(name) == 1
    assert followed.service.predict("Li6PS5Cl").json()["models"]["conductivity"]["version"] == before
    followed.promote("v1")
    eventually(lambda: "refused" not in followed.card())
    assert followed.card()["version"] == "v1"


def test_a_retraining_job_need_not_wait_for_the_poll(followed: Followed) -> None:
    client = followed.service.client
    assert client.post("/models/refresh").status_code == 401
    assert client.post("/models/refresh", headers={"X-API-Key": "wrong"}).status_code == 401
    followed.promote("v1")
    followed.wait_for("v1")
    followed.promote("v2")
    cards = client.post("/models/refresh", headers=KEY).json()
    assert cards["conductivity"]["version"] == "v2"
    changed = cards["conductivity"]["changed_from"]
    assert changed is None or changed["version"] == "v1"  # the poll may have come first
    assert cards["stability"]["changed_from"] is None
    assert followed.service.metric('elyte_requests_refused_by_protection_total{reason="unauthorized"}') >= 2


def test_a_registry_that_goes_away_is_noted_once_and_does_no_harm(followed: Followed) -> None:
    store = Path(followed.registry.uri.removeprefix("sqlite:///"))
    content = store.read_bytes()
    store.write_bytes(b"no database at all" * 1000)
    try:
        eventually(lambda: followed.card()["registry"]["state"] == "unreachable")
        assert followed.service.metric("elyte_registry_reachable") == 0
        assert followed.service.predict("Li6PS5Cl").status_code == 200
        refusal = followed.service.client.post("/models/refresh", headers=KEY)
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (503, "registry_unreachable")
        time.sleep(1.5)
        assert followed.service.log().count('"event":"registry_unreachable"') == 1
    finally:
        store.write_bytes(content)
    eventually(lambda: followed.card()["registry"]["state"] == "served")
    assert followed.service.metric("elyte_registry_reachable") == 1


def test_the_log_is_json_and_says_what_happened(followed: Followed) -> None:
    other = "v1" if followed.card()["version"] == "v2" else "v2"
    followed.promote(other)
    followed.wait_for(other)
    eventually(lambda: '"event":"model_swapped"' in followed.service.log())
    lines = [json.loads(line) for line in followed.service.log().splitlines() if line.startswith("{")]
    events = Counter(line["event"] for line in lines)
    (first, *_) = (line for line in lines if line["event"] == "model_swapped")
    assert first.keys() >= {"property", "registry_version", "version", "seconds"}
    assert "Downloading" not in followed.service.log()
    assert not {"models_not_loaded", "poll_failed", "internal_error"} & events.keys()


# ---------------------------------------------------------------- two workers, small limits, reads protected


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("guarded")
    environment = {
        "ELYTE_API_KEY": KEY["X-API-Key"],
        "ELYTE_PROTECT_READS": "true",
        "ELYTE_MAX_IN_FLIGHT": "2",
        "ELYTE_MAX_BODY_BYTES": "100000",
        "ELYTE_REQUEST_LOG": str(folder / "requests.jsonl"),
    }
    with running_service(folder, arguments=(*ELYTE_SERVE, "--workers", "2"), **environment) as service:
        service.client.headers.update(KEY)
        assert_both_ready(service)
        yield service


def workers_of(service: RunningService) -> list[psutil.Process]:
    return psutil.Process(service.pid).children()


def assert_both_ready(service: RunningService) -> None:
    """Wait until both workers have loaded: which of them answers a probe is chance."""
    eventually(lambda: len(workers_of(service)) == 2 and service.log().count('"event":"ready"') >= 2)


@pytest.mark.parametrize("path", ["/metrics", "/models", "/nothing"])
def test_reads_need_the_key_when_asked_for(guarded: RunningService, path: str) -> None:
    with httpx.Client(base_url=guarded.url) as stranger:
        response = stranger.get(path)
        assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthorized")
        assert stranger.get("/livez").status_code == stranger.get("/readyz").status_code == 200
        for answer in (response, stranger.get("/livez"), stranger.get("/openapi.json")):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"]
    assert guarded.client.get(path).status_code in (200, 404)


def test_a_worker_carries_no_more_than_it_needs(guarded: RunningService) -> None:
    """Without a registry MLflow (with pyarrow and sqlalchemy) is not imported, and PyTorch never: each worker pays."""
    for worker in workers_of(guarded):
        libraries = " ".join(mapped.path for mapped in worker.memory_maps())
        assert not [name for name in ("libtorch", "libarrow", "sqlalchemy") if name in libraries]
        assert worker.memory_info().rss < 900e6


def test_telemetry_is_off_by_default(guarded: RunningService) -> None:
    """BentoML reports usage unless told otherwise: from the process that starts the workers, too."""
    for process in (psutil.Process(guarded.pid), *workers_of(guarded)):
        assert process.environ()["BENTOML_DO_NOT_TRACK"].lower() == "true"


def test_the_server_is_one_that_unpickles_nothing() -> None:
    """BentoML below 1.4.8 runs pickles sent over HTTP (CVE-2025-27520, CVE-2025-32375)."""
    assert tuple(map(int, version_of("bentoml").split(".")[:3])) >= (1, 4, 8)


def test_a_flood_is_refused_with_a_time_to_come_back(guarded: RunningService) -> None:
    """Two requests a worker are admitted; nobody waits without limit, and the service is well afterwards."""
    body = {"candidates": [{"formula": f"Li{6 - i / 5000:.4f}PS5Cl"} for i in range(1500)]}

    def ask(_: int) -> httpx.Response:
        return httpx.post(f"{guarded.url}/predict", json=body, headers=KEY, timeout=60)

    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(ask, range(32)))
    statuses = Counter(response.status_code for response in responses)
    assert statuses.keys() == {200, 429}
    refused = [response for response in responses if response.status_code == 429]
    assert all(int(response.headers["retry-after"]) >= 1 for response in refused)
    assert {response.json()["error"]["code"] for response in refused} == {"too_many_requests"}
    assert guarded.predict("Li6PS5Cl").status_code == 200


def test_the_body_limit_of_the_environment_holds(guarded: RunningService) -> None:
    assert guarded.post_raw(b" " * 100_001).status_code == 413


@pytest.mark.parametrize(
    "headers", [b"X-Long: " + b"a" * 1_000_000 + b"\r\n", b"".join(b"X-%d: a\r\n" % i for i in range(20_000))]
)
def test_huge_headers_are_refused(guarded: RunningService, headers: bytes) -> None:
    """They are read before anything of ours runs; the server must bound them."""
    host, port = guarded.url.removeprefix("http://").split(":")
    key = f"X-API-Key: {KEY['X-API-Key']}\r\n".encode()
    answer = b"HTTP/1.1 400, or the connection is closed while we send"
    with socket.create_connection((host, int(port)), timeout=10) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET /models HTTP/1.1\r\nHost: x\r\n" + key + headers + b"\r\n")
        answer = connection.recv(64)
    assert answer.startswith(b"HTTP/1.1 400")
    assert guarded.client.get("/livez").status_code == 200


def test_the_request_file_holds_counts_and_no_compositions(guarded: RunningService) -> None:
    path = guarded.log_file.parent / "requests.jsonl"
    guarded.predict("Li5.4321PS4.4321Cl1.5679", "Xx2", "Li3N", "LiF")

    def own_lines() -> list[dict[str, Any]]:
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in map(json.loads, lines) if line["rows"] == 4]

    eventually(lambda: len(own_lines()) == 1)  # written after the answer was sent
    (line,) = own_lines()
    assert sum(line["errors"].values()) == 1
    assert sum(line["bins"]["conductivity"]) == 3
    assert "5.4321" not in path.read_text() + guarded.log()


def test_a_killed_worker_is_replaced_while_the_other_answers(guarded: RunningService) -> None:
    victim = workers_of(guarded)[0]
    started = guarded.log().count('"event":"ready"')
    victim.kill()
    answered = 0
    for _ in range(20):
        try:
            with httpx.Client(base_url=guarded.url, headers=KEY, timeout=30) as client:
                answered += client.post("/predict", json={"candidates": [{"formula": "Li3N"}]}).status_code == 200
        except httpx.TransportError:
            continue  # it was in the hands of the one that died
        time.sleep(0.05)
    assert answered >= 10
    eventually(lambda: guarded.log().count('"event":"ready"') > started and len(workers_of(guarded)) == 2)
    assert victim.pid not in {worker.pid for worker in workers_of(guarded)}
    for _ in range(10):
        assert guarded.predict("Li3N").status_code == 200
    assert guarded.metric("elyte_requests_in_flight") == 0  # the dead worker's gauges are gone


# ---------------------------------------------------------------- the end


def test_sigterm_lets_running_requests_end(tmp_path: Path) -> None:
    with running_service(tmp_path, arguments=ELYTE_SERVE) as service:
        body = {"candidates": [{"formula": f"Li{6 - i / 20000:.5f}PS5Cl"} for i in range(2500)]}
        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(httpx.post, f"{service.url}/predict", json=body, timeout=60) for _ in range(2)]
            eventually(lambda: service.metric("elyte_requests_in_flight") >= 2)
            os.kill(service.pid, signal.SIGTERM)
            started = time.monotonic()
            eventually(lambda: not listens(service.port))  # a new one is refused, not kept waiting
            assert time.monotonic() - started < 3
            assert [len(answer.result().json()["results"]) for answer in running] == [2500, 2500]
        assert service.process.wait(20) == 0
        assert time.monotonic() - started < 18
        assert "internal_error" not in service.log()
        assert "Traceback" not in service.log()


def listens(port: int) -> bool:
    """Whether a connection is taken in."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionError:
        return False
    return True
