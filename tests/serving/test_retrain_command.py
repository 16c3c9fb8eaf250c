"""`elyte retrain` and `elyte models history|rollback` as a user calls them, and a running service that follows."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from retraining_world import Template, add, family_records, make_template, make_world
from running_service import running_service

from serving.cli import elyte
from serving.commands import retrain as command
from serving.models import store as model_store
from training.ledger.intake import Wishes as LedgerWishes
from training.ledger.intake import add_table
from training.ledger.reading import read_measurements_file
from training.retraining.job import JobStatus
from training.retraining.locks import only_one
from training.retraining.promotion_log import state_folder
from training.retraining.registry import ModelRegistry
from training.tracking import TRACKING_URI_VARIABLE


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("template"))


class Lab:
    """The command line in a small world; nothing of the machine's user is touched."""

    def __init__(self, folder: Path, template: Template, patch: pytest.MonkeyPatch) -> None:
        self.world = make_world(folder, template, patch)
        self.folder = folder
        patch.setenv(TRACKING_URI_VARIABLE, self.world.registry.uri)
        patch.setenv("ELYTE_LEDGER_URL", f"sqlite:///{folder / 'ledger.db'}")
        patch.setattr(model_store, "SHIPPED", template.shipped.parent)
        patch.setattr(command, "_job", lambda name, **settings: self.world.job())
        patch.setattr("training.retraining.rules.load_rules", lambda name: self.world.rules)

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(elyte, [str(argument) for argument in arguments])

    def retrain(self, *arguments: str) -> Result:
        return self.call("retrain", "conductivity", "--who", "JD", "--work", str(self.world.work), *arguments)

    def file(self, records: list[dict[str, Any]]) -> str:
        path = self.folder / "new.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
        return str(path)


@pytest.fixture
def lab(tmp_path: Path, template: Template, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(tmp_path, template, monkeypatch)


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)["results"][0]
    return found


def test_from_a_file_to_a_champion_and_back(lab: Lab) -> None:
    records = family_records()
    new = lab.file([records[0] | {"temperature_C": ""}, *records[1:]])
    report = lab.folder / "report.html"
    held = lab.retrain("--input", new)
    assert held.exit_code == 1
    wishes = LedgerWishes(dry_run=True)
    trial = add_table(read_measurements_file(Path(new)), who="JD", wishes=wishes, ledger=lab.world.ledger)
    assert f"elyte data add --input {new} --accept-warnings {trial.accept_warnings}" in held.stderr
    accepting = ("--input", new, "--accept-warnings", trial.accept_warnings)
    found = lab.retrain(*accepting, "--report", str(report), "--json")
    assert found.exit_code == 0, found.output
    assert document(found)["status"] == "promoted"
    assert report.read_text().startswith("<!doctype html>")
    again = lab.retrain(*accepting, "--json")
    assert again.exit_code == 0
    assert document(again)["status"] == "nothing to do"
    history = lab.call("models", "history", "--property", "conductivity", "--json")
    told = json.loads(history.stdout)["conductivity"]
    assert told["champion"] == "2"
    assert [(move["action"], move["who"]) for move in told["moves"]] == [("first", "a test"), ("promote", "JD")]
    back = lab.call("models", "rollback", "conductivity", "--reason", "the pellets were wet", "--who", "AB")
    assert back.exit_code == 0, back.output
    assert "version 1 is champion again in place of 2" in back.output
    words = lab.call("models", "history").output
    assert "rollback 1 in place of 2 by AB: the pellets were wet" in words
    assert "stability: champion is the shipped bundle" in words
    assert "by other means" not in words
    assert lab.call("models", "rollback", "conductivity", "--reason", "more").exit_code == 2
    ModelRegistry("conductivity", lab.world.registry.uri).point_at("2")
    words = lab.call("models", "history").output
    assert "moved to 2 by other means: the promotion log does not hold it" in words


def test_a_batch_of_noise_exits_3(lab: Lab) -> None:
    add(lab.world.ledger, family_records(shuffled=4))
    found = lab.retrain()
    assert found.exit_code == 3, found.output
    assert "conductivity: kept: new rows can be learnt:" in found.output
    assert lab.retrain().exit_code == 0  # nothing to do: told once


def test_rows_that_are_refused_exit_1_before_a_fit(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_run", lambda *given, **more: pytest.fail("judged"))
    record = family_records()[0]
    found = lab.retrain("--input", lab.file([record | {"sigma_S_per_cm": "fast"}]))
    assert found.exit_code == 1
    assert "not_a_number" in found.stderr


def test_another_job_exits_5(lab: Lab) -> None:
    with only_one(state_folder(lab.world.registry.uri), "retrain-conductivity", "the night"):
        found = lab.retrain()
    assert found.exit_code == 5
    assert "the night" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stability",), "`elyte train stability` fits it anew"),
        (("conductivity", "--promote-anyway", "because"), "--who"),
        (("conductivity", "--promote-anyway", " ", "--who", "JD"), "needs a reason"),
        (("everything",), "is not one of"),
        (("conductivity", "--accept-warnings", "1:out_of_domain"), "expected one --input"),
    ],
)
def test_unusable_calls_exit_2_and_say_why(arguments: tuple[str, ...], said: str) -> None:
    found = CliRunner().invoke(elyte, ["retrain", *arguments])
    assert found.exit_code == 2
    assert said in found.output


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [(JobStatus.PROMOTED, 0), (JobStatus.NOTHING_TO_DO, 0), (JobStatus.KEPT, 3), (JobStatus.NEEDS_PERSON, 4)],
)
def test_the_exit_status_says_how_it_ended(status: JobStatus, exit_status: int) -> None:
    assert command.exit_status(status) == exit_status


def test_the_real_jobs_can_be_made() -> None:
    settings = command._job("conductivity", seed=3, quick=True)
    assert settings.seed == 3
    assert command._job("ccd", seed=None, quick=False).name == "ccd"


def test_help_needs_no_model() -> None:
    code = "import sys; from serving.cli import main; sys.argv = ['elyte', 'retrain', '--help']\n"
    code += "try: main()\nexcept SystemExit: pass\nassert not {'mlflow', 'pandas', 'torch'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert "Exit status: 0 promoted" in " ".join(done.stdout.split())


def test_a_running_service_follows_a_promotion_and_a_rollback(lab: Lab) -> None:
    """One worker, the alias looked at twice a second: no restart, and no answer fails meanwhile."""
    home = lab.folder / "service"
    home.mkdir()
    add(lab.world.ledger, family_records())
    with running_service(home, MLFLOW_TRACKING_URI=lab.world.registry.uri, ELYTE_POLL_SECONDS="0.5") as service:
        assert _served(service) == "registry champion, version 1"
        assert lab.world.run().status is JobStatus.PROMOTED
        _wait_for(service, "registry champion, version 2")
        assert lab.call("models", "rollback", "conductivity", "--reason", "to see", "--who", "AB").exit_code == 0
        _wait_for(service, "registry champion, version 1")


def _served(service: Any) -> str:
    answer = service.predict("Li6.5PS5.5Cl0.5")
    assert answer.status_code == 200
    return str(answer.json()["models"]["conductivity"]["origin"])


def _wait_for(service: Any, origin: str) -> None:
    deadline = time.monotonic() + 60.0
    while _served(service) != origin:
        assert time.monotonic() < deadline, _served(service)
        time.sleep(0.2)
