"""What the stability model promises: the table where it knows, honest intervals elsewhere, one hull for both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stability_world import COVERED, UNCOVERED, fitted, world

from features.candidate import Candidate, MaterialBatch
from training.properties.conformance import check_property
from training.properties.stability.declaration import STABILITY
from training.properties.stability.model import StabilityModel, StabilityPrediction
from training.properties.stability.table import compositions
from training.thermodynamics.hull import NO_PHASE, equilibria
from training.thermodynamics.window import windows
from training.uncertainty import ConformalScale, InsufficientCalibrationError, Interval

KNOWN = ["Li6P5O8", "Li3AlS3", "Li6La1S5Cl1", "CaO", "LiNa2Zr1O4F1", "NaAlO2", "Li2O2"]
UNKNOWN = [
    "Li3YBr6",
    "Li6.5P1S5.5Cl1.5",
    "Li7La3Zr2O12",
    "Li1.3Al0.3Ti1.7P3O12",
    "Li10GeP2S12",
    "LiCoO2",
    "Li3N",
    "Li4SiO4",
    "Li5Al0.1Zr1.9O5.5F0.2",
]
MANY = "LiNaKMgCaSrBaScYLaTiZrHfVNbTaOSFCl"
MATERIALS = [*KNOWN, *UNKNOWN, "BaTiO3", "Li", "Na6PuO5", MANY]


def model() -> StabilityModel:
    return fitted().model


def ask(*formulas: str, coverage: float = 0.9, of: StabilityModel | None = None) -> StabilityPrediction:
    return (of or model()).predict(MaterialBatch.from_formulas(formulas), coverage)


def energies_of(said: StabilityPrediction) -> dict[str, Interval]:
    return {
        "formation": said.formation_energy_eV_per_atom,
        "decomposition": said.decomposition_energy_eV_per_atom,
        "above hull": said.energy_above_hull_eV_per_atom,
    }


# ---------------------------------------------------------------- promises of every property


def test_the_model_keeps_the_promises_of_a_property() -> None:
    """To 1e-5: the nets compute in single precision; to 1e-4 from disk, as a bundle stores energies so too."""
    reloaded = StabilityModel.from_arrays(model().to_arrays(), model().settings())
    check_property(STABILITY, model(), MATERIALS, tolerance=1e-5)
    check_property(STABILITY, model(), MATERIALS, tolerance=1e-4, copies={"loaded from disk": reloaded})


# ---------------------------------------------------------------- known compounds


def test_a_known_compound_is_answered_from_the_table() -> None:
    table = world()
    rows = np.arange(0, len(table), 7)
    said = model().predict(table.batch(rows))
    assert said.is_reference.all()
    truth = {"formation": table.formation_energy_eV_per_atom, "decomposition": table.decomposition_energy_eV_per_atom}
    for name, interval in energies_of(said).items():
        np.testing.assert_array_equal(interval.lower, interval.value, err_msg=name)
        np.testing.assert_array_equal(interval.upper, interval.value, err_msg=name)
        if name in truth:
            np.testing.assert_allclose(interval.value, truth[name][rows], atol=1e-9, err_msg=name)
    stable = table.decomposition_energy_eV_per_atom[rows] <= 0
    np.testing.assert_array_equal(said.probability_stable, stable.astype(float))
    assert said.in_domain.all()
    assert (said.spread_eV_per_atom == 0).all()
    np.testing.assert_array_equal(said.nearest_phases(1)[0][:, 0], table.phases.row_of_input[rows])


def test_windows_of_known_compounds_are_those_of_the_engine() -> None:
    table = world()
    rows = np.flatnonzero((table.atomic_number == 3).any(axis=1))[::9]
    said = model().predict(table.batch(rows))
    found = windows(table.phases, table.atomic_number[rows], table.fraction[rows])
    np.testing.assert_allclose(said.reduction_V.value, found.lower_V, atol=1e-9)
    np.testing.assert_allclose(said.oxidation_V.value, found.upper_V, atol=1e-9)
    slack = model().oxidation_error_V.factor(0.9)
    np.testing.assert_allclose(said.oxidation_V.upper, found.upper_V + slack, atol=1e-9)


# ---------------------------------------------------------------- unknown compounds


def test_the_three_energies_of_an_unknown_compound_are_one() -> None:
    said = ask(*UNKNOWN)
    assert not said.is_reference.any()
    formation, decomposition, above = energies_of(said).values()
    z, x = compositions(MaterialBatch.from_formulas(UNKNOWN))
    hull = equilibria(model().phases, z, x).energy_eV_per_atom
    for f, d, a in zip(formation, decomposition, above, strict=True):
        np.testing.assert_allclose(f - d, hull, atol=1e-9)
        np.testing.assert_array_equal(a, np.maximum(d, 0.0))
    assert (decomposition.lower < decomposition.value).all()
    assert (decomposition.value < decomposition.upper).all()


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(COVERED), st.floats(0.05, 9.0), min_size=1, max_size=6), min_size=1, max_size=5
    )
)
def test_any_composition_gets_an_answer_that_makes_sense(amounts: list[dict[str, float]]) -> None:
    candidates = [Candidate("made up", each) for each in amounts]  # written out, some look like slips
    said = model().predict(MaterialBatch.from_candidates(candidates))
    for interval in energies_of(said).values():
        assert np.isfinite(np.array(interval)).all()
        assert (interval.lower <= interval.value).all()
        assert (interval.value <= interval.upper).all()
    assert ((said.probability_stable >= 0) & (said.probability_stable <= 1)).all()
    assert (said.energy_above_hull_eV_per_atom.lower >= 0).all()
    assert ((said.distance >= -1e-12) & (said.distance <= 1)).all()
    with_lithium = np.array(["Li" in each for each in amounts])
    for limit in (said.reduction_V, said.oxidation_V):
        np.testing.assert_array_equal(np.isnan(limit.value), ~with_lithium)
        for row in np.flatnonzero(with_lithium):
            assert 0 <= limit.lower[row] <= limit.value[row] + 1e-9
            assert limit.value[row] <= limit.upper[row] + 1e-9
    assert (said.reduction_V.value[with_lithium] <= said.oxidation_V.value[with_lithium] + 1e-6).all()


def test_wider_energies_give_wider_windows() -> None:
    calm = replace(model(), calibration=replace(model().calibration, residual=scaled(0.2)))
    wild = replace(model(), calibration=replace(model().calibration, residual=scaled(5.0)))
    narrow, wide = ask(*UNKNOWN, of=calm), ask(*UNKNOWN, of=wild)
    for one, other in ((narrow.reduction_V, wide.reduction_V), (narrow.oxidation_V, wide.oxidation_V)):
        np.testing.assert_allclose(one.value, other.value)
        assert (other.lower <= one.lower + 1e-9).all()
        assert (other.upper >= one.upper - 1e-9).all()
    assert (wide.oxidation_V.upper > narrow.oxidation_V.upper + 0.01).any()


def scaled(factor: float) -> ConformalScale:
    return ConformalScale(model().calibration.residual.scores * factor)


def test_the_competing_mixture_holds_no_copy_of_a_known_compound() -> None:
    table = world()
    rows = np.arange(0, len(table), 11)
    said = model().predict(table.batch(rows))
    own = table.phases.row_of_input[rows]
    assert not (said.competing.phase == own[:, None]).any()
    assert ((said.competing.phase != NO_PHASE).sum(axis=1) >= 1).all()


def test_far_away_or_in_dispute_is_out_of_the_domain() -> None:
    near, far = ask("Li3YCl5.9F0.1", "Li0.2Pu3Au5B9N2").in_domain
    assert near
    assert not far
    doubtful = replace(model(), largest_spread_eV_per_atom=-1.0)
    said = ask("Li3YCl5.9F0.1", "Li3AlS3", of=doubtful)
    assert said.in_domain.tolist() == [False, True]  # what is known needs no net


# ---------------------------------------------------------------- odd input


@pytest.mark.parametrize("symbol", ["Li", "O", "Pu"])
def test_an_element_alone_is_the_zero_of_energy(symbol: str) -> None:
    said = ask(symbol, f"{symbol}7")
    for interval in energies_of(said).values():
        assert (np.array(interval) == 0).all()
    assert said.is_reference.all()


def test_tiny_amounts_change_little_and_break_nothing() -> None:
    """A millionth of an atom makes another composition, whose competing mixture is almost the compound itself."""
    plain, doped = ask("Li3AlS3"), ask("Li3AlS3Na0.000001", "Li0.000001Al2O3", "Li3AlS3.000001")
    assert np.isfinite(np.array(doped.formation_energy_eV_per_atom)).all()
    assert np.isfinite(doped.oxidation_V.value).all()
    competing = min(plain.formation_energy_eV_per_atom.value[0], plain.competing.energy_eV_per_atom[0])
    assert doped.competing.energy_eV_per_atom[0] == pytest.approx(competing, abs=1e-4)
    assert doped.is_reference.tolist() == [False, False, True]  # the last within the rounding of a formula


def test_a_formula_of_twenty_elements_is_answered() -> None:
    said = ask(MANY)
    assert np.isfinite(np.array(said.formation_energy_eV_per_atom)).all()
    assert said.reduction_V.lower[0] <= said.reduction_V.value[0] <= said.oxidation_V.value[0] + 1e-9


def test_no_lithium_no_window() -> None:
    said = ask("CaO", "BaTiO3", "Na")
    for limit in (said.reduction_V, said.oxidation_V):
        assert np.isnan(np.array(limit)).all()


def test_elements_without_energies_are_named() -> None:
    batch = MaterialBatch.from_formulas(["Li3AlS3", *(f"Li2{symbol}O3" for symbol in UNCOVERED), "XeF2Rn"])
    named = model().uncovered_elements(batch)
    assert named[0] == ()
    assert named[1:-1] == [(symbol,) for symbol in UNCOVERED]
    assert set(named[-1]) == {"Xe", "Rn"}


def test_no_candidates_no_answers() -> None:
    said = model().predict(MaterialBatch.from_formulas([]))
    assert len(said.is_reference) == 0
    assert said.reduction_V.value.shape == (0,)


def test_coverage_beyond_the_calibration_is_refused() -> None:
    with pytest.raises(InsufficientCalibrationError, match="calibration rows"):
        ask("Li3YBr6", coverage=0.999)


def test_too_few_published_windows_leave_their_interval_open() -> None:
    few = replace(model(), reduction_error_V=ConformalScale(np.full(5, 0.1)))
    said = ask("Li3AlS3", "Li3YBr6", of=few)
    assert np.isnan(said.reduction_V.lower).all()
    assert np.isfinite(said.reduction_V.value).all()
    assert np.isfinite(said.oxidation_V.lower).all()


def test_what_is_known_is_not_asked_of_the_nets() -> None:
    """A net that says nonsense changes no reference value."""
    broken = {name: array * np.nan for name, array in model().ensemble.weights.items()}
    mute = replace(model(), ensemble=replace(model().ensemble, weights=broken))
    one, other = ask(*KNOWN[:3]), ask(*KNOWN[:3], of=mute)
    known = one.is_reference
    assert known.sum() >= 2
    for a, b in zip(energies_of(one).values(), energies_of(other).values(), strict=True):
        np.testing.assert_array_equal(np.array(a)[:, known], np.array(b)[:, known])


def test_asking_changes_nothing() -> None:
    before = {name: array.copy() for name, array in model().to_arrays().items()}
    ask(*UNKNOWN)
    for name, array in model().to_arrays().items():
        np.testing.assert_array_equal(before[name], array, err_msg=name)


def test_the_short_answer_says_what_the_whole_one_says() -> None:
    batch = MaterialBatch.from_formulas([*KNOWN, *UNKNOWN])
    whole = model().predict(batch)
    numbers = model().predict(batch)
    whole.windows, whole.nearest_phases(3)
    for name in ("reduction_V", "oxidation_V"):
        np.testing.assert_allclose(getattr(numbers, name), getattr(whole, name), atol=1e-9)
    np.testing.assert_array_equal(numbers.in_domain, whole.in_domain)
    assert not {"windows", "distance"} & set(vars(numbers))
