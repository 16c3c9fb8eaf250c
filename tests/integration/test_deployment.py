"""What `deploy/` and `bentofile.yaml` promise: bento, wheel, container file, unit; proxies have a file of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from running_service import ROOT, RunningService, running_service

from benchmarks.ports import free_port
from serving.cli import elyte
from serving.predictor import Predictor

DEPLOY = ROOT / "deploy"
PACKAGES = ("elyte", "features", "training", "serving")
MADE = ("__pycache__", "*.egg-info")
FORMULAS = ["Li6PS5Cl", "Li3YCl6", "Li6.123PS5.123Cl0.877"]
# Whoever asks the network fails: nobody listens there, and uv is told not to.
OFFLINE = {
    "UV_OFFLINE": "1",
    "PIP_NO_INDEX": "1",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


def module_of(path: Path) -> ModuleType:
    """Import a script of `deploy/`."""
    spec = importlib.util.spec_from_file_location(f"deploy_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


replay = module_of(DEPLOY / "replay.py")


def sources(folder: Path) -> set[str]:
    """Return the paths of our packages' files below a folder, what was compiled left out."""
    files = (path for package in PACKAGES for path in (folder / package).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in files if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what is built, so that nothing is written into the checkout."""
    folder = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns(*MADE))
    shutil.copytree(DEPLOY, folder / "deploy", ignore=shutil.ignore_patterns(*MADE))
    (folder / "tests").mkdir()
    (folder / "tests" / "test_none.py").touch()
    for name in ("pyproject.toml", "bentofile.yaml", "constraints.txt", "README.md", "LICENSE", "ATTRIBUTION.md"):
        shutil.copy2(ROOT / name, folder)
    return folder


def has_package_data(names: set[str]) -> None:
    """Check for one file of each kind that is no Python."""
    tables = ("features/data/*.csv", "training/**/*.csv", "serving/bundles/*/arrays.npz")
    for pattern in (*tables, "serving/page/*.js", "training/**/page/*.js", "training/**/page/*.css"):
        assert [name for name in names if fnmatch(name, pattern)], pattern


# ---------------------------------------------------------------- bento


def test_the_requirements_are_the_pins_of_the_serve_extra() -> None:
    expected = module_of(DEPLOY / "requirements.py").requirements_text()
    assert (DEPLOY / "requirements-serve.txt").read_text() == expected, "run: python deploy/requirements.py"
    assert "bentoml==" in expected
    assert "mlflow" not in expected


@pytest.fixture(scope="module")
def bento(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the bento without network; return the folder whose `bentoml/` is BentoML's home."""
    home = tmp_path_factory.mktemp("bento")
    environment = os.environ | OFFLINE | {"BENTOML_HOME": str(home / "bentoml"), "BENTOML_DO_NOT_TRACK": "true"}
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return home


def contents(home: Path) -> Path:
    """Return the folder of the one bento that was built."""
    (found,) = (path.parent for path in home.glob("bentoml/bentos/elyte/*/bento.yaml"))
    return found


def test_a_bento_holds_the_service_and_nothing_else(bento: Path, tree: Path) -> None:
    folder = contents(bento)
    code = folder / "src"
    assert {path.name for path in code.iterdir()} == {*PACKAGES, "bentofile.yaml", "LICENSE", "ATTRIBUTION.md"}
    assert sources(code) == sources(tree)
    has_package_data(sources(code))
    pins = [line for line in (folder / "env/python/requirements.txt").read_text().splitlines() if line[:1] != "#"]
    assert {line for line in pins if line} == set((DEPLOY / "requirements-serve.txt").read_text().splitlines()[2:])


@pytest.fixture(scope="module")
def served_bento(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Serve the bento from another folder, with this interpreter's libraries; its page carries a mark."""
    code, elsewhere = contents(bento) / "src", tmp_path_factory.mktemp("elsewhere")
    page = code / "serving" / "page" / "index.html"
    page.write_text(page.read_text().replace("<title>", "<title>from the bento: "))
    for machine_code in (path for package in PACKAGES for path in (ROOT / package).rglob("__pycache__/*.nb?")):
        target = code / machine_code.relative_to(ROOT)  # half a minute of compiling less
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(machine_code, target)
    start = (
        f"import os, runpy, sys; os.chdir({str(elsewhere)!r}); sys.argv[:1] = ['bentoml', 'serve', 'elyte:latest'];"
        "sys.path[:] = [path for path in sys.path if path]; runpy.run_module('bentoml', run_name='__main__')"
    )
    with running_service(bento, arguments=("-c", start), BENTOML_DO_NOT_TRACK="true") as service:
        yield service


def test_a_bento_answers_from_any_folder_as_the_shipped_models_do(served_bento: RunningService) -> None:
    assert "<title>from the bento: " in served_bento.client.get("/").text
    document = served_bento.predict(*FORMULAS).json()
    expected = Predictor.load("shipped").predict_formulas(FORMULAS)
    assert {name: model["digest"] for name, model in document["models"].items()} == {
        name: model["digest"] for name, model in expected["models"].items()
    }
    for row, wanted in zip(document["results"], expected["results"], strict=True):
        assert row["status"] == "ok"
        for name, key in (("conductivity", "log10_sigma_S_per_cm"), ("ccd", "log10_ccd_mA_per_cm2")):
            assert row[name][key] == pytest.approx(wanted[name][key], abs=2e-4)
        assert row["stability"]["basis"] == wanted["stability"]["basis"]


# ---------------------------------------------------------------- wheel


def test_the_wheel_holds_code_models_tables_and_page(tree: Path, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77", reason="no setuptools 77 here to build a wheel with")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        ".",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=tree, env=os.environ | OFFLINE, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("elyte-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    has_package_data(names)
    assert sources(tree) <= names
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    assert wheel.stat().st_size < 30e6


# ---------------------------------------------------------------- container


@pytest.fixture(scope="module")
def stages() -> list[Any]:
    """Return the stages of the Containerfile; the parser refuses instructions that it does not know."""
    parsed: list[Any] = replay.parse((DEPLOY / "Containerfile").read_text())
    return parsed


def understood(words: list[str]) -> dict[str, Any]:
    """Return the options of an `elyte` call as its command line understands them, without running it."""
    command = elyte.get_command(elyte.make_context("elyte", [], resilient_parsing=True), words[0])
    assert command is not None
    parameters: dict[str, Any] = command.make_context(words[0], list(words[1:])).params
    return parameters


def let_in(path: str) -> bool:
    """Say whether the build may see a path of the repository; the last line that fits decides."""
    seen = True
    for line in (DEPLOY / "Containerfile.dockerignore").read_text().splitlines():
        if not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            if fnmatch(path, pattern) or fnmatch(path, f"{pattern}/*") or fnmatch(Path(path).name, pattern):
                seen = line.startswith("!")
    return seen


def test_the_build_sees_what_it_copies_and_no_more(stages: list[Any]) -> None:
    copied = [word for stage in stages for one in stage.all("COPY") for word in one.words()[:-1]]
    from_here = [word for word in copied if not word.startswith(("--", "/"))]
    assert {"features", "training", "serving", "constraints.txt"} <= set(from_here)
    for source in from_here:
        assert (ROOT / source).exists(), source
        assert let_in(source), source
    assert all(let_in(name) for name in sources(ROOT))
    assert not any(
        let_in(name) for name in ("tests/conftest.py", "notebooks/a.ipynb", ".git/config", "elyte.env", "mlflow.db")
    )


def test_the_image_runs_as_nobody_special_and_drains(stages: list[Any]) -> None:
    final = stages[-1]
    assert final.all("USER")[-1].text == "elyte"
    names = [one.name for one in final.instructions]
    warmed = max(index for index, name in enumerate(names) if name == "RUN")
    assert names.index("USER") < warmed < names.index("VOLUME")  # by the user itself, before the folder is a volume
    for name in ("ENTRYPOINT", "CMD"):
        assert final.all(name)[0].text.startswith("["), "a shell would keep SIGTERM to itself"
    words = final.all("ENTRYPOINT")[0].words() + final.all("CMD")[0].words()
    assert understood(words[1:]) == {"host": "0.0.0.0", "port": 3000, "workers": 1, "agents": False}
    text = (DEPLOY / "Containerfile").read_text()
    assert "ELYTE_API_KEY=" not in text
    assert re.findall(r"https?://(?!127\.0\.0\.1)", text) == []
    assert all("--constraint constraints.txt" in one.text for one in stages[0].all("RUN") if "elyte[" in one.text)


def test_the_health_check_tells_a_live_service_from_none(stages: list[Any], served_bento: RunningService) -> None:
    text = stages[-1].all("HEALTHCHECK")[0].text.partition("CMD ")[2]
    assert ":3000/livez" in text
    port = served_bento.url.rpartition(":")[2]
    for target, exit_status in ((port, 0), (str(free_port()), 1)):
        words = json.loads(text.replace(":3000/", f":{target}/"))
        done = subprocess.run([sys.executable, *words[1:]], stderr=subprocess.DEVNULL, check=False)
        assert done.returncode == exit_status


# ---------------------------------------------------------------- systemd


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    """Return the settings of the unit."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "elyte.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            found.setdefault(line.partition("=")[0], []).append(line.partition("=")[2])
    return found


def test_the_unit_starts_what_there_is_and_waits_for_the_drain(unit: dict[str, list[str]]) -> None:
    words = unit["ExecStart"][0].split()
    assert understood(words[1:])["host"] == "127.0.0.1"
    serve = (ROOT / "serving" / "commands" / "serve.py").read_text()
    graceful = re.search(r'"--timeout-graceful-shutdown",\s+"(\d+)"', serve)
    assert graceful is not None
    assert int(unit["TimeoutStopSec"][0]) >= int(graceful[1]) + 5
    documented = (ROOT / "docs" / "operate" / "configuration.md").read_text()
    for name in re.findall(r"ELYTE_\w+", " ".join(unit["Environment"])):
        assert f"`{name}`" in documented
    writable = ("/run/elyte/", "/var/cache/elyte/", "/var/lib/elyte/")
    folders = re.findall(r"=(/\S+)", " ".join(unit["Environment"]))
    assert folders
    assert all(f"{folder}/".startswith(writable) for folder in folders)
    assert [unit[name] for name in ("RuntimeDirectory", "CacheDirectory", "StateDirectory")] == [["elyte"]] * 3


def test_the_unit_forbids_nothing_that_the_service_needs(unit: dict[str, list[str]]) -> None:
    # each of these was tried under systemd: the start aborts, or the stop hangs until everything is killed
    assert not {"MemoryDenyWriteExecute", "ProcSubset"} & unit.keys()
    assert "AF_NETLINK" in unit["RestrictAddressFamilies"][0].split()
    assert not any("@resources" in line for line in unit["SystemCallFilter"])


def test_systemd_understands_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine (apt-get install systemd)")
    text = (DEPLOY / "elyte.service").read_text()
    copy = tmp_path / "elyte.service"
    copy.write_text(text.replace("/opt/elyte/bin/elyte", sys.executable))
    checked = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    copy.write_text(text.replace("/opt/elyte/bin/elyte", sys.executable).replace("ProtectSystem=", "ProtectSytem="))
    checked = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert "ProtectSytem" in checked.stderr
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(DEPLOY / "elyte.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-200:]  # 1.5 of 10, where 10 is open
