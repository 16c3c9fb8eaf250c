"""Plans: driving forces that add up, ways that conserve atoms, an order that does not change, and the command."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from features.formula import parse_formula
from serving.cli import elyte
from serving.models.store import load_models
from serving.predictor import Predictor
from serving.synthesis.answers import answer
from serving.synthesis.energies import SynthesisEnergies, correction_eV_per_atom
from serving.synthesis.gases import gas_energy_eV
from serving.synthesis.plan import Plan, SynthesisRequest, plan, usual_temperature_C
from serving.synthesis.shelf import default_shelf
from serving.synthesis.shopping import shopping_list
from serving.synthesis.terminal import terminal_lines
from training.properties.stability.model import StabilityModel
from training.thermodynamics.reactions import read_material

TARGETS = (
    "Li6PS5Cl",
    "Li7La3Zr2O12",
    "Li3YCl6",
    "Li10GeP2S12",
    "Li3PS4",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Li3InCl6",
    "Li2ZrO3",
)


@cache
def model() -> StabilityModel:
    served = load_models("shipped", ["stability"])["stability"]
    found: StabilityModel = served.model
    return found


@cache
def planned(formula: str) -> Plan:
    return plan(SynthesisRequest(formula, grams=2.0), model())


# ---------------------------------------------------------------- energies


def test_decomposition_of_carbonates_and_hydroxides_costs_what_tables_say() -> None:
    """Enthalpies at 298 K in eV from NIST-JANAF: what heating costs, per molecule of gas."""
    for salt, oxide, gas, share, expected in (
        ("Li2CO3", "Li2O", "CO2", 1.0, 2.32),
        ("Na2CO3", "Na2O", "CO2", 1.0, 3.31),
        ("CaCO3", "CaO", "CO2", 1.0, 1.85),
        ("LiOH", "Li2O", "H2O", 0.5, 1.34),
        ("LiNO3", "Li2O", "NO2", 0.5, 2.25),
    ):
        energy = {}
        for formula in (salt, oxide):
            amounts = parse_formula(formula)
            atoms = sum(amounts.values())
            table = read_material(model().phases, amounts).energy_eV_per_atom
            energy[formula] = atoms * (table + correction_eV_per_atom(amounts))
        molecules = 1.0 if gas == "NO2" else share
        gas_at_zero = gas_energy_eV(gas, 0.0, 1.0) * molecules
        cost = (share * energy[oxide] + gas_at_zero - energy[salt]) / molecules
        assert cost == pytest.approx(expected, abs=0.16), salt


def test_gases_leave_more_readily_when_hot_and_thin() -> None:
    assert gas_energy_eV("CO2", 1200.0, 1.0) < gas_energy_eV("CO2", 300.0, 1.0)
    assert gas_energy_eV("CO2", 1200.0, 0.01) < gas_energy_eV("CO2", 1200.0, 1.0)
    assert gas_energy_eV("O2", 1200.0, 0.01) == gas_energy_eV("O2", 1200.0, 1.0)


def test_energies_of_plain_solids_are_those_of_the_table() -> None:
    found = planned("Li6PS5Cl").energies
    assert found is not None
    for formula in ("Li2S", "P2S5", "LiCl"):
        expected = read_material(model().phases, parse_formula(formula)).energy_eV_per_atom
        assert found.material(formula).energy_eV_per_atom == pytest.approx(expected)
    assert found.target.energy_eV_per_atom == pytest.approx(-1.3833, abs=1e-3)


# ---------------------------------------------------------------- ways


def test_driving_force_of_two_precursors_is_the_reaction_energy() -> None:
    """Li3PS4 from Li2S and P2S5: no gas, no competitor; the table's energies alone decide."""
    route = planned("Li3PS4").routes[0]
    energy = {f: read_material(model().phases, parse_formula(f)).energy_eV_per_atom for f in ("Li2S", "P2S5", "Li3PS4")}
    expected = 1.5 * 3 * energy["Li2S"] + 0.5 * 7 * energy["P2S5"] - 8 * energy["Li3PS4"]
    assert route.made.reaction("Li3PS4").text == "1.5 Li2S + 0.5 P2S5 -> Li3PS4"
    assert route.pathway is not None
    assert route.pathway.driving_force_eV == pytest.approx(expected, abs=1e-9)
    assert route.pathway.strongest is None
    assert [step.forms_target for step in route.pathway.steps] == [True]
    assert route.pathway.left_eV_per_atom == pytest.approx(expected / 8)


def test_thiophosphate_takes_the_driving_force_of_argyrodites() -> None:
    route = planned("Li6PS5Cl").routes[0]
    assert route.made.reaction("Li6PS5Cl").text == "2.5 Li2S + LiCl + 0.5 P2S5 -> Li6PS5Cl"
    assert route.pathway is not None
    assert route.pathway.strongest is not None
    assert "Li3PS4" in route.pathway.strongest.reaction.products
    assert planned("Li6PS5Cl").has_driving_force is False
    assert route.pathway.left_eV_per_atom == pytest.approx(-0.083, abs=0.002)


def test_garnets_lose_carbon_dioxide_and_meet_lithium_zirconate() -> None:
    garnet = planned("Li7La3Zr2O12")
    assert garnet.temperature_C == 900.0
    texts = [route.made.reaction("Li7La3Zr2O12").text for route in garnet.routes]
    assert texts[0] == "3.5 Li2CO3 + 1.5 La2O3 + 2 ZrO2 -> Li7La3Zr2O12 + 3.5 CO2(g)"
    way = garnet.routes[0].pathway
    assert way is not None
    assert list(way.heated) == ["Li2CO3"]
    assert way.strongest is not None
    assert "Li6Zr2O7" in way.strongest.reaction.products


@pytest.mark.parametrize("target", TARGETS)
def test_every_step_balances_and_energies_add_up(target: str) -> None:
    found = planned(target)
    assert found.energies is not None
    for route in found.routes:
        way = route.pathway
        assert way is not None
        for reaction in (*way.heated.values(), *(step.reaction for step in way.steps)):
            assert reaction.imbalance() < 2e-5
        left = way.start_left_eV_per_atom
        assert left <= way.driving_force_eV_per_atom + 1e-9
        for step in way.steps:
            assert step.released_eV < 1e-9
            left += step.released_eV / way.atoms
            assert step.left_eV_per_atom == pytest.approx(left, abs=1e-7)
        reactants = sum(
            n * sum(s.precursor.amounts.values()) * found.energies.material(s.precursor.formula).energy_eV_per_atom
            for s, n in zip(route.made.sources, route.made.coefficients, strict=True)
        )
        gases = sum(n * found.energies.gas_eV(gas) for gas, n in route.made.gases.items())
        goal = found.energies.target.energy_eV_per_atom * sum(found.candidate.amounts.values()) + gases
        assert way.driving_force_eV == pytest.approx(reactants - goal, abs=1e-7)
        # what competes at the end cannot lie deeper than the hull at the target's composition
        hull = found.energies.target.mixture_energy_eV_per_atom - found.energies.target.energy_eV_per_atom
        if not route.made.gases:
            assert way.left_eV_per_atom >= min(hull, 0.0) - 1e-6 or way.left_eV_per_atom >= hull - 1e-6


def test_a_formula_spelled_twice_as_large_gives_the_same_per_atom() -> None:
    once, twice = (plan(SynthesisRequest(f), model()) for f in ("Li3PS4", "Li6P2S8"))
    for one, other in zip(once.routes, twice.routes, strict=True):
        assert one.pathway is not None
        assert other.pathway is not None
        assert 2 * one.pathway.driving_force_eV == pytest.approx(other.pathway.driving_force_eV)
        assert one.pathway.left_eV_per_atom == pytest.approx(other.pathway.left_eV_per_atom)
        assert [w.mass_g for w in one.batch.weighings] == pytest.approx([w.mass_g for w in other.batch.weighings])


def test_the_order_does_not_depend_on_that_of_the_shelf() -> None:
    request = SynthesisRequest("Li1.3Al0.3Ti1.7P3O12")
    forth = plan(request, model(), default_shelf()).routes
    back = plan(request, model(), default_shelf()[::-1]).routes
    first, second = (
        {frozenset(s.precursor.formula for s in r.made.sources) for r in routes} for routes in (forth, back)
    )
    assert first == second
    again = plan(request, model(), default_shelf()).routes
    assert [r.made for r in again] == [r.made for r in forth]


def test_predicted_targets_carry_their_interval() -> None:
    document = answer(planned("Li3YCl6"), {})
    energy = document["target"]["formation_energy_eV_per_atom"]
    assert energy["basis"] == "model"
    left = document["routes"][0]["energies"]["left_meV_per_atom"]
    assert left["lower"] < left["value"] < left["upper"]
    assert left["value"] - left["lower"] == pytest.approx(1000 * (energy["upper"] - energy["value"]), abs=1e-3)


def test_without_a_model_sets_and_masses_stand() -> None:
    document = answer(plan(SynthesisRequest("Li3PS4"), None), {})
    assert "no stability model" in document["reason"]
    assert document["driving_force_left"] is None
    assert document["routes"][0]["energies"] is None
    assert sum(p["mass_g"] for p in document["routes"][0]["precursors"]) == pytest.approx(1.0, abs=1e-4)
    assert any("no energies" in line for line in terminal_lines(document))


def test_energies_are_needed_for_every_element() -> None:
    table = model().phases
    with pytest.raises(ValueError, match="Xe"):
        SynthesisEnergies.build(table, {"Xe": 1.0, "O": 2.0}, 0.0, [{"Xe": 1.0}], 500.0)


def test_usual_temperatures() -> None:
    assert usual_temperature_C(parse_formula("Li7La3Zr2O12")) == 900.0
    assert {usual_temperature_C(parse_formula(f)) for f in ("Li6PS5Cl", "Li3OCl", "Li3YCl6")} == {500.0}


@pytest.mark.parametrize(
    "given", [{"grams": 0.0}, {"grams": np.nan}, {"lithium_excess": 2.0}, {"coverage": 1.0}, {"gas_bar": 0.0}]
)
def test_requests_are_checked(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        SynthesisRequest("Li3PS4", **given)  # type: ignore[arg-type]


# ---------------------------------------------------------------- the command


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(elyte, ["synthesis", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_answers_people_and_machines() -> None:
    code, out, _ = run("Li7La3Zr2O12", "--grams", "2", "--lithium-excess", "10", "--top", "1")
    assert code == 0
    assert "3.5 Li2CO3 + 1.5 La2O3 + 2 ZrO2" in out
    assert "(+10 %)" in out
    assert "No route has driving force left" in out
    code, out, _ = run("Li3YCl6", "--grams", "2", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["status"] == "ok"
    assert document["target"]["moist_air"]["withstands"] is False
    assert sum(p["mass_g"] for p in document["routes"][0]["precursors"]) == pytest.approx(2.0, abs=1e-3)
    assert "glove box" in " ".join(document["routes"][0]["notes"])


def test_targets_that_cannot_be_made_exit_with_one() -> None:
    for formula, expected in (
        ("UO2", "element_not_on_shelf"),
        ("Qq", "unknown_element"),
        ("Li12PS4Cl", "no_balanced_set"),
    ):
        code, out, _ = run(formula, "--json")
        assert code == 1
        assert json.loads(out)["error"]["code"] == expected
    assert run("UO2")[1].startswith("UO2  error element_not_on_shelf")


def test_an_unusable_call_exits_with_two(tmp_path: Path) -> None:
    broken = tmp_path / "shelf.csv"
    broken.write_text("formula,purity\nLi2S,9\n", encoding="utf-8")
    code, out, err = run("Li3PS4", "--shelf", str(broken))
    assert (code, out) == (2, "")
    assert "line 2" in err
    assert run("Li3PS4", "--grams", "nan")[0] == 2
    assert run("Li3PS4", "--grams", "-1")[0] == 2


# ---------------------------------------------------------------- several batches


def test_the_shopping_list_adds_up_what_batches_need() -> None:
    predictor = Predictor.load("shipped", ["stability"])
    plans = [predictor.synthesis(SynthesisRequest(formula, grams=2.0)) for formula in ("Li6PS5Cl", "Li3PS4", "Li3PS4")]
    bottles = shopping_list(plans)
    weighed = [one for made in plans for one in made["routes"][0]["precursors"]]
    assert sum(bottle.mass_g for bottle in bottles) == pytest.approx(6.0, abs=1e-3)  # no gases: what goes in stays
    for bottle in bottles:
        own = [one for one in weighed if one["formula"] == bottle.formula]
        assert bottle.mass_g == pytest.approx(sum(one["mass_g"] for one in own))
        assert sum(bottle.batches.values()) == pytest.approx(bottle.mass_g)
        assert {bottle.handling} == {one["handling"] for one in own}
    assert [bottle.mass_g for bottle in bottles] == sorted((b.mass_g for b in bottles), reverse=True)
    assert {target for bottle in bottles for target in bottle.batches} == {"Li6PS5Cl", "Li3PS4"}


def test_another_route_can_be_taken_and_a_wrong_one_is_refused() -> None:
    predictor = Predictor.load("shipped", ["stability"])
    made = predictor.synthesis(SynthesisRequest("Li2ZrO3", grams=2.0))
    second = {bottle.formula for bottle in shopping_list([made], [1])}
    assert second == {one["formula"] for one in made["routes"][1]["precursors"]}
    with pytest.raises(ValueError, match="received route 99"):
        shopping_list([made], [99])
    with pytest.raises(ValueError, match="Li3PuCl6 cannot be made"):
        shopping_list([predictor.synthesis(SynthesisRequest("Li3PuCl6"))])


def test_predictor_and_command_say_the_same() -> None:
    predictor = Predictor.load("auto", ["stability"])
    printed = CliRunner().invoke(elyte, ["synthesis", "Li3YCl6", "--grams", "2", "--top", "2", "--json"])
    assert json.loads(printed.stdout) == predictor.synthesis(SynthesisRequest("Li3YCl6", grams=2.0), top=2)
