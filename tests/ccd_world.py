"""A world of CCDs with known laws, to see whether the model finds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.ccd.cells import Cells, MaterialNumbers, Reports

FORMULAS = ("Li6PS5Cl", "Li5.5PS4.5Cl1.5", "Li6PS5Br", "Li7La3Zr2O12", "Li6.4La3Zr1.4Ta0.6O12", "Li7P3S11", "Li3PS4")
CLASS_EFFECT = {"argyrodite": 0.1, "garnet": -0.3, "thiophosphate": 0.0}
CLASSES = ("argyrodite", "argyrodite", "argyrodite", "garnet", "garnet", "thiophosphate", "thiophosphate")
INTERLAYER_EFFECT, TEMPERATURE_EFFECT, PAPER_SD, NOISE_SD = 0.4, 0.6, 0.2, 0.15


def cells(
    which: NDArray[np.int64], interlayer: list[str], temperature_C: NDArray[np.float64], **more: NDArray[np.float64]
) -> Cells:
    """Return cells of `FORMULAS[which]`; what is not given is unknown."""
    n = len(which)
    blank = {
        name: np.full(n, np.nan)
        for name in ("relative_density", "interfacial_resistance_ohm_cm2", "stack_pressure_MPa")
    }
    numbers = MaterialNumbers(np.full(n, -2.8), np.full(n, 1.7), np.full(n, 0.02))
    return Cells.of(
        [CLASSES[i] for i in which],
        MaterialBatch.from_formulas([FORMULAS[i] for i in which]).matrix(),
        numbers,
        interlayer_type=interlayer,
        anode=["Li"] * n,
        temperature_C=temperature_C,
        **(blank | more),
    )


def draw_world(seed: int, n_papers: int = 80, *, paper_sd: float = PAPER_SD) -> Reports:
    """Draw papers of one to five rows: a material, with and without a fluoride interlayer, hot and cold."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 6, n_papers)
    paper = np.repeat(np.arange(n_papers), sizes)
    which = random.integers(0, len(FORMULAS), len(paper))
    treated = random.random(len(paper)) < 0.4
    temperature = random.choice([25.0, 60.0], len(paper), p=[0.7, 0.3])
    given = cells(which, ["fluoride/halide" if t else "none" for t in treated], temperature)
    from training.properties.ccd.terms import inverse_temperature

    value = (
        np.array([CLASS_EFFECT[CLASSES[i]] for i in which])
        + INTERLAYER_EFFECT * treated
        + TEMPERATURE_EFFECT * inverse_temperature(temperature)
        + random.normal(0.0, paper_sd, n_papers)[paper]
        + random.normal(0.0, NOISE_SD, len(paper))
    )
    return Reports(given, value, np.zeros(len(paper), dtype=bool), np.char.add("paper ", paper.astype(np.str_)))
