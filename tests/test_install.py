"""`make serve` and `make test` say what they install and how far they are, on a terminal and without one."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "deploy" / "install.py"


def wheel(folder: Path, name: str, *needs: str) -> None:
    """Write a wheel of one empty module."""
    info = f"{name}-1.0.dist-info"
    required = "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{required}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(path, text)


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """Return what installs from a folder of three wheels, without an index."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "first_toy", "second_toy", "third_toy")
    wheel(wheels, "second_toy")
    wheel(wheels, "third_toy")
    options = ["--no-index", "--find-links", str(wheels), "--target", str(tmp_path / "there")]
    return [sys.executable, str(SCRIPT), "--packages", "3", "--size", "1 kB", "--", *options]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)


def test_the_first_line_says_what_will_happen_and_the_last_what_did(command: list[str], tmp_path: Path) -> None:
    done = run([*command, "first-toy"])
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("installing about 3 packages into ")
    assert "1 kB" in lines[0]
    assert re.fullmatch(r"3 packages installed in \d+ s", lines[-1])
    assert len(lines) < 10, "without a terminal a line every ten seconds, not every line of pip"
    assert (tmp_path / "there" / "third_toy.py").exists()


def test_what_pip_complains_of_is_shown_whole(command: list[str]) -> None:
    done = run([*command, "first-toy", "no-such-toy"])
    assert done.returncode == 1
    assert "No matching distribution found for no-such-toy" in done.stderr
    assert "Looking in links" in done.stdout
    assert "pip failed with status 1" in done.stdout


def test_on_a_terminal_one_line_is_written_over(command: list[str]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*command, "first-toy"], stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # so Linux says that the other side is closed
            break
        if not chunk:
            break
        said += chunk
    os.close(ours)
    assert process.wait(60) == 0, said
    shown = said.decode()
    assert "\r\x1b[2K" in shown
    assert re.search(r"asking the package index|collected \d of about 3|installed \d of 3", shown)
    assert shown.rstrip().splitlines()[-1].split("\x1b[2K")[-1].startswith("3 packages installed")


def test_lines_of_pip_become_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    from install import State

    state = State(10, tmp_path)
    assert state.words() == "asking the package index"
    for line in ("Collecting numpy==2.0 (from elyte)\n", "  Using cached numpy.whl (1 MB)\n", "Collecting NumPy\n"):
        state.take(line)
    assert state.words() == "collected 1 of about 10, NumPy"
    state.take("Requirement already satisfied: scipy<2 in /x\n")
    assert state.words() == "collected 2 of about 10, scipy"
    (tmp_path / "older-1.0.dist-info").mkdir()
    state.take("Installing collected packages: numpy, elyte\n")
    assert state.words() == "installed 0 of 2"
    (tmp_path / "numpy-2.0.dist-info").mkdir()
    assert state.words() == "installed 1 of 2"
