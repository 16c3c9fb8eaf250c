"""Prototypes told from formulas: known materials land in theirs, and no spelling of a formula changes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER
from training.properties.conductivity.prototypes import COUNT_STEP, RULES, Prototype, prototypes_of

KNOWN = {
    Prototype.NASICON: (
        "LiTi2(PO4)3",
        "Li1.3Al0.3Ti1.7(PO4)3",
        "Li1.5Al0.5Ge1.5(PO4)3",
        "LiZr2P3O12",
        "Li3Zr2Si2PO12",
        "Li1.2Ca0.1Zr1.9(PO4)3",
        "Li3Sc2(PO4)3",
    ),
    Prototype.GARNET: (
        "Li7La3Zr2O12",
        "Li6.5La3Zr1.5Ta0.5O12",
        "Li5La3Nb2O12",
        "Li6BaLa2Ta2O12",
        "Li6.4Ga0.2La3Zr2O12",
        "Li3Nd3Te2O12",
    ),
    Prototype.PEROVSKITE: ("Li0.33La0.557TiO3", "Li0.5La0.5TiO3", "Li0.375Sr0.4375Ta0.75Zr0.25O3"),
    Prototype.LISICON: ("Li3PO4", "Li4SiO4", "Li3.5Ge0.5V0.5O4", "Li14Zn(GeO4)4", "Li3VO4"),
    Prototype.ARGYRODITE: ("Li6PS5Cl", "Li5.5PS4.5Cl1.5", "Li6PS5I", "Li7PS6", "Li6.6P0.4Ge0.6S5I"),
    Prototype.LGPS: ("Li10GeP2S12", "Li10SnP2S12", "Li9.54Si1.74P1.44S11.7Cl0.3"),
    Prototype.THIO_LISICON: ("Li3PS4", "Li4GeS4", "Li4SnS4", "Li3AsS4", "Li3SbS4", "Li7P3S11"),
    Prototype.THIOPHOSPHATE: ("Li4P2S6", "LiPS3"),
    Prototype.TERNARY_HALIDE: ("Li3YCl6", "Li3InCl6", "Li3YBr6", "Li2ZrCl6", "Li2.5Y0.5Zr0.5Cl6", "Li2MgCl4"),
    Prototype.TRIHALIDE: ("LaCl3", "Li0.388Ta0.238La0.475Cl3"),
    Prototype.ANTIPEROVSKITE: ("Li3OCl", "Li3OBr", "Li2OHCl"),
    Prototype.OXYHALIDE: ("LiTaOCl4", "LiNbOCl4", "Li3Ta3O4Cl10", "LiAlCl2.5O0.75"),
    Prototype.HYDRIDE: ("LiBH4", "Li2B12H12", "LiCB11H12"),
    Prototype.ROCKSALT: ("LiCoO2", "Li2TiO3", "LiNiO2"),
    Prototype.OTHER_OXIDE: ("Li2B4O7", "LiAlSi2O6", "Li4Ti5O12", "Li2SO4", "Li2TeO4"),
    Prototype.OTHER_CHALCOGENIDE: ("Li2S", "LiInS2", "Li2ZnSnSe4"),
    Prototype.OTHER: ("Li3N", "LiF", "Li"),
}

ELEMENTS = ("Li", "Na", "H", "O", "S", "Cl", "F", "N", "P", "Si", "Ge", "La", "Zr", "Ti", "Al", "Ta", "B")
AMOUNTS = st.dictionaries(
    st.sampled_from(ELEMENTS), st.integers(1, 2400).map(lambda n: n / 100), min_size=1, max_size=7
)


def codes(*formulas: str) -> NDArray[np.int8]:
    return prototypes_of(MaterialBatch.from_formulas(list(formulas)).matrix())


def row_of(amounts: dict[str, float]) -> NDArray[np.float64]:
    row = np.zeros(103)
    for symbol, amount in amounts.items():
        row[ATOMIC_NUMBER[symbol] - 1] = amount
    return row


@pytest.mark.parametrize("prototype", Prototype)
def test_known_materials_land_in_their_prototype(prototype: Prototype) -> None:
    found = codes(*KNOWN[prototype])
    wrong = {f: Prototype(code).name for f, code in zip(KNOWN[prototype], found, strict=True) if code != prototype}
    assert not wrong


def test_every_prototype_but_the_last_has_a_rule() -> None:
    assert {prototype for prototype, _ in RULES} == set(Prototype) - {Prototype.OTHER}


@given(amounts=AMOUNTS, factor=st.floats(1e-3, 1e3), seed=st.integers(0, 2**32 - 1))
def test_scale_and_rounding_change_nothing(amounts: dict[str, float], factor: float, seed: int) -> None:
    row = row_of(amounts)
    noise = 1.0 + 1e-14 * np.random.default_rng(seed).normal(size=103)
    assert prototypes_of(row[None])[0] == prototypes_of((row * factor * noise)[None])[0]


@given(amounts=AMOUNTS, times=st.sampled_from((2, 3, 7, 12)), random=st.randoms(use_true_random=False))
def test_another_spelling_changes_nothing(amounts: dict[str, float], times: int, random: object) -> None:
    """Terms in another order, all of them times a number."""
    terms = [(symbol, round(amount * times, 2)) for symbol, amount in amounts.items()]
    random.shuffle(terms)  # type: ignore[attr-defined]
    # a zero at the end says that an amount is meant as it stands, whatever slip it looks like
    plain, other = ("".join(f"{s}{x:.6f}0" for s, x in spelling) for spelling in (amounts.items(), terms))
    one, two = codes(plain, other)
    assert one == two


@given(rows=st.lists(AMOUNTS, min_size=2, max_size=8), random=st.randoms(use_true_random=False))
def test_a_material_s_prototype_does_not_depend_on_its_company(rows: list[dict[str, float]], random: object) -> None:
    matrix = np.array([row_of(amounts) for amounts in rows])
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    together = prototypes_of(matrix)
    np.testing.assert_array_equal(prototypes_of(matrix[order]), together[order])
    np.testing.assert_array_equal([prototypes_of(row[None])[0] for row in matrix], together)


def test_a_count_on_a_rule_s_edge_is_decided_alike_however_it_is_written() -> None:
    """Half a metal per three halogens is exactly the edge of the trihalides: Li1.725Zr0.725Ta0.275Cl6."""
    spellings = [
        f"Li{1.725 * k:.10g}Zr{0.725 * k:.10g}Ta{0.275 * k:.10g}Cl{6 * k:.10g}" for k in (1, 1 / 3, 0.7, 7, 11)
    ]
    assert len(set(codes(*spellings).tolist())) == 1


def test_counts_are_rounded_far_below_what_a_formula_can_say() -> None:
    assert COUNT_STEP <= 1e-6
    assert codes().shape == (0,)
