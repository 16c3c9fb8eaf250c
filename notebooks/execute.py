"""Execute the notebooks in fresh kernels, as CI does, and compare what they print with what is committed.

    python notebooks/execute.py                 # all; results go to build/notebooks/
    python notebooks/execute.py 01 04           # those whose names begin so
    python notebooks/execute.py --write         # the same, and the committed ones are refreshed

It fails where a cell raises, a notebook is too large or names a path of this machine, and where the text of an output
differs from the committed one. Words must be equal; numbers may differ by 5 %, or by one unit of their last decimal.
Cells tagged `volatile` (ports, seconds) are left out of the comparison; pictures are counted, but not compared.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
BUILD = FOLDER.parent / "build" / "notebooks"
LARGEST_BYTES = 500_000
CELL_SECONDS = 300
RELATIVE_TOLERANCE = 0.05
VOLATILE = "volatile"
MOST_TOLD = 12
"""Differences of one notebook that are printed."""

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+(?!,?\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w|\.\d)")
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home|work|tmp|Users|usr|opt|var|mnt)/")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_KEPT_FROM_ENVIRONMENT = ("ELYTE_DATA_DIR", "ELYTE_DATA_MIRROR")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_SAME_KERNELS = dict.fromkeys(_THREADS, "1") | {"OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2"}
"""Linear algebra as nearly the same on x86 processors as can be had: small fits turn last digits into other ranks."""

_CONFIGURING = ("ELYTE_", "MLFLOW_", "BENTOML_")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one notebook.

    Parameters
    ----------
    name
        Its file name.
    seconds
        Wall time of its execution, the kernel's start included.
    kilobytes
        Size of the executed file.
    faults
        In words; empty where all is well.
    """

    name: str
    seconds: float
    kilobytes: float
    faults: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute notebooks; returns 0 if all are well, else 1."""
    parser = argparse.ArgumentParser(description="Execute the notebooks and compare them with the committed ones.")
    parser.add_argument("names", nargs="*", help="notebooks whose names begin so; all without any")
    parser.add_argument("--write", action="store_true", help="put the results in the place of the committed ones")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the notebooks are")
    parser.add_argument("--build", type=Path, default=BUILD, help="where the results go")
    given = parser.parse_args(arguments)
    paths = [path for path in sorted(given.folder.glob("*.ipynb")) if path.name.startswith(tuple(given.names) or "")]
    if not paths:
        parser.error(f"no notebook in {given.folder} begins with {', '.join(given.names) or 'anything'}")
    outcomes = []
    for path in paths:
        outcomes.append(run(path, given.build, write=given.write))
        _tell(outcomes[-1])
    print(f"{len(outcomes)} notebooks, {sum(one.seconds for one in outcomes):.0f} s")
    return int(any(one.faults for one in outcomes))


def run(path: Path, build: Path, *, write: bool = False) -> Outcome:
    """Execute one notebook, save the result, and say what is wrong with it.

    Parameters
    ----------
    path
        The committed notebook.
    build
        Folder for the result.
    write
        Whether the result is to replace the committed notebook, unless something is wrong with it.
    """
    committed = nbformat.read(path, as_version=4)
    began = time.perf_counter()
    fault: str | None = None
    executed = nbformat.from_dict(committed)
    try:
        execute(executed, path.parent)
    except CellExecutionError as error:
        fault = f"a cell raised: {_COLOUR.sub('', str(error))}"
    except (CellTimeoutError, DeadKernelError) as error:
        fault = f"the kernel gave no answer: {error}"
    seconds = time.perf_counter() - began
    tidy(executed)
    result = build / path.name
    build.mkdir(parents=True, exist_ok=True)
    nbformat.write(executed, result)
    faults = [fault] if fault is not None else own_faults(executed, result.stat().st_size)
    if write and not faults:
        nbformat.write(executed, path)
    elif fault is None and not write:
        faults += differences(committed, executed)
    return Outcome(path.name, seconds, result.stat().st_size / 1000, tuple(faults))


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells in a fresh kernel that works in a folder; the notebook is changed in place.

    Raises
    ------
    CellExecutionError
        If a cell raises; the outputs so far are in the notebook.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # it warns of its sockets
        coalesce_streams=True,
    )
    with _plain_environment():
        client.execute()


def tidy(notebook: NotebookNode) -> None:
    """Drop what differs from machine to machine: metadata but tags, and the version of the language."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cell.id = f"cell-{number + 1:02d}"
        for output in cell.get("outputs", ()):
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})


def own_faults(notebook: NotebookNode, size_bytes: int) -> list[str]:
    """Return what is wrong with an executed notebook whatever it was before."""
    faults = []
    if size_bytes > LARGEST_BYTES:
        faults.append(f"{size_bytes / 1000:.0f} kB; expected at most {LARGEST_BYTES / 1000:.0f} kB: smaller pictures")
    for number, cell in enumerate(notebook.cells):
        for text in [cell.source, *output_texts(cell)]:
            found = _MACHINE_PATH.search(text)
            if found is not None:
                near = text[max(found.start() - 30, 0) : found.end() + 30]
                faults.append(f"cell {number + 1} names a path of a machine: {near!r}")
        faults += [
            f"cell {number + 1} shows an error: {output.ename}"
            for output in cell.get("outputs", ())
            if output.output_type == "error"
        ]
    return faults


def output_texts(cell: NotebookNode) -> list[str]:
    """Return what a cell shows as plain text, an output each; a picture counts as `[image/png]`."""
    texts = []
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            texts.append(f"{output.name}: {output.text}")
        elif output.output_type in ("execute_result", "display_data"):
            pictures = [kind for kind in output.data if kind.startswith("image/")]
            shown = output.data.get("text/plain", "")
            texts.append(" ".join(f"[{kind}]" for kind in pictures) if pictures else shown)
    return texts


def differences(committed: NotebookNode, executed: NotebookNode) -> list[str]:
    """Return where outputs differ by more than the tolerance, in words, volatile cells left out."""
    found = []
    for number, (old, new) in enumerate(zip(committed.cells, executed.cells, strict=True)):
        if VOLATILE in new.metadata.get("tags", ()):
            continue
        before, after = output_texts(old), output_texts(new)
        if len(before) != len(after):
            found.append(f"cell {number + 1}: {len(before)} outputs are committed, {len(after)} came (--write?)")
            continue
        for one, other in zip(before, after, strict=True):
            found += [f"cell {number + 1}: {words}" for words in text_differences(one, other)]
    return found


def text_differences(committed: str, executed: str) -> Iterator[str]:
    """Yield the lines that differ: words exactly, numbers beyond the tolerance; white space is not compared."""
    old_lines = [line for line in committed.splitlines() if line.strip()]
    new_lines = [line for line in executed.splitlines() if line.strip()]
    if len(old_lines) != len(new_lines):
        yield f"{len(old_lines)} lines are committed, {len(new_lines)} came, the first being {executed[:80]!r}"
        return
    for old, new in zip(old_lines, new_lines, strict=True):
        if not same_line(old, new):
            yield f"committed {old.strip()!r}, now {new.strip()!r}"


def same_line(committed: str, executed: str) -> bool:
    """Return whether two lines hold the same words, and numbers within the tolerance.

    Examples
    --------
    >>> same_line("Li6PS5Cl  0.0021 S/cm", "Li6PS5Cl 0.00205 S/cm")
    True
    >>> same_line("Li6PS5Cl 0.0021", "Li5PS4Cl2 0.0021")
    False
    """
    if _words(committed) != _words(executed):
        return False
    pairs = zip(_NUMBER.findall(committed), _NUMBER.findall(executed), strict=True)
    return all(_close(one, other) for one, other in pairs)


def _words(line: str) -> list[str]:
    return " ".join(re.sub(r"[-_=]{3,}", "---", _NUMBER.sub(" # ", line)).split()).split(" ")


def _close(committed: str, executed: str) -> bool:
    old, new = float(committed.replace(",", "")), float(executed.replace(",", ""))
    last_digit = max(_last_digit(committed), _last_digit(executed))
    # a little more than one unit, as 0.3 - 0.2 is not 0.1
    return abs(old - new) <= max(RELATIVE_TOLERANCE * abs(old), 1.001 * last_digit if "." in committed else 0.0)


def _last_digit(number: str) -> float:
    """Return what one unit of the last printed digit is worth: 0.01 for `1.25`, 1e-5 for `1.2e-4`."""
    mantissa, _, exponent = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(10.0 ** (int(exponent or 0) - decimals))


@contextmanager
def _plain_environment() -> Iterator[None]:
    """Take out of the environment what configures elyte while notebooks run, but for where public tables are."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(_CONFIGURING) and name not in _KEPT_FROM_ENVIRONMENT:
            del os.environ[name]
    os.environ.update(_SAME_KERNELS)
    mirror = os.environ.get("ELYTE_DATA_MIRROR")
    if mirror:  # a relative one is meant from here, and kernels work elsewhere
        os.environ["ELYTE_DATA_MIRROR"] = str(Path(mirror).resolve())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tell(outcome: Outcome) -> None:
    verdict = "FAILS" if outcome.faults else "as committed"
    print(f"{outcome.name}: {outcome.seconds:.0f} s, {outcome.kilobytes:.0f} kB, {verdict}")
    for fault in outcome.faults[:MOST_TOLD]:
        print(f"  {fault}")
    if len(outcome.faults) > MOST_TOLD:
        print(f"  ... and {len(outcome.faults) - MOST_TOLD} more")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
