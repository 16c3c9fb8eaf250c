"""The script that executes notebooks, on real kernels, and what every committed notebook must be."""

from __future__ import annotations

import ast
import base64
import os
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebooks.execute import (
    FOLDER,
    LARGEST_BYTES,
    VOLATILE,
    differences,
    main,
    output_texts,
    own_faults,
    run,
    same_line,
    tidy,
)

COMMITTED = sorted(FOLDER.glob("*.ipynb"))
BESIDES = {"03": ("features",), "05": ("training",), "06": ("training",), "07": ("training",)}
# charges of formulas; steps of the retraining; polymers held out; a ledger of its own
FOLDERS = {"features", "training", "serving", "tests", "benchmarks", "notebooks"}


def written(folder: Path, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    """Write a notebook of code cells, the last of which carries the tags."""
    folder.mkdir(exist_ok=True)
    notebook = new_notebook(cells=[new_markdown_cell("# A title"), *map(new_code_cell, sources)])
    notebook.cells[-1].metadata["tags"] = list(tags)
    path = folder / "01_small.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.mark.parametrize(
    ("committed", "executed", "same"),
    [
        ("sigma 0.0200 S/cm", "sigma  0.0209 S/cm", True),
        ("sigma 0.0200 S/cm", "sigma 0.0214 S/cm", False),
        ("chance 0.01", "chance 0.02", True),  # one unit of the last digit
        ("chance 0.01", "chance 0.03", False),
        ("1.0e-04", "1.1e-04", True),
        ("1.00e-04", "1.10e-04", False),
        ("3 of 5 papers", "4 of 5 papers", False),  # counts are exact up to twenty
        ("1000 candidates", "1020 candidates", True),
        ("10,002 of 33,248 left", "9,997 of 33,250 left", True),  # separators do not cut a number
        ("10,002 of 33,248 left", "8,997 of 33,248 left", False),
        ("Li6PS5Cl 1.0", "Li6PS5Br 1.0", False),
        ("Li6PS5Cl 1.0", "Li6.5PS5Cl 1.0", False),  # digits of a formula are words
        ("-0.50 V", "0.50 V", False),
        ("a ---- b", "a ------ b", True),  # rules of a table follow its widths
        ("rises", "falls", False),
    ],
)
def test_words_are_equal_and_numbers_are_close(committed: str, executed: str, same: bool) -> None:
    assert same_line(committed, executed) is same


def test_a_notebook_is_executed_written_and_compared(tmp_path: Path) -> None:
    path = written(tmp_path / "nb", "import os\nvalue = 2.0 * len('abc')", "print('measured', value)\nvalue")
    assert main(["--folder", str(path.parent), "--build", str(tmp_path / "out"), "--write"]) == 0
    committed = nbformat.read(path, as_version=4)
    assert output_texts(committed.cells[2]) == ["stdout: measured 6.0\n", "6.0"]
    assert [cell.execution_count for cell in committed.cells[1:]] == [1, 2]
    assert main(["01", "--folder", str(path.parent), "--build", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    path.write_text(path.read_text().replace("measured 6.0", "measured 7.0"))
    before = path.read_bytes()
    outcome = run(path, tmp_path / "out")
    assert outcome.faults == ("cell 3: committed 'stdout: measured 7.0', now 'stdout: measured 6.0'",)
    assert path.read_bytes() == before


def test_volatile_cells_are_not_compared() -> None:
    def with_text(text: str, tags: list[str]) -> nbformat.NotebookNode:
        cell = new_code_cell("print(port)", metadata={"tags": tags}, outputs=[new_output("stream", text=text)])
        return new_notebook(cells=[cell])

    assert differences(with_text("port 4711", ["volatile"]), with_text("port 8080", ["volatile"])) == []
    assert len(differences(with_text("port 4711", []), with_text("port 8080", []))) == 1


def test_a_cell_that_raises_fails_and_is_never_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "nb", "print('before')", "1 / 0", "print('after')")
    before = path.read_bytes()
    assert main(["--folder", str(path.parent), "--build", str(tmp_path / "out"), "--write"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert path.read_bytes() == before
    saved = nbformat.read(tmp_path / "out" / path.name, as_version=4)
    assert output_texts(saved.cells[1]) == ["stdout: before\n"]
    assert saved.cells[2].outputs[0].output_type == "error"


def test_a_large_notebook_and_a_machine_path_are_faults() -> None:
    shown = new_output("stream", text="wrote " + "/".join(("", "home", "jane", "answers.csv")))
    notebook = new_notebook(cells=[new_markdown_cell("in S/cm, and/or"), new_code_cell("run()", outputs=[shown])])
    large, path = own_faults(notebook, LARGEST_BYTES + 1)
    assert "expected at most 500 kB" in large
    assert path.startswith("cell 2 names a path of a machine")


def test_settings_of_the_machine_do_not_reach_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    monkeypatch.setenv("ELYTE_API_KEY", "secret")
    path = written(
        tmp_path / "nb",
        "import os, pathlib\n"
        "print([name for name in os.environ if name in ('MLFLOW_TRACKING_URI', 'ELYTE_API_KEY')])\n"
        "print(pathlib.Path.cwd().name)",
    )
    assert not run(path, tmp_path / "out", write=True).faults
    assert output_texts(nbformat.read(path, as_version=4).cells[1]) == ["stdout: []\nnb\n"]
    assert os.environ["ELYTE_API_KEY"] == "secret"


def test_pictures_count_and_their_bytes_do_not() -> None:
    def with_pictures(*data: bytes) -> nbformat.NotebookNode:
        outputs = [
            new_output("display_data", data={"image/png": base64.b64encode(one).decode(), "text/plain": "<Figure>"})
            for one in data
        ]
        return new_notebook(cells=[new_code_cell("plot()", outputs=outputs)])

    assert differences(with_pictures(b"one"), with_pictures(b"other")) == []
    assert len(differences(with_pictures(b"one"), with_pictures(b"one", b"two"))) == 1


def test_tidy_keeps_tags_and_drops_the_rest() -> None:
    cell = new_code_cell("1", metadata={"tags": ["volatile"], "execution": {"iopub.status.busy": "2026-01-01"}})
    language = {"name": "python", "version": "3.11.7"}
    notebook = new_notebook(cells=[cell], metadata={"language_info": language, "path": "here"})
    tidy(notebook)
    assert notebook.cells[0].metadata == {"tags": ["volatile"]}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_notebooks_are_executed_and_clean(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert own_faults(notebook, path.stat().st_size) == []
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert any(output_texts(cell) for cell in code)
    assert not any("stderr: " in text for cell in code for text in output_texts(cell))
    assert str(Path(sys.prefix).parent) not in path.read_text()


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_every_code_cell_is_led_up_to_in_words(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for before, cell in pairwise(cells):
        if cell.cell_type == "code" and VOLATILE not in cell.metadata.get("tags", ()):
            assert before.cell_type == "markdown", cell.source[:80]


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_notebooks_use_what_any_user_may(path: Path) -> None:
    """They import `serving`, few of them one folder besides, and nothing that is private."""
    ours = {"serving", *BESIDES.get(path.name[:2], ())}
    for cell in nbformat.read(path, as_version=4).cells:
        for node in ast.walk(ast.parse(cell.source if cell.cell_type == "code" else "")):
            if isinstance(node, ast.ImportFrom | ast.Import):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
                assert {module.split(".")[0] for module in modules} & FOLDERS <= ours, cell.source[:80]
                assert not any(one.name.startswith("_") for one in node.names), cell.source[:80]
            elif isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_"), cell.source[:80]
