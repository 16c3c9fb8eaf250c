"""Which sets of precursors can make a target, each with its one balanced reaction.

A precursor goes in as it is or, where heating drives gases off, as what is left of it. A set is taken if its columns
are independent and all coefficients are above zero: then no smaller set of the same precursors does, and the
coefficients are the only ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

from serving.synthesis.errors import SynthesisCode, SynthesisError
from serving.synthesis.shelf import Precursor
from training.thermodynamics.reactions import Reaction

Array = NDArray[np.float64]
MAX_SETS_TRIED = 200_000
_BLOCK = 20_000
LARGEST_ADJUSTMENT = 0.01
_OXIDISING: Mapping[str, float] = {"N": 2.5, "S": 3.5, "Cl": 2.5, "Br": 2.5, "I": 2.5}
"""Oxygens per atom from which on a salt is an oxidiser."""
_SPOILT_BY_STEAM = frozenset({"S", "Se", "N", "H"})
_NO_FUEL = frozenset({"O", "F", "Cl", "Br", "I"})
_RESIDUAL = 1e-9
_LEAST = 1e-7
_DEPENDENT = 1e-9
_STACK, _LOOSER, _NEARLY = 1_000, 0.1, 1e-5
_ANIONS = frozenset({"O", "S", "Se", "F", "Cl", "Br", "I", "N"})


@dataclass(frozen=True, slots=True)
class ElementSource:
    """A precursor as it enters the target.

    Attributes
    ----------
    precursor
        The bottle.
    contents
        What it brings, per formula unit.
    heated
        Whether it gives off its gases.
    """

    precursor: Precursor
    contents: Mapping[str, float]
    heated: bool


@dataclass(frozen=True, slots=True)
class BalancedSet:
    """Precursors that make one formula unit of the target.

    Attributes
    ----------
    sources
        In the order of the shelf.
    coefficients
        Formula units of each, above 0.
    gases
        Gas to molecules given off.
    """

    sources: tuple[ElementSource, ...]
    coefficients: tuple[float, ...]
    gases: Mapping[str, float]

    def brings(self, symbol: str) -> float:
        """Return the atoms of an element that go into a formula unit of the target."""
        parts = zip(self.sources, self.coefficients, strict=True)
        return sum(source.contents.get(symbol, 0.0) * amount for source, amount in parts)

    def reaction(self, target: str) -> Reaction:
        """Return the reaction per formula unit of the target.

        Parameters
        ----------
        target
            Its formula as it is to be written.
        """
        reactants = {
            source.precursor.formula: amount for source, amount in zip(self.sources, self.coefficients, strict=True)
        }
        return Reaction(reactants, {target: 1.0, **self.gases}, gases=frozenset(self.gases))


def sources_for(target: Mapping[str, float], shelf: Sequence[Precursor]) -> list[ElementSource]:
    """Return every way in which a precursor can enter a target: nothing but elements of the target comes in.

    A bottle of the target itself is no precursor of it.
    """
    found = []
    for precursor in shelf:
        if _same(precursor.amounts, target):
            continue
        if precursor.amounts.keys() <= target.keys():
            found.append(ElementSource(precursor, dict(precursor.amounts), heated=False))
        if precursor.gases and len(left := precursor.residue) > 0 and left.keys() <= target.keys():
            found.append(ElementSource(precursor, left, heated=True))
    return found


def _same(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    if first.keys() != second.keys():
        return False
    ratios = [first[symbol] / second[symbol] for symbol in first]
    return max(ratios) - min(ratios) < 1e-6 * max(ratios)


@dataclass(frozen=True, slots=True)
class Balance:
    """What a shelf can make a target from.

    Attributes
    ----------
    target
        Element symbol to atoms per formula unit, as it balances.
    sets
        Few precursors first, then in the order of the shelf.
    complete
        Whether all combinations were tried (`MAX_SETS_TRIED`).
    unsafe
        Sets left out because they should not be heated (`is_unsafe`).
    adjusted
        The anion whose amount was changed, as a formula printed to two digits is not neutral; None if none.
    """

    target: Mapping[str, float]
    sets: tuple[BalancedSet, ...]
    complete: bool
    unsafe: int = 0
    adjusted: str | None = None


def balanced_sets(target: Mapping[str, float], shelf: Sequence[Precursor], most: int | None = None) -> Balance:
    """Find all sets of precursors that make a target.

    Where none does, the most abundant anion may differ by up to `LARGEST_ADJUSTMENT` of its amount: formulas are
    printed to a few digits, and Li0.33La0.557TiO3 lacks five ten-thousandths of an oxygen.

    Parameters
    ----------
    target
        Element symbol to atoms per formula unit.
    shelf
        What is at hand.
    most
        Largest number of precursors; None means as many as the target has elements.

    Raises
    ------
    SynthesisError
        If an element is not on the shelf, or no set balances.
    """
    sources = sources_for(target, shelf)
    held = {symbol for source in sources for symbol in source.contents}
    if missing := [symbol for symbol in target if symbol not in held]:
        raise SynthesisError(SynthesisCode.ELEMENT_NOT_ON_SHELF, _missing_words(missing, target, shelf))
    most = min(most or len(target), len(target), len(sources))
    sizes = [
        size for size in range(1, most + 1) if sum(comb(len(sources), k + 1) for k in range(size)) <= MAX_SETS_TRIED
    ]
    complete = len(sizes) == most
    if found := _sets(target, sources, sizes, None):
        safe = tuple(made for made in found if not is_unsafe(made))
        return Balance(dict(target), _require_safe(safe), complete, len(found) - len(safe))
    anion = max(_ANIONS & target.keys(), key=lambda symbol: (target[symbol], symbol), default=None)
    if anion is not None and (found := _sets(target, sources, sizes, anion)):
        amounts = [made.brings(anion) for made in found]
        nearest = min(amounts, key=lambda amount: abs(amount - target[anion]))
        agreeing = [made for made, n in zip(found, amounts, strict=True) if abs(n - nearest) < 1e-6 * nearest]
        safe = tuple(made for made in agreeing if not is_unsafe(made))
        return Balance({**target, anion: nearest}, _require_safe(safe), complete, len(agreeing) - len(safe), anion)
    named = ", ".join(dict.fromkeys(source.precursor.formula for source in sources))
    raise SynthesisError(
        SynthesisCode.NO_BALANCED_SET,
        f"no set of at most {most} precursors balances with the gases that they may give off; tried {named}",
    )


def _require_safe(sets: tuple[BalancedSet, ...]) -> tuple[BalancedSet, ...]:
    if not sets:
        message = (
            "every set that balances mixes an oxidiser with a fuel or drives water off beside a sulfide: not proposed"
        )
        raise SynthesisError(SynthesisCode.NO_BALANCED_SET, message)
    return sets


def is_unsafe(made: BalancedSet) -> bool:
    """Return whether a set should not be heated: an oxidiser with a fuel, or water driven off beside a sulfide.

    Nitrates, sulfates and perchlorates can go off with fuels, and steam makes H2S of sulfides, NH3 of nitrides, H2 of
    hydrides. Fuels are elements, sulfides, nitrides, hydrides and the like, whatever has neither oxygen nor a halogen,
    and ammonium salts.
    """
    bottles = [source.precursor.amounts for source in made.sources]
    oxidisers = [b for b in bottles if any(b.get("O", 0.0) >= n * b.get(s, 0.0) > 0 for s, n in _OXIDISING.items())]
    fuels = [b for b in bottles if not _NO_FUEL & b.keys() or {"N", "H"} <= b.keys()]
    if "H2O" in made.gases and any(not _NO_FUEL & b.keys() and _SPOILT_BY_STEAM & b.keys() for b in bottles):
        return True
    return any(oxidiser is not fuel for oxidiser in oxidisers for fuel in fuels)


def _sets(
    target: Mapping[str, float], sources: Sequence[ElementSource], sizes: Sequence[int], free: str | None
) -> list[BalancedSet]:
    """Return the sets of some sizes; the amount of the element `free` may deviate."""
    symbols = sorted(target.keys() - {free})
    wanted = np.array([target[symbol] for symbol in symbols])
    columns = np.array([[source.contents.get(symbol, 0.0) for symbol in symbols] for source in sources])
    found = []
    for size in sizes:
        for chosen, coefficients in _solutions(columns, wanted, size):
            taken = tuple(sources[i] for i in chosen)
            if len({source.precursor.formula for source in taken}) < size:
                continue
            made = BalancedSet(taken, coefficients, _gases(taken, coefficients))
            if free is None or abs(made.brings(free) / target[free] - 1.0) <= LARGEST_ADJUSTMENT:
                found.append(made)
    return found


def _missing_words(missing: Sequence[str], target: Mapping[str, float], shelf: Sequence[Precursor]) -> str:
    words = []
    missing = [
        symbol for symbol in missing if symbol not in _ANIONS
    ] or missing  # a cation that is missing explains more
    for symbol in missing:
        holding = [precursor.formula for precursor in shelf if symbol in precursor.amounts]
        reason = f"only in {', '.join(holding[:4])}, which bring other elements" if holding else "in no bottle"
        words.append(f"{symbol} is {reason}")
    hint = f"; put on the shelf (--shelf FILE) what brings {', '.join(missing)} and no element beyond the target's"
    return "; ".join(words) + hint


def _solutions(columns: Array, wanted: Array, size: int) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Yield the combinations of a size that make the target in one way only, with their coefficients."""
    scale = float(wanted.max())
    for chosen in _nearly_solving(columns, wanted, size):
        matrix = columns[list(chosen)].T
        coefficients, _, rank, _ = np.linalg.lstsq(matrix, wanted, rcond=_DEPENDENT)
        if rank < size or coefficients.min() < _LEAST * scale:
            continue
        if np.abs(matrix @ coefficients - wanted).max() <= _RESIDUAL * scale:
            yield chosen, tuple(coefficients.tolist())


def _nearly_solving(columns: Array, wanted: Array, size: int) -> Iterator[tuple[int, ...]]:
    """Yield the combinations that may make the target, in order: what is left out misses by far more than rounding.

    A thousand at a time by their singular values, five times as fast as one by one.
    """
    scale, combined = float(wanted.max()), _bringing_all(columns > 0, size)
    while chosen := list(islice(combined, _STACK)):
        matrices = columns[np.array(chosen)].transpose(0, 2, 1)
        left, singular, right = np.linalg.svd(matrices, full_matrices=False)
        unique = singular[:, -1] > _LOOSER * _DEPENDENT * singular[:, 0] if matrices.shape[1] >= size else [False]
        inverse = 1.0 / np.maximum(singular, 1e-300)
        coefficients = ((wanted @ left) * inverse)[:, None, :] @ right
        missed = np.abs((matrices @ coefficients.transpose(0, 2, 1))[:, :, 0] - wanted).max(axis=1)
        near = (coefficients.min(axis=(1, 2)) > -_NEARLY * scale) & (missed < _NEARLY * scale)
        yield from (chosen[n] for n in np.flatnonzero(unique & near).tolist())


def _bringing_all(held: NDArray[np.bool_], size: int) -> Iterator[tuple[int, ...]]:
    """Yield the combinations of a size that hold every element, in order; thousands are tested in one step."""
    bits = held @ (1 << np.arange(held.shape[1], dtype=np.int64))
    every = (1 << held.shape[1]) - 1
    ordered = combinations(range(len(held)), size)
    while block := list(islice(ordered, _BLOCK)):
        complete = np.bitwise_or.reduce(bits[np.array(block)], axis=1) == every
        yield from (block[n] for n in np.flatnonzero(complete).tolist())


def _gases(sources: Sequence[ElementSource], coefficients: Sequence[float]) -> dict[str, float]:
    gases: dict[str, float] = {}
    for source, amount in zip(sources, coefficients, strict=True):
        for gas, molecules in source.precursor.gases.items() if source.heated else ():
            gases[gas] = gases.get(gas, 0.0) + amount * molecules
    return gases
