"""A laboratory's polymers over REST and in monitoring: stored, and compared with what the served model answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rdkit", reason="the extra `polymer` is not installed")

import numpy as np
from fastapi.testclient import TestClient

from serving.answers.request import CandidateInput
from serving.models.store import load_models
from serving.monitoring.answer import new_measurements
from serving.monitoring.measured_answers import compare
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from serving.rest.protection import Protection
from training.ledger import place
from training.ledger.store import Ledger

NAME, SIGMA = "polymer", "log10_polymer_sigma_S_per_cm"
KEY = "a key of sixteen letters"
PEO = {"polymer": "PEO", "salt": "LiTFSI", "li_per_O": 0.05}


def row(sigma_S_per_cm: float, temperature_C: float = 60.0, **more: Any) -> dict[str, Any]:
    """Return one measurement."""
    return {**PEO, "sigma_S_per_cm": sigma_S_per_cm, "temperature_C": temperature_C, "reference": "lab:1", **more}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(protection=Protection.of((KEY,))), headers={"X-API-Key": KEY})


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv(place.URL_VARIABLE, url)
    return Ledger.open(url)


def test_rows_are_posted_and_refused(ledger: Ledger, client: TestClient) -> None:
    good = client.post("/measurements", json={"measurements": [row(3.0e-4)], "who": "JD"})
    assert good.status_code == 200, good.text
    assert good.json()["kind"] == NAME
    assert good.json()["rows"][0]["read_as"] == "PEO with 1.13 mol/kg LiTFSI"
    bad = client.post("/measurements", json={"measurements": [row(3.0e-4, salt="NaTFSI")], "who": "JD"})
    assert bad.status_code == 400
    assert "no lithium salt" in bad.text
    table = "polymer,sigma_mS_per_cm,temperature_C,reference\nPTMC8-LiTFSI,0.002,70,lab:2\n"
    as_table = client.post("/measurements", content=table, headers={"Content-Type": "text/csv"}, params={"who": "JD"})
    assert as_table.status_code == 200, as_table.text
    assert len(ledger.holding(NAME)) == 2


def test_measured_values_stand_beside_answers_at_their_own_conditions(ledger: Ledger, client: TestClient) -> None:
    rows = [row(2e-4), row(1e-3, 90.0, reference="lab:2"), row(2e-4, 50.0, reference="lab:3")]
    posted = client.post("/measurements", json={"measurements": rows, "who": "JD"})
    assert posted.status_code == 200, posted.text
    models = load_models("shipped", [NAME])
    new = new_measurements(models[NAME], ledger)
    assert (len(new.entries), new.n_sources, new.n_materials) == (3, 3, 1)
    (found,), skipped = compare(NAME, models, new.entries)
    assert not skipped
    assert len(found) == 3
    asked = [CandidateInput(**PEO, conditions={"temperature_C": t}) for t in (60.0, 90.0, 50.0)]
    blocks = [answer[NAME][SIGMA] for answer in Predictor(models).answer(asked)["results"]]
    assert found.centre.tolist() == pytest.approx([block["value"] for block in blocks], abs=1e-6)
    assert found.value.tolist() == pytest.approx([np.log10(2e-4), -3.0, np.log10(2e-4)])
