"""What may be wished for, how it is written, and what is said about wishes that make no sense."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from serving.answers.refusals import RequestError, read_as
from serving.answers.request import MAX_CANDIDATES
from serving.answers.vocabulary import electrodes
from serving.ranking.constraints import Constraints
from serving.ranking.contradictions import check_objectives
from serving.ranking.objectives import ObjectiveError, Sense, parse_objective
from serving.ranking.presets import PRESETS, Preset
from serving.ranking.quantities import quantities
from serving.ranking.request import BatchRequest, ObjectiveInput, RankRequest, read_spec

FORMULA = {"candidates": [{"formula": "Li6PS5Cl"}]}


@pytest.mark.parametrize(
    ("text", "quantity", "sense", "target"),
    [
        ("sigma>=1e-3@60", "log10_sigma_S_per_cm", Sense.AT_LEAST, -3.0),
        ("sigma >= 1 mS/cm @ 60", "log10_sigma_S_per_cm", Sense.AT_LEAST, -3.0),
        ("log10_sigma>=-3", "log10_sigma_S_per_cm", Sense.AT_LEAST, -3.0),
        ("hull<=25 meV", "energy_above_hull_eV_per_atom", Sense.AT_MOST, 0.025),
        ("energy above hull < 0.025", "energy_above_hull_eV_per_atom", Sense.AT_MOST, 0.025),
        ("ccd≥1@25,interlayer=oxide,weight=2", "log10_ccd_mA_per_cm2", Sense.AT_LEAST, 0.0),
        ("window against NMC811", "margin_V", Sense.AT_LEAST, 0.0),
        ("window against li metal >= 100 mV", "margin_V", Sense.AT_LEAST, 0.1),
        ("window>=2", "window_width_V", Sense.AT_LEAST, 2.0),
        ("minimize cost", "element_price_USD_per_kg", Sense.MINIMISE, None),
        ("max sigma@-20", "log10_sigma_S_per_cm", Sense.MAXIMISE, None),
        ("moisture>=0", "hydrolysis_eV_per_H2O", Sense.AT_LEAST, 0.0),
        ("interphase>=protective", "lithium_interphase", Sense.AT_LEAST, 1.0),
        ("interphase >= Mixed conducting", "lithium_interphase", Sense.AT_LEAST, 0.0),
        ("interphase>=2@weight=3", "lithium_interphase", Sense.AT_LEAST, 2.0),
        ("max interphase", "lithium_interphase", Sense.MAXIMISE, None),
    ],
)
def test_objectives_are_read(text: str, quantity: str, sense: Sense, target: float | None) -> None:
    read = parse_objective(text)
    assert (read.quantity.name, read.sense) == (quantity, sense)
    assert read.target == (None if target is None else pytest.approx(target))
    assert parse_objective(read.text) == read, "what is written reads the same again"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sigm>=1e-3", "did you mean 'sigma'?"),
        ("window against NMC", "did you mean 'NMC811'?"),
        ("ccd>=1@interlayr=oxide", "did you mean 'interlayer'?"),
        ("ccd>=1@interlayer=oxid", "did you mean 'oxide'?"),
        ("cost", "expected a bound or a direction"),
        ("sigma>=0", "above 0"),
        ("sigma>=-1", "above 0"),
        ("sigma=1e-3", "expected >= or <="),
        ("sigma>=much", "is no number"),
        ("sigma>=nan", "is no number"),
        ("interphase>=protectiv", "did you mean 'protective'?"),
        ("interphase>=good", "there are: mixed_conducting, protective, stable"),
        ("interphase>=3", "expected 0 to 2"),
        ("sigma>=1e-3@sixty", "expected a number"),
        ("sigma>=1e-3@-300", "temperature_C"),
        ("hull<=1 J", "unit 'J'"),
        ("hull<=0.1@60", "does not depend on temperature_C"),
        ("max sigma>=1", "received both"),
        ("sigma against NMC811", "is not held against an electrode"),
        ("margin>=0", "name an electrode"),
        ("oxidation>=43", "expected 0 to 10"),
        ("minimise cost@weight=0", "weight"),
        ("minimise cost@weight=nan", "weight"),
        ("", "expected a quantity"),
        ("@60", "expected a quantity"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, words: str) -> None:
    with pytest.raises(ObjectiveError, match=r"objective|quantity") as told:
        parse_objective(text)
    assert words in str(told.value)


@given(text=st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(ObjectiveError):
        parse_objective(text)


@given(quantity=st.sampled_from([name for name in quantities() if name != "margin_V"]), share=st.floats(0.01, 0.99))
@settings(max_examples=50, deadline=None)
def test_every_quantity_can_be_bounded_by_each_of_its_names(quantity: str, share: float) -> None:
    about = quantities()[quantity]
    number = about.lowest + share * (min(about.highest, 1e3) - about.lowest)
    for name in (*about.aliases, quantity):
        written = 10 ** (share - 3) if about.is_log10 and not name.startswith("log10") else number
        if name.startswith("log10"):
            written = share - 3
        assert parse_objective(f"{name}>={written!r}").quantity == about


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["reduction<=1", "reduction>=2"], "no value is both"),
        (["max sigma", "min sigma"], "both as large and as small"),
        (["sigma>=1e-3", "sigma>=1e-4"], "the same quantity"),
        (["reduction>=3", "oxidation<=2"], "never lies below"),
        (["window>=4", "oxidation<=3"], "no wider"),
        (["sigma>=1e-3@25", "sigma<=1e-4@60"], "does not fall with temperature"),
        ([], "no objective"),
        ([f"sigma>=1e-3@{t}" for t in range(13)], "at most 12"),
    ],
)
def test_contradictions_are_told(texts: list[str], words: str) -> None:
    with pytest.raises(ObjectiveError, match=words):
        check_objectives([parse_objective(text) for text in texts])


@pytest.mark.parametrize(
    "texts",
    [
        ["reduction>=1", "reduction<=2"],
        ["sigma>=1e-4@25", "sigma<=1e-3@60"],
        ["sigma>=1e-3", "max sigma"],
        ["window against NMC811", "window against Li metal"],
        ["ccd>=1@25", "ccd>=3@25,interlayer=oxide"],
    ],
)
def test_what_can_be_met_is_left_alone(texts: list[str]) -> None:
    check_objectives([parse_objective(text) for text in texts])


def test_presets_can_be_read_and_hold_no_contradiction() -> None:
    for preset in Preset:
        wishes = read_spec([], preset, None)
        assert [one.text for one in wishes.objectives] == [parse_objective(t).text for t in PRESETS[preset].objectives]
        assert any(str(preset) in note for note in wishes.notes)


def test_without_an_objective_the_first_screen_is_meant_and_own_ones_win() -> None:
    wishes = read_spec([], None, None)
    assert "no objective was given" in wishes.notes[0]
    own = read_spec([parse_objective("sigma>=1e-2@60")], Preset.NMC_CELL, None)
    assert [one.text for one in own.objectives if one.quantity.name == "log10_sigma_S_per_cm"] == ["sigma>=0.01@60"]
    assert len(own.objectives) == 4


def test_constraints_name_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match="'Xx' is no element"):
        Constraints(avoid=["Xx"])
    for limits, words in (
        (Constraints(avoid=["Li"], require=["Li"]), "both required and to be avoided"),
        (Constraints(require=["Li", "P", "S"], max_elements=2), "at most 2"),
    ):
        with pytest.raises(ObjectiveError, match=words):
            read_spec([parse_objective("min cost")], None, limits)


def test_objectives_in_parts_are_those_in_text() -> None:
    pairs = [
        ({"quantity": "sigma", "at_least": 1e-3, "conditions": {"temperature_C": 60.0}}, "sigma>=1e-3@60"),
        ({"quantity": "log10_sigma", "at_least": -3.0}, "sigma>=1e-3"),
        ({"quantity": "window", "against": "NMC811"}, "window against NMC811"),
        ({"quantity": "cost", "direction": "minimise", "weight": 2.0}, "minimise cost@weight=2"),
        ({"quantity": "hull", "at_most": 0.05}, "hull<=0.05"),
    ]
    for parts, text in pairs:
        assert ObjectiveInput.model_validate(parts).read() == parse_objective(text)
    for bad in ({"quantity": "sigma"}, {"quantity": "hull", "at_most": 0.1, "at_least": 0.0}, {"quantity": "sigm"}):
        with pytest.raises(ObjectiveError):
            ObjectiveInput.model_validate(bad).read()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ('{"candidates": [{"formula": "Li3N"}], "objectivs": []}', "invalid_request", "did you mean objectives"),
        ('{"candidates": [{"formula": "Li3N"}], "objectives": ["sigm>=1"]}', "invalid_objective", "sigma"),
        ('{"candidates": [{"formula": "Li3N"}], "objectives": ["max cost", "min cost"]}', "invalid_objective", "both"),
        ('{"candidates": [{"formula": "Li3N"}], "preset": "nmc"}', "invalid_request", "preset"),
        ('{"candidates": [{"formula": "Li3N"}], "constraints": {"avoid": ["Q"]}}', "invalid_request", "element"),
        ('{"candidates": [{"formula": "Li3N"}], "batch": {"explore": 2}}', "invalid_request", "explore"),
        ('{"candidates": []}', "invalid_request", "candidates"),
        ("[]", "invalid_request", "object"),
        ("", "malformed_json", "empty"),
    ],
)
def test_bad_requests_are_refused_in_words(body: str, code: str, words: str) -> None:
    with pytest.raises((RequestError, ObjectiveError), match=words) as told:
        read_as(RankRequest, body.encode(), MAX_CANDIDATES).spec()
    assert getattr(told.value, "code", "invalid_objective") == code


def test_requests_have_the_same_defaults_as_the_documentation() -> None:
    request = RankRequest.model_validate(FORMULA)
    assert (request.top, request.coverage, request.batch, request.order) == (100, 0.9, None, None)
    assert BatchRequest().explore == 0.5


def test_electrodes_are_those_of_the_vocabulary() -> None:
    for electrode in electrodes():
        assert parse_objective(f"window against {electrode.name}").electrode == electrode


@pytest.mark.parametrize(
    ("asked", "electrode"),
    [
        ("li", "Li metal"),
        ("Li-In", "In-Li"),
        ("ncm811", "NMC811"),
        ("LiFePO4", "LFP"),
        ("silicon", "Si anode"),
        ("Si", "Si anode"),
        ("lto", "LTO"),
    ],
)
def test_electrodes_are_known_by_the_names_that_interfaces_know(asked: str, electrode: str) -> None:
    found = parse_objective(f"window against {asked}").electrode
    assert found is not None
    assert found.name == electrode


def test_levels_are_those_of_the_stability_engine() -> None:
    from training.thermodynamics.interphase import LEVELS

    about = quantities()["lithium_interphase"]
    assert about.levels == tuple(map(str, LEVELS))
    assert [about.level(value) for value in (0.0, 2.0, 0.5, 3.0, float("nan"))] == [
        "mixed_conducting",
        "stable",
        None,
        None,
        None,
    ]
    assert parse_objective("interphase>=protective").as_dict()["levels"] == list(about.levels)
    assert "levels" not in parse_objective("hull<=0.05").as_dict()


def test_the_preset_for_lithium_metal_asks_for_the_layer_and_not_for_a_limit_that_no_sulfide_meets() -> None:
    wishes = PRESETS[Preset.LI_METAL].objectives
    assert "interphase>=protective" in wishes
    assert not any(text.startswith("reduction") for text in wishes)
