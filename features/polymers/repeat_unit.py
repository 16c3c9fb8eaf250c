"""A repeat unit: SMILES with two open ends, read, closed on itself, and named independently of where it was cut.

A chain has no first atom: `*OCC*`, `*CCO*` and `*OCCOCC*` are one polymer. The key of a repeat unit is therefore made
of the chain closed to a ring: the shortest period along the backbone, cut at every bond that looks alike, and the
first of the resulting canonical SMILES in the alphabet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from features.errors import RowErrorCode
from features.polymers.toolkit import chemistry, refused

MOST_HEAVY_ATOMS = 300
HEAVY_ATOMS_A_RING = 8
LONGEST_TEXT = 2_000
ALLOWED_ELEMENTS = frozenset("H C N O F Si P S Cl B Al Br I Se Ge".split())
SHORTEST_RING = 8
"""Backbone atoms of the closed chain, at least; fewer would make neighbours of atoms that are none."""
_MARKS = re.compile(r"\[(?:Cu|Au|\d*\*(?::\d+)?|R\d?|[<>$]\d*)\]")
_BIG_SMILES = re.compile(r"^\s*\{\s*(?:\[\s*\])?\s*(?P<unit>.+?)\s*(?:\[\s*\])?\s*\}\s*$")


@dataclass(frozen=True, eq=False)
class RepeatUnit:
    """One repeat unit of a linear chain.

    Parameters
    ----------
    molecule
        An rdkit molecule whose two dummy atoms (atomic number 0) are the open ends.
    text
        As typed.
    """

    molecule: Any
    text: str

    @cached_property
    def ends(self) -> tuple[int, int]:
        """Indices of the two open ends."""
        first, second = (atom.GetIdx() for atom in self.molecule.GetAtoms() if atom.GetAtomicNum() == 0)
        return first, second

    @cached_property
    def backbone(self) -> tuple[int, ...]:
        """Indices of the atoms on the shortest path between the ends, in its order."""
        path = chemistry().rdmolops.GetShortestPath(self.molecule, *self.ends)
        return tuple(path[1:-1])

    @cached_property
    def ranks(self) -> dict[int, int]:
        """Symmetry ranks of the atoms in the closed chain, by index: the same for atoms that the chain makes equal."""
        closed = closed_chain(self, copies_needed(self))
        ranks = chemistry().CanonicalRankAtoms(closed, breakTies=False, includeChirality=False)
        return {atom.GetIntProp("unit_atom"): rank for atom, rank in zip(closed.GetAtoms(), ranks, strict=True)}

    @cached_property
    def key(self) -> str:
        """Canonical SMILES with two `*`, the same for every spelling of the chain."""
        return _canonical(_primitive(self))

    @cached_property
    def n_heavy(self) -> int:
        """Number of atoms without hydrogens and ends."""
        return int(self.molecule.GetNumAtoms()) - 2


def read_repeat_unit(text: str, most_heavy_atoms: int = MOST_HEAVY_ATOMS) -> RepeatUnit:
    """Read a repeat unit: SMILES with two `*` (or `[Cu]` and `[Au]`), or a linear BigSMILES of one unit.

    Parameters
    ----------
    text
        The unit.
    most_heavy_atoms
        Larger ones are refused; rings in proportion.

    Raises
    ------
    CandidateError
        `unparseable_polymer`, `open_ends_not_two`, `polymer_too_large`, or `unknown_element` for metals.
    """
    return _read(text.strip(), most_heavy_atoms)


@lru_cache(maxsize=4096)
def _read(text: str, most_heavy_atoms: int) -> RepeatUnit:
    Chem = chemistry()
    if len(text) > LONGEST_TEXT:
        raise refused(RowErrorCode.POLYMER_TOO_LARGE, text, f"has {len(text)} letters; at most {LONGEST_TEXT} are read")
    parameters = Chem.SmilesParserParams()
    parameters.sanitize = False
    molecule = Chem.MolFromSmiles(_plain(text), parameters)
    if molecule is None:
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, "is no SMILES of a repeat unit, such as *OCC*")
    _check_size(molecule, text, most_heavy_atoms)
    _check(molecule, text)
    try:
        Chem.SanitizeMol(molecule)
    except Chem.MolSanitizeException as error:
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, f"breaks the rules of valence ({error})") from None
    if any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()):
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, "has an unpaired electron: no stable polymer")
    Chem.RemoveStereochemistry(molecule)
    for atom in molecule.GetAtoms():
        atom.SetIsotope(0)
        atom.SetAtomMapNum(0)
    return RepeatUnit(Chem.RemoveHs(molecule), text)


def _plain(text: str) -> str:
    """Return the text with every way of writing an open end replaced by `*`."""
    inside = _BIG_SMILES.match(text)
    return _MARKS.sub("*", inside["unit"] if inside else text)


def _check_size(molecule: Any, text: str, most_heavy_atoms: int) -> None:  # noqa: ANN401
    """Refuse what would take long, before anything is done with it."""
    n_heavy = sum(atom.GetAtomicNum() > 1 for atom in molecule.GetAtoms())
    n_rings, most_rings = molecule.GetNumBonds() - molecule.GetNumAtoms() + 1, most_heavy_atoms // HEAVY_ATOMS_A_RING
    if n_heavy > most_heavy_atoms or n_rings > most_rings:
        size = f"has {n_heavy} heavy atoms and {n_rings} rings"
        most = f"at most {most_heavy_atoms} and {most_rings} are read: give the shortest repeat unit"
        raise refused(RowErrorCode.POLYMER_TOO_LARGE, text, f"{size}; {most}")


def _check(molecule: Any, text: str) -> None:  # noqa: ANN401
    """Refuse what is no repeat unit of a linear chain."""
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    n_ends = symbols.count("*")
    foreign = sorted({symbol for symbol in symbols if symbol != "*"} - ALLOWED_ELEMENTS)
    if foreign:
        raise refused(
            RowErrorCode.UNKNOWN_ELEMENT,
            text,
            f"holds {', '.join(foreign)}; polymers are known of {', '.join(sorted(ALLOWED_ELEMENTS))} only",
        )
    if n_ends != 2:
        what = (
            "a small molecule" if n_ends == 0 else "one end only" if n_ends == 1 else "a branched or cross-linked unit"
        )
        raise refused(
            RowErrorCode.OPEN_ENDS_NOT_TWO, text, f"has {n_ends} open ends ({what}); a repeat unit has two, as *OCC*"
        )
    ends = [atom for atom in molecule.GetAtoms() if atom.GetSymbol() == "*"]
    bonds = [bond for end in ends for bond in end.GetBonds()]
    if any(end.GetDegree() != 1 for end in ends) or any(bond.GetBondTypeAsDouble() != 1.0 for bond in bonds):
        raise refused(RowErrorCode.OPEN_ENDS_NOT_TWO, text, "has an end that is not on one single bond")
    if bonds[0].GetOtherAtom(ends[0]).GetSymbol() == "*":
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, "has no atom between its ends")
    if len(chemistry().GetMolFrags(molecule)) != 1:
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, "has several parts; give the salt by itself")


def closed_chain(unit: RepeatUnit, n_copies: int) -> Any:  # noqa: ANN401
    """Return a ring of copies of a unit, without ends.

    Atoms have the properties `unit_atom` (index in the unit) and `copy`. Rings are found roughly only: a search for
    the smallest rings of a large fused chain may not end.
    """
    Chem = chemistry()
    (first, last), opened = unit.ends, unit.molecule
    head, tail = (opened.GetAtomWithIdx(end).GetNeighbors()[0].GetIdx() for end in (first, last))
    kept = [atom.GetIdx() for atom in opened.GetAtoms() if atom.GetAtomicNum() != 0]
    place = {index: position for position, index in enumerate(kept)}
    body = Chem.RWMol(opened)
    for end in sorted((first, last), reverse=True):
        body.RemoveAtom(end)
    for position, index in enumerate(kept):
        body.GetAtomWithIdx(position).SetIntProp("unit_atom", index)
    chain = Chem.RWMol()
    for copy in range(n_copies):
        chain.InsertMol(body)
        for position in range(len(kept)):
            chain.GetAtomWithIdx(copy * len(kept) + position).SetIntProp("copy", copy)
    for copy in range(n_copies):
        here, there = copy * len(kept) + place[tail], (copy + 1) % n_copies * len(kept) + place[head]
        if here == there or chain.GetBondBetweenAtoms(here, there) is not None:
            raise ValueError("a ring of so few copies has no such bond")
        chain.AddBond(here, there, Chem.BondType.SINGLE)
    closed = chain.GetMol()
    closed.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(closed)
    Chem.SetConjugation(closed)
    Chem.SetHybridization(closed)
    return closed


def copies_needed(unit: RepeatUnit) -> int:
    """Return how many copies make a ring in which no atom is its own neighbour's neighbour."""
    return -(-SHORTEST_RING // len(unit.backbone))


def _canonical(unit: RepeatUnit) -> str:
    """Return the first in the alphabet among the SMILES of the unit cut at each of the bonds that rank first."""
    cuts = _cuts(unit)
    best = min(ranks for ranks, _ in cuts)
    return min(_cut_smiles(unit, [position]) for ranks, position in cuts if ranks == best)


def _cuts(unit: RepeatUnit) -> list[tuple[tuple[int, ...], int]]:
    """Return, for each bond of the backbone that can be cut, the ranks of its atoms and its place; 0 is the ends'."""
    Chem = chemistry()
    rank_of = unit.ranks
    path = unit.backbone
    cuts = [(tuple(sorted((rank_of[path[0]], rank_of[path[-1]]))), 0)]
    for position in range(1, len(path)):
        bond = unit.molecule.GetBondBetweenAtoms(path[position - 1], path[position])
        if bond.GetBondType() == Chem.BondType.SINGLE and not bond.IsInRing():
            ranks = tuple(sorted((rank_of[path[position - 1]], rank_of[path[position]])))
            cuts.append((ranks, position))
    return cuts


def _primitive(unit: RepeatUnit) -> RepeatUnit:
    """Return the shortest unit whose repetition makes the same chain."""
    rank_of = unit.ranks
    path = unit.backbone
    around = [rank_of[index] for index in path]
    can_be_cut = {position for _, position in _cuts(unit)}
    for period in (p for p in range(1, len(path)) if len(path) % p == 0):
        # the same ranks again after each period, and bonds there that can be cut
        if around == around[period:] + around[:period]:
            start = next((s for s in sorted(can_be_cut) if s + period in can_be_cut), None)
            if start is not None:
                shorter = _piece(unit, start, start + period)
                if shorter is not None:
                    return shorter
    return unit


def _piece(unit: RepeatUnit, start: int, stop: int) -> RepeatUnit | None:
    """Return the part between two cuts of the backbone; None where it is no unit of its own."""
    text = _cut_smiles(unit, [start, stop]) if start else _cut_smiles(unit, [stop, 0])
    Chem = chemistry()
    parts = [Chem.MolFromSmiles(part) for part in text.split(".")]
    wanted = stop - start
    for part in parts:
        candidate = RepeatUnit(part, unit.text)
        if len(candidate.backbone) == wanted and unit.n_heavy * wanted == candidate.n_heavy * len(unit.backbone):
            return candidate
    return None


def _cut_smiles(unit: RepeatUnit, positions: Sequence[int]) -> str:
    """Return canonical SMILES of the closed chain of one unit cut at places of its backbone."""
    Chem = chemistry()
    (first, last), path = unit.ends, unit.backbone
    editable = Chem.RWMol(unit.molecule)
    for position in filter(None, positions):
        editable.RemoveBond(path[position - 1], path[position])
        for index in (path[position - 1], path[position]):
            end = editable.AddAtom(Chem.Atom(0))
            editable.AddBond(index, end, Chem.BondType.SINGLE)
    if 0 not in positions:
        editable.AddBond(path[-1], path[0], Chem.BondType.SINGLE)
        for end in sorted((first, last), reverse=True):
            editable.RemoveAtom(end)
    smiles: str = Chem.MolToSmiles(editable.GetMol(), isomericSmiles=False)
    return smiles
