"""Nothing that a user can meet is left out of the pages, and what the pages name is there."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

import elyte
from serving.cli import COMMANDS
from serving.rest.http_api import create_app
from serving.synthesis.errors import SynthesisCode
from training.measurements.problems import Code
from training.properties import contract, registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGES = ("features", "training", "serving", "elyte")
FOLDERS = ("features", "training", "serving", "tests", "benchmarks", "deploy", "notebooks", "docs")
DOORS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
READERS = ("os.environ", "os.environ.get", "os.environ.setdefault", "os.getenv")
VARIABLE = re.compile(r"(?:ELYTE|MLFLOW|BENTOML|RAY|NUMBA|OMP|OPENBLAS|MKL|MALLOC|ARROW|PROMETHEUS)_[A-Z0-9_]+")


@cache
def pages(part: str = ".") -> str:
    """Return the text of all pages of a part, or of all parts."""
    return "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / part).rglob("*.md")))


def read_directly(node: ast.AST) -> str | None:
    """Return the name in `os.environ.get("NAME")`, `os.environ["NAME"]`, `os.getenv("NAME")` and the like."""
    if isinstance(node, ast.Call) and node.args:
        reader, name = ast.unparse(node.func), node.args[0]
    elif isinstance(node, ast.Subscript):
        reader, name = ast.unparse(node.value), node.slice
    else:
        return None
    return str(name.value) if reader in READERS and isinstance(name, ast.Constant) else None


def variables(source: str) -> set[str]:
    """Return the names of environment variables that a module reads or holds."""
    nodes = list(ast.walk(ast.parse(source)))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    direct = {name for name in map(read_directly, nodes) if name is not None}
    return {text for text in texts if VARIABLE.fullmatch(text)} | direct


def commands() -> Iterator[str]:
    """Yield every command as it is typed, those of a group with their group."""
    for name, (module, attribute, _) in COMMANDS.items():
        command = getattr(importlib.import_module(module), attribute)
        inner = [f" {one}" for one in command.commands] if isinstance(command, click.Group) else [""]
        yield from (f"elyte {name}{one}" for one in inner)


def hooks(of: type) -> list[str]:
    """Return the public members of a class, those without a value included."""
    return sorted(name for name in {*vars(of), *inspect.get_annotations(of)} if not name.startswith("_"))


def python_blocks(page: Path) -> list[str]:
    """Return the blocks that are to be run: those that quote no file."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_names_of_variables_are_found_however_they_are_read() -> None:
    source = 'import os\nA = "ELYTE_ONE"\nos.environ.get("TWO")\nos.environ["THREE"]\nos.getenv("FOUR")\nx["FIVE"]\n'
    assert variables(source) == {"ELYTE_ONE", "TWO", "THREE", "FOUR"}


def test_every_environment_variable_has_an_entry_under_configuration() -> None:
    code = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    read = {name for path in code for name in variables(path.read_text(encoding="utf-8"))}
    assert {"ELYTE_MODELS", "ELYTE_LEDGER_URL", "MLFLOW_TRACKING_URI"} <= read
    listed = (DOCS / "operate" / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in sorted(read) if f"`{name}`" not in listed] == []


def test_every_route_has_a_line_on_the_page_of_routes() -> None:
    listed = (DOCS / "use" / "rest.md").read_text(encoding="utf-8").split("\n## ")[0]
    routes = [(method, path) for path, methods in create_app().openapi()["paths"].items() for method in methods]
    assert len(routes) > 10
    lines = [line.partition(" | ")[0] for line in listed.splitlines() if line.startswith("| ")]
    missing = [
        f"{method.upper()} {path}"
        for method, path in routes
        if not any(method.upper() in line and re.search(rf"[ `]{path}`", line) for line in lines)
    ]
    assert missing == []


def test_every_command_has_a_line_on_the_page_of_commands() -> None:
    listed = (DOCS / "use" / "commands.md").read_text(encoding="utf-8")
    typed = list(commands())
    assert {"elyte predict", "elyte data fetch"} <= set(typed)
    assert [command for command in typed if not re.search(rf"`{command}(?: --\w+)?`", listed)] == []


def test_every_code_of_the_ledger_and_of_syntheses_is_explained() -> None:
    ledger = (DOCS / "operate" / "ledger.md").read_text(encoding="utf-8")
    assert [str(code) for code in Code if f"`{code}`" not in ledger] == []
    synthesis = (DOCS / "use" / "synthesis.md").read_text(encoding="utf-8")
    assert [str(code) for code in SynthesisCode if f"`{code}`" not in synthesis] == []


def test_every_condition_and_every_quantity_of_answers_is_listed() -> None:
    conditions = (DOCS / "use" / "conditions.md").read_text(encoding="utf-8")
    assert [name for name in registry.conditions() if f"| `{name}` |" not in conditions] == []
    answers = (DOCS / "use" / "predict.md").read_text(encoding="utf-8")
    given = [name for name, (_, quantity) in registry.quantities().items() if quantity.in_answers]
    assert [name for name in given if f"`{name}`" not in answers] == []
    ranked = (DOCS / "use" / "rank.md").read_text(encoding="utf-8")
    others = [quantity.aliases[0] for _, quantity in registry.quantities().values() if not quantity.in_answers]
    assert [alias for alias in others if f"`{alias}" not in ranked] == []


@pytest.mark.parametrize("of", [contract.Property, contract.Judgement])
def test_every_hook_of_the_contract_is_on_the_page_that_tells_how_to_add_a_property(of: type) -> None:
    page = (DOCS / "develop" / "add-a-property.md").read_text(encoding="utf-8")
    assert len(hooks(of)) > 10
    assert [name for name in hooks(of) if not re.search(rf"\b{name}\b", page)] == []


def test_paths_that_the_pages_name_are_there() -> None:
    texts = [pages(), *((ROOT / door).read_text(encoding="utf-8") for door in DOORS)]
    named = {path for text in texts for path in re.findall(rf"\b(?:{'|'.join(FOLDERS)})/[\w./-]+\.\w+\b", text)}
    assert len(named) > 30
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("door", DOORS)
def test_links_of_the_pages_outside_docs_lead_somewhere(door: str) -> None:
    """Those of docs/ are checked by `mkdocs build --strict`."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#([^)]+))?\)", (ROOT / door).read_text(encoding="utf-8"))
    for path, anchor in links:
        target = ROOT / path
        assert target.exists(), path
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted((DOCS / "develop").glob("add-*.md")), ids=lambda page: page.stem)
def test_code_on_the_pages_for_authors_runs_from_top_to_bottom(page: Path) -> None:
    code = "\n\n".join(python_blocks(page))
    assert code
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "plugin_property")))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_files_are_quoted_as_they_are() -> None:
    quoted = re.findall(r'^```python title="([^"]+)"\n(.*?)^```$', pages(), re.MULTILINE | re.DOTALL)
    assert quoted
    assert [path for path, text in quoted if text not in (ROOT / path).read_text(encoding="utf-8")] == []


def test_every_public_name_is_on_the_page_of_the_python_interface() -> None:
    page = (DOCS / "develop" / "api.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: elyte\.(\w+)$", page, re.MULTILINE)) == sorted(elyte.__all__)
