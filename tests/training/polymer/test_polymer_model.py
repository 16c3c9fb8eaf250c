"""The model of polymer electrolytes learns a law, rises with temperature, and covers what it promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra `polymer` is not installed")

from polymer_world import SETTINGS, conductivities, points, tables, true_sigma

from features.errors import WarningCode
from features.polymers.candidate import PolymerBatch, PolymerFields, read_polymer
from training.properties.polymer.bundling import golden_predictions, load_polymer
from training.properties.polymer.cautions import cautions
from training.properties.polymer.fit import PolymerFit, fit_parts, fit_polymer, folds_of, leave_out
from training.properties.polymer.model import PolymerModel
from training.properties.polymer.plots import write_plots
from training.properties.polymer.process import CurveProcess, Kernel, curves_of, inverse_temperature
from training.properties.polymer.recipe import train
from training.properties.polymer.uncertainty import ErrorCalibration, Signs, equal_groups


@pytest.fixture(scope="module")
def fitted() -> PolymerFit:
    return fit_polymer(tables(noise=0.3), SETTINGS)


def test_it_learns_what_it_has_seen() -> None:
    seen = points()
    process, trees = fit_parts(seen, SETTINGS)(seen.inputs, seen.table.batch.polymer_keys, seen.table.temperature_C)
    assert np.abs(process - seen.table.log10_sigma).mean() < 0.2  # a share goes to papers
    assert np.abs(trees - seen.table.log10_sigma).mean() < 0.3


def test_new_polymers_are_answered_better_than_by_the_median() -> None:
    seen = points()
    said = leave_out(seen, folds_of(seen.table.batch.polymer_keys, 4, 0), SETTINGS, lambda what: None).log10_sigma
    error = np.abs(said - seen.table.log10_sigma).mean()
    assert error < 0.6 * np.abs(seen.table.log10_sigma - np.median(seen.table.log10_sigma)).mean()


def test_conductivity_rises_with_temperature(fitted: PolymerFit) -> None:
    batch = fitted.points.table.batch.take(np.arange(0, 480, 24))
    said = [fitted.model.predict(batch, np.full(len(batch), t)).log10_sigma for t in np.linspace(-40.0, 200.0, 49)]
    assert (np.diff(said, axis=0) > 0).all()
    prediction = fitted.model.predict(batch, np.full(len(batch), 60.0))
    assert (prediction.activation_energy_eV > 0.02).all()


def test_a_row_is_the_same_in_company_and_spelled_differently(fitted: PolymerFit) -> None:
    spelled = [PolymerFields("*OCC*", "LiTFSI", molality=1.0), PolymerFields("PEO", "LiClO4", molality=1.0)]
    other = PolymerFields("*CCOCCO*", "[Li+].O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", molality=1.0)
    read = PolymerBatch.from_candidates([read_polymer(one) for one in (*spelled, other)])
    together = fitted.model.predict(read, np.full(3, 25.0))
    alone = fitted.model.predict(read.take(np.array([1])), np.array([25.0]))
    assert together.log10_sigma[0] == pytest.approx(together.log10_sigma[2], abs=1e-12)
    assert together.log10_sigma[1] == pytest.approx(alone.log10_sigma[0], abs=1e-9)


def test_arrays_rebuild_the_model(fitted: PolymerFit) -> None:
    again = PolymerModel.from_arrays(fitted.model.arrays())
    batch = fitted.points.table.batch
    asked = np.full(len(batch), 40.0)
    one, two = (model.predict(batch, asked) for model in (fitted.model, again))
    for first, second in zip(one, two, strict=True):
        assert np.abs(first - second).max() < 2e-3
    few = batch.take(np.arange(3))
    assert (
        again.nearest(again.look(few), few, asked[:3], 2)[0][0].doi
        == fitted.model.nearest(fitted.model.look(few), few, asked[:3], 2)[0][0].doi
    )


def test_arrays_of_before_the_forest_are_halves_of_process_and_boosted_trees(fitted: PolymerFit) -> None:
    older = PolymerModel.from_arrays({k: v for k, v in fitted.model.arrays().items() if not k.startswith("forest/")})
    assert not any(name.startswith("forest/") for name in older.arrays())
    batch, asked = fitted.points.table.batch, fitted.points.table.temperature_C
    seen = older.look(batch)
    boosted = older.parts.boosted(np.column_stack([seen.inputs.for_trees(), asked]))
    process = seen.level - seen.slope * inverse_temperature(asked)
    np.testing.assert_allclose(older.predict(batch, asked).log10_sigma, 0.5 * (process + boosted), atol=1e-12)


def test_nearest_is_the_polymer_itself_with_conditions(fitted: PolymerFit) -> None:
    batch = fitted.points.table.batch.take(np.array([100]))
    nearest = fitted.model.nearest(fitted.model.look(batch), batch, np.array([45.0]), 3)[0]
    assert len({known.polymer for known in nearest}) == 3
    assert nearest[0].distance == pytest.approx(0.0, abs=1e-4)
    assert nearest[0].temperature_C == 40.0
    assert nearest[0].salt == batch.salt_keys[0]
    assert nearest[0].doi.startswith("10.1000/")


def test_known_chains_are_in_the_domain(fitted: PolymerFit) -> None:
    batch = fitted.points.table.batch
    foreign = read_polymer(PolymerFields("*CC(c1ccc2ccccc2c1)C(F)(F)C(=O)N*", "LiTFSI", molality=1.0))
    said = fitted.model.predict(PolymerBatch.from_candidates([foreign]), np.array([60.0]))
    assert not fitted.model.known.in_domain(said.distance)[0]
    assert fitted.model.known.in_domain(fitted.model.predict(batch, np.full(len(batch), 60.0)).distance).all()


def test_two_numbers_stand_for_a_curve() -> None:
    """A process fitted on the reduced curves equals one fitted on all points."""
    seen = points()
    rows = np.arange(0, 160)
    few = seen.take(rows)
    phi = inverse_temperature(few.table.temperature_C)
    reduced = CurveProcess.fit(few.inputs, few.origins, phi, few.table.log10_sigma, Kernel(same_curve=0.1))
    curves = curves_of(few.table.curve, phi, few.table.log10_sigma)
    assert len(curves.value) == 2 * len(np.unique(few.table.curve))
    for row in range(0, len(curves.row), 2):
        here = few.table.curve == few.table.curve[curves.row[row]]
        line = np.linalg.solve(curves.design[row : row + 2], curves.value[row : row + 2])
        expected = np.polyfit(-phi[here], few.table.log10_sigma[here], 1)[::-1]
        assert line == pytest.approx(expected, abs=1e-8)
    level, slope = reduced.lines(few.inputs, few.table.batch.polymer_keys)
    assert np.abs(level - slope * phi - few.table.log10_sigma).max() < 1.0


def test_intervals_cover_nine_of_ten_papers() -> None:
    """Errors of a known law: coverage of new groups, each weighing the same, false alarm below one in a thousand."""
    rng = np.random.default_rng(3)

    def draw(n_groups: int) -> tuple[Signs, np.ndarray, np.ndarray]:
        group = np.repeat(np.arange(n_groups), rng.integers(1, 30, n_groups)).astype(np.str_)
        n = len(group)
        signs = Signs(rng.gamma(2.0, 0.3, n), rng.random(n), rng.normal(0.0, 0.2, n), rng.normal(50.0, 60.0, n))
        return signs, rng.laplace(0.0, 0.3 + 0.5 * signs.apart), group

    signs, error, group = draw(400)
    calibration = ErrorCalibration.fit(signs, error, group)
    fresh, fresh_error, fresh_group = draw(800)
    half_width = calibration.conformal.factor(0.9) * calibration.scale(fresh)
    covered = np.average(np.abs(fresh_error) <= half_width, weights=equal_groups(fresh_group))
    assert 0.86 < covered < 0.94
    assert np.corrcoef(calibration.scale(fresh), fresh.apart)[0, 1] > 0.7
    wide, narrow = (calibration.interval(np.zeros(3), np.ones(3), coverage) for coverage in (0.95, 0.5))
    assert (wide.lower < narrow.lower).all()
    assert (wide.upper > narrow.upper).all()


def test_groups_weigh_the_same() -> None:
    weights = equal_groups(np.array(["a", "a", "a", "b"]))
    assert weights[:3].sum() == pytest.approx(weights[3])


def test_the_law_of_the_world_is_finite() -> None:
    table = conductivities()
    assert np.isfinite(true_sigma(table.batch, table.temperature_C)).all()


def test_cautions_of_peo_and_glass(fitted: PolymerFit) -> None:
    texts = ["PEO20-LiTFSI", "PPO16-LiTFSI", "*OCOCCOCCOCCOCC*", "PEO20-LiTFSI"]
    fields = [PolymerFields(text, *((None,) if "-" in text else ("LiTFSI", 1.0))) for text in texts]
    read = [read_polymer(one) for one in fields]
    read[3] = read_polymer(PolymerFields("PEO20-LiTFSI", molar_mass=800.0))
    batch = PolymerBatch.from_candidates(read)
    temperature_C = np.array([25.0, 25.0, 25.0, 60.0])
    prediction = fitted.model.predict(batch, temperature_C)._replace(glass_transition_C=np.array([-60.0, 10.0, -60, 0]))
    said = {caution.code: caution.rows.tolist() for caution in cautions(batch, temperature_C, prediction)}
    assert said == {
        WarningCode.NEAR_GLASS_TRANSITION: [False, True, False, False],
        WarningCode.CRYSTALLISES: [True, False, False, False],
        WarningCode.SHORT_CHAIN: [False, False, False, True],
    }


def test_a_bundle_is_loaded_and_reproduces_itself(tmp_path: Path) -> None:
    trained = train(tmp_path, tables(noise=0.3), SETTINGS)
    model, bundle = load_polymer(tmp_path, trained.digest)
    assert bundle.card.property == "polymer"
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 12e6
    assert len(golden_predictions(model, bundle.arrays)) == 10


def test_pictures_are_drawn(fitted: PolymerFit, tmp_path: Path) -> None:
    drawn = write_plots(fitted, SETTINGS, tmp_path)
    assert sorted(drawn) == ["calibration", "curves", "parity"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn.values())
