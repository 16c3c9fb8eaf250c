"""What the pages show is run, as it stands there, against the running service."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import RunningService

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    *(str(page.relative_to(ROOT)) for part in ("start", "use") for page in sorted((ROOT / "docs" / part).glob("*.md"))),
)
DOCUMENTED_URL = "http://127.0.0.1:3000"
STATUS_MARK = "HTTP status "
# Commands that shape what is around a call of curl; others of a block (elyte, make) are not its business.
AROUND_CURL = ("curl ", "printf ")


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """Cut a block of shell into commands; a quoted text or a backslash carries one over several lines."""
    found: list[str] = []
    for line in block.splitlines(keepends=True):
        goes_on = found and (found[-1].endswith("\\\n") or found[-1].count("'") % 2)
        found[-1:] = [found[-1] + line] if goes_on else [*found[-1:], line]
    return [command for command in found if command.startswith(AROUND_CURL)]


def shell_examples() -> list[tuple[str, list[str]]]:
    """Return the pages' blocks that call curl, each with its commands."""
    found = [(page, commands(block)) for page in PAGES for block in blocks(page, "bash")]
    return [(page, lines) for page, lines in found if any(line.startswith("curl ") for line in lines)]


def python_examples() -> list[tuple[str, str]]:
    """Return the pages' blocks that predict, in one process or by the client."""
    found = [(page, block) for page in PAGES for block in blocks(page, "python")]
    return [(page, block) for page, block in found if "Client" in block or "Predictor" in block]


def test_there_is_something_to_run() -> None:
    """A pattern that finds nothing would pass for ever."""
    both = {"README.md", "docs/start/first-prediction.md", "docs/use/predict.md"}
    assert {page for page, _ in shell_examples()} >= both | {"docs/use/tables.md", "docs/use/interface.md"}
    assert {page for page, _ in python_examples()} >= both | {"docs/use/client.md", "docs/use/synthesis.md"}
    calls = [line for _, lines in shell_examples() for line in lines if line.startswith("curl ")]
    routes = {re.search(rf"{DOCUMENTED_URL}(/[a-z/]+)", call)[1] for call in calls}  # type: ignore[index]
    assert routes >= {"/predict", "/predict/csv", "/nearest", "/interface", "/ccd/grid", "/models"}
    assert len(calls) == sum((ROOT / page).read_text().count("\ncurl ") for page in PAGES)


@pytest.mark.parametrize(("page", "lines"), shell_examples())
def test_every_call_of_curl_is_answered(service: RunningService, tmp_path: Path, page: str, lines: list[str]) -> None:
    """With 200, and JSON or a table whose rows are all fine."""
    for line in lines:
        told = line.replace("curl ", f"curl --write-out '%{{stderr}}{STATUS_MARK}%{{http_code}}' ", 1)
        command = told.replace(DOCUMENTED_URL, service.url)
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (line, done.stderr)
        if not line.startswith("curl "):
            continue
        assert f"{STATUS_MARK}200" in done.stderr, (line, done.stdout)
        if "Accept: text/csv" in line:
            rows = list(csv.DictReader(io.StringIO(done.stdout), strict=True))
        else:
            rows = json.loads(done.stdout).get("results", [{"status": "ok"}])
        assert rows
        assert {row["status"] for row in rows} == {"ok"}, (line, done.stdout)


@pytest.mark.parametrize(("page", "code"), python_examples())
def test_every_python_example_runs(service: RunningService, tmp_path: Path, page: str, code: str) -> None:
    """In a process of its own, as a reader would paste it."""
    own = code.replace(DOCUMENTED_URL, service.url).replace("Client()", f"Client({service.url!r})")
    done = subprocess.run([sys.executable, "-c", own], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    """Numbers in prose grow old."""
    from features.cif import MAX_BLOCKS, MAX_CIF_CHARACTERS, MAX_OPERATORS, MAX_SITES
    from features.formula import MAX_FORMULA_LENGTH
    from serving.answers.input_tables import CONDITION_COLUMNS
    from serving.answers.nearest_request import DEFAULT_NEAREST, MAX_NEAREST, MAX_NEAREST_CANDIDATES
    from serving.answers.request import MAX_BODY_BYTES, MAX_CANDIDATES, MAX_ID_LENGTH
    from serving.client.transport import LONGEST_PAUSE_S
    from serving.rest.admission import AdmissionLimits
    from serving.rest.openapi import REFUSALS

    page = " ".join(" ".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES).split())
    limits = AdmissionLimits()
    for sentence in (
        f"up to {MAX_ID_LENGTH} characters",
        f"more than {MAX_CANDIDATES:,} candidates ({MAX_NEAREST_CANDIDATES:,} for `/nearest`)",
        f"or {MAX_BODY_BYTES // 2**20} MiB",
        f"{MAX_FORMULA_LENGTH} characters of formula or {MAX_CIF_CHARACTERS:,} characters of CIF",
        f"({MAX_SITES:,} sites, {MAX_BLOCKS:,} data blocks, {MAX_OPERATORS} operators)",
        f"(1 to {MAX_NEAREST}, {DEFAULT_NEAREST} unless said)",
        f"did not arrive within {limits.body_seconds:g} s",
        f"no answer within {limits.answer_seconds:g} s",
        f"at most {LONGEST_PAUSE_S:g} s",
    ):
        assert sentence in page, sentence
    assert all(f"`{name}`" in page for name in CONDITION_COLUMNS)
    listed = set(re.findall(r"\b([45]\d\d)\b", page.split("| status | `error.code` | when |")[1]))
    assert {str(status) for status in {*REFUSALS, 406}} <= listed
