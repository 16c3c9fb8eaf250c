"""`elyte data`: one JSON document on standard output, messages on standard error, exit codes 0, 1 and 2."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.commands.data import data
from training import catalogue as catalogue_module
from training.sources import Source, catalogue

CONTENT = b"a,b\n1,2\n"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A catalogue of a table that only the mirror has, and of one that the user supplies."""
    monkeypatch.setenv("ELYTE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("ELYTE_DATA_MIRROR", raising=False)
    digest = hashlib.sha256(CONTENT).hexdigest()
    unreachable = "http://127.0.0.1:9/table.csv"
    known = Source("table", "A table", "CC BY 4.0", "N. N.", "10.1/x", unreachable, "t.csv", digest, 8, True)
    own = Source("own", "Your own", "none", "N. N.", "10.1/y", None, "own.csv", None, None, False)
    monkeypatch.setattr(catalogue_module, "_CATALOGUE", (known, own))
    catalogue.cache_clear()
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "renamed.csv").write_bytes(CONTENT)
    yield folder
    monkeypatch.undo()
    catalogue.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(data, arguments)


def test_list_shows_licences_and_what_ships(mirror: Path) -> None:
    document = json.loads(run("list", "--json").stdout)
    shipped = {source["key"]: source["ships_in_bundle"] for source in document["sources"]}
    assert shipped == {"table": True, "own": False}
    assert "CC BY 4.0" in run("list").stdout


def test_fetch_from_a_mirror_then_check(mirror: Path, tmp_path: Path) -> None:
    before = run("check", "--json")
    assert before.exit_code == 1
    assert not json.loads(before.stdout)["ok"]
    assert "elyte data fetch table" in before.stderr
    fetched = run("fetch", "--mirror", str(mirror), "--json")
    assert (fetched.exit_code, fetched.stderr) == (0, "")
    (result,) = json.loads(fetched.stdout)["results"]
    assert (result["key"], result["outcome"]) == ("table", "copied")
    assert (tmp_path / "data" / "t.csv").read_bytes() == CONTENT
    after = run("check", "--json")
    assert after.exit_code == 0
    assert json.loads(after.stdout)["ok"]
    assert "present" in run("check").stdout


def test_fetch_without_network_fails_with_the_way_out(mirror: Path) -> None:
    result = run("fetch", "table", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["results"][0]["outcome"] == "failed"
    assert "http://127.0.0.1:9/table.csv" in result.stderr
    assert "t.csv" in result.stderr


def test_asking_for_a_source_that_only_the_user_can_supply_fails(mirror: Path) -> None:
    result = run("fetch", "own")
    assert result.exit_code == 1
    assert "own.csv" in result.stderr


@pytest.mark.parametrize("arguments", [("fetch", "nonsense"), ("fetch", "--mirror", "/no/such"), ("nope",)])
def test_unusable_calls_exit_with_2(mirror: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


def test_a_mirror_variable_that_is_no_folder(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELYTE_DATA_MIRROR", "/no/such/folder")
    assert run("check").exit_code == run("fetch").exit_code == 2


def test_importing_the_command_loads_nothing_heavy() -> None:
    heavy = "{'pandas', 'pandera', 'pooch', 'requests', 'numpy', 'tqdm'}"
    code = f"import sys, serving.commands.data, training.sources; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
