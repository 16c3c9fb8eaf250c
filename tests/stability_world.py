"""A small made-up world of compounds with known energies, a quick ensemble of nets in it, and the model they make.

Electronegativity differences hold compounds together, ternaries and quaternaries gain a little more by chance; the
published decomposition energies are those of the whole table. Every element that elyte covers occurs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import SYMBOLS
from training.bundle import Card, DataSource
from training.properties.stability.descriptors import NetInputs, Standardisation
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.ensemble_fit import fit_scaling
from training.properties.stability.evaluation import Scored
from training.properties.stability.fit import FitSettings, fit_member
from training.properties.stability.inputs import Surroundings, net_inputs
from training.properties.stability.model import StabilityModel
from training.properties.stability.neighbours import electronegativity_by_number
from training.properties.stability.network import NetworkSettings, StabilityNet
from training.properties.stability.recipe import assemble
from training.properties.stability.table import EnergyTable, compositions
from training.thermodynamics.hull import equilibria

Array = NDArray[np.float64]

UNCOVERED = ("He", "Ne", "Ar", "Kr", "Xe", "Rn", "Po", "At", "Fr", "Ra")
COVERED = tuple(symbol for symbol in SYMBOLS[:94] if symbol not in UNCOVERED)
ANIONS = {"O": 2, "S": 2, "Cl": 1, "F": 1}
METALS = {
    "Mg": 2,
    "Ca": 2,
    "Zn": 2,
    "Fe": 2,
    "Mn": 2,
    "Al": 3,
    "Y": 3,
    "La": 3,
    "In": 3,
    "Sc": 3,
    "Ti": 4,
    "Zr": 4,
    "Si": 4,
    "Ge": 4,
    "Sn": 4,
    "P": 5,
    "As": 5,
    "Nb": 5,
    "Ta": 5,
}
TINY = FitSettings(
    epochs=12, batch=64, network=NetworkSettings(width=16, heads=2, blocks=2, embedding=8, relatives=8, head=16)
)


def world_formulas() -> list[str]:
    """Return two oxides or so of every element, and lithium and sodium salts of nineteen metals."""
    out = [
        f"{symbol}{n}{anion}{m}" for symbol in COVERED for anion in "OS" if symbol != anion for n, m in ((1, 1), (2, 3))
    ]
    for metal, charge in METALS.items():
        for anion, valence in ANIONS.items():
            units = 2 * charge if valence == 1 else charge
            out.append(f"{metal}{2 if valence == 2 else 1}{anion}{units if valence == 2 else charge}")
            for alkali, n in (("Li", 1), ("Li", 3), ("Na", 1), ("Na", 3)):
                total = n + charge
                out.append(f"{alkali}{n * valence}{metal}{valence}{anion}{total}")
        out += [f"{alkali}6{metal}1S5Cl1" for alkali in ("Li", "Na")]
        out += [f"{alkali}3{metal}2O5F1" for alkali in ("Li", "Na")]
        out.append(f"LiNa2{metal}1O4F1")
        out.append(f"Li2Na1{metal}1O3S1Cl1")
    seen: dict[tuple[tuple[str, float], ...], str] = {}
    batch = MaterialBatch.from_formulas(out)
    for formula, z, x in zip(out, *compositions(batch), strict=True):
        seen.setdefault(tuple(zip(map(str, z), np.round(x, 9).tolist(), strict=True)), formula)
    return list(seen.values())


def table_of(formulas: list[str], energy: Array, split: NDArray[np.int64]) -> EnergyTable:
    """Return a table in which the decomposition energies follow from the formation energies."""
    order = np.argsort(split, kind="stable")
    formulas = [formulas[i] for i in order]
    z, x = compositions(MaterialBatch.from_formulas(formulas))
    plain = EnergyTable(tuple(formulas), z, x, energy[order], np.zeros(len(x)), split[order])
    others = equilibria(plain.phases, z, x, excluded=plain.phases.row_of_input).energy_eV_per_atom
    return replace(plain, decomposition_energy_eV_per_atom=energy[order] - others)


@cache
def world(seed: int = 3) -> EnergyTable:
    """Return about 900 compounds, seven of ten for training."""
    rng = np.random.default_rng(seed)
    formulas = world_formulas()
    z, x = compositions(MaterialBatch.from_formulas(formulas))
    chi = electronegativity_by_number()[z]
    pairs = x[:, :, None] * x[:, None, :] * (chi[:, :, None] - chi[:, None, :]) ** 2
    many = np.maximum((x > 0).sum(axis=1) - 2, 0)
    energy = -0.8 * pairs.sum(axis=(1, 2)) - 0.02 * many + rng.normal(0.0, 0.1, len(x))
    return table_of(formulas, energy.round(4), rng.choice(3, size=len(x), p=[0.7, 0.15, 0.15]))


@cache
def known(*splits: str) -> Surroundings:
    """Return surroundings that know some splits of the world."""
    return Surroundings.of(world(), world().rows_of(*splits))


@cache
def scaling() -> Standardisation:
    """Return the scaling of composition features of the training rows."""
    return fit_scaling(world())


@cache
def training_inputs() -> NetInputs:
    """Return the inputs of the training rows, each without itself."""
    table = world()
    rows = table.rows_of("train")
    return net_inputs(known("train"), table.batch(rows), scaling(), table.phases.row_of_input[rows])


def fitted_net(seed: int = 0, settings: FitSettings = TINY, **more: object) -> StabilityNet:
    """Fit one tiny net on the training rows."""
    table = world()
    rows = table.rows_of("train")
    return fit_member(table, known("train"), training_inputs(), rows, seed, settings, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Fitted:
    """A quick model, the nets in it, and the validation rows that calibrated it."""

    networks: list[StabilityNet]
    model: StabilityModel
    validation: Scored


@cache
def fitted() -> Fitted:
    """Return two tiny nets and the model made of them, fitted once."""
    networks = [fitted_net(seed) for seed in (0, 1)]
    return Fitted(networks, *assemble(NetEnsemble.from_networks(networks), world()))


def make_card(model: StabilityModel, **changes: object) -> Card:
    """Return the card of a stability model that was made for tests."""
    from training.properties.stability.bundling import golden_predictions

    source = DataSource(name="synthetic", rows=len(world()), licence="none", attribution="made up", sha256="0" * 64)
    values: dict[str, object] = {
        "property": "stability",
        "version": "2026.01.01.000000",
        "trained_on": "2026-01-01T00:00:00Z",
        "elyte_version": "0.1.0",
        "summary": "a test",
        "intended_use": "tests",
        "limitations": ["made-up data"],
        "data": [source],
        "recipe": {},
        "metrics": {},
        "metrics_command": "pytest",
        "model": model.settings(),
        "libraries": {},
        "golden": golden_predictions(model),
        "files": {},
    }
    return Card.model_validate(values | changes)
