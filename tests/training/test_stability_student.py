"""The student: it begins as its pool, learns to say what the pool says, and goes on where it was stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from stability_world import fitted, known, scaling, training_inputs, world

from training.properties.stability.calibration import Pooled
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.inputs import net_inputs
from training.properties.stability.made_up import made_up
from training.properties.stability.network import StabilityNet
from training.properties.stability.student import begin_as, fit_student, network_of
from training.properties.stability.student_settings import FurtherRound, StudentSettings
from training.properties.stability.table import compositions
from training.thermodynamics.phases import rows_of_compositions

FEW = StudentSettings(chunks=3, rows_per_chunk=400, epochs=6, chunks_per_epoch=2, batch=64, label_share=0.0, further=())
AGAIN = FurtherRound(chunks=2, epochs=2, chunks_per_epoch=1, learning_rate=1e-4)


class StoppedError(Exception):
    """The power went off."""


@cache
def pool() -> NetEnsemble:
    return fitted().model.ensemble


def test_made_up_compositions_are_new_and_of_known_elements() -> None:
    table = world()
    rows = table.rows_of("train")
    alike = known("train").prototypes.dissimilarity_eV_per_atom
    batch = made_up(
        (table.atomic_number[rows], table.fraction[rows]), alike, table.phases, 500, np.random.default_rng(0)
    )
    atomic_number, fraction = compositions(batch)
    assert 400 < len(batch) <= 500
    assert (rows_of_compositions(table.phases, atomic_number, fraction) < 0).all()
    np.testing.assert_allclose(fraction.sum(axis=1), 1.0)
    assert (table.phases.of_element[atomic_number[fraction > 0]] >= 0).all()
    assert (np.diff(np.where(fraction > 0, atomic_number, 999), axis=1) >= 0).all()


def test_without_a_layer_less_it_begins_as_the_member() -> None:
    inputs = training_inputs()
    net = StabilityNet(inputs.composition.shape[1], network_of(pool(), head_layers=2))
    begin_as(net, {name: array[0] for name, array in pool().weights.items()})
    student, said = NetEnsemble.from_networks([net.eval()])(inputs), pool()(inputs)
    np.testing.assert_allclose(student.residual_eV_per_atom[0], said.residual_eV_per_atom[0], atol=1e-5)
    np.testing.assert_allclose(student.log_odds_stable[0], said.log_odds_stable[0], atol=1e-4)
    assert student.spread_residual_eV_per_atom is not None
    np.testing.assert_allclose(student.spread_residual_eV_per_atom[0], 0.02, rtol=1e-2)


def unlisted_inputs(seed: int) -> object:
    table = world()
    rows = table.rows_of("train")
    alike = known("train").prototypes.dissimilarity_eV_per_atom
    where = table.atomic_number[rows], table.fraction[rows]
    return net_inputs(
        known("train"), made_up(where, alike, table.phases, 400, np.random.default_rng([seed])), scaling()
    )


def test_it_says_what_the_pool_says_where_it_was_not_asked(tmp_path: Path) -> None:
    steps: list[str] = []
    settings = replace(FEW, epochs=20)
    student = fit_student(pool(), scaling(), world(), settings, tmp_path, on_step=steps.append)
    assert len(student) == 1
    assert len(steps) == settings.n_steps()
    inputs = unlisted_inputs(99)
    said, own = Pooled.of(pool()(inputs)), Pooled.of(student(inputs))  # type: ignore[arg-type]
    alone = pool()(inputs).residual_eV_per_atom[0]  # type: ignore[arg-type]
    apart = np.abs(own.residual_eV_per_atom - said.residual_eV_per_atom).mean()
    assert apart < np.abs(alone - said.residual_eV_per_atom).mean()
    assert np.corrcoef(np.log(own.scale_residual_eV_per_atom), np.log(said.scale_residual_eV_per_atom))[0, 1] > 0.5


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    whole = fit_student(pool(), scaling(), world(), FEW, tmp_path / "whole")

    def stop(what: str) -> None:
        if what.startswith("student, round 1, 3/"):
            raise StoppedError

    with pytest.raises(StoppedError):
        fit_student(pool(), scaling(), world(), FEW, tmp_path / "stopped", on_step=stop)
    resumed = fit_student(pool(), scaling(), world(), FEW, tmp_path / "stopped")
    for name, array in resumed.weights.items():
        np.testing.assert_array_equal(array, whole.weights[name], err_msg=name)


def test_another_pool_or_setting_is_another_folder() -> None:
    other = NetEnsemble({name: array + np.float32(1e-3) for name, array in pool().weights.items()}, pool().heads)
    assert FEW.fingerprint(pool()) != FEW.fingerprint(other)
    assert FEW.fingerprint(pool()) != replace(FEW, epochs=7).fingerprint(pool())
    assert torch.get_num_threads() == 1


def test_a_further_round_goes_on_from_the_student_it_is_given(tmp_path: Path) -> None:
    settings = replace(FEW, epochs=2, further=(AGAIN,))
    first = fit_student(pool(), scaling(), world(), settings.rounds[0], tmp_path)
    steps: list[str] = []
    both = fit_student(pool(), scaling(), world(), settings, tmp_path / "both")
    second = fit_student(pool(), scaling(), world(), settings, tmp_path, done=(first, 1), on_step=steps.append)
    assert len(steps) == settings.n_steps(1) == 4
    for name, array in both.weights.items():
        np.testing.assert_array_equal(array, second.weights[name], err_msg=name)
    assert (second.weights["last.bias"] != first.weights["last.bias"]).any()
    with_nothing_left = fit_student(pool(), scaling(), world(), settings, tmp_path / "none", done=(second, 2))
    assert with_nothing_left is second
    assert not (tmp_path / "none").exists()


def test_rounds_behind_a_student_are_told_from_its_card() -> None:
    settings = replace(FEW, further=(AGAIN, replace(AGAIN, epochs=3)))
    card = json.loads(json.dumps(settings.written()))
    assert settings.rounds_done(StudentSettings.read(card)) == 3
    assert settings.rounds_done(StudentSettings.read(card | {"further": card["further"][:1]})) == 2
    before_rounds = {name: value for name, value in card.items() if name not in ("further", "difference_weight")}
    assert settings.rounds_done(StudentSettings.read(before_rounds)) == 1
    assert settings.rounds_done(replace(settings, weight_decay=0.1)) == 0
    assert settings.rounds_done(replace(settings, further=(replace(AGAIN, epochs=9),))) == 0
