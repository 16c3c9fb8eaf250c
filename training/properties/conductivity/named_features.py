"""The physical features that an explanation may name: for people, with unit and group."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.featurizers import FEATURIZERS
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.imputation import HotDeck

Array = NDArray[np.float64]


class NamedFeature(NamedTuple):
    """A column of the featurizers, as a chemist would call it; features of one group are correlated."""

    name: str
    label: str
    unit: str
    group: str


LITHIUM, ANIONS, FRAMEWORK = "lithium content", "anions", "framework cations"
CONTRAST, MIXING, ORDER, CELL = "size and polarity", "mixing", "distance from ordered compounds", "unit cell"

_NAMES: dict[str, tuple[tuple[str, str, str], ...]] = {
    LITHIUM: (
        ("lithium_fraction", "lithium, share of all atoms", ""),
        ("lithium_share_of_cations", "lithium, share of the cations", ""),
        ("lithium_per_anion", "lithium per anion", ""),
        ("lithium_per_framework_cation", "lithium per framework cation", ""),
        ("lithium_per_anion_volume_per_A3", "lithium per volume of the anions", "1/Å³"),
        ("cations_per_anion", "cations per anion", ""),
    ),
    ANIONS: (
        ("nitride_share", "nitrogen, share of the anions", ""),
        ("oxide_share", "oxygen, share of the anions", ""),
        ("fluoride_share", "fluorine, share of the anions", ""),
        ("sulfide_share", "sulfur, share of the anions", ""),
        ("chloride_share", "chlorine, share of the anions", ""),
        ("selenide_telluride_share", "selenium and tellurium, share of the anions", ""),
        ("bromide_share", "bromine, share of the anions", ""),
        ("iodide_share", "iodine, share of the anions", ""),
        ("hydride_share", "hydridic hydrogen, share of the anions", ""),
        ("halide_share", "halogens, share of the anions", ""),
        ("anion_electronegativity", "electronegativity of the anions", "Pauling"),
        ("anion_radius_A", "radius of the anions", "Å"),
        ("anion_softness_A3", "softness (polarizability) of the anions", "Å³"),
        ("anion_charge", "charge of the anions", "e"),
    ),
    FRAMEWORK: (
        ("framework_fraction", "framework cations, share of all atoms", ""),
        ("framework_electronegativity", "electronegativity of the framework cations", "Pauling"),
        ("framework_radius_A", "radius of the framework cations", "Å"),
        ("framework_charge", "charge of the framework cations", "e"),
        ("framework_ionic_potential_per_A", "charge over radius of the framework cations", "e/Å"),
        ("framework_largest_radius_A", "largest radius of a framework cation", "Å"),
        ("framework_highest_charge", "highest charge of a framework cation", "e"),
        ("framework_charge_spread", "spread of the framework cations' charges", "e"),
        ("tetrahedral_cations_per_anion", "cations that prefer tetrahedra, per anion", ""),
        ("octahedral_cations_per_anion", "cations that prefer octahedra, per anion", ""),
        ("phosphorus_per_anion", "phosphorus per anion", ""),
        ("transition_metal_share", "transition metals, share of the framework cations", ""),
        ("rare_earth_share", "rare earths, share of the framework cations", ""),
        ("reducible_share", "reducible metals, share of the framework cations", ""),
        ("other_alkali_fraction", "other alkali metals, share of all atoms", ""),
        ("proton_fraction", "protons, share of all atoms", ""),
    ),
    CONTRAST: (
        ("bond_polarity", "polarity of the framework's bonds", "Pauling"),
        ("lithium_bond_polarity", "polarity of the bonds to lithium", "Pauling"),
        ("framework_to_anion_radius", "radius of framework cations over anions", ""),
        ("lithium_to_anion_radius", "radius of lithium over anions", ""),
        ("electronegativity_spread", "spread of electronegativity over all atoms", "Pauling"),
        ("framework_radius_spread_A", "spread of the framework cations' radii", "Å"),
        ("anion_radius_spread_A", "spread of the anions' radii", "Å"),
        ("mean_atomic_mass_g_per_mol", "mean atomic mass", "g/mol"),
        ("charge_imbalance_per_atom", "charge that common oxidation states leave over", "e per atom"),
    ),
    MIXING: (
        ("n_elements", "number of elements", ""),
        ("smallest_fraction", "rarest element, share of all atoms", ""),
        ("mixing_entropy", "entropy of mixing of all elements", "R"),
        ("anion_mixing_entropy", "entropy of mixing of the anions", "R"),
        ("framework_mixing_entropy", "entropy of mixing of the framework cations", "R"),
    ),
    ORDER: (
        ("log2_smallest_formula_atoms", "log2 of the atoms in the smallest integer formula", ""),
        ("distance_to_compound_of_9_atoms", "distance to a compound of up to 9 atoms", "atomic fraction"),
        ("distance_to_compound_of_14_atoms", "distance to a compound of up to 14 atoms", "atomic fraction"),
        ("distance_to_compound_of_24_atoms", "distance to a compound of up to 24 atoms", "atomic fraction"),
    ),
    CELL: (
        ("volume_per_atom_A3", "volume per atom", "Å³"),
        ("volume_per_anion_A3", "volume per anion", "Å³"),
        ("lithium_density_per_A3", "lithium per volume", "1/Å³"),
        ("mass_density_g_per_cm3", "density", "g/cm³"),
        ("ionic_packing_fraction", "packing: volume of the ions over that of the cell", ""),
        ("free_volume_per_lithium_A3", "free volume per lithium", "Å³"),
        ("log10_cell_volume_A3", "log10 of the unit cell's volume in Å³", ""),
        ("atoms_per_cell", "atoms in the unit cell", ""),
        ("space_group_number", "space group number", ""),
        ("crystal_system_rank", "crystal system, 0 triclinic to 6 cubic", ""),
        ("axis_ratio", "longest over shortest axis", ""),
        ("largest_angle_deviation_deg", "largest deviation of an angle from 90 degrees", "degrees"),
    ),
}

_COMPOSITION, _LATTICE = ("chemistry", "stoichiometry"), ("crystal",)


@cache
def named_features() -> tuple[NamedFeature, ...]:
    """Return all of them in the order of the columns, those of the unit cell last.

    Raises
    ------
    KeyError
        If a featurizer has a column that is not named here.
    """
    known = {name: NamedFeature(name, label, unit, g) for g, rows in _NAMES.items() for name, label, unit in rows}
    return tuple(known[label] for block in (*_COMPOSITION, *_LATTICE) for label in FEATURIZERS[block].labels)


def n_features(variant: str) -> int:
    """Return how many of them, counted from the first, a variant may name: only 'lattice' knows a unit cell."""
    n_of_cell = sum(len(FEATURIZERS[block].labels) for block in _LATTICE)
    return len(named_features()) - (0 if variant == "lattice" else n_of_cell)


def feature_values(batch: MaterialBatch) -> Array:
    """Compute the features of n candidates, shape (n, len(named_features())); NaN where no unit cell is known."""
    return np.hstack([FEATURIZERS[block](batch) for block in (*_COMPOSITION, *_LATTICE)])


def training_features(descriptors: Descriptors, variant: str, deck: HotDeck) -> Array:
    """Return the features of n training materials, shape (n, n_features(variant)); unknown cells are borrowed."""
    blocks = [descriptors.chemistry, descriptors.stoichiometry]
    if variant == "lattice":
        blocks.append(deck.crystal_descriptors(descriptors))
    return np.hstack(blocks)
