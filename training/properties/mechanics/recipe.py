"""The mechanics recipe: from public tables of computed crystals to a bundle.

1. Shear and bulk moduli of 10,987 crystals: nets on the elements (which learn band gaps and formation energies first)
   and trees, averaged; errors of left-out chemical systems calibrate both moduli together.
2. PBE band gaps of 78,164 compositions: trees that ask first whether it is a metal, then how large the gap is; again
   calibrated on left-out chemical systems.
3. Compositions of the tables are answered from the tables.
4. Bundle, MLflow run, registry version with alias `challenger`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.bundle import Card, data_source, save_bundle, stamped
from training.crystals import GAP, GapTable, read_gaps
from training.elasticity import youngs_modulus
from training.properties.mechanics.bundling import golden_predictions
from training.properties.mechanics.elasticity_auxiliary import ENERGY_KEYS, AuxiliaryTargets, read_auxiliary
from training.properties.mechanics.elasticity_fit import ElasticityFit, fit_elasticity
from training.properties.mechanics.elasticity_fit import steps_of_fit as steps_of_elasticity
from training.properties.mechanics.elasticity_settings import ElasticitySettings
from training.properties.mechanics.gap_fit import GapFit, GapSettings, fit_gap
from training.properties.mechanics.gap_fit import n_steps as steps_of_gap
from training.properties.mechanics.known_moduli import KnownModuli
from training.properties.mechanics.model import MechanicsModel
from training.properties.mechanics.quantities import NAME
from training.properties.mechanics.tables import BULK, SHEAR, ModuliTable, read_moduli

Array = NDArray[np.float64]
LIBRARIES = ("numpy", "scipy", "scikit-learn", "lightgbm", "numba", "torch")
METRICS_COMMAND = "elyte train mechanics"
DOMAIN_SHARE = 0.95
SUMMARY = (
    "Bulk, shear and Young's modulus, Poisson and Pugh ratio, and PBE band gap of the crystal of a composition: values"
    " of the Materials Project where it holds the composition, nets and trees with conformal intervals elsewhere"
)
INTENDED_USE = (
    "Judging, before synthesis, whether an electrolyte can be pressed cold, how easily it cracks, and whether it"
    " insulates. The basis (table or model) and the interval belong to the answer."
)
LIMITATIONS = [
    "Computed (PBE) moduli of dense, perfect crystals at 0 K: pores, grain boundaries and glassy parts make a pellet"
    " softer.",
    "Which polymorph the stable one is the tables do not say: the answer is the middle one, the interval holds others.",
    "PBE band gaps lie below measured ones by about a third; no electronic conductivity follows from a gap.",
    "A shear modulus above twice lithium's has stopped no dendrite by itself: garnets and sulfides above it fail.",
    "Argyrodites and other soft sulfides are predicted too stiff: Li6PS5Cl has no modulus in the table, and its"
    " relatives are stiffer.",
    "84 elements are covered: no noble gases, no Po, At, Rn, Fr, Ra.",
]


@dataclass(frozen=True, eq=False)
class Tables:
    """What is learnt from."""

    moduli: ModuliTable
    gaps: GapTable
    auxiliary: AuxiliaryTargets

    @classmethod
    def read(cls) -> Tables:
        """Read the public tables; raises `MissingSourceError` or `TableError`."""
        return cls(read_moduli(), read_gaps(), read_auxiliary())


@dataclass(frozen=True, eq=False)
class MechanicsFit:
    """What a run of training left behind."""

    folder: Path
    card: Card
    digest: str
    model: MechanicsModel
    tables: Tables
    elasticity: ElasticityFit
    gap: GapFit


def settings(*, quick: bool) -> tuple[ElasticitySettings, GapSettings]:
    """Return the sizes of the recipe, or small ones that try the path."""
    return (ElasticitySettings.quick(), GapSettings.quick()) if quick else (ElasticitySettings(), GapSettings())


def n_steps(tables: Tables, *, quick: bool) -> int:
    """Return how often `train` calls its `on_step`."""
    elasticity, gap = settings(quick=quick)
    return steps_of_elasticity(elasticity, tables.auxiliary) + steps_of_gap(gap)


def train(
    folder: Path, tables: Tables, *, quick: bool = False, on_step: Callable[[str], None] = lambda what: None
) -> MechanicsFit:
    """Fit on the public tables and write the bundle."""
    of_elasticity, of_gap = settings(quick=quick)
    moduli = tables.moduli
    elasticity = fit_elasticity(
        moduli.crystals.batch,
        np.column_stack([moduli.log10_shear_GPa, moduli.log10_bulk_GPa]),
        tables.auxiliary,
        of_elasticity,
        on_step=on_step,
    )
    gap = fit_gap(tables.gaps, of_gap, on_step)
    model = assemble(elasticity, gap, moduli)
    card = Card(
        property=NAME,
        summary=SUMMARY,
        intended_use=INTENDED_USE,
        limitations=LIMITATIONS,
        data=[
            data_source(SHEAR, len(moduli.crystals)),
            data_source(BULK, len(moduli.crystals)),
            data_source(GAP, len(tables.gaps.crystals)),
            *(data_source(key, rows) for key, rows in zip(ENERGY_KEYS, tables.auxiliary.n_rows, strict=True)),
        ],
        recipe={"elasticity": asdict(of_elasticity), "gap": asdict(of_gap)},
        metrics=metrics(elasticity, gap, moduli),
        metrics_command=METRICS_COMMAND,
        model={},
        golden=golden_predictions(model),
        **stamped(LIBRARIES),
    )
    return MechanicsFit(folder, card, save_bundle(folder, card, model.arrays()), model, tables, elasticity, gap)


def assemble(elasticity: ElasticityFit, gap: GapFit, table: ModuliTable) -> MechanicsModel:
    """Put the fitted parts and what is known together."""
    return MechanicsModel(
        elasticity.model,
        KnownModuli.of(table),
        gap.model,
        radius_of_domain(table, elasticity.fold),
    )


def radius_of_domain(table: ModuliTable, fold: NDArray[np.int64]) -> float:
    """Return the distance within which `DOMAIN_SHARE` of the crystals have a known one of another fold of systems."""
    distance = np.empty(len(fold))
    for number in np.unique(fold):
        here = np.flatnonzero(fold == number)
        known = KnownModuli.of(table.take(np.flatnonzero(fold != number)))
        distance[here] = known.distance(table.crystals.batch.take(here))[1][:, 0]
    return float(np.quantile(distance, DOMAIN_SHARE))


def metrics(elasticity: ElasticityFit, gap: GapFit, table: ModuliTable) -> dict[str, float]:
    """Return mean absolute errors of left-out chemical systems: moduli in decades and in GPa, the gap in eV."""
    said = elasticity.left_out.value
    true = np.column_stack([table.log10_shear_GPa, table.log10_bulk_GPa])
    shear, bulk = np.abs(said - true).mean(axis=0)
    in_GPa = np.abs(_moduli_GPa(said) - _moduli_GPa(true)).mean(axis=0)
    found = {
        "left_out_log10_shear_mae": shear,
        "left_out_log10_bulk_mae": bulk,
        "left_out_gap_mae_eV": np.abs(gap.left_out.raw_value_eV - gap.left_out.compositions.gap_eV).mean(),
        **dict(zip(("left_out_shear_modulus_mae_GPa", "left_out_bulk_modulus_mae_GPa"), in_GPa, strict=False)),
        "left_out_youngs_modulus_mae_GPa": in_GPa[2],
    }
    return {name: round(float(value), 5) for name, value in found.items()}


def _moduli_GPa(log10: Array) -> Array:
    """Return shear, bulk and Young's modulus of log10 of the first two, shape (n, 3)."""
    shear, bulk = 10.0**log10.T
    return np.column_stack([shear, bulk, youngs_modulus(shear, bulk)])
