"""The properties that this installation has: the only list of them in the tree.

A property's module is imported when it is first asked for. Other packages add theirs by an entry point of the group
`elyte.properties`, which names an instance of `contract.Property`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from features.text import suggestion

if TYPE_CHECKING:
    from training.properties.contract import CellRole, Condition, Property, Quantity

ENTRY_POINTS = "elyte.properties"
_PLACES = {
    "conductivity": "training.properties.conductivity.declaration:CONDUCTIVITY",
    "stability": "training.properties.stability.declaration:STABILITY",
    "ccd": "training.properties.ccd.declaration:CCD",
    "mechanics": "training.properties.mechanics.declaration:MECHANICS",
    "polymer": "training.properties.polymer.declaration:POLYMER",
}


class UnknownPropertyError(KeyError):
    """There is no property of this name; the message names those that there are."""

    def __str__(self) -> str:
        """Return the message as it is, which `KeyError` would quote."""
        return str(self.args[0])


@cache
def _places() -> dict[str, str]:
    found = dict(_PLACES)
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        if point.name in found:
            raise ValueError(f"two packages register a property {point.name!r}: {found[point.name]} and {point.value}")
        found[point.name] = point.value
    return found


def names() -> tuple[str, ...]:
    """Return the names of all properties, those of elyte first."""
    return tuple(_places())


@cache
def get(name: str) -> Property:
    """Return a property.

    Raises
    ------
    UnknownPropertyError
        If there is none of this name.
    """
    if name not in _places():
        known = list(names())
        raise UnknownPropertyError(
            f"no property {name!r}{suggestion(name, known)}; expected one of: {', '.join(known)}"
        )
    module, _, attribute = _places()[name].partition(":")
    found: Property = getattr(importlib.import_module(module), attribute)
    return found


def properties() -> tuple[Property, ...]:
    """Return all properties."""
    return tuple(get(name) for name in names())


def with_needed(chosen: Iterable[str]) -> list[str]:
    """Return properties, each followed by those whose models it asks; none twice."""
    return list(dict.fromkeys(one for name in chosen for one in (name, *get(name).needs)))


def in_order(chosen: Iterable[str]) -> list[str]:
    """Return properties, those before others that ask their models."""

    def depth(name: str) -> int:
        return 1 + max(map(depth, get(name).needs), default=0)

    return sorted(chosen, key=depth)


@cache
def of_phases() -> Property:
    """Return the property on the phases of whose model equilibria are computed."""
    return next(one for one in properties() if one.phase_energies)


@cache
def of_band_gap() -> Property | None:
    """Return the property that says the band gap, None where there is none."""
    return next((one for one in properties() if one.band_gap is not None), None)


@cache
def of_grid() -> Property:
    """Return the property that is offered over a grid of conditions."""
    return next(one for one in properties() if one.has_grid)


@cache
def quantities() -> dict[str, tuple[str, Quantity]]:
    """Return every quantity by its name, with the name of its property."""
    found: dict[str, tuple[str, Quantity]] = {}
    for one in properties():
        for quantity in one.quantities:
            if quantity.name in found:
                raise ValueError(f"{one.name} and {found[quantity.name][0]} both say {quantity.name}")
            found[quantity.name] = (one.name, quantity)
    return found


@cache
def of_role(role: CellRole, kind: str) -> tuple[str, Quantity] | None:
    """Return the quantity that cells take for something, of one kind of material, with the name of its property."""
    owned = ((owner, quantity) for owner, quantity in quantities().values() if quantity.role is role)
    return next(((owner, quantity) for owner, quantity in owned if get(owner).kind == kind), None)


@cache
def conditions() -> dict[str, Condition]:
    """Return every condition by its name; properties that share one declare the same."""
    found: dict[str, Condition] = {}
    for one in properties():
        for condition in one.conditions:
            if found.setdefault(condition.name, condition) is not condition:
                raise ValueError(f"{one.name} declares the condition {condition.name} otherwise than another property")
    return found


def conditions_without(one: Property) -> list[str]:
    """Return the names of the conditions that only other properties declare."""
    own = {condition.name for condition in one.conditions}
    return [name for name in conditions() if name not in own]
