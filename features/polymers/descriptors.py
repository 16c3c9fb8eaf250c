"""Descriptors of a repeating chain: sums over one repeat unit closed on itself, then per atom or per kilogram.

A long repeat unit is not an oligomer: what is counted is divided by the number of heavy atoms, and what coordinates
lithium also by the mass. Sums of copolymers are those of their units by ratio. Contributions of atoms to the octanol
partition coefficient and refractivity: Wildman and Crippen, J. Chem. Inf. Comput. Sci. 39, 868 (1999), doi
10.1021/ci990307l; polar surface: Ertl et al., J. Med. Chem. 43, 3714 (2000), doi 10.1021/jm000942e.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.polymers.repeat_unit import RepeatUnit, closed_chain, copies_needed, read_repeat_unit
from features.polymers.toolkit import chemistry

Array = NDArray[np.float64]
ELEMENTS = ("C", "N", "O", "F", "Si", "P", "S", "B", "Cl", "Al")
GROUPS: Mapping[str, str] = {  # by SMARTS whose first atom is counted
    "ether_oxygen": "[OX2;!$(O[C,S,P,B]=[O,S]);!$(OB);!$(O[Si])]([#6])[#6]",
    "ethylene_oxide": "[OX2]([CX4])[CH2][CX4][OX2;!$(OC=O)]",
    "acetal_oxygen": "[OX2]([CX4])[CX4][OX2]",
    "trimethylene_oxide": "[OX2]([CX4])[CX4][CX4][CX4][OX2]",
    "methoxy": "[OX2]([CH3])[CX4]",
    "hydroxyl": "[OX2H1]",
    "carbonyl": "[CX3]=[OX1]",
    "ester": "[CX3;!$(C([OX2])[OX2,N])](=[OX1])[OX2][#6]",
    "carbonate": "[CX3](=[OX1])([OX2])[OX2]",
    "urethane": "[CX3](=[OX1])([OX2])[#7]",
    "amide": "[CX3;!$(C[OX2])](=[OX1])[#7]",
    "ketone": "[CX3](=[OX1])([#6])[#6]",
    "amine": "[NX3;!$(N[C,S,P]=[O,S]);!$(N[#6]:[#6])]",
    "amine_hydrogen": "[NX3;H1,H2;!$(NC=O)]",
    "nitrile": "[NX1]#[CX2]",
    "aromatic_nitrogen": "[n]",
    "siloxane_oxygen": "[OX2]([Si])[Si,#6]",
    "silicon_carbon": "[Si][#6]",
    "boron_oxygen": "[OX2]B",
    "phosphazene": "[P]=[N]",
    "sulfone": "[SX4](=O)=O",
    "sulfite": "[SX3](=O)",
    "thioether": "[SX2]([#6])[#6]",
    "fluorinated_carbon": "[CX4](F)F",
    "double_bond": "[CX3]=[CX3]",
    "methyl": "[CH3]",
    "methylene": "[CH2;X4]",
    "quaternary": "[CX4;H0]",
    "imide_anion": "[N-;X2](S(=O)=O)S(=O)=O",
    "anion": "[-]",
    "boron_anion": "[B-,Al-]",
    "phosphorus_anion": "[P-]",
}
PER_KG = (
    "ether_oxygen",
    "ethylene_oxide",
    "carbonyl",
    "amine",
    "nitrile",
    "siloxane_oxygen",
    "anion",
    "rotatable",
    "terminal",
    "heavy",
)
_TOPOLOGY = (
    "backbone",
    "backbone_oxygen",
    "backbone_nitrogen",
    "backbone_carbonyl",
    "side_ether_oxygen",
    "terminal",
    "branched",
    "rotatable",
    "rotatable_backbone",
    "in_ring",
    "aromatic",
    "unsaturated",
    "depth",
    "ether_pairs",
    "ether_runs",
)
_CONTRIBUTIONS = ("log_p", "refractivity", "polar_surface")
SUMS = ("heavy", "mass", "hydrogen", *ELEMENTS, *GROUPS, *_TOPOLOGY, *_CONTRIBUTIONS)
"""What is summed over one repeat unit."""
PER_ATOM = tuple(name for name in SUMS if name not in ("heavy", "mass"))
LABELS = (*(f"{name}_per_atom" for name in PER_ATOM), "mass_per_atom", *(f"{name}_mol_per_kg" for name in PER_KG))
VERSION = "1"


@cache
def _patterns() -> Mapping[str, Any]:
    return {name: chemistry().MolFromSmarts(smarts) for name, smarts in GROUPS.items()}


@lru_cache(maxsize=8192)
def _sums_of_text(text: str, most_heavy_atoms: int) -> tuple[float, ...]:
    return tuple(unit_sums(read_repeat_unit(text, most_heavy_atoms)).tolist())


def chain_sums(texts: Sequence[str], shares: Sequence[float], most_heavy_atoms: int) -> Array:
    """Return sums over the average repeat unit of a copolymer, shape (len(SUMS),).

    Parameters
    ----------
    texts
        Repeat units that `read_repeat_unit` has accepted.
    shares
        Mole fractions, summing to 1.
    most_heavy_atoms
        As given to `read_repeat_unit`.
    """
    sums = np.array([_sums_of_text(text, most_heavy_atoms) for text in texts])
    average: Array = np.asarray(shares, dtype=float) @ sums
    return average


def descriptors(sums: Array) -> Array:
    """Return descriptors, shape (n, len(LABELS)), of sums over repeat units, shape (n, len(SUMS))."""
    of = {name: sums[:, j] for j, name in enumerate(SUMS)}
    kg = of["mass"] / 1000.0
    return np.column_stack(
        [
            *(of[name] / of["heavy"] for name in PER_ATOM),
            of["mass"] / of["heavy"],
            *(of[name] / kg for name in PER_KG),
        ]
    )


def unit_sums(unit: RepeatUnit) -> Array:
    """Return the sums of one repeat unit, shape (len(SUMS),), in the order of `SUMS`."""
    n_copies = copies_needed(unit)
    closed = closed_chain(unit, n_copies)
    atoms = list(closed.GetAtoms())
    found = {name: 0.0 for name in SUMS}
    found["heavy"] = float(len(atoms))
    found["hydrogen"] = float(sum(atom.GetTotalNumHs() for atom in atoms))
    found["mass"] = sum(atom.GetMass() for atom in atoms) + 1.008 * found["hydrogen"]
    for atom in atoms:
        if atom.GetSymbol() in ELEMENTS:
            found[atom.GetSymbol()] += 1.0
    for name, pattern in _patterns().items():
        hits = closed.GetSubstructMatches(pattern, maxMatches=100_000)
        found[name] = float(len({hit[0] for hit in hits}))
    _add_contributions(closed, found)
    _add_topology(closed, unit, found)
    return np.array([found[name] for name in SUMS]) / n_copies


def _add_contributions(closed: Any, found: dict[str, float]) -> None:  # noqa: ANN401
    tools = chemistry().rdMolDescriptors
    crippen = tools._CalcCrippenContribs(closed)
    found["log_p"] = sum(part[0] for part in crippen)
    found["refractivity"] = sum(part[1] for part in crippen)
    found["polar_surface"] = sum(tools._CalcTPSAContribs(closed))


def _add_topology(closed: Any, unit: RepeatUnit, found: dict[str, float]) -> None:  # noqa: ANN401
    """Count what depends on backbone, side chains and rings of the unit."""
    Chem = chemistry()
    depth = _depths(unit)
    in_ring = {atom.GetIdx(): atom.IsInRing() for atom in unit.molecule.GetAtoms()}
    ethers = {hit[0] for hit in closed.GetSubstructMatches(_patterns()["ether_oxygen"], maxMatches=100_000)}
    for atom in closed.GetAtoms():
        index = atom.GetIntProp("unit_atom")
        away = depth[index]
        found["depth"] += away
        found["in_ring"] += in_ring[index]
        found["aromatic"] += atom.GetIsAromatic()
        found["unsaturated"] += any(bond.GetBondTypeAsDouble() > 1.0 for bond in atom.GetBonds())
        found["terminal"] += atom.GetDegree() == 1
        found["branched"] += atom.GetDegree() >= 3
        if away == 0:
            found["backbone"] += 1
            found["backbone_oxygen"] += atom.GetSymbol() == "O"
            found["backbone_nitrogen"] += atom.GetSymbol() == "N"
            found["backbone_carbonyl"] += any(
                bond.GetBondType() == Chem.BondType.DOUBLE and bond.GetOtherAtom(atom).GetSymbol() == "O"
                for bond in atom.GetBonds()
            )
        else:
            found["side_ether_oxygen"] += atom.GetIdx() in ethers
    for bond in closed.GetBonds():
        first, second = bond.GetBeginAtom(), bond.GetEndAtom()
        if bond.GetBondType() != Chem.BondType.SINGLE or 1 in (first.GetDegree(), second.GetDegree()):
            continue
        ends = tuple(atom.GetIntProp("unit_atom") for atom in (first, second))
        inner = unit.molecule.GetBondBetweenAtoms(*ends)
        if first.GetIntProp("copy") == second.GetIntProp("copy") and inner is not None and inner.IsInRing():
            continue
        found["rotatable"] += 1
        found["rotatable_backbone"] += depth[ends[0]] == 0 and depth[ends[1]] == 0
    found["ether_pairs"], found["ether_runs"] = _ether_walks(closed, ethers)


def _depths(unit: RepeatUnit) -> dict[int, int]:
    """Return how many bonds each atom lies from the backbone."""
    depth = dict.fromkeys(unit.backbone, 0)
    front = list(unit.backbone)
    ends = set(unit.ends)
    while front:
        following = []
        for index in front:
            for neighbour in unit.molecule.GetAtomWithIdx(index).GetNeighbors():
                if neighbour.GetIdx() not in depth and neighbour.GetIdx() not in ends:
                    depth[neighbour.GetIdx()] = depth[index] + 1
                    following.append(neighbour.GetIdx())
        front = following
    return depth


def _ether_walks(closed: Any, ethers: set[int]) -> tuple[float, float]:  # noqa: ANN401
    """Return sums over ether oxygens of the walks of one and of eight steps to others across two carbons.

    A walk counts one half a step: in an endless chain of ethylene oxide each sum is the number of oxygens, and it falls
    with the length of the run, the second more than the first. Walks are the same however many copies are closed.
    """
    links = [
        (hit[0], hit[3])
        for hit in closed.GetSubstructMatches(_joined_ethers(), maxMatches=100_000)
        if hit[0] in ethers and hit[3] in ethers
    ]
    walks, after = dict.fromkeys(ethers, 1.0), []
    for _ in range(8):
        following = dict.fromkeys(ethers, 0.0)
        for first, second in links:
            following[first] += 0.5 * walks[second]
            following[second] += 0.5 * walks[first]
        walks = following
        after.append(sum(walks.values()))
    return after[0], after[-1]


@cache
def _joined_ethers() -> Any:  # noqa: ANN401
    return chemistry().MolFromSmarts("[OX2][CX4][CX4][OX2]")
