"""Physical composition features: what a chemist reads from a formula before any measurement.

Which element is an anion depends on its company: sulfur is S2- in a thiophosphate and S6+ in a sulfate,
hydrogen is H+ in a hydroxide and H- in a borohydride. Four assignments are tried per composition and the one
that comes nearest to charge neutrality is used; `charge_imbalance` tells how near that is.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER, SYMBOLS, element_table

Array = NDArray[np.float64]

_ANION_FORMERS = ("N", "O", "F", "S", "Cl", "Se", "Br", "Te", "I")
_OXIDISABLE = ("N", "S", "Cl", "Se", "Br", "Te", "I")  # become cations of oxoanions beside enough oxygen
_METALLOID_ANIONS = ("P", "As", "Sb", "C", "Si", "Ge", "B", "Bi")  # anions only beside none of the above
_OXYGEN_PER_OXIDISED = 2.5
_HYDROGEN_PER_CAGE_BORON = 1.5
_MOST_LITHIUM_PER_FRAMEWORK = 20.0
_TETRAHEDRAL = ("B", "Al", "Si", "P", "Ge", "As", "Ga", "Zn", "Be", "V", "S")
_OCTAHEDRAL = tuple(("Ti Zr Hf Nb Ta Sc In Y Sn Mg Mn Fe Co Ni Cr Mo W Er Ho Yb Lu Tm Dy Sb").split())
_REDUCIBLE = tuple(("Ti Ge Sn Si Sb Bi In Ga Zn Nb Mo W V Fe Co Ni Cu Mn Cr Ag Pb").split())
_ANION_GROUPS: dict[str, tuple[str, ...]] = {
    "nitride": ("N",),
    "oxide": ("O",),
    "fluoride": ("F",),
    "sulfide": ("S",),
    "chloride": ("Cl",),
    "selenide_telluride": ("Se", "Te"),
    "bromide": ("Br",),
    "iodide": ("I",),
    "hydride": ("H",),
}
_GROUPS: dict[str, tuple[str, ...]] = _ANION_GROUPS | {
    "halide": ("F", "Cl", "Br", "I"),
    "lithium": ("Li",),
    "other_alkali": ("Na", "K", "Rb", "Cs"),
    "phosphorus": ("P",),
    "tetrahedral": _TETRAHEDRAL,
    "octahedral": _OCTAHEDRAL,
    "reducible": _REDUCIBLE,
    "transition_metal": (*SYMBOLS[20:30], *SYMBOLS[38:48], *SYMBOLS[71:80]),
    "rare_earth": SYMBOLS[56:71],
}

NEUTRALITY_TOLERANCE = 0.02
"""Charge per atom below which a formula counts as balanced."""


def _mask(symbols: tuple[str, ...]) -> Array:
    mask = np.zeros(len(SYMBOLS))
    mask[[ATOMIC_NUMBER[symbol] - 1 for symbol in symbols]] = 1.0
    return mask


class Ions(NamedTuple):
    """Elements as cations and anions; layout as `MaterialBatch`.

    Parameters
    ----------
    anions, cations
        Shape (n, k), atomic fractions.
    charge_imbalance
        Shape (n,), elementary charges per atom that no listed oxidation state can balance, signed.
    """

    anions: Array
    cations: Array
    charge_imbalance: Array


def assign_ions(batch: MaterialBatch) -> Ions:
    """Assign each element its role, choosing the most neutral of four assignments per row."""
    return Ions(*batch.remembered("ions", _most_neutral))


def _most_neutral(batch: MaterialBatch) -> Ions:
    best: Ions | None = None
    has_oxygen, has_hydrogen = (bool(batch.fraction_of(symbol).any()) for symbol in ("O", "H"))
    for oxidised in (False, True) if has_oxygen else (False,):  # without either, the assignments are the same
        for hydride in (False, True) if has_hydrogen else (False,):
            mask = _anion_mask(batch, oxidised=oxidised, hydride=hydride)
            trial = _with_imbalance(batch, mask, hydride=hydride)
            best = trial if best is None else _more_neutral(best, trial)
    assert best is not None
    return best


def _anion_mask(batch: MaterialBatch, *, oxidised: bool, hydride: bool) -> Array:
    index, fraction = batch.element_index, batch.fraction
    present = fraction > 0
    mask = _mask(_ANION_FORMERS)[index] * present
    if oxidised:
        oxygen = batch.fraction_of("O")[:, None]
        needed = (1.0 - 1e-9) * _OXYGEN_PER_OXIDISED * fraction  # rounding must not decide over Li2S2O5
        mask *= 1.0 - _mask(_OXIDISABLE)[index] * ((oxygen > 0) & (oxygen >= needed))
    if hydride:
        mask += _mask(("H",))[index] * present
    without = mask.sum(axis=1) == 0
    if without.any():
        mask[without] = _most_electronegative_metalloid(index[without], present[without])
    return mask


def _most_electronegative_metalloid(index: NDArray[np.int64], present: NDArray[np.bool_]) -> Array:
    candidates = present & (_mask(_METALLOID_ANIONS)[index] > 0)
    scores = np.where(candidates, element_table()["pauling_electronegativity"][index], 0.0)
    chosen: NDArray[np.bool_] = (scores == scores.max(axis=1, keepdims=True)) & (scores > 0)
    return chosen.astype(np.float64)


def _with_imbalance(batch: MaterialBatch, anion_mask: Array, *, hydride: bool) -> Ions:
    table, index = element_table(), batch.element_index
    anions = batch.fraction * anion_mask
    cations = batch.fraction - anions
    negative = (anions * table["anion_charge"][index]).sum(axis=1)
    lowest = negative + (cations * table["cation_charge_min"][index]).sum(axis=1)
    highest = negative + (cations * table["cation_charge_max"][index]).sum(axis=1)
    if hydride:
        hydrogen, boron = batch.fraction_of("H"), batch.fraction_of("B")
        # LiBH4 with NH3 holds protons beside hydrides; the boron of cages such as B12H12 shares electrons
        highest += np.where(batch.fraction_of("N") > 0, 2.0 * hydrogen, 0.0)
        cages = (hydrogen > 0) & (hydrogen < _HYDROGEN_PER_CAGE_BORON * boron)
        lowest -= np.where(cages, table["cation_charge_max"][ATOMIC_NUMBER["B"] - 1] * boron, 0.0)
    return Ions(anions, cations, np.clip(0.0, lowest, highest))


def _more_neutral(first: Ions, second: Ions) -> Ions:
    better = np.abs(second.charge_imbalance) < np.abs(first.charge_imbalance) - 1e-9
    return Ions(
        np.where(better[:, None], second.anions, first.anions),
        np.where(better[:, None], second.cations, first.cations),
        np.where(better, second.charge_imbalance, first.charge_imbalance),
    )


class ChemistryFeaturizer:
    """Lithium content, anion and cation chemistry, contrasts of size and polarity, charge balance."""

    version = "1"

    @property
    def labels(self) -> tuple[str, ...]:
        """Names with units."""
        return _labels()

    def __call__(self, batch: MaterialBatch) -> Array:
        """Return the features, shape (n, len(labels))."""
        (features,) = batch.remembered("chemistry", lambda own: (np.column_stack(list(_columns(own).values())),))
        return features


@cache
def _labels() -> tuple[str, ...]:
    nothing = MaterialBatch(np.zeros((0, 1), dtype=np.int64), np.zeros((0, 1)), np.zeros((0, 8)))
    return tuple(_columns(nothing))


def _columns(batch: MaterialBatch) -> dict[str, Array]:
    ions = assign_ions(batch)
    of_elements = {name: values[batch.element_index] for name, values in _elemental().items()}
    lithium = batch.fraction_of("Li")
    framework = ions.cations * (1.0 - of_elements["is_lithium"])
    return (
        _lithium_columns(lithium, ions)
        | _anion_columns(ions.anions, of_elements)
        | _framework_columns(framework, ions, of_elements)
        | _contrast_columns(lithium, framework, ions, of_elements)
        | _mixing_columns(batch.fraction, framework, ions.anions)
        | {"charge_imbalance_per_atom": ions.charge_imbalance}
    )


@cache
def _elemental() -> dict[str, Array]:
    """Element data and group memberships, each of shape (103,)."""
    table = element_table()
    groups = {f"is_{name}": _mask(members) for name, members in _GROUPS.items()}
    return groups | {
        "chi": table["pauling_electronegativity"],
        "cation_radius": table["cation_radius_A"],
        "anion_radius": table["anion_radius_A"],
        "charge": (table["cation_charge_min"] + table["cation_charge_max"]) / 2,
        "anion_charge": table["anion_charge"],
        "mass": table["atomic_mass_g_per_mol"],
    }


def _lithium_columns(lithium: Array, ions: Ions) -> dict[str, Array]:
    cations, anions = ions.cations.sum(axis=1), ions.anions.sum(axis=1)
    framework = np.clip(cations - lithium, 1e-9, None)  # Li2S has none: the quotient takes its upper bound
    return {
        "lithium_fraction": lithium,
        "lithium_share_of_cations": _ratio(lithium, cations),
        "lithium_per_anion": _ratio(lithium, anions),
        "lithium_per_framework_cation": np.minimum(_ratio(lithium, framework), _MOST_LITHIUM_PER_FRAMEWORK),
        "cations_per_anion": _ratio(cations, anions),
    }


def _anion_columns(anions: Array, element: dict[str, Array]) -> dict[str, Array]:
    radius = element["anion_radius"]
    return {f"{name}_share": _mean(anions, element[f"is_{name}"]) for name in (*_ANION_GROUPS, "halide")} | {
        "anion_electronegativity": _mean(anions, element["chi"]),
        "anion_radius_A": _mean(anions, radius),
        # the electron cloud's volume over its grip: a stand-in for polarizability
        "anion_softness_A3": _mean(anions, radius**3 / element["chi"]),
        "anion_charge": _mean(anions, element["anion_charge"]),
    }


def _framework_columns(framework: Array, ions: Ions, element: dict[str, Array]) -> dict[str, Array]:
    anions = ions.anions.sum(axis=1)
    charge, radius = element["charge"], element["cation_radius"]

    def per_anion(group: str) -> Array:
        return _ratio((framework * element[f"is_{group}"]).sum(axis=1), anions)

    return {
        "framework_fraction": framework.sum(axis=1),
        "framework_electronegativity": _mean(framework, element["chi"]),
        "framework_radius_A": _mean(framework, radius),
        "framework_charge": _mean(framework, charge),
        "framework_ionic_potential_per_A": _mean(framework, charge / np.clip(radius, 0.2, None)),
        "framework_largest_radius_A": np.where(framework > 0, radius, 0.0).max(axis=1),
        "framework_highest_charge": np.where(framework > 0, charge, 0.0).max(axis=1),
        "framework_charge_spread": _spread(framework, charge),
        "tetrahedral_cations_per_anion": per_anion("tetrahedral"),
        "octahedral_cations_per_anion": per_anion("octahedral"),
        "phosphorus_per_anion": per_anion("phosphorus"),
        "transition_metal_share": _mean(framework, element["is_transition_metal"]),
        "rare_earth_share": _mean(framework, element["is_rare_earth"]),
        "reducible_share": _mean(framework, element["is_reducible"]),
        "other_alkali_fraction": (framework * element["is_other_alkali"]).sum(axis=1),
        "proton_fraction": (framework * element["is_hydride"]).sum(axis=1),
    }


def _contrast_columns(lithium: Array, framework: Array, ions: Ions, element: dict[str, Array]) -> dict[str, Array]:
    chi, r_cation, r_anion = element["chi"], element["cation_radius"], element["anion_radius"]
    of_lithium = {name: values[ATOMIC_NUMBER["Li"] - 1] for name, values in _elemental().items()}
    anion_chi, anion_r = _mean(ions.anions, chi), _mean(ions.anions, r_anion)
    everything = ions.cations + ions.anions
    return {
        "bond_polarity": anion_chi - _mean(framework, chi),
        "lithium_bond_polarity": anion_chi - of_lithium["chi"],
        "framework_to_anion_radius": _ratio(_mean(framework, r_cation), anion_r),
        "lithium_to_anion_radius": _ratio(np.full(len(lithium), of_lithium["cation_radius"]), anion_r),
        "electronegativity_spread": _spread(everything, chi),
        "framework_radius_spread_A": _spread(framework, r_cation),
        "anion_radius_spread_A": _spread(ions.anions, r_anion),
        "lithium_per_anion_volume_per_A3": _ratio(lithium, (ions.anions * r_anion**3).sum(axis=1)),
        "mean_atomic_mass_g_per_mol": (everything * element["mass"]).sum(axis=1),
    }


def _mixing_columns(fractions: Array, framework: Array, anions: Array) -> dict[str, Array]:
    present = fractions > 0
    return {
        "n_elements": present.sum(axis=1).astype(float),
        "smallest_fraction": np.where(present, fractions, 1.0).min(axis=1),
        "mixing_entropy": _entropy(fractions),
        "anion_mixing_entropy": _entropy(anions),
        "framework_mixing_entropy": _entropy(framework),
    }


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Quotient, 0 where the denominator vanishes."""
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 1e-12)


def _mean(weights: Array, values: Array) -> Array:
    """Mean of an elemental value over the weights, 0 where there are none; both of shape (n, k)."""
    return _ratio((weights * values).sum(axis=1), weights.sum(axis=1))


def _spread(weights: Array, values: Array) -> Array:
    """Return the standard deviation of an elemental value over the weights, 0 where there are none."""
    distance = values - _mean(weights, values)[:, None]
    spread: Array = np.sqrt(_mean(weights, distance**2))
    return spread


def _entropy(weights: Array) -> Array:
    """Entropy of mixing in units of the gas constant, of the weights normalised to one."""
    share = weights / np.clip(weights.sum(axis=1, keepdims=True), 1e-12, None)
    entropy: Array = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
    return entropy
