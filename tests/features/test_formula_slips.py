"""Slips of the pen are refused with what to write instead, and what papers write is read, with a word where needed."""

from __future__ import annotations

import pytest

from features.candidate import Candidate
from features.elements import SYMBOLS
from features.errors import CandidateError, RowErrorCode, WarningCode
from features.formula import parse_formula
from features.names import all_names, exact_names, find_name

AMBIGUOUS, NAME, ORGANIC = RowErrorCode.AMBIGUOUS_FORMULA, RowErrorCode.NAME_NOT_FORMULA, RowErrorCode.ORGANIC_PART


def refusal(text: str) -> CandidateError:
    with pytest.raises(CandidateError) as caught:
        parse_formula(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Li3P04", "Li3PO4"),
        ("Li1.3Al0.3Ti1.7(P04)3", "Li1.3Al0.3Ti1.7(PO4)3"),
        ("LiNb03", "LiNbO3"),
        ("Ba(N03)2", "Ba(NO3)2"),
        ("LiOH·H20", "H2O"),
        ("Li2SO4.H20", "H2O"),
        ("Li2SO4.2H20", "H2O"),
        ("Li6.75La3Zr1.75Nb025O12", "0.25"),
        ("LiNi05Mn15O4", "0.5"),
        ("Li4Ti5012", "Li4Ti5O12"),
        ("Li7La3Zr2012", "Li7La3Zr2O12"),
        ("Li20", "Li2O"),
        ("Al203", "Al2O3"),
        ("Li6PS5CI", "Li6PS5Cl"),
        ("Li3YCI6", "Li3YCl6"),
        ("Li6PS5C1", "Li6PS5Cl"),
        ("Li3YC16", "Li3YCl6"),
        ("75Li2S-25P2S5-1Li20", "Li2O"),
        ("Zn0", "the letter O"),
        ("Li30Cl", "Li3OCl"),
        ("Li20HCl", "Li2OHCl"),
        ("LiNi0.5Mn1.504", "LiNi0.5Mn1.5O4"),
        ("Li6.4La3Zr1.4Ta0.6012", "Li6.4La3Zr1.4Ta0.6O12"),
        ("Li10GeP2512", "Li10GeP2S12"),
        ("Li3P54", "Li3PS4"),
        ("LiCOO2", "LiCoO2"),
        ("LiNI0.8Co0.1Mn0.1O2", "LiNi0.8Co0.1Mn0.1O2"),
        ("Li3SCCl6", "Li3ScCl6"),
        ("Li2SIO3", "Li2SiO3"),
        ("LiNo3", "LiNO3"),
        ("Li3Po4", "Li3PO4"),
        ("LiNbOO3", "stands twice"),
        ("Li10SnPP2S12", "stands twice"),
    ],
)
def test_letters_and_digits_that_look_alike_are_told_apart(text: str, remedy: str) -> None:
    assert remedy in refusal(text).message


@pytest.mark.parametrize(
    "text",
    [
        "Li10GeP2S12",
        "C60",
        "Li2B10H10",
        "K49Tl108",
        "Ba20Hg103",
        "Li20.0",
        "Li2C1O3",
        "C1I4",
        "TiC",
        "CIn2",
        "AlOOH",
        "CH3COOLi",
        "Li5NI2",
        "Li2CO3",
        "LiHF2",
    ],
)
def test_unusual_amounts_that_may_be_meant_are_read(text: str) -> None:
    assert parse_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "Li6PS5Cl 25",
        "Li3YCl6 0.51",
        "Li3N 300",
        "75Li2S 25P2S5",
        "LiCl 25 60",
        "Li6PS5Cl\t25",
        "Li6PS5Cl\n60",
        "Li6PS5Cl Li3YCl6",
        "Li6PS5Cl\nLi3YCl6",
        "Li2S P2S5",
        "LiCl KBr",
        "LiF AlCl3",
        "Li2S GeS2",
        "Li7P3S11 HP",
        "Li7La3Zr2O12 (SPS)",
        "Li7P3S11 (HP)",
        "Li6PS5Cl (I)",
        "Li3PS4 [SPS]",
        "LiBr (B)",
        "Li3PS4 (SC)",
        "Li6PS5Cl Ag",
        "Li7La3Zr2O12 Ga0.15",
        "LiFePO4 C",
        "Li6PS5Cl (Li6PS5Cl)",
    ],
)
def test_a_blank_that_would_change_the_material_is_refused(text: str) -> None:
    assert refusal(text).code is AMBIGUOUS


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("Li6 P S5 Cl", "Li6PS5Cl"),
        ("Li1.4Al0.4Ti1.6 (PO4)3", "Li1.4Al0.4Ti1.6P3O12"),
        ("La0.62 Li0.14(Mg0.5W0.5)O3", "Li0.14Mg0.5La0.62W0.5O3"),
        ("Li 7 La 3 Zr 2 O 12", "Li7La3Zr2O12"),
        ("2 LiCl", "LiCl"),
        ("75 Li2S - 25 P2S5", "Li3PS4"),
        ("Li3 PO4", "Li3PO4"),
        ("LiOH H2O", "LiO2H3"),
        ("Ca(NO3)2 4H2O", "CaO10H8N2"),
        ("Li2O . 2SiO2", "Li2Si2O5"),
        ("Al2O3 · 4SiO2", "Al2Si4O11"),
    ],
)
def test_harmless_blanks_still_read(text: str, read_as: str) -> None:
    assert Candidate.from_formula(text).read_as == read_as


@pytest.mark.parametrize(
    "text",
    [
        "Li7P3S11(HP)",
        "Li6PS5Cl(Ag)",
        "Li3PS4(Cu)",
        "Li6PS5Cl①",
        "Li6PS5Cl.1",
        "Li7La3Zr2O12.2",
        "LiCoO2.1",
        "LiFeIIPO4",
        "SnIVO2",
        "Li1.Al0.3Ti1.7(PO4)3",
        "Li3PS4³",
        "Li7La3Zr2O12¹",
        "Li6PS5Clᵃ",
        "SO₄²⁻",
        "Li3PS4<sup>1</sup>X",
        "Cu(Ⅱ)O",
        "Fe(II)C2O4",
        "LiV(V)O3",
        "Li2O.2SiO2",
        "Li2S.2P2S5",
        "Li2O.Al2O3.4SiO2",
        "Al2O3.4SiO2",
        "3Y2O3.5Fe2O3",
        "Li1·5Al1·5Ge1·5(PO4)3",
        "Li0·33La0·56TiO3",
        "Al2O3·4SiO2",
    ],
)
def test_footnotes_and_dots_of_two_meanings_are_refused(text: str) -> None:
    assert refusal(text).code in (AMBIGUOUS, RowErrorCode.UNPARSEABLE_FORMULA)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("1.6Li2O-TaCl5", "Li3.2TaO1.6Cl5"),
        ("75Li2S:25P2S5", "Li3PS4"),
        ("95(0.6Li2S-0.4SiS2)-5Li4SiO4", "Li134Si43S133O20"),
        ("(0.75Li2S-0.25P2S5)0.8-(LiI)0.2", "Li1.4P0.4S1.6I0.2"),
        ("0.9Li3PS4·0.1LiI", "Li2.8P0.9S3.6I0.1"),
        ("50Li4SiO4·50Li3PO4", "Li7SiPO8"),
        ("CuSO4·5H2O", "CuSO9H10"),
        ("Li5.5PS4.5Cl1.5", "Li5.5PS4.5Cl1.5"),
        ("Li.5La.5TiO3", "Li0.5La0.5TiO3"),
        ("Li$_6$PS$_5$Cl", "Li6PS5Cl"),
        ("$\\mathrm{Li_{6.6}P_{0.4}Ge_{0.6}S_5I}$", "Li6.6Ge0.6P0.4S5I"),
        ("\\ce{Li6PS5Cl}", "Li6PS5Cl"),
        ("$\\mathrm{Li}_{6}\\mathrm{PS}_{5}\\mathrm{Cl}$", "Li6PS5Cl"),
        ("$\\mathrm{LiCoO}_2$", "LiCoO2"),
        ("Li<jats:sub>3</jats:sub>N", "Li3N"),
        ("80(0.75Li2S·0.25P2S5)·20LiI", "Li7P2S8I"),
        ("Li<sub>6</sub>PS<sub>5</sub>Cl", "Li6PS5Cl"),
        ("Li&#8326;PS&#8325;Cl", "Li6PS5Cl"),
    ],
)
def test_what_papers_write_without_doubt_is_read_without_a_word(text: str, read_as: str) -> None:
    candidate = Candidate.from_formula(text)
    assert candidate.read_as == read_as
    assert {remark.code for remark in candidate.remarks} <= {WarningCode.NO_LITHIUM}


@pytest.mark.parametrize(
    ("text", "read_as", "code"),
    [
        ("Li3PS4-LiI", "Li4PS4I", WarningCode.MIXTURE_WITHOUT_AMOUNTS),
        ("Li2S(s)", "Li2S", WarningCode.TEXT_IGNORED),
        ("Li3PS4 (glass)", "Li3PS4", WarningCode.TEXT_IGNORED),
        ("β-Li3PS4", "Li3PS4", WarningCode.TEXT_IGNORED),
        ("LiPO4^3-", "LiPO4", WarningCode.TEXT_IGNORED),
        ("Li⁺", "Li", WarningCode.TEXT_IGNORED),
        ("⁶Li3PS4", "Li3PS4", WarningCode.ISOTOPE),
        ("[7Li]3N", "Li3N", WarningCode.ISOTOPE),
        ("6Li3PS4", "Li3PS4", WarningCode.ISOTOPE),
        ("LiBD4", "LiBH4", WarningCode.ISOTOPE),
        ("LiOD·D2O", "LiO2H3", WarningCode.ISOTOPE),
        ("name:LLZTO", "Li6.4La3Zr1.4Ta0.6O12", WarningCode.NAME_TAKEN),
        ("name: llzo", "Li7La3Zr2O12", WarningCode.NAME_TAKEN),
        ("NaN", "Na1N1", WarningCode.WORD_FOR_NOTHING),
        ("No", "No1", WarningCode.WORD_FOR_NOTHING),
        ("ND", "NH", WarningCode.WORD_FOR_NOTHING),
        ("UNKNOWN", "KUWON3", WarningCode.WORD_FOR_NOTHING),
    ],
)
def test_what_is_left_out_or_taken_for_granted_is_said(text: str, read_as: str, code: WarningCode) -> None:
    candidate = Candidate.from_formula(text)
    assert candidate.read_as == read_as
    assert code in {remark.code for remark in candidate.remarks}


@pytest.mark.parametrize(
    "text",
    ["Li7-3Al0.3La3Zr2O12", "Li6PS5-0.5Cl1.5", "Li7La3-0.5Zr2O12", "Li10-1GeP2S12", "Li-1O2", "Li6PS5-0.5O0.5Cl"],
)
def test_compositions_that_were_not_worked_out_are_no_mixtures(text: str) -> None:
    assert refusal(text).code in (RowErrorCode.UNPARSEABLE_FORMULA, RowErrorCode.NON_POSITIVE_AMOUNT)


@pytest.mark.parametrize(
    "text",
    [
        "LiPON",
        "LIPON",
        "lipon",
        "LiBOB",
        "LiFSI",
        "LiDFOB",
        "LiSICON",
        "NaSICON",
        "PVC",
        "PI",
        "SN",
        "NPS",
        "llzo",
        "nmc 811",
        "Li-In",
    ],
)
def test_names_are_refused_with_what_they_stand_for(text: str) -> None:
    error = refusal(text)
    assert error.code is NAME
    assert "is a name" in error.message


def test_every_name_with_a_composition_says_it_and_can_be_taken_as_it() -> None:
    for name in all_names():
        for spelling in (name.name, *name.spellings):
            message = refusal(spelling).message
            assert name.formula is None or name.formula in message
            if name.formula:
                assert parse_formula(f"name:{spelling}") == parse_formula(name.formula)
                assert name.charged_formula is None or parse_formula(name.charged_formula)
            else:
                assert refusal(f"name:{spelling}").code is NAME


def test_no_spelling_belongs_to_two_names_and_none_is_an_element() -> None:
    assert len(exact_names()) == sum(1 + len(name.spellings) for name in all_names())
    assert not exact_names().keys() & set(SYMBOLS)
    assert parse_formula("Sn") == {"Sn": 1.0}
    assert find_name("Sn") is find_name("SN")  # asked only where no formula could be read


@pytest.mark.parametrize("text", ["Li3PS4·2THF", "Li6PS5Cl-PEO", "90Li6PS5Cl-10PVDF", "LiBH4·DME"])
def test_organic_parts_are_refused_by_their_name(text: str) -> None:
    error = refusal(text)
    assert error.code is ORGANIC
    assert "organic part" in error.message


def test_letters_of_another_alphabet_are_named() -> None:
    assert "CYRILLIC CAPITAL LETTER ES" in refusal("Li\N{CYRILLIC CAPITAL LETTER ES}l").message
