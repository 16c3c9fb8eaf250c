"""What the model sees of an electrolyte: donors of the chain, its mobility, the amount of lithium, the salt.

Lithium is carried by the groups that coordinate it, so their amounts per kilogram stand by themselves, as logarithms
(none, some and many differ more than many and twice as many). An ether oxygen that shares a two-carbon bridge with the
next one holds lithium with it (ethylene oxide); one by itself hardly does, as in poly(ethyl vinyl ether).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.polymers.candidate import USUAL_MOLAR_MASS, PolymerBatch
from features.polymers.descriptors import SUMS

Array = NDArray[np.float64]
_PLAIN_DONORS = (
    ("ethylene_oxide", ("ethylene_oxide",)),
    ("carbonate", ("carbonate",)),
    ("ester", ("ester",)),
    ("amide", ("amide", "urethane")),
    ("nitrile", ("nitrile",)),
    ("amine", ("amine",)),
    ("hydroxyl", ("hydroxyl",)),
    ("siloxane", ("siloxane_oxygen",)),
    ("sulfone", ("sulfone", "sulfite")),
    ("thioether", ("thioether",)),
    ("phosphazene", ("phosphazene",)),
    ("anion", ("anion",)),
    ("boron_oxygen", ("boron_oxygen",)),
)
DONORS = (*(name for name, _ in _PLAIN_DONORS), "lone_ether", "other_carbonyl", "all_donors")
MOBILITY = ("glass", "chain_diffusivity", "simulated_sigma", "rotatable", "in_ring", "backbone", "fluorine")
AMOUNT = ("log_lithium", "log_lithium_per_donor", "salt_mass_share", "log_molar_mass", "no_salt")
TOTAL_DONOR_WEIGHT = 1.5
LOWEST_MOLAR_MASS, HIGHEST_MOLAR_MASS = 200.0, 1e6
_STEPS = {"glass": 50.0, "diffusivity": 0.3, "sigma": 0.3, "rotatable": 0.2, "ring": 0.3, "backbone": 0.3, "F": 0.2}
"""By what each measure of mobility is divided, so that a step of 1 matters about as much in each."""


class Inputs(NamedTuple):
    """Groups of columns for n electrolytes, in scales that a kernel can measure distances in.

    Attributes
    ----------
    donors, mobility, amount
        Columns `DONORS`, `MOBILITY`, `AMOUNT`.
    salt
        Descriptors of the salt, as `features.polymers.salts.LABELS`.
    """

    donors: Array
    mobility: Array
    amount: Array
    salt: Array

    def take(self, rows: NDArray[np.int64]) -> Inputs:
        """Return some of the electrolytes."""
        return Inputs(*(part[rows] for part in self))

    def for_trees(self) -> Array:
        """Return the columns that trees are grown on, without temperature."""
        return np.column_stack([self.donors, self.mobility, self.amount, self.salt])


def inputs_of(batch: PolymerBatch, mobility: Array) -> Inputs:
    """Lay out what the model sees of a batch, whose chains have these mobilities (columns as `auxiliary.NAMES`)."""
    sums = {name: batch.sums[:, column] for column, name in enumerate(SUMS)}
    kg = sums["mass"] / 1000.0
    per_kg = {name: total / kg for name, total in sums.items()}
    return Inputs(_donors(per_kg), _mobility(sums, mobility), _amount(batch, per_kg), batch.salt)


def _donors(per_kg: dict[str, Array]) -> Array:
    carbonyls = ("carbonate", "ester", "amide", "urethane")
    other = per_kg["carbonyl"] - sum(per_kg[name] for name in carbonyls)
    total = sum(per_kg[name] for name in ("ether_oxygen", "carbonyl", "amine", "nitrile", "sulfite"))
    amounts = [
        *(sum(per_kg[name] for name in names) for _, names in _PLAIN_DONORS),
        per_kg["ether_oxygen"] - per_kg["ethylene_oxide"],
        other,
    ]
    logs = [np.log1p(np.maximum(amount, 0.0)) for amount in amounts]
    return np.column_stack([*logs, TOTAL_DONOR_WEIGHT * np.log1p(total + 0.5 * per_kg["siloxane_oxygen"])])


def _mobility(sums: dict[str, Array], mobility: Array) -> Array:
    share = {name: sums[name] / sums["heavy"] for name in ("rotatable", "in_ring", "backbone", "F")}
    return np.column_stack(
        [
            mobility[:, 0] / _STEPS["glass"],
            mobility[:, 2] / _STEPS["diffusivity"],
            mobility[:, 1] / _STEPS["sigma"],
            share["rotatable"] / _STEPS["rotatable"],
            share["in_ring"] / _STEPS["ring"],
            share["backbone"] / _STEPS["backbone"],
            share["F"] / _STEPS["F"],
        ]
    )


def _amount(batch: PolymerBatch, per_kg: dict[str, Array]) -> Array:
    donors = sum(per_kg[name] for name in ("ether_oxygen", "carbonyl", "amine", "nitrile", "sulfite", "hydroxyl"))
    lithium = batch.lithium_molality
    salt_kg = batch.molality * batch.salt_mass / 1000.0
    mass = np.where(np.isnan(batch.molar_mass), USUAL_MOLAR_MASS, batch.molar_mass)
    return np.column_stack(
        [
            np.log(lithium + 0.02),
            np.log(0.01 + lithium / (1.0 + donors)),
            3.0 * salt_kg / (1.0 + salt_kg),
            0.7 * np.log10(np.clip(mass, LOWEST_MOLAR_MASS, HIGHEST_MOLAR_MASS)),
            (batch.molality == 0.0).astype(float),
        ]
    )
