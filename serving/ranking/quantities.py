"""The quantities that an objective may name: those of the properties, and a few that no model says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from training.properties import registry
from training.properties.contract import Quantity

PRICE = Quantity(
    "element_price",
    "USD_per_kg",
    label="price of the elements",
    unit="USD/kg",
    higher_is_better=False,
    lowest=0.0,
    highest=1e6,
    aliases=("cost", "price", "element_price"),
    units=(("USD/kg", 1.0), ("$/kg", 1.0)),
)
SUPPLY = Quantity(
    "supply_concentration",
    "HHI",
    label="concentration of supply",
    unit="HHI",
    higher_is_better=False,
    lowest=0.0,
    highest=10_000.0,
    aliases=("supply", "supply_risk", "hhi", "scarcity"),
    units=(("HHI", 1.0),),
)
DENSITY = Quantity(
    "density",
    "g_per_cm3",
    label="density",
    unit="g/cm3",
    higher_is_better=False,
    lowest=0.01,
    highest=30.0,
    aliases=("density",),
    units=(("g/cm3", 1.0), ("g/cm^3", 1.0)),
)
OF_COMPOSITION = (PRICE, SUPPLY, DENSITY)
"""What follows from the formula or the unit cell."""


@cache
def quantities() -> Mapping[str, Quantity]:
    """Return every quantity by its name."""
    of_properties = {name: quantity for name, (_, quantity) in registry.quantities().items()}
    return of_properties | {quantity.name: quantity for quantity in OF_COMPOSITION}


def property_of(quantity: Quantity) -> str | None:
    """Return the property whose model says a quantity, None for what follows from the formula or the unit cell."""
    return registry.quantities()[quantity.name][0] if quantity.name in registry.quantities() else None


@cache
def known_names() -> Mapping[str, Quantity]:
    """Return every name that a quantity answers to, in lower case; of equal ones that of the first quantity."""
    names: dict[str, Quantity] = {name.lower(): quantity for name, quantity in quantities().items()}
    for quantity in quantities().values():
        for alias in quantity.aliases:
            names.setdefault(alias.lower(), quantity)
    return names


def short_names() -> str:
    """Return the names to offer to somebody who wrote an unknown one."""
    return ", ".join(quantity.aliases[0] for quantity in quantities().values())
