"""Small inputs, and screenings with the quick model of the synthetic world."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from serving.screening.plan import WorkUnit
from serving.screening.run import Screening, ScreeningOutcome, screen
from serving.screening.work import Job, UnitReport, Worker

MATERIALS = ("Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "nonsense!", "Li3N", "BaTiO3", "Li10GeP2S12", "")
SCRIPT = """
import sys
from pathlib import Path
from serving.screening.run import Screening, screen
outcome = screen(Screening(Path(sys.argv[1]), Path(sys.argv[2]), source=sys.argv[3], n_processes=2))
sys.exit(0 if not outcome.stopped and not outcome.faults else 3)
"""


def formulas(n: int) -> list[str]:
    """Return n formulas, all different where they can be read, a quarter of them nonsense."""
    return [
        name if name in ("nonsense!", "") else f"{name}Br{0.01 * (i // len(MATERIALS) + 1):.2f}"
        for i, name in ((i, MATERIALS[i % len(MATERIALS)]) for i in range(n))
    ]


def write_input(path: Path, n: int, *, rows_per_group: int = 16, first: int = 0, **more: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"id": [f"c{first + i}" for i in range(n)], "formula": formulas(first + n)[first:], **more}
    pq.write_table(pa.table(columns), path, row_group_size=rows_per_group)
    return path


def here(job: Job, units: Iterable[WorkUnit], n_processes: int) -> Iterable[UnitReport]:
    """Stand in for the pool: work in this process."""
    worker = Worker(job)
    return (worker.do(unit) for unit in units)


def run(input_path: Path, output: Path, bundles: Path, **more: Any) -> ScreeningOutcome:
    return screen(Screening(input_path, output, source=str(bundles), **more))


def command(input_path: Path, output: Path, bundles: Path) -> subprocess.Popen[bytes]:
    """Start a screening with two processes of its own."""
    arguments = [sys.executable, "-c", SCRIPT, str(input_path), str(output), str(bundles)]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2])


def digests(folder: Path) -> dict[str, str]:
    """Return the name and the digest of every finished file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return all rows of the parts, in order."""
    tables = [pq.read_table(path) for path in sorted(folder.glob("part-*.parquet"))]
    return pa.concat_tables(tables).to_pylist() if tables else []
