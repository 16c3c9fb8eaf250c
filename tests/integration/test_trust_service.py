"""The real service with two workers: one limit per key over both, signed bundles asked for, the v2 protocol."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from running_service import ELYTE_SERVE, RunningService, running_service

BURST = 6


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    home = tmp_path_factory.mktemp("trust")
    public = Ed25519PrivateKey.generate().public_key()
    (home / "bundle.pub").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    settings = {
        "ELYTE_API_KEY": "ada,ben",
        "ELYTE_KEY_REQUESTS_PER_MINUTE": "1",
        "ELYTE_KEY_BURST": str(BURST),
        "ELYTE_BUNDLE_PUBLIC_KEY": str(home / "bundle.pub"),
    }
    with running_service(home, arguments=(*ELYTE_SERVE, "--workers", "2"), **settings) as started:
        yield started


def ask(service: RunningService, path: str, key: str) -> httpx.Response:
    """Ask over a connection of its own, so that either worker may answer."""
    return httpx.get(f"{service.url}{path}", headers={"X-API-Key": key}, timeout=60.0)


def test_a_key_has_one_limit_whichever_worker_answers(service: RunningService) -> None:
    answers = [ask(service, "/vocabulary", "ada") for _ in range(4 * BURST)]
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) in (BURST, BURST + 1)  # one more if that took a minute
    refused = answers[statuses.index(429)]
    assert refused.json()["error"]["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert ask(service, "/vocabulary", "ben").status_code == 200


def test_the_shipped_bundles_answer_the_v2_protocol_where_signatures_are_asked_for(service: RunningService) -> None:
    assert httpx.get(f"{service.url}/v2/health/ready", timeout=60.0).json() == {"ready": True}
    body = {"inputs": [{"name": "formula", "datatype": "BYTES", "shape": [1], "data": ["Li6PS5Cl"]}]}
    headers = {"X-API-Key": "ben"}
    answer = httpx.post(f"{service.url}/v2/models/conductivity/infer", json=body, headers=headers, timeout=60.0)
    assert answer.status_code == 200, answer.text
    assert answer.json()["parameters"]["failed_rows"] == 0
