"""The closed form of a cell's losses against PyBaMM's Doyle-Fuller-Newman half cell, over random cells, and its time.

PyBaMM (351 MB, doi 10.5334/jors.309) is no dependency of elyte: `--pybamm PYTHON` names the interpreter of an
environment that has it, and `--install FOLDER` makes one first. Without either only the times are measured, and the
answer says so. The electrolyte is a single-ion conductor; cells are charged from empty to 80 % at 0.3 to 1 times the
rate that the closed form gives for a loss of 300 mV. Prints one JSON line.
"""

from __future__ import annotations

import os

# before numpy is imported: one thread
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from serving.cells.losses import LOSSES, CellArrays, losses_V, rate_at_loss, total_V

WORKER = Path(__file__).with_name("rate_pybamm.py")
ALLOWED_V, SEED = 0.3, 7
N_SAMPLES = 512
NMC811_mAh_PER_cm3 = 4.75 * 200.0


def random_cells(count: int) -> tuple[CellArrays, dict[str, np.ndarray]]:
    """Return cells over the ranges that separators, catholytes and composite cathodes have, and volume fractions."""
    rng = np.random.default_rng(SEED)

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(np.log(low), np.log(high), count))

    active = rng.uniform(0.4, 0.65, count)
    electrolyte = rng.uniform(0.25, 0.95 - active)
    capacity = rng.uniform(1.0, 6.0, count)
    cells = CellArrays(
        anolyte_S_per_cm=spread(5e-4, 2e-2),
        catholyte_S_per_cm=spread(5e-4, 2e-2),
        anolyte_transference=np.ones(count),
        catholyte_transference=np.ones(count),
        temperature_C=rng.uniform(15.0, 60.0, count),
        separator_cm=spread(10e-4, 200e-4),
        cathode_cm=capacity / (active * NMC811_mAh_PER_cm3),
        cathode_ion_factor=electrolyte**1.5 / rng.uniform(1.0, 3.0, count),
        cathode_electronic_S_per_cm=spread(1e-3, 1e-1),
        anode_ohm_cm2=spread(1.0, 20.0),
        charge_transfer_ohm_cm2=spread(1.0, 20.0),
        capacity_mAh_per_cm2=capacity,
        salt_mol_per_L=np.ones(count),
        charged_share=np.full(count, 0.8),
        particle_cm=spread(1e-4, 6e-4),
        particle_cm2_per_s=spread(3e-11, 1e-9),
        equilibrium_slope_V=np.full(count, 0.8),
    )
    return cells, {"active_fraction": active, "electrolyte_fraction": electrolyte}


def times(count: int) -> dict[str, float]:
    """Return milliseconds of a rate with 512 samples, for one cell and a cell of many."""
    cells, _ = random_cells(count)
    noise = np.exp(np.random.default_rng(0).normal(size=(N_SAMPLES, count)))

    def best(sampled: CellArrays) -> float:
        spent = []
        for _ in range(5):
            before = time.perf_counter()
            rate_at_loss(sampled, np.asarray(ALLOWED_V))
            spent.append(1e3 * (time.perf_counter() - before))
        return min(spent)

    many = cells.with_sigma(cells.anolyte_S_per_cm * noise, cells.catholyte_S_per_cm * noise)
    one = CellArrays(*(np.asarray(getattr(many, name))[..., 0] for name in CellArrays.__slots__))
    return {"ms_one_cell": round(best(one), 3), "ms_a_cell_of_many": round(best(many) / count, 3)}


def against_pybamm(python: str, count: int, curve: str) -> dict[str, Any]:
    """Return errors of the closed form against PyBaMM, for an equilibrium potential that is a line or NMC811's."""
    cells, fractions = random_cells(count)
    rate = rate_at_loss(cells, np.asarray(ALLOWED_V))
    asked = rate * np.random.default_rng(SEED + 1).uniform(0.3, 1.0, count)
    named = {name: np.broadcast_to(getattr(cells, name), count) for name in CellArrays.__slots__}
    columns = {**named, **fractions, "c_rate": asked, "guess": rate, "allowed_V": np.full(count, ALLOWED_V)}
    sent = [{name: float(column[i]) for name, column in columns.items()} for i in range(count)]
    told = subprocess.run(
        [python, str(WORKER)],
        input=json.dumps({"curve": curve, "cells": sent}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer = json.loads(told.stdout)
    good = [i for i, one in enumerate(answer["cells"]) if "c_rate" in one]
    voltage = np.array([answer["cells"][i]["overpotential_V"] for i in good])
    own = total_V(cells, asked)[good]
    error = 1e3 * np.abs(voltage - own[:, None])
    apart = np.abs(rate[good] / np.array([answer["cells"][i]["c_rate"] for i in good]) - 1.0)
    return {
        "pybamm": answer["version"],
        "cells": len(good),
        "not_solved": count - len(good),
        "voltage_error_mV": _quantiles(error.mean(axis=1)),
        "voltage_error_mV_at_80_percent": _quantiles(error[:, -1]),
        "rate_error": _quantiles(apart, 4),
        "rates": _quantiles(rate[good]),
        "pybamm_s_a_charge": round(float(np.mean([answer["cells"][i]["seconds"] for i in good])), 2),
        "largest_loss": _largest(cells, asked),
    }


def _largest(cells: CellArrays, c_rate: np.ndarray) -> dict[str, int]:
    parts = np.stack(np.broadcast_arrays(*losses_V(cells, c_rate).values()))
    counts = np.bincount(parts.argmax(axis=0), minlength=len(LOSSES))
    return {name: int(count) for name, count in zip(LOSSES, counts, strict=True) if count}


def _quantiles(values: np.ndarray, digits: int = 2) -> dict[str, float]:
    named = {"median": 0.5, "90_percent": 0.9, "largest": 1.0}
    return {name: round(float(np.quantile(values, level)), digits) for name, level in named.items()}


def environment(folder: Path) -> str:
    """Make an environment with PyBaMM and return its interpreter."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "pybamm"], check=True)
    return str(python)


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pybamm", metavar="PYTHON", help="interpreter of an environment that has PyBaMM")
    parser.add_argument("--install", type=Path, metavar="FOLDER", help="make such an environment there")
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="ten cells")
    given = parser.parse_args()
    count = 10 if given.quick else given.cells
    python = given.pybamm or (environment(given.install) if given.install else None)
    found: dict[str, Any] = {"benchmark": "rate", **times(count)}
    if python is None:
        found["against_pybamm"] = "not run: give --pybamm PYTHON or --install FOLDER"
    else:
        found["against_pybamm"] = {curve: against_pybamm(python, count, curve) for curve in ("linear", "nmc811")}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
