"""The whole way on defaults: a laboratory's rows, a retraining, and from then on the new model answers everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from running_service import ELYTE_SERVE, RunningService, running_service

from training.sources import data_dir, missing

ROOT = Path(__file__).parents[2]
TABLES = ("obelix_train", "obelix_test", "laskowski", "laskowski_dois")
OWN = "Li5.43PS4.43Cl1.57"
ROWS = f"""formula,sigma_S_per_cm,temperature_C,family,reference
{OWN},0.0047,25,argyrodite,lab:2026-11-03:JD
Li5.57PS4.57Cl1.43,0.0039,25,argyrodite,lab:2026-11-04:JD
Li5.63PS4.63Cl1.37,0.0034,25,argyrodite,lab:2026-11-05:JD
"""
PROMOTED, LINE = "registry champion, version 2", "conductivity: registry champion, version 2 (trained on 20"


class Account:
    """An account of its own: no variable names a registry, a ledger or models; only public tables are at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "ELYTE"))}
        tables = {name: os.environ[name] for name in ("ELYTE_DATA_MIRROR",) if name in os.environ}
        self.settings = tables | {
            "ELYTE_DATA_DIR": str(data_dir()),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "OMP_NUM_THREADS": "1",
        }
        self.environment = plain | self.settings

    def elyte(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a user does; what fails ends the test."""
        done = subprocess.run(
            [sys.executable, *ELYTE_SERVE[:2], *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.environment | variables,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return done

    def conductivity(self) -> dict[str, Any]:
        """Return the header and the nearest known materials of an answer to the laboratory's own material."""
        document = json.loads(self.elyte("predict", OWN, "--property", "conductivity", "--json").stdout)
        nearest = document["results"][0]["applicability"]["conductivity"]["nearest"]
        return {**document["models"]["conductivity"], "nearest": [one["formula"] for one in nearest]}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    if absent := missing(TABLES):
        pytest.skip(f"public tables are not here: {', '.join(absent)}")
    return Account(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture(scope="module")
def service(account: Account) -> Iterator[RunningService]:
    """Start `elyte serve` before there is any registry."""
    with ExitStack() as stack:
        yield stack.enter_context(
            running_service(account.folder, arguments=ELYTE_SERVE, ELYTE_POLL_SECONDS="0.5", **account.settings)
        )


def served(service: RunningService) -> tuple[str, str]:
    """Return the origin of the conductivity model in an answer of the service, and in its list of models."""
    answer = service.predict(OWN, properties=["conductivity"]).json()
    listed = service.client.get("/models").json()
    return answer["models"]["conductivity"]["origin"], listed["conductivity"]["origin"]


def wait_until(found: Callable[[], Any], expected: Any) -> None:
    deadline = time.monotonic() + 60.0
    while found() != expected:
        assert time.monotonic() < deadline, found()
        time.sleep(0.2)


def test_what_a_laboratory_promotes_answers_everywhere_until_it_is_rolled_back(
    account: Account, service: RunningService
) -> None:
    shipped = account.conductivity()
    assert shipped["origin"] == "shipped bundle"
    assert served(service) == ("shipped bundle", "shipped bundle")
    assert "registry" not in service.client.get("/models").json()["conductivity"]

    table = account.folder / "own.csv"
    table.write_text(ROWS)
    account.elyte("data", "add", "--input", str(table))
    # The gates may well ask for a person, as a quick fit is a poor one; here one says yes.
    done = account.elyte(
        "retrain", "conductivity", "--quick", "--promote-anyway", "to see it answer", "--who", "a test"
    )
    assert "conductivity: promoted: version 2 is champion in place of 1" in done.stdout
    assert "INFO" not in done.stderr

    promoted = account.conductivity()
    assert promoted["origin"] == PROMOTED
    assert OWN in promoted["nearest"]
    assert OWN not in shipped["nearest"]
    for arguments in (("predict", OWN), ("rank", "--input", str(table))):
        words = account.elyte(*arguments)
        assert words.stdout.startswith(LINE)
        assert "INFO" not in words.stderr
    assert "conductivity: champion is 2" in account.elyte("models", "history").stdout
    assert f", {PROMOTED}, trained on" in account.elyte("models").stdout
    assert PROMOTED in account.elyte("monitor", "--json").stdout
    wait_until(lambda: served(service), (PROMOTED, PROMOTED))
    assert account.elyte("predict", OWN, ELYTE_MODELS="shipped").stdout.startswith("material")

    back = account.elyte("models", "rollback", "conductivity", "--reason", "the end of the test", "--who", "a test")
    assert back.stdout == "conductivity: version 1, the shipped bundle, is champion again in place of 2\n"
    assert not back.stderr
    again = account.conductivity()
    assert again["origin"] == "registry champion, version 1 (the shipped bundle)"
    assert (again["digest"], again["nearest"]) == (shipped["digest"], shipped["nearest"])
    assert account.elyte("predict", OWN).stdout.startswith("material")
    wait_until(lambda: served(service)[0], again["origin"])
    note = service.client.get("/models").json()["conductivity"]["registry"]
    assert (note["state"], note["served_version"]) == ("served", "1")
