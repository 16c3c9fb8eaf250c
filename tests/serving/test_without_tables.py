"""Every command on a machine on which no public table was fetched: it works, or says at once how to get them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_cifs import cif

from serving.cli import COMMANDS, elyte
from serving.commands import retrain as command
from training.properties.ccd.retraining import CcdJob
from training.properties.conductivity.recipe import PUBLIC_SOURCES
from training.properties.conductivity.retraining import ConductivityJob
from training.properties.polymer.retraining import PolymerJob
from training.properties.stability.table import SOURCE_KEYS
from training.retraining.job import RetrainOptions, retrain
from training.retraining.registry import ModelRegistry
from training.retraining.rules import load_rules
from training.sources import DATA_DIR_VARIABLE, MIRROR_VARIABLE, MissingSourceError

FORMULA = "Li5.43PS4.43Cl1.57"
NEW = f"formula,sigma_S_per_cm,temperature_C,reference\n{FORMULA},0.0047,25,lab:2026-11-03:JD\n"
LONGEST_REFUSAL_SECONDS = 20.0  # a few seconds, on a machine that does nothing else

WORKING = {
    "predict": [("predict", FORMULA)],
    "interface": [("interface", "Li3PS4", "--against", "lithium")],
    "coatings": [("coatings", "--electrolyte", "Li3PS4", "--cathode", "LCO")],
    "pathways": [("pathways", "CIF")],
    "rate": [("rate", "--anolyte", "Li3PS4", "--catholyte", "Li3InCl6")],
    "ccd-grid": [("ccd-grid", FORMULA, "--temperature-c", "60")],
    "generate": [("generate", "Li6-xPS5-xCl1+x", "x=0:0.4:0.2")],
    "synthesis": [("synthesis", "Li3PS4")],
    "rank": [("rank", "--input", "NEW")],
    "data": [
        ("data", "list"),
        ("data", "add", "--input", "NEW", "--dry-run"),
        ("data", "history"),
        ("data", "verify"),
        ("data", "croissant"),
    ],
    "monitor": [("monitor",)],
    "suggest": [("suggest", "--input", "NEW", "--count", "1")],
    "models": [("models",), ("models", "history"), ("models", "card", "stability")],
}
"""Command to calls that need no table."""
REFUSED = {
    "train": [("train", "stability", "--quick", "--no-registry", "--output", "FOLDER")],
    "retrain": [
        ("retrain",),
        ("retrain", "conductivity"),
        ("retrain", "conductivity", "--quick", "--input", "NEW"),
        ("retrain", "conductivity", "--dry-run"),
    ],
    "evaluate": [
        ("evaluate", "conductivity", "--quick"),
        ("evaluate", "stability"),
        ("evaluate", "stability", "--refit"),
    ],
}
"""Command to calls that need some."""
ELSEWHERE = {"mcp", "relax", "screen", "serve"}
"""They load the models as `predict` does and read no table: `test_agents_service.py`, `test_structure_answer.py`,
`test_screening_run.py`, `test_service.py`."""


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave neither tables nor a folder that has them, nor anything that was done here before."""
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "tables"))
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.delenv("ELYTE_LEDGER_URL", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def call(folder: Path, arguments: tuple[str, ...]) -> Result:
    (folder / "new.csv").write_text(NEW)
    (folder / "new.cif").write_text(cif())
    given = {"NEW": str(folder / "new.csv"), "CIF": str(folder / "new.cif"), "FOLDER": str(folder / "out")}
    return CliRunner().invoke(elyte, [given.get(argument, argument) for argument in arguments])


def test_every_command_is_walked() -> None:
    assert {*WORKING, *REFUSED, *ELSEWHERE} == set(COMMANDS)


@pytest.mark.parametrize("arguments", [call for calls in WORKING.values() for call in calls], ids=" ".join)
def test_what_needs_no_table_works(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    found = call(tmp_path, arguments)
    assert found.exit_code == 0, found.output


@pytest.mark.parametrize("arguments", [call for calls in REFUSED.values() for call in calls], ids=" ".join)
def test_what_needs_tables_says_at_once_which_and_how_to_get_them(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    started = time.monotonic()
    found = call(tmp_path, arguments)
    assert time.monotonic() - started < LONGEST_REFUSAL_SECONDS
    assert isinstance(found.exception, SystemExit), found.output
    assert found.exit_code == 2
    assert "`elyte data fetch`" in found.stderr
    needed = SOURCE_KEYS if "stability" in arguments else PUBLIC_SOURCES
    assert all(key in found.stderr for key in needed)
    assert not list((tmp_path / "data").rglob("*.db"))  # neither rows stored nor a registry made


def test_a_check_lists_what_is_missing(tmp_path: Path) -> None:
    found = call(tmp_path, ("data", "check"))
    assert found.exit_code == 1  # as documented: it did what was asked, and work is left
    assert all(f"elyte data fetch {key}" in found.stderr for key in (*PUBLIC_SOURCES, *SOURCE_KEYS))


def test_conductivity_and_polymers_are_retrained_from_public_tables() -> None:
    jobs = command._jobs("all", seed=None, quick=False)
    assert set(jobs) == {ConductivityJob.name, CcdJob.name, PolymerJob.name}
    jobs[CcdJob.name].check_tables()
    with pytest.raises(MissingSourceError, match="retraining of conductivity needs public tables"):
        ConductivityJob().check_tables()
    with pytest.raises(MissingSourceError, match="polymer"):
        jobs[PolymerJob.name].check_tables()


def test_a_job_started_from_python_says_so_too_before_it_makes_a_registry(tmp_path: Path) -> None:
    from training.ledger.store import Ledger

    registry = ModelRegistry("conductivity", f"sqlite:///{tmp_path / 'registry' / 'mlflow.db'}")
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    with pytest.raises(MissingSourceError, match="elyte data fetch"):
        retrain(
            ConductivityJob(), ledger, registry, load_rules("conductivity"), tmp_path / "work", RetrainOptions("a test")
        )
    assert not (tmp_path / "registry").exists()
