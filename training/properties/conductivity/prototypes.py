"""Structure prototypes told from the formula alone.

Which structure a lithium conductor takes decides more about its conductivity than which elements fill it, and in the
classic families the structure shows in the stoichiometry: one tetrahedron and two octahedra per four oxygen and some
lithium is NASICON, whichever elements they are. Each rule below compares such counts with those of the ideal
structure, with room for doping. The first rule that fits decides; what fits none is called after its anions. A
prototype is a guess from stoichiometry and no statement that the phase forms.

Counts are rounded to `COUNT_STEP`, so that two spellings of one composition never fall on two sides of a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

COUNT_STEP = 1e-6
MOST = 0.85
"""Share of the anions from which a material is an oxide or a halide."""
OXYGEN_PER_CHALCOGEN_CATION = 3.0
"""From this much oxygen on, sulfur, selenium and tellurium are oxidised: sulfites, sulfates, tellurates."""


class Prototype(IntEnum):
    """The prototypes, in the order in which their rules are tried."""

    NASICON = 0
    GARNET = 1
    PEROVSKITE = 2
    LISICON = 3
    ARGYRODITE = 4
    LGPS = 5
    THIO_LISICON = 6
    THIOPHOSPHATE = 7
    TERNARY_HALIDE = 8
    TRIHALIDE = 9
    ANTIPEROVSKITE = 10
    OXYHALIDE = 11
    HYDRIDE = 12
    ROCKSALT = 13
    OTHER_OXIDE = 14
    OTHER_CHALCOGENIDE = 15
    OTHER = 16


@dataclass(frozen=True)
class Counts:
    """Shares of all atoms by their role; every field has shape (n,).

    Parameters
    ----------
    lithium, other_alkali, hydrogen, oxygen, chalcogen, halogen, nitrogen
        Li; Na, K, Rb, Cs and Ag; H; O; S, Se and Te, but not those of sulfates and tellurates; F, Cl, Br and I; N.
    phosphorus
        P, which is also among the tetrahedral.
    small_tetrahedral
        P, Si and As: in oxides next to always in tetrahedra.
    germanium
        Ge, in tetrahedra or octahedra.
    tetrahedral
        All that is often found in tetrahedra of oxygen.
    large
        La, Ba and the like: the sites of eight to twelve neighbours in garnets and perovskites.
    chalcogenide_centres
        All that is often surrounded by four sulfur.
    """

    lithium: Array
    other_alkali: Array
    hydrogen: Array
    oxygen: Array
    chalcogen: Array
    halogen: Array
    nitrogen: Array
    phosphorus: Array
    small_tetrahedral: Array
    germanium: Array
    tetrahedral: Array
    large: Array
    chalcogenide_centres: Array

    @classmethod
    def of(cls, composition: Array) -> Counts:
        """Count from a composition matrix (n, 103) of any scale."""
        total = composition.sum(axis=1)
        fractions = composition / np.where(total > 0.0, total, 1.0)[:, None]
        groups = (
            "Li",
            "Na K Rb Cs Ag",
            "H",
            "O",
            "S Se Te",
            "F Cl Br I",
            "N",
            "P",
            "P Si As",
            "Ge",
            "P Si As Ge V B Al Ga Zn S Be",
            "La Nd Pr Sm Ce Eu Gd Sr Ca Ba Y Bi",
            "P Sb As Ge Si Sn Al Ga In Zn Ti",
        )
        counts = cls(*(fractions[:, [ATOMIC_NUMBER[s] - 1 for s in group.split()]].sum(axis=1) for group in groups))
        is_cation = _rounded(counts.oxygen - OXYGEN_PER_CHALCOGEN_CATION * counts.chalcogen) >= 0.0
        return replace(counts, chalcogen=np.where(is_cation, 0.0, counts.chalcogen))

    @cached_property
    def anions(self) -> Array:
        """O, S, Se, Te, halogens and N."""
        return self.oxygen + self.chalcogen + self.halogen + self.nitrogen

    @cached_property
    def framework(self) -> Array:
        """Every atom that is neither anion, lithium or another alkali metal, nor hydrogen."""
        return 1.0 - self.anions - self.lithium - self.hydrogen - self.other_alkali

    @cached_property
    def is_oxide(self) -> Mask:
        """Oxygen is most of the anions and there is no hydrogen to speak of."""
        return (_per(1, self.oxygen, self.anions) > MOST) & (_rounded(self.hydrogen) < 0.02)

    @cached_property
    def is_chalcogenide(self) -> Mask:
        """S, Se and Te are half of the anions and oxygen is not a quarter."""
        return (_per(1, self.chalcogen, self.anions) > 0.5) & (_per(1, self.oxygen, self.anions) < 0.25)

    @cached_property
    def is_halide(self) -> Mask:
        """Halogens are most of the anions."""
        return _per(1, self.halogen, self.anions) > MOST


def prototypes_of(composition: Array) -> NDArray[np.int8]:
    """Return the prototype of each material as its code in `Prototype`.

    Parameters
    ----------
    composition
        Shape (n, 103), amounts by atomic number from hydrogen on; their scale does not matter.
    """
    table = np.ascontiguousarray(composition, dtype=np.float64)
    return np.frombuffer(_codes(table.tobytes(), table.shape[1]), dtype=np.int8)


@lru_cache(maxsize=8)
def _codes(composition: bytes, width: int) -> bytes:
    """Return the codes of a table: of one batch, several ask."""
    counts = Counts.of(np.frombuffer(composition).reshape(-1, width))
    codes = np.full(len(counts.lithium), Prototype.OTHER, dtype=np.int8)
    undecided = np.ones(len(codes), dtype=np.bool_)
    for prototype, rule in RULES:
        fits = rule(counts)
        codes[undecided & fits] = prototype
        undecided &= ~fits
        if not undecided.any():
            break
    return codes.tobytes()


def _nasicon(c: Counts) -> Mask:
    """LiM2(TO4)3: corner-sharing octahedra and tetrahedra, three-dimensional channels.

    Hong, doi 10.1016/0025-5408(76)90073-8; Goodenough et al., doi 10.1016/0025-5408(76)90077-5; lithium: Aono et al.,
    doi 10.1149/1.2086597. Per 12 O three tetrahedra, two octahedra. Germanium may fill either.
    """
    framework, tetrahedra = _per(12, c.framework, c.oxygen), _per(12, c.small_tetrahedral, c.oxygen)
    with_germanium = _per(12, c.small_tetrahedral + c.germanium, c.oxygen)
    strict = _near(tetrahedra, 3, 0.35) & _near(_per(12, c.framework - c.small_tetrahedral, c.oxygen), 2, 0.3)
    germanate = _near(with_germanium, 3, 0.2) & _near(framework, 5, 0.3) & (_rounded(c.small_tetrahedral) > 0.01)
    room = _per(12, c.lithium + c.other_alkali, c.oxygen + c.halogen) < 4.5
    return c.is_oxide & (strict | germanate) & room


def _garnet(c: Counts) -> Mask:
    """Li_x A3 B2 O12, 3 to 7 lithium: Li7La3Zr2O12 (Murugan et al., doi 10.1002/anie.200701144)."""
    lithium = _per(12, c.lithium + c.other_alkali, c.oxygen + c.halogen)
    large, octahedral = _per(12, c.large, c.oxygen), _per(12, c.framework - c.large, c.oxygen)
    return c.is_oxide & _near(large, 3, 0.45) & _near(octahedral, 2, 0.45) & (lithium > 2.5) & (lithium < 8.0)


def _perovskite(c: Counts) -> Mask:
    """ABO3 with lithium, large ions and vacancies on A: (Li,La)TiO3 (Inaguma et al., doi 10.1016/0038-1098(93)90841-A).

    Reviewed by Stramare et al., doi 10.1021/cm0300516.
    """
    on_a = _per(3, c.large + c.lithium + c.other_alkali, c.oxygen)
    on_b, large = _per(3, c.framework - c.large, c.oxygen), _per(3, c.large, c.oxygen)
    few_tetrahedra = _rounded(c.small_tetrahedral) < 0.02
    return c.is_oxide & (on_a < 1.15) & _near(on_b, 1, 0.15) & (large > 0.15) & few_tetrahedra


def _lisicon(c: Counts) -> Mask:
    """Li_x(TO4): isolated tetrahedra, gamma-Li3PO4 and Li4SiO4 (Hong, doi 10.1016/0025-5408(78)90075-2)."""
    tetrahedra, lithium = _per(4, c.tetrahedral, c.oxygen), _per(4, c.lithium, c.oxygen)
    cations, others = _per(4, c.lithium + c.framework, c.oxygen), _per(4, c.framework - c.tetrahedral, c.oxygen)
    return (
        c.is_oxide
        & (tetrahedra > 0.7)
        & (tetrahedra < 2.1)
        & (lithium > 1.5)
        & _near(cations, 4.5, 0.9)
        & (others < 0.35)
    )


def _argyrodite(c: Counts) -> Mask:
    """Li6PS5Cl: one centre per six anions and much lithium (Deiseroth et al., doi 10.1002/anie.200703900)."""
    centres, lithium = _per(6, c.chalcogenide_centres, c.anions), _per(6, c.lithium, c.anions)
    with_halogen = _near(centres, 1, 0.12) & (lithium > 4.9) & (_per(6, c.halogen, c.anions) > 0.15)
    without = _near(centres, 1, 0.05) & (lithium > 6.2)
    return c.is_chalcogenide & (with_halogen | without)


def _lgps(c: Counts) -> Mask:
    """Li10GeP2S12: three centres per twelve anions, phosphorus and others (Kamaya et al., doi 10.1038/nmat3066)."""
    lithium = _per(12, c.lithium, c.anions)
    mixed = (_rounded(c.phosphorus) > 0.01) & (_rounded(c.framework - c.phosphorus) > 0.005)
    return (
        c.is_chalcogenide & _near(_per(12, c.framework, c.anions), 3, 0.25) & (lithium > 9.2) & (lithium < 11.5) & mixed
    )


def _thio_lisicon(c: Counts) -> Mask:
    """Li_x(MS4): tetrahedra of sulfur, mostly isolated (Kanno and Murayama, doi 10.1149/1.1379028).

    Li7P3S11, which has pairs of them too, comes so near in stoichiometry that it counts here.
    """
    lithium = _per(4, c.lithium, c.anions)
    return c.is_chalcogenide & _near(_per(4, c.framework, c.anions), 1, 0.25) & (lithium > 2.2) & (lithium < 5.2)


def _thiophosphate(c: Counts) -> Mask:
    """Further phosphorus and sulfur: Li4P2S6, LiPS3 and glasses near them."""
    return c.is_chalcogenide & (_rounded(c.phosphorus) > 0.05)


def _ternary_halide(c: Counts) -> Mask:
    """Li3MX6: close-packed halogens, octahedra of a trivalent metal (Asano et al., doi 10.1002/adma.201803075).

    Spinels Li2MX4 have as much lithium per halogen and are not told apart.
    """
    metal = _per(6, c.framework, c.halogen)
    return c.is_halide & _near(_per(6, c.lithium, c.halogen), 3, 1.05) & (metal > 0.6) & (metal < 1.6)


def _trihalide(c: Counts) -> Mask:
    """MX3 frameworks with some lithium, such as those of UCl3 type (Yin et al., doi 10.1038/s41586-023-05899-8)."""
    return c.is_halide & (_per(3, c.lithium, c.halogen) < 1.0) & (_per(3, c.framework, c.halogen) > 0.5)


def _antiperovskite(c: Counts) -> Mask:
    """Li3OX: lithium around oxygen and hardly another cation (Zhao and Daemen, doi 10.1021/ja305709z)."""
    mixed = (_per(1, c.oxygen, c.anions) > 0.2) & (_per(1, c.halogen, c.anions) > 0.2)
    return (_per(1, c.lithium, c.anions) > 0.9) & mixed & (_rounded(c.framework) < 0.05)


def _oxyhalide(c: Counts) -> Mask:
    """Oxygen and halogen on one metal, LiTaOCl4 (Tanaka et al., doi 10.1002/anie.202217581)."""
    mixed = (_per(1, c.oxygen, c.anions) > 0.08) & (_per(1, c.halogen, c.anions) > 0.15)
    return mixed & (_rounded(c.framework) > 0.03)


def _hydride(c: Counts) -> Mask:
    """Complex hydrides, LiBH4 (Matsuo et al., doi 10.1063/1.2817934)."""
    return _rounded(c.hydrogen) > 0.3


def _rocksalt(c: Counts) -> Mask:
    """As many cations as anions on two face-centred lattices (Lee et al., doi 10.1126/science.1246432)."""
    return c.is_oxide & _near(_per(1, 1.0 - c.anions, c.anions), 1, 0.12)


def _other_chalcogenide(c: Counts) -> Mask:
    """No known kind, sulfur, selenium or tellurium beside other anions at most."""
    return _per(1, c.chalcogen, c.anions) > 0.3


def _other_oxide(c: Counts) -> Mask:
    """No known kind, oxygen is half of the anions."""
    return _per(1, c.oxygen, c.anions) > 0.5


RULES: tuple[tuple[Prototype, Callable[[Counts], Mask]], ...] = (
    (Prototype.NASICON, _nasicon),
    (Prototype.GARNET, _garnet),
    (Prototype.PEROVSKITE, _perovskite),
    (Prototype.LISICON, _lisicon),
    (Prototype.ARGYRODITE, _argyrodite),
    (Prototype.LGPS, _lgps),
    (Prototype.THIO_LISICON, _thio_lisicon),
    (Prototype.THIOPHOSPHATE, _thiophosphate),
    (Prototype.OTHER_CHALCOGENIDE, lambda c: c.is_chalcogenide),
    (Prototype.TERNARY_HALIDE, _ternary_halide),
    (Prototype.TRIHALIDE, _trihalide),
    (Prototype.ANTIPEROVSKITE, _antiperovskite),
    (Prototype.OXYHALIDE, _oxyhalide),
    (Prototype.HYDRIDE, _hydride),
    (Prototype.ROCKSALT, _rocksalt),
    (Prototype.OTHER_OXIDE, _other_oxide),
    (Prototype.OTHER_CHALCOGENIDE, _other_chalcogenide),
)
"""First match decides."""


def _rounded(count: Array) -> Array:
    rounded: Array = np.rint(count / COUNT_STEP) * COUNT_STEP
    return rounded


def _per(number: int, part: Array, whole: Array) -> Array:
    """Return how much of one there is per `number` of the other, rounded; huge where there is none of the other."""
    return _rounded(number * part / np.maximum(whole, 1e-9))


def _near(count: Array, ideal: float, within: float) -> Mask:
    near: Mask = np.abs(count - ideal) < within
    return near
