"""`--what dynamics`: how much molecular dynamics twenty minutes of one core buy, and how many hops are seen in it."""

from __future__ import annotations

import importlib.util
import time
import warnings
from typing import Any

import numpy as np

from features.structures.cells import OrderedCell
from features.structures.representatives import ordered_representative
from training.constants import BOLTZMANN_eV_PER_K

TEMPERATURE_K = 1000.0
STEP_fs = 2.0
BOUGHT_s = 1200.0
HOP_A = 3.0
CRYSTAL = "zzr"  # Li10GeP2S12, disordered
ELEMENTARY_CHARGE_C = 1.602176634e-19
SIGMAS_S_PER_cm = (3.0, 1.0, 0.1, 0.01)  # at 1000 K; superionic conductors reach the first two


def hops(cell: OrderedCell, sigma_S_per_cm: float, time_ps: float) -> float:
    """Return how many hops of 3 A lithium makes in a cell, by Nernst and Einstein without correlation."""
    ions = cell.amounts["Li"]
    density_per_cm3 = ions / (cell.volume_A3 * 1e-24)
    # D = sigma k T / (n q^2), with k T / q in volt
    volts = BOLTZMANN_eV_PER_K * TEMPERATURE_K
    diffusivity_cm2_per_s = sigma_S_per_cm * volts / (density_per_cm3 * ELEMENTARY_CHARGE_C)
    return ions * 6.0 * diffusivity_cm2_per_s * time_ps * 1e-12 / (HOP_A * 1e-8) ** 2


def seconds_per_step(cell: OrderedCell, steps: int) -> float:
    """Return the processor time of one step of Langevin dynamics with SevenNet-0."""
    import torch

    torch._C._jit_set_profiling_executor(False)  # or the first calls compile for half a minute
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    from ase import Atoms, units
    from ase.md.langevin import Langevin
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
    from sevenn.calculator import SevenNetCalculator

    atoms = Atoms(list(cell.symbols), scaled_positions=cell.fractional_coordinates, cell=cell.lattice_A, pbc=True)
    atoms.calc = SevenNetCalculator("7net-0", device="cpu")
    MaxwellBoltzmannDistribution(atoms, temperature_K=TEMPERATURE_K, rng=np.random.default_rng(0))
    dynamics = Langevin(
        atoms, STEP_fs * units.fs, temperature_K=TEMPERATURE_K, friction=0.01, rng=np.random.default_rng(0)
    )
    dynamics.run(1)
    started = time.process_time()
    dynamics.run(steps)
    return (time.process_time() - started) / steps


def dynamics(cifs: dict[str, str], *, quick: bool) -> dict[str, Any]:
    """Return what twenty minutes buy."""
    if importlib.util.find_spec("sevenn") is None:
        return {"skipped": "sevenn is not installed"}
    cell = ordered_representative(cifs[CRYSTAL])
    per_step_s = seconds_per_step(cell, 3 if quick else 20)
    bought_ps = BOUGHT_s / per_step_s * STEP_fs / 1000.0
    seen = {f"{sigma:g}": hops(cell, sigma, bought_ps) for sigma in SIGMAS_S_PER_cm}
    return {
        "potential": "SevenNet-0",
        "crystal": cell.formula,
        "atoms": len(cell),
        "temperature_K": TEMPERATURE_K,
        "seconds_per_step": round(per_step_s, 3),
        "ps_in_20_minutes": round(bought_ps, 2),
        "hops_by_sigma_S_per_cm": {sigma: round(count, 1) for sigma, count in seen.items()},
        "counting_error_by_sigma": {s: round(min(1.0, max(count, 1e-9) ** -0.5), 2) for s, count in seen.items()},
    }
