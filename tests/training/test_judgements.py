"""Judgements: each part computed when it is asked for, and the same whatever was asked before."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest

from features.candidate import MaterialBatch
from features.errors import WarningCode
from features.kinds import read_material
from serving.answers.conditions import Conditions, shared_conditions
from serving.answers.documents import write
from serving.answers.judging import Silence, judge, query_of, speaking_of
from serving.models.store import SHIPPED, ServedModel, load_models
from training.properties import registry
from training.properties.conductivity.judgement import ConductivityJudgement
from training.properties.conformance import check_property
from training.properties.contract import Judgement, Property, Query
from training.properties.stability.judgement import StabilityJudgement
from training.thermodynamics import window
from training.uncertainty import Interval

FORMULAS = ["Li6PS5Cl", "Li2.7Y0.7Zr0.3Cl6", "LiF", "Li", "Fe2O3", "Li0.33La0.56TiO3"]
POLYMERS = ["PEO20-LiTFSI", "PTMC8-LiTFSI", "PCL:LiClO4 5:1", "PLiSTFSI"]
EXAMPLES = {"inorganic": ["Li6PS5Cl", "Li7La3Zr2O12", "Li2.7Y0.7Zr0.3Cl6", "LiF"], "polymer": POLYMERS}
COUNT = count()


@pytest.fixture(scope="module")
def models() -> dict[str, ServedModel]:
    return load_models("shipped")


def query_for(formulas: list[str], coverage: float = 0.9, **conditions: Any) -> Query:
    return query_of(
        [read_material({"formula": f}) for f in formulas], [Conditions(**conditions)] * len(formulas), coverage
    )


def itself(one: Property, judged: Judgement) -> Judgement:
    return judged


def judged_alone(models: dict[str, ServedModel], name: str, query: Query) -> Judgement:
    said = judge(models, query, [name], itself).said[name]
    assert not isinstance(said, Silence)
    return said


@pytest.mark.parametrize("name", registry.names())
def test_an_answer_in_words_says_the_numbers_of_one_without(models: dict[str, ServedModel], name: str) -> None:
    query = query_for({**EXAMPLES, "inorganic": FORMULAS}[registry.get(name).kind], temperature_C=60.0)
    plain, worded = (judged_alone(models, name, query) for _ in range(2))
    write(registry.get(name), worded)
    for quantity, interval in plain.intervals.items():
        np.testing.assert_allclose(interval, worded.intervals[quantity], atol=1e-9)
    np.testing.assert_array_equal(plain.in_domain, worded.in_domain)
    np.testing.assert_allclose(plain.distance, worded.distance, atol=1e-12)
    for one, other in zip(plain.warnings, worded.warnings, strict=True):
        assert one.code == other.code
        np.testing.assert_array_equal(one.rows, other.rows)


@pytest.mark.parametrize("name", registry.names())
def test_every_registered_property_keeps_its_contract(models: dict[str, ServedModel], name: str) -> None:
    """To 1e-5: the nets of stability compute in single precision, and CCD builds on them."""
    one = registry.get(name)
    beside = {needed: models[needed].model for needed in one.needs}
    formulas = EXAMPLES[one.kind]
    again, _ = one.load(SHIPPED / name)
    copies = {"loaded again": again}
    check_property(one, models[name].model, formulas, beside=beside, copies=copies, tolerance=1e-5)


def moved(found: Interval, by: Any) -> Interval:
    return Interval(*(end + by for end in found))


def starts_with_lithium(said: Judgement) -> Any:
    return np.array([float(next(iter(amounts)) == "Li") for amounts in said.query.amounts])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda said, found: Interval(*(end[1:] for end in found)), "shape"),
        (lambda said, found: moved(found, np.nan), "neither a number nor a reason, first for Li2O1"),
        (lambda said, found: found._replace(upper=found.upper * np.nan), "a value without an interval"),
        (lambda said, found: found._replace(lower=found.upper + 1.0), "the interval misses its value"),
        (lambda said, found: moved(found, next(COUNT)), "asked again"),
        (lambda said, found: moved(found, len(said)), "alone instead of in company"),
        (lambda said, found: moved(found, starts_with_lithium(said)), "spelled O1Li2"),
        (lambda said, found: moved(found, said.query.coverage), "another value"),
        (lambda said, found: found._replace(upper=found.value + 1.0 / said.query.coverage), "hold the narrower one"),
    ],
)
def test_a_broken_promise_is_named(
    models: dict[str, ServedModel],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Judgement, Interval], Interval],
    complaint: str,
) -> None:
    sound = ConductivityJudgement.intervals.__get__

    def broken(said: ConductivityJudgement) -> dict[str, Interval]:
        return {name: change(said, found) for name, found in sound(said).items()}

    monkeypatch.setattr(ConductivityJudgement, "intervals", property(broken))
    with pytest.raises(AssertionError, match=complaint):
        check_property(registry.get("conductivity"), models["conductivity"].model, ["Li2O", "LiF"])


def test_numbers_of_stability_cost_no_reactions_no_mixtures_and_no_neighbours(
    models: dict[str, ServedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("not asked for")

    for place in ("model.windows", "model.nearest_phases", "judgement.decompositions", "judgement.limit_reactions"):
        monkeypatch.setattr(f"training.properties.stability.{place}", refuse)
    judged = judged_alone(models, "stability", query_for(FORMULAS))
    assert np.isfinite(judged.intervals["formation_energy_eV_per_atom"].value).all()
    assert [warning.rows.shape for warning in judged.warnings] == [(len(FORMULAS),)] * 3
    with pytest.raises(AssertionError, match="not asked for"):
        judged.details()


def test_neighbours_of_stability_cost_no_windows(
    models: dict[str, ServedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "_find_limits", None)
    monkeypatch.setattr(window, "_find_windows", None)
    rows = judged_alone(models, "stability", query_for(FORMULAS)).applicability(2)
    assert [len(row["nearest"]) for row in rows] == [2] * len(FORMULAS)


def test_a_material_without_a_window_has_the_first_reason_that_holds(models: dict[str, ServedModel]) -> None:
    judged = judged_alone(models, "stability", query_for([*FORMULAS, "Li9O"]))
    assert isinstance(judged, StabilityJudgement)
    reasons = [judged.window_reason(row) for row in range(len(judged))]
    assert reasons[0] is None
    assert str(reasons[3]).startswith("an element alone")
    assert str(reasons[4]).startswith("no lithium")
    assert "charges per atom are left" in str(reasons[6])
    assert [reason is not None for reason in reasons] == judged.without_window.tolist()
    assert [reason is not None for reason in reasons] == np.isnan(judged.intervals["oxidation_V"].value).tolist()


def test_rows_that_one_property_refuses_are_judged_by_none_and_keep_the_first_error(
    models: dict[str, ServedModel],
) -> None:
    query = query_for(["Li3N", "Li2XeO4", "LiF"])
    query.conditions.texts["anode"][1:] = "marmalade"
    first = judge(models, query, ["stability", "ccd"], itself)
    assert first.rows.tolist() == [0]
    assert {row: str(error.code) for row, error in first.errors.items()} == {
        1: "element_without_energies",
        2: "invalid_condition",
    }
    other = judge(models, query, ["ccd", "stability"], itself)
    assert str(other.errors[1].code) == "invalid_condition"
    assert list(other.said) == ["ccd", "stability"]


def test_what_another_property_said_is_not_asked_again(
    models: dict[str, ServedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    query = query_for(FORMULAS, interlayer_type="none")
    alone = judged_alone(models, "ccd", query).intervals["log10_ccd_mA_per_cm2"]

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr("training.properties.ccd.judgement.material_numbers", refuse)
    both = judge(models, query, speaking_of("inorganic", registry.names()), lambda one, judged: judged.intervals).said[
        "ccd"
    ]
    assert not isinstance(both, Silence)
    np.testing.assert_allclose(both["log10_ccd_mA_per_cm2"], alone, atol=1e-9)


def test_a_property_is_silent_with_the_reason_where_a_model_is_missing(models: dict[str, ServedModel]) -> None:
    lonely = {"ccd": models["ccd"]}
    said = judge(lonely, query_for(["Li3N"]), ["ccd", "stability"], itself).said
    assert [type(one) for one in said.values()] == [Silence, Silence]
    assert "serves no conductivity and no stability model" in str(said["ccd"])
    near = judge(lonely, query_for(["Li3N"]), ["ccd"], lambda one, judged: judged.nearest(2), asks_others=False)
    assert len(near.said["ccd"][0]) == 2


def test_a_warning_about_the_material_is_said_in_the_same_words_by_all(models: dict[str, ServedModel]) -> None:
    query = query_for(["Li9O", "Li2O"])
    found = [
        next(w for w in judged_alone(models, name, query).warnings if w.is_of_material)
        for name in ("conductivity", "stability")
    ]
    assert {warning.code for warning in found} == {WarningCode.NOT_CHARGE_BALANCED}
    assert {tuple(warning.rows.tolist()) for warning in found} == {(True, False)}
    assert found[0].words(0) == found[1].words(0)


def test_a_query_takes_rows_with_their_conditions() -> None:
    batch = MaterialBatch.from_formulas(["LiF", "Li2O"])
    query = Query(batch, [{"Li": 1, "F": 1}, {"Li": 2, "O": 1}], shared_conditions(2), 0.9, {})
    taken = query.take(np.array([1]))
    assert len(taken) == len(taken.batch) == len(taken.conditions.temperature_C()) == 1
    assert taken.amounts == [{"Li": 2, "O": 1}]
