"""Precursors and reactions: every set balances, masses add up, known recipes are found, what is missing is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.candidate import MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.elements import molar_mass_g_per_mol
from features.formula import format_formula, parse_formula
from serving.generation.compositions import write_formulas
from serving.synthesis.balance import BalancedSet, balanced_sets
from serving.synthesis.batch import weigh
from serving.synthesis.errors import ShelfError, SynthesisCode, SynthesisError
from serving.synthesis.gases import GASES, MOLAR_VOLUME_L
from serving.synthesis.shelf import Handling, default_shelf, read_rows, read_shelf

TARGETS = (
    "Li6PS5Cl",
    "Li7La3Zr2O12",
    "Li3YCl6",
    "Li10GeP2S12",
    "Li3PS4",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Li6.4La3Zr1.4Ta0.6O12",
    "Li3InCl6",
    "Li5.5PS4.5Cl1.5",
    "Li2ZrCl6",
    "Li0.33La0.557TiO3",
    "Li3BO3",
    "Li2CO3",
    "Li3OCl",
    "Na3PS4",
    "Li1.5Al0.5Ge1.5P3O12",
    "Li14ZnGe4O16",
    "Li3Y0.25In0.25Sc0.25Er0.25Cl6",
)


def sets_of(target: str) -> list[BalancedSet]:
    return list(balanced_sets(parse_formula(target), default_shelf()).sets)


def named(made: BalancedSet) -> dict[str, float]:
    return {s.precursor.formula: n for s, n in zip(made.sources, made.coefficients, strict=True)}


# ---------------------------------------------------------------- the shelf


def test_every_bottle_is_a_compound_and_leaves_a_neutral_rest() -> None:
    shelf = default_shelf()
    assert 60 <= len(shelf) <= 150
    compositions = {format_formula(p.amounts) for p in shelf}
    assert len(compositions) == len(shelf)
    for precursor in shelf:
        if precursor.formula == "TeO2":  # the features take tellurium for an anion
            continue
        for amounts in (precursor.amounts, precursor.residue):
            if len(amounts) > 1:
                batch = MaterialBatch.from_formulas([format_formula(amounts)])
                assert abs(assign_ions(batch).charge_imbalance[0]) < NEUTRALITY_TOLERANCE, precursor.formula
        assert precursor.gases.keys() <= GASES.keys()
        assert not {"C", "N", "H"} & precursor.residue.keys() or not precursor.gases


@pytest.mark.parametrize(
    ("formula", "rest"),
    [("Li2CO3", "Li2O"), ("NH4H2PO4", "P2O5"), ("LiNO3", "Li2O"), ("La(OH)3", "La2O3"), ("LiOH·H2O", "Li2O")],
)
def test_what_heating_leaves(formula: str, rest: str) -> None:
    (precursor,) = (p for p in default_shelf() if p.formula == formula)
    left, expected = precursor.residue, parse_formula(rest)
    ratio = {symbol: left[symbol] / expected[symbol] for symbol in expected}
    assert left.keys() == expected.keys()
    assert max(ratio.values()) == pytest.approx(min(ratio.values()))


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (["formula,colour", "Li2S,white"], "header"),
        (["formula", "Qq2"], "line 2"),
        (["formula,purity", "Li2S,1.2"], "purity"),
        (["formula,rank", "Li2S,7"], "rank"),
        (["formula,handling", "Li2S,fridge"], "handling"),
        (["formula,gases", "Li2CO3,1 Cl2"], "no amount of a gas"),
        (["formula,gases", "Li2CO3,2 CO2"], "more than"),
        (["formula"], "0 precursors"),
    ],
)
def test_a_shelf_that_cannot_be_read_names_the_line(lines: list[str], word: str) -> None:
    with pytest.raises(ShelfError, match=word):
        read_rows(lines, "mine.csv")


def test_an_own_shelf(tmp_path: Path) -> None:
    path = tmp_path / "shelf.csv"
    path.write_text("formula,purity,handling\n# ours\nLi2S,0.98,glove box\n\nP2S5,,\n", encoding="utf-8")
    lithium, phosphorus = read_shelf(path)
    assert (lithium.purity, lithium.handling, phosphorus.purity) == (0.98, Handling.GLOVE_BOX, 1.0)
    assert named(balanced_sets(parse_formula("Li3PS4"), [lithium, phosphorus]).sets[0]) == pytest.approx(
        {"Li2S": 1.5, "P2S5": 0.5}
    )
    with pytest.raises(ShelfError, match="cannot be read"):
        read_shelf(tmp_path / "nowhere.csv")
    path.write_text("formula,name\nLi2S,x\n", encoding="utf-16")
    assert [one.formula for one in read_shelf(path)] == ["Li2S"]
    path.write_bytes("formula,name\nLi2S,x\nP2S5,90°\n".encode("cp1252"))
    with pytest.raises(ShelfError, match=r"line 3: received the byte 0xb0.*save it as UTF-8"):
        read_shelf(path)
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ShelfError, match="Excel workbook"):
        read_shelf(path)


# ---------------------------------------------------------------- balance


@pytest.mark.parametrize(
    ("target", "precursors", "gases"),
    [
        ("Li6PS5Cl", {"Li2S": 2.5, "P2S5": 0.5, "LiCl": 1.0}, {}),
        ("Li7La3Zr2O12", {"Li2CO3": 3.5, "La2O3": 1.5, "ZrO2": 2.0}, {"CO2": 3.5}),
        ("Li3YCl6", {"LiCl": 3.0, "YCl3": 1.0}, {}),
        ("Li10GeP2S12", {"Li2S": 5.0, "GeS2": 1.0, "P2S5": 1.0}, {}),
        (
            "Li1.3Al0.3Ti1.7(PO4)3",
            {"Li2CO3": 0.65, "Al2O3": 0.15, "TiO2": 1.7, "NH4H2PO4": 3.0},
            {"CO2": 0.65, "NH3": 3.0, "H2O": 4.5},
        ),
        ("Li2ZrCl6", {"LiCl": 2.0, "ZrCl4": 1.0}, {}),
        ("Li3OCl", {"Li2O": 1.0, "LiCl": 1.0}, {}),
        ("Li2CO3", {}, {}),
    ],
)
def test_known_recipes_are_among_the_sets(target: str, precursors: dict[str, float], gases: dict[str, float]) -> None:
    if not precursors:  # what stands on the shelf is not made of itself
        with pytest.raises(SynthesisError):
            sets_of(target)
        return
    made = next(made for made in sets_of(target) if named(made).keys() == precursors.keys())
    assert named(made) == pytest.approx(precursors)
    assert dict(made.gases) == pytest.approx(gases)


@pytest.mark.parametrize("target", [t for t in TARGETS if t != "Li2CO3"])
def test_every_set_balances_and_no_smaller_one_is_in_it(target: str) -> None:
    balance = balanced_sets(parse_formula(target), default_shelf())
    found, atoms = balance.sets, dict(balance.target)
    assert balance.adjusted == ("O" if target == "Li0.33La0.557TiO3" else None)
    written = write_formulas(tuple(atoms), np.array([list(atoms.values())]))[0]
    keys = [frozenset(named(made)) for made in found]
    # a carbonate may go in whole or heated: the same bottles twice, with other gases
    assert len({(key, tuple(made.gases)) for key, made in zip(keys, found, strict=True)}) == len(found)
    for made, key in zip(found, keys, strict=True):
        assert made.reaction(written).imbalance() < 1e-6
        assert len(key) <= len(atoms)
        assert min(made.coefficients) > 0
        assert not any(other < key for other in keys if "C" not in atoms and "H" not in atoms)


SIMPLE = ("Li2S", "LiCl", "LiBr", "P2S5", "GeS2", "SiS2", "YCl3", "InCl3", "La2O3", "ZrO2", "Ta2O5", "Li2O", "TiO2")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(SIMPLE), st.integers(1, 6), min_size=1, max_size=4), st.floats(0.01, 500.0))
def test_what_is_mixed_from_the_shelf_can_be_made_from_it(parts: dict[str, int], grams: float) -> None:
    target: dict[str, float] = {}
    for formula, amount in parts.items():
        for symbol, n in parse_formula(formula).items():
            target[symbol] = target.get(symbol, 0.0) + amount * n
    shelf = [p for p in default_shelf() if p.formula in SIMPLE]
    try:
        balance = balanced_sets(target, shelf)
    except SynthesisError:
        assert len(parts) == 1 or len(target) < len(parts)  # the target itself is a bottle, or a mixture of many
        return
    assert balance.complete
    assert balance.adjusted is None
    mass = molar_mass_g_per_mol(target)
    for made in balance.sets:
        batch = weigh(made, target, grams)
        assert sum(w.mass_g for w in batch.weighings) == pytest.approx(grams, rel=1e-6)
        moles = {w.formula: w.millimoles / 1000.0 for w in batch.weighings}
        for symbol, amount in target.items():
            brought = sum(moles[s.precursor.formula] * s.contents.get(symbol, 0.0) for s in made.sources)
            assert brought == pytest.approx(amount * grams / mass, rel=1e-6)


def test_masses_gases_purity_and_excess_of_a_garnet() -> None:
    target = parse_formula("Li7La3Zr2O12")
    bottles = [p for p in default_shelf() if p.formula in ("Li2CO3", "La2O3", "ZrO2")]
    (made,) = balanced_sets(target, bottles).sets
    plain, rich = weigh(made, target, 10.0), weigh(made, target, 10.0, 0.1)
    gas = sum(volume / MOLAR_VOLUME_L * 44.0095 for volume in plain.gas_volume_L.values())
    assert sum(w.mass_g for w in plain.weighings) - gas == pytest.approx(10.0, rel=1e-4)
    lithium = {w.formula: w for w in rich.weighings}["Li2CO3"]
    assert (lithium.excess, rich.excess_source) == (pytest.approx(0.1), "Li2CO3")
    assert lithium.mass_g == pytest.approx(1.1 * {w.formula: w for w in plain.weighings}["Li2CO3"].mass_g)
    assert rich.gas_volume_L["CO2"] == pytest.approx(1.1 * plain.gas_volume_L["CO2"])
    impure = read_rows(["formula,purity,gases", "Li2CO3,0.5,1 CO2", "La2O3,1,", "ZrO2,1,"], "s")
    (weaker,) = balanced_sets(target, impure).sets
    assert weigh(weaker, target, 10.0).weighings[0].mass_g == pytest.approx(2 * plain.weighings[0].mass_g)


def test_no_excess_without_a_source_of_lithium_alone() -> None:
    target = parse_formula("Li3YCl6")
    batch = weigh(sets_of("Li3YCl6")[0], target, 1.0, 0.1)
    assert (batch.lithium_excess, batch.excess_source) == (0.0, None)
    assert sum(w.mass_g for w in batch.weighings) == pytest.approx(1.0)


# ---------------------------------------------------------------- what cannot be made


@pytest.mark.parametrize(
    ("target", "code", "word"),
    [
        ("UO2", SynthesisCode.ELEMENT_NOT_ON_SHELF, "U is in no bottle"),
        ("LiTaS3", SynthesisCode.ELEMENT_NOT_ON_SHELF, "Ta is only in TaCl5, Ta2O5"),
        ("Li12PS4Cl", SynthesisCode.NO_BALANCED_SET, "Li2S"),
    ],
)
def test_what_is_missing_is_named(target: str, code: SynthesisCode, word: str) -> None:
    with pytest.raises(SynthesisError, match=word) as caught:
        sets_of(target)
    assert caught.value.code is code


def test_formulas_printed_to_a_few_digits_are_balanced_by_their_anion() -> None:
    balance = balanced_sets(parse_formula("Li3Y0.333333In0.333333Sc0.333333Cl6"), default_shelf())
    assert balance.adjusted == "Cl"
    assert balance.target["Cl"] == pytest.approx(5.999997, abs=1e-9)
    with pytest.raises(SynthesisError, match="no set"):
        sets_of("Li0.3La0.557TiO3.2")


@pytest.mark.parametrize("target", ["Li3PS3O", "Li3PO4", "Li1.3Al0.3Ti1.7P3O12"])
def test_oxidisers_do_not_meet_fuels(target: str) -> None:
    balance = balanced_sets(parse_formula(target), [p for p in default_shelf() if p.formula != target])
    assert balance.unsafe > 0
    for made in balance.sets:
        bottles = named(made).keys()
        assert not ("LiNO3" in bottles and bottles & {"P", "S", "Li3N", "Li2S", "P2S5", "NH4H2PO4", "(NH4)2HPO4"})
        assert not ("H2O" in made.gases and bottles & {"S", "Li2S", "P2S5"})
        assert not ("Li2SO4" in bottles and bottles & {"P", "S", "Li2S", "P2S5"})


def test_a_target_that_only_an_unsafe_mixture_makes_is_refused() -> None:
    with pytest.raises(SynthesisError, match="oxidiser"):
        sets_of("Li2PO2N")
