"""How fast the measurement ledger takes rows: 10,000 conductivities, and eight writers at once.

Prints one JSON line per database. `file_s` is a CSV file read, checked, compared with what is known and stored, in a
process that has its tables in memory (`file_cpu_s`: the CPU time of it, without a server's); `first_s` the same as the
first thing a process does, imports included; `store_s` storing alone; `writers_s` eight processes, started for it, that
each store an eighth, all rows present once afterwards.
Asked: 10,000 rows under 3 s. PostgreSQL is a server of our own on a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "training"))

from training.ledger.intake import Wishes, add_table
from training.ledger.reading import read_measurements_file
from training.ledger.report import Status
from training.ledger.store import Ledger
from training.measurements.entries import NewRow

WRITERS = 8
FIRST = """
import sys, time
started = time.perf_counter()
from pathlib import Path
from training.ledger.intake import Wishes, add_table
from training.ledger.reading import read_measurements_file
from training.ledger.store import Ledger
table = read_measurements_file(Path(sys.argv[1]))
wishes = Wishes(accept_warnings=Path(sys.argv[3]).read_text())
report = add_table(table, who="benchmark", wishes=wishes, ledger=Ledger.open(sys.argv[2]))
assert report.all_accepted
print(time.perf_counter() - started)
"""


def write_file(path: Path, n: int, seed: int) -> None:
    """Write n conductivities of different compositions, in mS/cm."""
    rng = np.random.default_rng(seed)
    lithium, sulfur, chlorine = rng.uniform(4, 7, n), rng.uniform(3, 6, n), rng.uniform(0.5, 2, n)
    lines = ["formula,sigma_mS_per_cm,temperature_C,activation_energy_eV,reference"]
    for i in range(n):
        formula = f"Li{lithium[i]:.4f}PS{sulfur[i]:.4f}Cl{chlorine[i]:.4f}".replace("0", "1")  # no slip for an O
        lines.append(f"{formula},{rng.lognormal(0, 0.5):.5g},{25 + i % 5},0.3{i % 10},lab:benchmark:{seed}:{i}")
    path.write_text("\n".join(lines) + "\n")


def stored_rows(name: str, n: int) -> list[NewRow]:
    """Return checked rows that no other name has."""
    cells = {"formula": "Li6PS5Cl", "sigma_S_per_cm": 1e-3, "temperature_C": 25.0}
    return [NewRow("conductivity", {**cells, "reference": f"lab:{name}:{i}"}, i + 1) for i in range(n)]


def to_accept(path: Path, address: str) -> str:
    """Return every warning of a file by row and name, as somebody would have to accept them."""
    table, wishes = read_measurements_file(path), Wishes(dry_run=True)
    return add_table(table, who="benchmark", wishes=wishes, ledger=Ledger.open(address)).accept_warnings


def add_file(path: Path, address: str, named: str) -> None:
    """Add a file to a ledger with these warnings accepted; anything but success raises."""
    table = read_measurements_file(path)
    report = add_table(table, who="benchmark", wishes=Wishes(accept_warnings=named), ledger=Ledger.open(address))
    assert report.status is Status.STORED, report.summary()


def write_batches(address: str, name: str, n: int) -> None:
    """Store n rows in ten batches, as one of the writers."""
    ledger = Ledger.open(address)
    for batch in range(10):
        ledger.add(stored_rows(f"{name}-{batch}", n // 10), who=name)


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 3)


def measure(make_address: Callable[[], str], n: int, folder: Path) -> dict[str, float]:
    """Measure one database."""
    found: dict[str, float] = {}
    for seed, name in enumerate(("warming", "file_s", "first_s")):
        path = folder / f"{name}.csv"
        write_file(path, n if seed else 20, seed)
        address = make_address()
        Ledger.open(address).close()
        named = to_accept(path, address)
        if name == "first_s":
            accepted = folder / "accepted.txt"
            accepted.write_text(named)
            command = [sys.executable, "-c", FIRST, str(path), address, str(accepted)]
            found[name] = round(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout), 3)
        else:
            busy = time.process_time()
            found[name] = seconds(partial(add_file, path, address, named))
            found["file_cpu_s"] = round(time.process_time() - busy, 3)
    del found["warming"]
    ledger = Ledger.open(make_address())
    rows = stored_rows("alone", n)
    found["store_s"] = seconds(lambda: ledger.add(rows, who="benchmark"))
    found["store_again_s"] = seconds(lambda: ledger.add(rows, who="benchmark"))
    found["current_s"] = seconds(lambda: ledger.current("conductivity"))
    address = make_address()
    Ledger.open(address).close()
    processes = [
        get_context("spawn").Process(target=write_batches, args=(address, f"w{i}", n // WRITERS))
        for i in range(WRITERS)
    ]

    def run() -> None:
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * WRITERS

    found["writers_s"] = seconds(run)
    expected = WRITERS * 10 * (n // WRITERS // 10)
    assert Ledger.open(address).verify() == len(Ledger.open(address).holding("conductivity")) == expected
    found["writers_rows"] = expected
    return found


@contextmanager
def postgres() -> Iterator[Callable[[], str] | None]:
    """Yield what makes addresses of empty databases, None if there is no server to be had."""
    from postgres_server import PostgresServer, execute, server_binaries

    binaries = server_binaries()
    if binaries is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="elyte-pg-", dir="/tmp") as place:
        server = PostgresServer(binaries, Path(place))
        server.create()
        server.start()
        made = iter(range(1000))

        def make() -> str:
            name = f"ledger{next(made)}"
            execute(server.address("postgres"), f"CREATE DATABASE {name}")
            return server.address(name)

        try:
            yield make
        finally:
            server.stop("immediate")


def main() -> None:
    """Measure SQLite and PostgreSQL and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="400 rows: to see that it runs")
    n = 400 if parser.parse_args().quick else 10_000
    shared = {"benchmark": "ledger", "rows": n, "asked": {"file_s": 3.0}, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made = iter(range(1000))
        result = measure(lambda: f"sqlite:///{folder / f'{next(made)}.db'}", n, folder)
        print(json.dumps(shared | {"database": "sqlite"} | result))
        with postgres() as make:
            found = {"skipped": "no PostgreSQL server binaries"} if make is None else measure(make, n, folder)
        print(json.dumps(shared | {"database": "postgresql"} | found))


if __name__ == "__main__":
    main()
