"""What the elements of a candidate cost, and how few countries they come from: numbers of `element_supply.csv`.

Prices are quotes of pure elements in USD per kg, most of 2013 to 2023, as `mendeleev` 1.3.0 (MIT licence) carries
them in `price_per_kg`. They are no prices of precursors: lithium metal is dearer than the lithium of its carbonate,
and processing costs more than elements. They tell indium and germanium from zirconium and tin, no more.

Supply: the Herfindahl-Hirschman index of the countries that produce an element, weighted by mass (Gaultois et al.,
Chem. Mater. 25, 2911 (2013), doi 10.1021/cm400893e), as pymatgen (MIT licence) carries it; above 2,500 a market
counts as concentrated. Hydrogen has no index and is left out.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from features.elements import SYMBOLS, element_table
from training.distributions import KnownValue, Predictive

Array = NDArray[np.float64]
UNRATED = ("H",)


@cache
def supply_table() -> dict[str, Array]:
    """Return every column of the table, shape (103,), NaN where nothing is known."""
    with (files("serving") / "ranking" / "element_supply.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    if [row["symbol"] for row in rows] != list(SYMBOLS):
        raise RuntimeError("serving/ranking/element_supply.csv does not list H to Lr in order")
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0] if name != "symbol"}


def mass_fractions(composition: Array) -> Array:
    """Return mass fractions of atomic fractions, shape (n, 103)."""
    mass = composition * element_table()["atomic_mass_g_per_mol"]
    fractions: Array = mass / mass.sum(axis=1, keepdims=True)
    return fractions


def element_price_USD_per_kg(composition: Array) -> Predictive:
    """Return the price of the elements in one kg, and why there is none where there is none."""
    return _weighted(mass_fractions(composition), supply_table()["price_USD_per_kg"], "no price is known of")


def supply_concentration(composition: Array) -> Predictive:
    """Return the concentration of production (0 to 10,000), weighted by mass."""
    weights = mass_fractions(composition)
    weights[:, [SYMBOLS.index(symbol) for symbol in UNRATED]] = 0.0
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0.0)
    return _weighted(weights, supply_table()["hhi_production"], "no index of supply is known of")


def _weighted(weights: Array, values: Array, words: str) -> Predictive:
    unknown = (weights > 0.0) & np.isnan(values)
    value = weights @ np.nan_to_num(values)
    value[unknown.any(axis=1) | ~weights.any(axis=1)] = np.nan
    reasons: list[str | None] = [None] * len(weights)
    for row in np.flatnonzero(np.isnan(value)).tolist():
        names = ", ".join(SYMBOLS[z] for z in np.flatnonzero(unknown[row])) or ", ".join(UNRATED)
        reasons[row] = f"{words} {names}"
    return Predictive(KnownValue(value), reasons)
