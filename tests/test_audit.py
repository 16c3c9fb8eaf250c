"""`make audit` never says that nothing is known where nobody was asked, and is never red for lack of a network."""

from __future__ import annotations

import importlib.util
import json
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "deploy" / "audit.py"
FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["1.4.1"], "aliases": [], "description": "x"}
ASKED = {"name": "numpy", "version": "2.4.6", "vulns": []}
FLAWED = ASKED | {"vulns": [FLAW]}
UNKNOWN = {"name": "arrow", "skip_reason": "Dependency not found on PyPI and could not be audited: arrow (1.4.0)"}
OURS = {"name": "elyte", "skip_reason": "Dependency not found on PyPI and could not be audited: elyte (0.1.0)"}
# What pip-audit 2.10.1 wrote on a machine without a network.
NO_NETWORK = (
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='vulnerabilities.example', port=443): Max retries"
    ' exceeded with url: /v1/query (Caused by NameResolutionError("Failed to resolve"))\n'
)


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("deploy_audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


audit = load()


def told(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.mark.parametrize(
    ("stdout", "stderr", "verdict", "said"),
    [
        (told(ASKED, OURS), "No known vulnerabilities found", "clean", "in the 1 packages that were asked about"),
        (told(UNKNOWN, OURS), "No known vulnerabilities found", "not_asked", "SKIPPED: "),
        (told(ASKED, UNKNOWN), "No known vulnerabilities found", "partly", "SKIPPED for 1: arrow"),
        (
            told(ASKED | {"vulns": [FLAW]}, UNKNOWN),
            "Found 1",
            "vulnerable",
            "numpy 2.4.6: PYSEC-2026-1, mended in 1.4.1",
        ),
        ("", f"Traceback\n{NO_NETWORK}", "not_asked", "SKIPPED: the service cannot be reached"),
        ("", "Traceback\nKeyError: 'x'\n", "failed", "the audit failed: KeyError: 'x'"),
        ("[]", "", "failed", "the audit failed"),
        ("{", "", "failed", "no message"),
    ],
)
def test_what_was_not_asked_is_not_called_clean(stdout: str, stderr: str, verdict: str, said: str) -> None:
    found = audit.audit_of(stdout, stderr)
    assert str(found.verdict) == verdict
    assert said in "\n".join(found.lines)
    assert ("no known vulnerability" in "\n".join(found.lines)) == (verdict in ("clean", "partly"))


@pytest.mark.parametrize(
    ("stdout", "stderr", "status"),
    [(told(ASKED), "", 0), ("", NO_NETWORK, 0), (told(FLAWED), "", 1), ("", "boom", 2)],
)
def test_the_script_runs_the_tool_and_tells_by_its_status(
    tmp_path: Path, stdout: str, stderr: str, status: int
) -> None:
    tool = tmp_path / "tool"
    body = f"import sys\nsys.stdout.write({stdout!r})\nsys.stderr.write({stderr!r})\nsys.exit(1)\n"
    tool.write_text(f"#!{sys.executable}\n{body}")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    command = [sys.executable, str(SCRIPT), "--tool", str(tool), "--site", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert done.stdout.startswith("audit: ")


def test_make_check_makes_the_bill_of_materials_and_asks() -> None:
    makefile = (ROOT / "Makefile").read_text()
    check = next(line for line in makefile.splitlines() if line.startswith("check:"))
    assert {"sbom", "audit"} <= set(check.split())
    pinned = (ROOT / "deploy" / "requirements-trust.txt").read_text().splitlines()
    assert all("==" in line for line in pinned if not line.startswith("#"))
    assert {"cyclonedx-bom", "pip_audit"} <= {line.partition("==")[0] for line in pinned}
