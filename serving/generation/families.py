"""Families from a parent: aliovalent doping with lithium compensation, swaps by similarity, anions, mixed sites.

Every member is `parent + steps * substitutions`: one substitution takes an ion from its site, puts another there and
adds or removes as much lithium as keeps the formula neutral. All members are computed at once as arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from features.elements import SYMBOLS
from features.formula import parse_formula
from features.formula_doubts import ANIONS
from serving.generation.block import Block, Labels
from serving.generation.errors import GenerationError
from serving.generation.ions import UNUSUAL, Ion, assign_charges, ions, radius_difference_A, stand_ins
from serving.generation.variables import MAX_POINTS

Array = NDArray[np.float64]
DEFAULT_STEPS = (0.1, 0.2, 0.3, 0.4, 0.5)
RADIUS_TOLERANCE_A = 0.35  # keeps Al3+ and Ga3+ on the lithium site of garnets, Ge4+, Si4+ and Sn4+ on phosphorus
LARGEST_CHARGE_CHANGE = 2
LEAST_SHARE = 0.1
"""Of an element's reports in the ICSD, for an oxidation state to count as usual in a guest."""
_NO_GUESTS = frozenset({"H", "Li", "C"})
_HALIDES = ("F", "Cl", "Br", "I")
_CHALCOGENIDES = ("O", "S", "Se", "Te")


@dataclass(frozen=True, slots=True)
class Substitution:
    """One ion for another on a site of the parent.

    Attributes
    ----------
    host, guest
        Ions with their charges.
    lithium
        Lithium gained for each substituted ion, negative where it leaves.
    """

    host: Ion
    guest: Ion
    lithium: float

    def __str__(self) -> str:
        return f"{self.guest} on {self.host}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a family may contain.

    Attributes
    ----------
    elements
        That may be put in; None for all but the unusual ones.
    allow, exclude
        Added to and taken from these.
    radius_tolerance_A
        Largest difference of ionic radii.
    steps
        Substituted ions per formula unit of the parent.
    together
        Substitutions on different sites at the same time.
    """

    elements: frozenset[str] | None = None
    allow: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    radius_tolerance_A: float = RADIUS_TOLERANCE_A
    steps: tuple[float, ...] = DEFAULT_STEPS
    together: int = 1

    @property
    def allowed(self) -> frozenset[str]:
        """Elements that may be put in."""
        usual = frozenset(SYMBOLS) - UNUSUAL if self.elements is None else self.elements
        return (usual | self.allow) - self.exclude


@dataclass(frozen=True, slots=True)
class Parent:
    """A formula with the charges of its ions."""

    formula: str
    amounts: dict[str, float]
    charges: dict[str, Ion]

    @classmethod
    def read(cls, formula: str) -> Parent:
        """Read a formula and assign oxidation states.

        Raises
        ------
        CandidateError
            If it cannot be read.
        GenerationError
            If no usual oxidation states make it neutral.
        """
        amounts = parse_formula(formula)
        return cls(formula, amounts, assign_charges(amounts))


def doping(parent: Parent, limits: Limits) -> Block:
    """Substitute ions of another charge, alike in size, with lithium compensation; halides for chalcogenides, too.

    A guest is no farther from its host than `LARGEST_CHARGE_CHANGE` and `limits.radius_tolerance_A`.
    """
    found = []
    for host in parent.charges.values():
        for guest in _guests(host, parent, limits):
            gained = float(host.charge - guest.charge)
            # on its own site lithium makes room as well: three of them leave for one Al3+, one of which it replaces
            found.append(Substitution(host, guest, gained))
    return _members(parent, found, limits, "dope")


def _guests(host: Ion, parent: Parent, limits: Limits) -> Iterable[Ion]:
    for ion in ions().values():
        apart = ion.charge - host.charge
        if ion.symbol not in limits.allowed or ion.share < LEAST_SHARE or not 0 < abs(apart) <= LARGEST_CHARGE_CHANGE:
            continue
        if host.charge < 0:
            if host.symbol in _CHALCOGENIDES and ion.symbol in _HALIDES and ion.charge < 0:
                yield ion
            continue
        if ion.charge < 0 or ion.symbol in ANIONS | _NO_GUESTS or ion.symbol in parent.amounts:
            continue
        difference = radius_difference_A(host, ion)
        if difference is not None and difference <= limits.radius_tolerance_A:
            yield ion


def anion_exchange(parent: Parent, limits: Limits) -> Block:
    """Substitute halides for halides and chalcogenides for chalcogenides, in part or in whole."""
    found = []
    for host in parent.charges.values():
        family = _HALIDES if host.symbol in _HALIDES else _CHALCOGENIDES if host.symbol in _CHALCOGENIDES else ()
        if host.charge >= 0:
            continue
        for symbol in family:
            guest = ions().get((symbol, host.charge))
            if guest is not None and symbol != host.symbol and symbol in limits.allowed:
                found.append(Substitution(host, guest, 0.0))
    return _members(parent, found, limits, "anions", whole=True)


def swaps(parent: Parent, limits: Limits, top: int) -> Block:
    """Replace elements wholly by those that stand in for them in known structure types, charge kept.

    Parameters
    ----------
    parent
        Whose elements but lithium are replaced, one or `limits.together` at a time.
    limits
        Its steps do not matter here.
    top
        How many stand-ins of each element, the likeliest first.
    """
    found = [
        Substitution(host, guest, 0.0)
        for host in parent.charges.values()
        if host.symbol != "Li"
        for guest, _ in stand_ins(host, limits.allowed)[:top]
        if guest.symbol not in parent.amounts
    ]
    return _members(parent, found, limits, "swap", whole=True, partly=False)


def _members(
    parent: Parent,
    found: Sequence[Substitution],
    limits: Limits,
    rule: str,
    *,
    whole: bool = False,
    partly: bool = True,
) -> Block:
    """Combine substitutions with steps; members with a negative amount are left to the caller to drop."""
    symbols = _columns(parent, [(s.host.symbol, s.guest.symbol) for s in found])
    column = {symbol: i for i, symbol in enumerate(symbols)}
    base = np.array([parent.amounts.get(symbol, 0.0) for symbol in symbols])
    change = np.zeros((len(found), len(symbols)))
    for row, one in enumerate(found):
        change[row, column[one.host.symbol]] -= 1.0
        change[row, column[one.guest.symbol]] += 1.0
        if one.lithium:
            if "Li" not in column:
                raise GenerationError(f"{parent.formula} holds no lithium that could keep the charge balanced")
            change[row, column["Li"]] += one.lithium
    hosts = np.array([parent.amounts[one.host.symbol] for one in found])
    steps = np.array(limits.steps if partly else ())
    plans = [_plan(found, size, hosts, steps, whole=whole) for size in range(1, limits.together + 1)]
    if sum(len(amount) for _, amount in plans) == 0:
        return Block(symbols, np.zeros((0, len(symbols))), parent.formula, Labels.same(rule, 0))
    rows = np.concatenate([np.einsum("nt,ntk->nk", amount, change[chosen]) for chosen, amount in plans]) + base
    texts: list[str] = []
    numbers: list[NDArray[np.int64]] = []
    for chosen, _ in plans:
        distinct, number = np.unique(chosen, axis=0, return_inverse=True)
        numbers.append(number.reshape(-1) + len(texts))
        texts += [f"{rule}: " + ", ".join(str(found[i]) for i in row) for row in distinct.tolist()]
    variables = {"x": np.concatenate([amount[:, 0] for _, amount in plans])}
    if limits.together > 1:
        width = limits.together
        for i, name in zip(range(1, width), "yzuvw", strict=False):
            parts = [amount[:, i] if amount.shape[1] > i else np.zeros(len(amount)) for _, amount in plans]
            variables[name] = np.concatenate(parts)
    return Block(symbols, rows, parent.formula, Labels(tuple(texts), np.concatenate(numbers)), variables)


def _plan(
    found: Sequence[Substitution], size: int, hosts: Array, steps: Array, *, whole: bool
) -> tuple[NDArray[np.int64], Array]:
    """Return which substitutions stand together, shape (n, size), and their amounts, shape (n, size).

    Two substitutions on one site, or of one guest, do not stand together.
    """
    groups = [
        group
        for group in combinations(range(len(found)), size)
        if len({found[i].host.symbol for i in group}) == size == len({found[i].guest.symbol for i in group})
    ]
    options = len(steps) + whole
    n = len(groups) * options**size
    if n > MAX_POINTS:
        raise GenerationError(f"{n} members; at most {MAX_POINTS}: fewer elements, steps or substitutions at a time")
    if not n:
        return np.zeros((0, size), dtype=np.int64), np.zeros((0, size))
    chosen = np.repeat(np.array(groups, dtype=np.int64).reshape(-1, size), options**size, axis=0)
    turns = np.array(list(product(range(options), repeat=size)), dtype=np.int64).reshape(-1, size)
    turn = np.tile(turns, (len(groups), 1))
    amount = np.append(steps, np.nan)[turn]
    amount = np.where(np.isnan(amount), hosts[chosen], amount)
    # as a step, the whole site stands once: as the whole site
    kept = (amount <= hosts[chosen] + 1e-9).all(axis=1)
    return chosen[kept], amount[kept]


def _columns(parent: Parent, pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return all elements, guests behind their first host."""
    behind: dict[str, list[str]] = {symbol: [] for symbol in parent.amounts}
    for host, guest in pairs:
        if guest not in behind and all(guest not in others for others in behind.values()):
            behind[host].append(guest)
    return tuple(symbol for host, guests in behind.items() for symbol in (host, *guests))


def high_entropy(parent: Parent, elements: Sequence[str], count: int, step: float | None, site: str | None) -> Block:
    """Share a site among several elements, in equal parts or over a grid of shares, lithium keeping the balance.

    Parameters
    ----------
    parent
        Holds the site.
    elements
        That may share it.
    count
        How many share it at a time.
    step
        Of the shares of a grid; None for equal parts only.
    site
        The element of the parent whose site it is; without it the first of `elements` that the parent holds.

    Raises
    ------
    GenerationError
        If there is no such site, fewer elements than `count`, or an element has no usual charge.
    """
    host = site or next((symbol for symbol in elements if symbol in parent.amounts), None)
    if host is None or host not in parent.charges or host == "Li":
        named = f"'{host}'" if host else f"none of {', '.join(elements)}"
        raise GenerationError(f"{named} is no site of {parent.formula}; name one with --site")
    if not 2 <= count <= len(set(elements)):
        raise GenerationError(f"--n {count}: expected 2 to {len(set(elements))} of the elements given")
    own = parent.charges[host]
    guests = [_guest_charge(symbol, own) for symbol in dict.fromkeys(elements)]
    shares = _shares(count, step)
    groups = np.array(list(combinations(range(len(guests)), count)), dtype=np.int64)
    if len(groups) * len(shares) > MAX_POINTS:
        raise GenerationError(f"{len(groups) * len(shares)} mixtures; at most {MAX_POINTS}: a coarser step")
    symbols = _columns(parent, [(host, guest.symbol) for guest in guests])
    place = np.array([symbols.index(guest.symbol) for guest in guests])
    charge = np.array([float(guest.charge) for guest in guests])
    chosen, share = np.repeat(groups, len(shares), axis=0), np.tile(shares, (len(groups), 1))
    rows = np.tile([parent.amounts.get(symbol, 0.0) for symbol in symbols], (len(chosen), 1))
    total = parent.amounts[host]
    rows[:, symbols.index(host)] = 0.0
    np.add.at(rows, (np.arange(len(rows))[:, None], place[chosen]), share * total)
    gained = total * (own.charge - (share * charge[chosen]).sum(axis=1))
    if np.abs(gained).max(initial=0.0) > 1e-9:
        if "Li" not in symbols:
            raise GenerationError(f"{parent.formula} holds no lithium that could keep the charge balanced")
        rows[:, symbols.index("Li")] += gained
    names = [",".join(guests[i].symbol for i in group) for group in groups.tolist()]
    rule = Labels(
        tuple(f"high entropy: {name} on {own}" for name in names), np.repeat(np.arange(len(groups)), len(shares))
    )
    return Block(symbols, rows, parent.formula, rule, {})


def _guest_charge(symbol: str, host: Ion) -> Ion:
    usual = [ion for ion in ions().values() if ion.symbol == symbol and (ion.charge > 0) == (host.charge > 0)]
    if not usual:
        raise GenerationError(f"no usual oxidation state of {symbol} fits the site of {host}")
    near = max(usual, key=lambda ion: (ion.charge == host.charge, ion.share))
    return near


def _shares(count: int, step: float | None) -> Array:
    if step is None:
        return np.full((1, count), 1.0 / count)
    parts = round(1.0 / step)
    if parts < count or abs(parts * step - 1.0) > 1e-6:
        raise GenerationError(f"--step {step:g}: expected a whole part of 1, at most 1/{count}, such as 0.05")
    cuts = np.array(list(combinations(range(1, parts), count - 1)), dtype=np.int64).reshape(-1, count - 1)
    edges = np.column_stack([np.zeros(len(cuts), np.int64), cuts, np.full(len(cuts), parts)])
    shares: Array = np.diff(edges, axis=1) / parts
    return shares
