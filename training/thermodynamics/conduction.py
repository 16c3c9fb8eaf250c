"""Whether a product conducts electrons, by its computed gap and its composition: `conduction` alone decides.

A reacted layer protects only if it stops electrons; with one conducting product lithium and electrons reach fresh
electrolyte and the layer grows: Wenzel et al., Solid State Ionics 278, 98 (2015), doi 10.1016/j.ssi.2015.06.001. How
little conduction is too much: a layer that shall stay below 1 um in a year (some 0.2 mAh/cm2 of products at 1 V) may
conduct about 1e-12 S/cm. So semiconductors with a narrow gap count as conductors, and what is asked is whether the
valence electrons of the metals are all taken up by the anions:

- Elements: metals and semimetals conduct, and of the others carbon (graphite), Si, Ge and Te (gaps of 1.1, 0.7 and
  0.3 eV); B, P, S, Se, the halogens and gases do not.
- Without a non-metal (H, B, C, N, O, F, P, S, Cl, As, Se, Br, Te, I): alloys and Zintl phases conduct, Li15Ge4 as
  well as Li3Sb and Li3Bi, whose electrons are all paired but conduct beside lithium in measurements (Weppner and
  Huggins, J. Solid State Chem. 22, 297 (1977), doi 10.1016/0022-4596(77)90006-8).
- Without a metal (SiC, P2S5, SiO2, BN): no.
- Borides and carbides of transition and rare-earth metals conduct, but for boron cages. A cage of six borons takes two
  electrons and more make a metal (Longuet-Higgins and Roberts, Proc. R. Soc. A 224, 336 (1954)): above a third of an
  electron a boron atom it conducts (LiB, MgB2, LaB6), up to that it does not (LiB3, CaB6). With less than one electron
  a carbon atom there is graphite left between the metal (LiC6, LiC12), with one or more there are C2(2-) or C(4-).
- Of everything else: the lowest common charges of its metals against what its anions take up. Electrons that are left
  stay on the metals: Ti6O, Zr4O, Ti3P, Zr7P4, Co9S8, Ag2F, LaI2 conduct; Li2O, Li3P, Li3As, Li3N, La2O3, LiCl do not.
  Without O and halogens a transition metal of groups 4 to 10 counts with all its valence electrons, as d electrons
  spread over bonds to N, P, As and S or leave narrow gaps: TiN, FeP, LiFeP, CoS2, FeS2, LiTiS2 conduct, Ta3N5, Li2ZrN2
  and Li3NbS4 do not; manganese sulfides and thiophosphates (FePS3) are taken out. Beside O and halogens d electrons
  stay on their atoms (NiO, FePO4), unless one transition metal has two charges (Fe3O4, LiTi2O4, Li7Ti5O12).
- Lone pairs and bonds among equals take up electrons too: In, Tl, Sn, Pb, Sb and Bi may be two charges short of their
  group (InS, SnS), Nd, Sm, Eu, Dy, Tm and Yb are divalent in halides and chalcogenides, and early transition metals
  bind one another in halides down to MX2 (ZrCl3, Nb3Cl8).

The rule knows no structure and no gaps. By itself it errs for metals whose count is even (TiS2, CoO2, MoO2), narrow
gaps of heavy chalcogenides (Bi2Te3, PbTe), and mixed valence that does not hop far (Co3O4, Mn3O4).

Where the band gap of a compound was computed (PBE, with a Hubbard term for V, Cr, Mn, Fe, Co, Ni, Mo and W beside O and
F: Jain et al., APL Mater. 1, 011002 (2013), doi 10.1063/1.4812323), it decides as far as such gaps can be trusted:

- They are too small, not too large, so one of 1 eV or more insulates; charges that hop (Fe3O4) do so in spite of a gap.
- One below 0.5 eV conducts, unless the compound holds open d or f shells without that term, whose gaps the functional
  closes (MnS, FePS3, TiF3, NdCl2), is a boride of closed cages (CaB6), or Li4P2S6, whose crystals in the table are
  averages of disordered ones.
- Between the two, and for elements, the rule stands: the gaps of Li3P and Li3As are 0.7 and 0.5 eV by PBE.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from features.candidate import Candidate, MaterialBatch
from features.chemistry import assign_ions
from features.elements import ATOMIC_NUMBER, SYMBOLS, element_table
from features.formula import parse_formula
from features.formula_terms import plain_amounts

NON_METALS = frozenset({"H", "B", "C", "N", "O", "F", "P", "S", "Cl", "As", "Se", "Br", "Te", "I"})
_NOBLE = frozenset({"He", "Ne", "Ar", "Kr", "Xe", "Rn"})
_CONDUCTING_NON_METALS = frozenset({"C", "Te", "As"})
_COVALENT = NON_METALS | {"Si", "Ge"}
_HALOGENS = frozenset({"F", "Cl", "Br", "I"})
_LOCALISING = frozenset({"O"}) | _HALOGENS
"""Anions beside which d electrons stay on their atoms."""
_CHALCOGENS = frozenset({"S", "Se", "Te"})
_LONE_PAIRS: Mapping[str, float] = {"Ga": 1.0, "In": 1.0, "Tl": 1.0, "Sn": 2.0, "Pb": 2.0, "Sb": 3.0, "Bi": 3.0}
_DIVALENT = frozenset({"Nd", "Sm", "Eu", "Dy", "Tm", "Yb"})
_D_GROUPS = range(4, 11)
_TRANSITION = frozenset((*SYMBOLS[20:29], *SYMBOLS[38:47], *SYMBOLS[56:79], *SYMBOLS[88:103]))
"""Groups 3 to 11, lanthanides and actinides included."""
_ELECTRONS_OF_CAGES = 1.0 / 3.0
_ELECTRONS_OF_ACETYLIDES = 1.0
_LEFT_OVER = 1e-3  # electrons per atom; compositions of phases are exact


_INSULATES_FROM_eV = 1.0
_CONDUCTS_BELOW_eV = 0.5
_GAP_IS_WRONG = ({"Li": 2.0, "P": 1.0, "S": 3.0},)
_NO_OPEN_SHELL = frozenset({"Sc", "Y", "La", "Lu"})
_WITH_HUBBARD_TERM = frozenset({"V", "Cr", "Mn", "Fe", "Co", "Ni", "Mo", "W"})
"""Whose d electrons are kept on their atoms where O or F is in the compound."""


class Conduction(NamedTuple):
    """Whether a material conducts electrons, by what reason, and whether by charges that hop.

    `certain` where a computed gap decides, or it is an element or an alloy; the rule of compositions is not.
    """

    conducts: bool
    why: str
    hops: bool = False
    certain: bool = False


@lru_cache(maxsize=32_768)
def conduction(formula: str, band_gap_eV: float | None = None) -> Conduction:
    """Judge whether a compound conducts electrons well enough that a layer with it does not protect.

    Parameters
    ----------
    formula
        Of an element or a stoichiometric compound.
    band_gap_eV
        Computed with the PBE functional, where it is known.

    Returns
    -------
    Conduction
        By the gap where that decides, else by the rule of the module's docstring.

    Examples
    --------
    >>> conduction("Ti6O").conducts, conduction("Li2O").conducts
    (True, False)
    >>> conduction("MoO2").conducts, conduction("MoO2", 0.0).conducts
    (False, True)
    """
    by_rule = _by_rule(formula)
    return by_rule if band_gap_eV is None else _by_gap(formula, band_gap_eV, by_rule)


def _by_gap(formula: str, band_gap_eV: float, by_rule: Conduction) -> Conduction:
    """Judge by a computed gap where that can be trusted, else by the rule."""
    amounts = _amounts(formula)
    held, least = amounts.keys(), min(amounts.values())
    if len(held) == 1 or by_rule.hops or {s: n / least for s, n in amounts.items()} in _GAP_IS_WRONG:
        return by_rule
    if band_gap_eV >= _INSULATES_FROM_eV:
        return Conduction(False, f"a computed band gap of {band_gap_eV:.1f} eV", certain=True)
    trusted = _WITH_HUBBARD_TERM if held & {"O", "F"} else frozenset[str]()
    closed_by_the_functional = held & (_TRANSITION - _NO_OPEN_SHELL - trusted) or held & NON_METALS == {"B"}
    if band_gap_eV < _CONDUCTS_BELOW_eV and not closed_by_the_functional:
        return Conduction(True, f"a computed band gap of {band_gap_eV:.1f} eV", certain=True)
    return by_rule


def _amounts(formula: str) -> Mapping[str, float]:
    return plain_amounts(formula) or parse_formula(formula)  # the table's PS and CI4 are no slips and no names


def _by_rule(formula: str) -> Conduction:
    amounts = _amounts(formula)
    held = frozenset(amounts)
    if len(held) == 1:
        return _of_element(next(iter(held)))
    if not held & NON_METALS:
        return Conduction(True, "an alloy: no non-metal takes up the electrons", certain=True)
    if held <= _COVALENT:
        return Conduction(False, "covalent: no metal in it")
    if held & NON_METALS <= {"B", "C"}:
        found = _of_boride_or_carbide(amounts)
        if found is not None:
            return found
    return _of_salt(formula, amounts)


def _of_element(symbol: str) -> Conduction:
    if symbol in _NOBLE or (symbol in NON_METALS and symbol not in _CONDUCTING_NON_METALS):
        return Conduction(False, "a non-metal", certain=True)
    if symbol in _CONDUCTING_NON_METALS | {"Si", "Ge"}:
        return Conduction(True, "a semimetal or a semiconductor with a narrow gap", certain=True)
    return Conduction(True, "a metal", certain=True)


def _of_boride_or_carbide(amounts: Mapping[str, float]) -> Conduction | None:
    """Judge compounds of metals with boron or carbon alone; None where both are in it."""
    boron, carbon = amounts.get("B", 0.0), amounts.get("C", 0.0)
    if boron and carbon:
        return None
    highest = element_table()["cation_charge_max"]
    given = sum(n * highest[ATOMIC_NUMBER[s] - 1] for s, n in amounts.items() if s not in NON_METALS)
    each = float(given) / (boron + carbon)
    if boron:
        if each > _ELECTRONS_OF_CAGES + _LEFT_OVER:
            return Conduction(True, f"a boride with {each:.2g} electrons a boron atom, more than cages of boron take")
        return Conduction(False, f"a boride of closed cages: {each:.2g} electrons a boron atom")
    if amounts.keys() & _TRANSITION:
        return Conduction(True, "a carbide of a transition or rare-earth metal")
    if each < _ELECTRONS_OF_ACETYLIDES:
        return Conduction(True, f"graphite with metal between its layers: {each:.2g} electrons a carbon atom")
    return Conduction(False, "a carbide with localised C(4-) or C2(2-)")


def _of_salt(formula: str, amounts: Mapping[str, float]) -> Conduction:
    """Judge by the electrons that the anions leave on the metals."""
    batch = MaterialBatch.from_candidates([Candidate(formula, dict(amounts))])
    anions = assign_ions(batch).anions[0]
    table = element_table()
    symbols = [SYMBOLS[i] for i in batch.element_index[0].tolist()]
    taken = -float((anions * table["anion_charge"][batch.element_index[0]]).sum())
    as_anions = {symbol for symbol, share in zip(symbols, anions.tolist(), strict=True) if share > 0}
    total = sum(amounts.values())
    metals = {s: n / total for s, n in amounts.items() if s not in NON_METALS and s not in as_anions}
    thio = bool(as_anions & _CHALCOGENS and (amounts.keys() & NON_METALS) - as_anions)
    localised = bool(as_anions & _LOCALISING) or thio
    given = sum(share * _least_charge(symbol, as_anions, localised=localised) for symbol, share in metals.items())
    left = (given - taken) * total
    if given - taken > _LEFT_OVER:
        return Conduction(True, f"its anions leave {left:.3g} valence electrons a formula unit on the metals")
    mixed = _mixed_valent(batch, amounts)
    if mixed is not None:
        return Conduction(True, f"{mixed} has two charges in it, between which electrons hop", hops=True)
    return Conduction(False, "its anions take up the electrons of its metals")


def _least_charge(symbol: str, anions: set[str], *, localised: bool) -> float:
    """Return the charge that a metal has at least beside some anions; further electrons on it conduct."""
    table, row = element_table(), ATOMIC_NUMBER[symbol] - 1
    group = int(table["Column"][row])
    lowest = float(table["cation_charge_min"][row])
    is_d_metal = group in _D_GROUPS and symbol in _TRANSITION
    if symbol == "Mn" and anions & _CHALCOGENS:
        return lowest
    if is_d_metal and not localised:
        return float(group)
    if is_d_metal and anions & _HALOGENS and not anions - _HALOGENS:
        return min(lowest, 2.0)
    if symbol in _DIVALENT and anions & (_LOCALISING | _CHALCOGENS):
        return 2.0
    if symbol in ("Si", "Ge"):  # bind one another
        return 0.0
    return _LONE_PAIRS.get(symbol, lowest)


def _mixed_valent(batch: MaterialBatch, amounts: Mapping[str, float]) -> str | None:
    """Return the only transition metal of a compound where the others leave it a charge that is no whole number."""
    ions, table = assign_ions(batch), element_table()
    metals = [s for s in amounts if s in _TRANSITION and int(table["Column"][ATOMIC_NUMBER[s] - 1]) in _D_GROUPS]
    if len(metals) != 1:
        return None
    index = batch.element_index[0]
    place = index.tolist().index(ATOMIC_NUMBER[metals[0]] - 1)
    others = ions.cations[0].copy()
    others[place] = 0.0
    low, high = table["cation_charge_min"][index], table["cation_charge_max"][index]
    fixed = others > 0
    if (low[fixed] != high[fixed]).any():
        return None
    charge = -float((ions.anions[0] * table["anion_charge"][index]).sum() + (others * low).sum())
    charge /= float(batch.fraction[0, place])
    within = low[place] < charge < high[place]
    return metals[0] if within and abs(charge - round(charge)) > 1e-3 else None
