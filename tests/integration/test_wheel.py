"""A wheel in an empty environment answers: nothing that it needs lies in the checkout alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = (sys.executable, "-m", "uv")


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and what it depends on, and no checkout on its path."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(*UV, "build", "--out-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    _run(*UV, "venv", "--python", sys.executable, folder / "venv")
    python = folder / "venv" / "bin" / "python"
    _run(*UV, "pip", "install", "--python", python, "--constraint", ROOT / "constraints.txt", wheel)
    return folder / "venv" / "bin"


def test_the_command_answers(empty_environment: Path) -> None:
    done = _run(empty_environment / "elyte", "predict", "Li6PS5Cl", "--json")
    (row,) = json.loads(done)["results"]
    assert row["status"] == "ok"
    assert -4.0 < row["conductivity"]["log10_sigma_S_per_cm"]["value"] < -1.0
    assert row["ccd"] is not None


def test_without_its_extra_the_command_for_agents_says_what_to_install(empty_environment: Path) -> None:
    done = subprocess.run([empty_environment / "elyte", "mcp"], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 2
    assert "install elyte[mcp]" in done.stderr
    assert done.stdout == ""


def test_the_public_face_is_whole(empty_environment: Path) -> None:
    """What a plain installation cannot import is what its extras are for, and says so."""
    code = (
        "import elyte\n"
        "for name in elyte.__all__:\n"
        "    try: getattr(elyte, name)\n"
        "    except ModuleNotFoundError as error: print(name, error.name)\n"
    )
    lacking = _run(empty_environment / "python", "-c", code).split("\n")
    assert set(filter(None, lacking)) <= {"Client httpx", "ServiceError httpx"}


def _run(*command: object) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/", env=environment, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr[-2000:]}"
    return done.stdout
