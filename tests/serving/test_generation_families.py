"""Families: neutral, without duplicates, in one order, and what the field knows is among them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from features.candidate import MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.formula import format_formula, parse_formula
from serving.cli import elyte
from serving.generation.block import Block, Labels
from serving.generation.compositions import distinct
from serving.generation.errors import GenerationError
from serving.generation.families import Limits, Parent
from serving.generation.ions import UNUSUAL, assign_charges, ions, stand_ins
from serving.generation.known import KnownMaterials
from serving.generation.output import COLUMNS, write_table
from serving.generation.request import GenerationRequest, Mixture, generate
from serving.generation.table import Candidates, Selection, collect
from serving.predictor import Predictor

PARENTS = ("Li7La3Zr2O12", "Li6PS5Cl", "Li3YCl6", "Li10GeP2S12", "Li1.3Al0.3Ti1.7(PO4)3", "Li3InCl6", "Li3OCl")


def family(parent: str, limits: Limits | None = None, **which: bool | Mixture) -> Candidates:
    return generate(GenerationRequest(parents=(parent,), limits=limits or Limits(), **which))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def known() -> KnownMaterials:
    return KnownMaterials.of_served_models("shipped")


# ---------------------------------------------------------------- charges


@pytest.mark.parametrize(
    ("formula", "charges"),
    [
        ("Li6PS5Cl", {"Li": 1, "P": 5, "S": -2, "Cl": -1}),
        ("Li7La3Zr2O12", {"Li": 1, "La": 3, "Zr": 4, "O": -2}),
        ("Li1.3Al0.3Ti1.7P3O12", {"Li": 1, "Al": 3, "Ti": 4, "P": 5, "O": -2}),
        ("Li2SO4", {"Li": 1, "S": 6, "O": -2}),
        ("LiFePO4", {"Li": 1, "Fe": 2, "P": 5, "O": -2}),
        ("Li3N", {"Li": 1, "N": -3}),
        ("Li2ZrCl6", {"Li": 1, "Zr": 4, "Cl": -1}),
    ],
)
def test_parents_get_their_usual_charges(formula: str, charges: dict[str, int]) -> None:
    assert {symbol: ion.charge for symbol, ion in assign_charges(parse_formula(formula)).items()} == charges


def test_a_parent_that_cannot_be_neutral_is_refused() -> None:
    with pytest.raises(GenerationError, match="neutral"):
        Parent.read("Li5PS2Cl")


def test_ions_and_stand_ins_are_plausible() -> None:
    zirconium = ions()["Zr", 4]
    assert zirconium.radius_A[6] == pytest.approx(0.72)
    allowed = frozenset({"Ti", "Hf", "Sn", "P", "Y"})
    assert {ion.symbol for ion, _ in stand_ins(zirconium, allowed)} == {"Ti", "Hf", "Sn"}
    assert str(zirconium) == "Zr4+"


# ---------------------------------------------------------------- families


@pytest.mark.parametrize("parent", PARENTS)
def test_every_member_is_neutral_positive_and_new(parent: str) -> None:
    steps = Limits(steps=(0.1, 0.2))
    found = family(parent, steps, dope=True, swap=True, anions=True)
    assert len(found) > 10
    assert np.abs(found.charge_imbalance).max() <= NEUTRALITY_TOLERANCE
    amounts = [parse_formula(formula) for formula in found.formula]
    assert all(min(row.values()) > 0 for row in amounts)
    own = parse_formula(parent).keys()
    assert not any((row.keys() - own) & UNUSUAL for row in amounts)
    charge = [sum(ion.charge * row.get(s, 0.0) for s, ion in assign_charges(row).items()) for row in amounts[:40]]
    assert np.abs(charge).max() < 0.02 * 30


def test_what_the_field_dopes_is_found() -> None:
    garnets = family("Li7La3Zr2O12", Limits(steps=(0.25, 0.5)), dope=True).formula
    assert {"Li6.25Al0.25La3Zr2O12", "Li6.25Ga0.25La3Zr2O12", "Li6.5La3Zr1.5Ta0.5O12", "Li6.5La3Zr1.5Nb0.5O12"} <= set(
        garnets
    )
    argyrodites = family("Li6PS5Cl", Limits(steps=(0.5,)), dope=True).formula
    spelled = {format_formula(parse_formula(formula)) for formula in argyrodites}
    for expected in ("Li5.5PS4.5Cl1.5", "Li6.5P0.5Ge0.5S5Cl", "Li6.5P0.5Si0.5S5Cl"):
        assert format_formula(parse_formula(expected)) in spelled


def test_anions_are_exchanged_in_part_and_in_whole() -> None:
    found = family("Li6PS5Cl", Limits(steps=(0.5,)), anions=True).formula
    spelled = {format_formula(parse_formula(formula)) for formula in found}
    assert {format_formula(parse_formula(f)) for f in ("Li6PS5Br", "Li6PS5Br0.5Cl0.5")} <= spelled


def test_together_means_two_sites() -> None:
    limits = Limits(elements=frozenset({"Al", "Ta", "Sr"}), steps=(0.2,), together=2)
    found = family("Li7La3Zr2O12", limits, dope=True)
    assert any("Al3+ on Li+, Ta5+ on Zr4+" in rule for rule in found.rule)
    assert "Li6.2Al0.2La3Zr1.8Ta0.2O12" in found.formula


def test_limits_are_kept() -> None:
    with_cobalt = Limits(allow=frozenset({"Co"}), exclude=frozenset({"Al"}), steps=(0.1,))
    rules = " ".join(family("Li7La3Zr2O12", with_cobalt, dope=True).rule)
    assert "Co" in rules
    assert "Al3+" not in rules
    narrow = family("Li7La3Zr2O12", Limits(radius_tolerance_A=0.05, steps=(0.1,)), dope=True)
    assert 0 < len(narrow) < len(family("Li7La3Zr2O12", Limits(steps=(0.1,)), dope=True))


def test_high_entropy_shares_a_site_and_keeps_the_balance() -> None:
    equal = family("Li3YCl6", mixture=Mixture(("Y", "In", "Sc", "Er"), 4))
    assert equal.formula == ["Li3Y0.25In0.25Sc0.25Er0.25Cl6"]
    charged = family("Li3YCl6", mixture=Mixture(("Y", "In", "Zr"), 2))
    assert "Li2.5Y0.5Zr0.5Cl6" in charged.formula
    spread = family("Li3YCl6", mixture=Mixture(("Y", "In", "Sc", "Er"), 3, 0.25))
    assert len(spread) == 4 * 3
    for mixture, word in (
        (Mixture(("Ta", "Nb"), 2), "site"),
        (Mixture(("Y", "In"), 3), "2 to 2"),
        (Mixture(("Y", "In"), 2, 0.3), "whole part"),
    ):
        with pytest.raises(GenerationError, match=word):
            family("Li3YCl6", mixture=mixture)


def test_a_family_needs_a_parent_and_a_parent_a_family() -> None:
    with pytest.raises(GenerationError, match="--parent"):
        generate(GenerationRequest(dope=True))
    with pytest.raises(GenerationError, match="family"):
        generate(GenerationRequest(parents=("Li3YCl6",)))
    with pytest.raises(GenerationError, match="no lithium"):
        family("La2Zr2O7", dope=True)


# ---------------------------------------------------------------- the table

rows_of_amounts = st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(rows_of_amounts, st.floats(0.1, 7.0))
def test_duplicates_are_equal_compositions_and_the_first_stays(rows: list[list[int]], scale: float) -> None:
    amounts = np.array(rows, dtype=float)
    amounts[::2] *= scale
    block = Block(("Li", "S", "P"), amounts, "parent", Labels.same("rule", len(rows)), {})
    found = collect([block])
    reduced = [tuple(np.round(row / row.sum(), 5)) for row in amounts if row.sum() > 0]
    assert len(found) == len(set(reduced))
    firsts = [reduced.index(key) for key in dict.fromkeys(reduced)]
    assert firsts == sorted(firsts)
    assert found.made == len(found) + sum(found.dropped.values())


def test_equal_hashes_do_not_merge_compositions(monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.generation import compositions

    monkeypatch.setattr(compositions, "_hashes", lambda rows: np.zeros(len(rows), dtype=np.uint64))
    assert distinct(np.array([[0.5, 0.5], [0.2, 0.8], [0.5, 0.5]])).tolist() == [0, 1]


def test_the_order_and_the_draw_are_always_the_same() -> None:
    request = GenerationRequest(parents=("Li7La3Zr2O12",), dope=True, limits=Limits(steps=(0.1, 0.2)))
    everything = generate(request).formula
    assert everything == generate(request).formula
    assert generate(request, Selection(most=7)).formula == everything[:7]
    drawn = generate(request, Selection(most=7, seed=3)).formula
    assert drawn == generate(request, Selection(most=7, seed=3)).formula != everything[:7]
    assert [everything.index(formula) for formula in drawn] == sorted(everything.index(formula) for formula in drawn)


def test_what_is_left_out_is_counted_in_words() -> None:
    pattern = GenerationRequest(("Li{2-x}PS{5-x}Cl{1+x}",), {"x": np.array([0.0, 1.0, 3.0])})
    assert generate(pattern).dropped == {"an amount is negative or out of range": 1}
    assert generate(pattern, Selection(balanced_only=True)).dropped["no common oxidation states balance it"] == 2
    few = generate(GenerationRequest(("Li3{Y,In}Cl6", "{Na,Li}Cl")), Selection(most_elements=2, lithium_only=True))
    assert few.formula == ["LiCl"]
    assert few.dropped == {"no lithium": 1, "more than 2 elements": 2}


def test_charges_are_those_of_the_features() -> None:
    found = generate(GenerationRequest(("Li{x}PS4{Cl,O}{y}",), {"x": np.arange(1.0, 6), "y": np.array([0.0, 1.0])}))
    expected = assign_ions(MaterialBatch.from_formulas(found.formula)).charge_imbalance
    assert found.charge_imbalance == pytest.approx(expected, abs=1e-9)


def test_a_predictor_knows_what_its_models_know(known: KnownMaterials) -> None:
    request = GenerationRequest(("Li6PS5Cl", "Li3YCl6", "Li6PS5Cl0.7Br0.3", "Li5.9Mo0.1PS5Cl"))
    own = generate(request, known=Predictor.load("shipped").known_materials()).marks
    other = generate(request, known=known).marks
    assert own is not None
    assert other is not None
    assert (own.known, own.nearest) == (other.known, other.nearest)
    assert "measured" in own.known[0]
    without = generate(request, known=KnownMaterials.of({})).marks
    assert without is not None
    assert without.known == [""] * 4


def test_known_materials_are_marked(known: KnownMaterials) -> None:
    found = generate(GenerationRequest(("Li6PS5{Cl,F}", "Li5.37PS4.37Cl1.63", "Li3ScBr6", "Xe2O")), known=known)
    assert found.marks is not None
    assert found.marks.known == ["measured, phase table", "", "", "", ""]
    assert found.marks.nearest[0] == "Li6PS5Cl"
    assert found.marks.distance[0] == pytest.approx(0.0, abs=1e-6)
    assert 0 < found.marks.distance[2] < 0.05
    new = generate(GenerationRequest(("Li6PS5{Cl,F}",)), Selection(new_only=True), known)
    assert new.formula == ["Li6PS5F"]
    assert new.dropped == {"known already": 1}


def test_without_models_nothing_is_known() -> None:
    found = generate(GenerationRequest(("Li6PS5Cl",)), known=KnownMaterials(None, None))
    assert found.marks is not None
    assert found.marks.known == [""]
    assert np.isnan(found.marks.distance).all()


# ---------------------------------------------------------------- files and the command


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_files_hold_the_table(tmp_path: Path, known: KnownMaterials, ending: str) -> None:
    import pandas as pd

    found = generate(GenerationRequest(("Li3{Y,In}Cl6",)), known=known)
    path = tmp_path / f"out{ending}"
    write_table(found, path)
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".jsonl": lambda p: pd.read_json(p, lines=True)}
    table = read[ending](path)
    assert tuple(table.columns) == COLUMNS
    assert table["formula"].tolist() == ["Li3YCl6", "Li3InCl6"]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(elyte, ["generate", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_csv_and_json() -> None:
    code, out, err = run("Li{6-x}PS{5-x}Cl{1+x}", "x=0:0.4:0.2", "--no-known")
    assert code == 0
    table = list(csv.DictReader(io.StringIO(out)))
    assert [row["formula"] for row in table] == ["Li6PS5Cl", "Li5.8PS4.8Cl1.2", "Li5.6PS4.6Cl1.4"]
    assert table[1]["variables"] == "x=0.2"
    assert "3 candidates of 3" in err
    code, out, _ = run("--parent", "Li3YCl6", "--high-entropy", "Y,In,Sc", "--n", "3", "--no-known", "--json")
    assert code == 0
    document = json.loads(out)
    assert [row["formula"] for row in document["candidates"]] == ["Li3Y0.333333In0.333333Sc0.333333Cl6"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("Li{6-x",),
        (),
        ("--dope",),
        ("Li3YCl6", "--output", "a.txt"),
        ("--parent", "Xx", "--dope"),
        ("Li{x}S", "x=1:2"),
        ("Li3YCl6", "--elements", "Qq", "--parent", "Li3YCl6", "--dope"),
    ],
)
def test_an_unusable_call_exits_with_two(arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments, "--no-known")
    assert (code, out) == (2, "")
    assert "Error" in err
