"""A small world of polymer electrolytes whose conductivities follow a law that a model can learn."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.polymers.candidate import PolymerBatch, PolymerFields, read_polymer
from features.polymers.descriptors import SUMS
from features.polymers.salts import read_salt
from training.properties.polymer.auxiliary import ChainMobility
from training.properties.polymer.boosting import BoostingSettings
from training.properties.polymer.fit import Points, PolymerSettings, PolymerTables
from training.properties.polymer.forest import ForestSettings
from training.properties.polymer.process import inverse_temperature
from training.properties.polymer.tables import ROWS, Conductivities, Mobilities

SETTINGS = PolymerSettings(
    boosting=BoostingSettings(n_rounds=80), forest=ForestSettings(n_trees=20), n_mobility_rounds=20, n_folds=4
)
LINKS, SIDES = ("O", "OC(=O)", "OC(=O)O", "N(C)", "S"), ("", "(C)", "(C#N)", "(COC)")


def units() -> list[str]:
    """Return 60 repeat units."""
    return [f"*{link}C{'C' * more}C{side}*" for link in LINKS for side in SIDES for more in (0, 1, 3)]


def true_sigma(batch: PolymerBatch, temperature_C: np.ndarray) -> np.ndarray:
    """Return log10 of S/cm by the law of this world: oxygen and lithium help, slopes fall with oxygen."""
    share = {name: batch.sums[:, SUMS.index(name)] / batch.sums[:, 0] for name in ("O", "N", "S")}
    level = -7.0 + 6.0 * share["O"] - 4.0 * share["N"] + 0.4 * np.log(batch.lithium_molality)
    return level - (4.0 - 4.0 * share["O"]) * inverse_temperature(temperature_C)


def conductivities(noise: float = 0.0, seed: int = 0, papers_of: int = 3) -> Conductivities:
    """Return two curves of four points for each polymer, `papers_of` polymers a paper, each with an offset."""
    rng = np.random.default_rng(seed)
    rows = [(unit, salt, n) for n, unit in enumerate(units()) for salt in ("LiTFSI", "LiClO4")]
    read = [read_polymer(PolymerFields(unit, salt, molality=0.5 + rng.random())) for unit, salt, _ in rows]
    batch = PolymerBatch.from_candidates(read).take(np.repeat(np.arange(len(rows)), 4))
    temperature_C = np.tile([20.0, 40.0, 60.0, 90.0], len(rows))
    paper = np.repeat([f"paper {n // papers_of}" for _, _, n in rows], 4)
    offsets = rng.normal(0.0, noise, len(units()))[np.repeat([n // papers_of for _, _, n in rows], 4)]
    sigma = true_sigma(batch, temperature_C) + offsets + rng.normal(0.0, 0.3 * noise, len(temperature_C))
    spelling = np.repeat([unit for unit, _, _ in rows], 4)
    curve = np.repeat(np.arange(len(rows)), 4)
    return Conductivities(batch, temperature_C, sigma, spelling, paper, np.char.add("10.1000/", paper), curve)


def tables(noise: float = 0.0, seed: int = 0) -> PolymerTables:
    """Return tables of this world."""
    table = conductivities(noise, seed)
    first = np.unique(table.batch.polymer_keys, return_index=True)[1]
    sums = table.batch.sums[first]
    glass = 200.0 + 300.0 * sums[:, SUMS.index("O")] / sums[:, 0]
    simulated = np.column_stack([glass / 100.0 - 7.0] * 3)
    return PolymerTables(table, Mobilities(sums, glass[:, None]), Mobilities(sums, simulated))


def rows(noise: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """Return this world's table as a retraining job reads it."""
    table = conductivities(noise, seed)
    batch = table.batch
    salts = {read_salt(name).key: name for name in ("LiTFSI", "LiClO4")}
    cells = (
        [f"sigma{row}" for row in range(len(table))],
        table.spelling,
        [salts[key] for key in batch.salt_keys],
        batch.molality,
        batch.molar_mass,
        table.temperature_C,
        table.log10_sigma,
        table.paper,
        table.doi,
    )
    frame = pd.DataFrame(dict(zip(ROWS, cells, strict=True)))
    return frame.astype({name: object for name in ("polymer", "paper", "doi")})


def points(noise: float = 0.0, seed: int = 0) -> Points:
    """Return points of this world with their inputs."""
    world = tables(noise, seed)
    return Points.of(world.conductivities, ChainMobility.fit(world.glass, world.simulated, 20))
