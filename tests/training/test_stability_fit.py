"""Fitting: it learns, it is repeatable, and a run that was stopped goes on as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from phase_tables import reference
from stability_world import TINY, fitted_net, known, scaling, training_inputs, world

from training.properties.stability.ensemble_fit import NetSettings, fit_ensemble, fit_scaling, load_table
from training.properties.stability.fit import FitSettings, fit_member
from training.properties.stability.inputs import net_inputs
from training.properties.stability.network import StabilityNet, load_network, tensors

SHORT = replace(TINY, epochs=3)


class StoppedError(Exception):
    """The power went off."""


def weights(net: StabilityNet) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in net.state_dict().items()}


def assert_same(one: StabilityNet, other: StabilityNet) -> None:
    for (name, left), right in zip(weights(one).items(), weights(other).values(), strict=True):
        np.testing.assert_array_equal(left, right, err_msg=name)


def stop_after(epochs: int, path: Path, settings: FitSettings = SHORT, seed: int = 0) -> None:
    """Fit and be stopped after some epochs."""

    def on_epoch(done: int, losses: dict[str, float]) -> None:
        if done == epochs:
            raise StoppedError

    with pytest.raises(StoppedError):
        fitted_net(seed, settings, checkpoint=path, on_epoch=on_epoch)


def test_the_losses_fall() -> None:
    losses: list[dict[str, float]] = []
    fitted_net(1, on_epoch=lambda epoch, loss: losses.append(loss))
    assert len(losses) == TINY.epochs
    assert losses[-1]["energies"] < 0.7 * losses[0]["energies"]
    assert losses[-1]["class"] < losses[0]["class"]
    assert np.isfinite([list(loss.values()) for loss in losses]).all()


def test_a_net_can_learn_a_dozen_compounds_by_heart() -> None:
    """Energies that chemistry cannot explain: dead gradients and mixed-up rows show here."""
    table, rng = world(), np.random.default_rng(0)
    rows = rng.choice(table.rows_of("train"), 12, replace=False)
    strange = replace(
        table,
        formation_energy_eV_per_atom=table.formation_energy_eV_per_atom + 0.0,
        decomposition_energy_eV_per_atom=rng.uniform(-1, 1, len(table)),
    )
    own = table.phases.row_of_input[rows]
    inputs = net_inputs(known("train"), table.batch(rows), scaling(), own)
    settings = replace(
        TINY,
        epochs=150,
        learning_rate=1e-2,
        weight_decay=0.0,
        largest_share_left_out=0.0,
        relatives_left_out=0.0,
        network=replace(TINY.network, dropout=0.0),
    )
    net = fit_member(strange, known("train"), inputs, rows, 0, settings)
    size = (inputs.fraction > 0).sum(axis=1)
    for k in np.unique(size):
        part = np.flatnonzero(size == k)
        with torch.no_grad():
            out = net(tensors(inputs.take(part, int(k)))).numpy()
        truth = strange.decomposition_energy_eV_per_atom[rows[part]]
        np.testing.assert_allclose(out[:, 1], truth, atol=0.15)
        residual = table.formation_energy_eV_per_atom[rows[part]] - inputs.hull.energy_eV_per_atom[part]
        np.testing.assert_allclose(out[:, 0], residual, atol=0.15)
        assert ((out[:, 4] > 0) == (truth <= 0)).all()


def test_the_same_seed_gives_the_same_net_and_another_seed_another() -> None:
    one, again, other = fitted_net(7, SHORT), fitted_net(7, SHORT), fitted_net(8, SHORT)
    assert_same(one, again)
    assert any((weights(one)[name] != weights(other)[name]).any() for name in weights(one))


@pytest.mark.parametrize("stopped_after", [1, 2])
def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(tmp_path: Path, stopped_after: int) -> None:
    stop_after(stopped_after, tmp_path / "net.pt")
    told: list[int] = []
    resumed = fitted_net(0, SHORT, checkpoint=tmp_path / "net.pt", on_epoch=lambda epoch, _: told.append(epoch))
    assert told == list(range(stopped_after + 1, SHORT.epochs + 1))
    assert_same(resumed, fitted_net(0, SHORT))


def test_a_finished_run_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    first = fitted_net(0, SHORT, checkpoint=path)
    told: list[int] = []
    assert_same(first, fitted_net(0, SHORT, checkpoint=path, on_epoch=lambda epoch, _: told.append(epoch)))
    assert told == []
    assert_same(first, load_network(path, SHORT.network))


@pytest.mark.parametrize(
    ("changed", "seed"),
    [(replace(SHORT, learning_rate=1e-3), 0), (replace(SHORT, epochs=2), 0), (SHORT, 1)],
    ids=["another rate", "fewer epochs", "another seed"],
)
def test_the_checkpoint_of_other_settings_is_not_continued(tmp_path: Path, changed: FitSettings, seed: int) -> None:
    stop_after(1, tmp_path / "net.pt")
    told: list[int] = []
    net = fitted_net(seed, changed, checkpoint=tmp_path / "net.pt", on_epoch=lambda epoch, _: told.append(epoch))
    assert told == list(range(1, changed.epochs + 1))
    assert_same(net, fitted_net(seed, changed))


def test_inputs_are_not_changed_by_fitting() -> None:
    before = training_inputs().hull.energy_eV_per_atom.copy()
    fitted_net(0, replace(SHORT, epochs=1))
    np.testing.assert_array_equal(training_inputs().hull.energy_eV_per_atom, before)


def test_settings_that_fit_other_nets_have_another_fingerprint() -> None:
    """But more nets do not: those that were fitted are kept."""
    plain = NetSettings()
    assert plain.fingerprint() == NetSettings(seeds=(0,)).fingerprint()
    others = [
        NetSettings.quick(),
        replace(plain, largest_split=10),
        replace(plain, fit=replace(plain.fit, epochs=3)),
        replace(plain, fit=replace(plain.fit, network=replace(plain.fit.network, width=64))),
    ]
    assert len({each.fingerprint() for each in (plain, *others)}) == 5
    assert NetSettings.quick().n_epochs == 4


# ---------------------------------------------------------------- side by side, on the public table

FEW = NetSettings(seeds=(0, 1), largest_split=300, fit=replace(FitSettings.quick(), epochs=2))


def test_a_part_of_the_public_table_keeps_the_splits() -> None:
    reference()
    one, again = load_table(FEW), load_table(FEW)
    assert one.formula == again.formula
    whole = reference()
    place = {formula: row for row, formula in enumerate(whole.formula)}
    rows = np.array([place[formula] for formula in one.formula])
    np.testing.assert_array_equal(one.split, whole.split[rows])
    assert [len(one.rows_of(name)) for name in ("train", "val", "test")] == [300] * 3
    mean = fit_scaling(one).mean
    assert np.isfinite(mean).all()


def test_nets_are_fitted_side_by_side_and_kept(tmp_path: Path) -> None:
    reference()
    told: list[str] = []
    nets = fit_ensemble(FEW, tmp_path / "work", on_epoch=told.append)
    assert len(nets) == 2
    assert len(told) == FEW.n_epochs
    assert told[-1] == "nets 0:2 1:2"
    assert {path.name for path in (tmp_path / "work").glob("*.pt")} == {"net-0.pt", "net-1.pt"}
    changed = [path.stat().st_mtime_ns for path in sorted((tmp_path / "work").glob("*.pt"))]
    told.clear()
    again = fit_ensemble(FEW, tmp_path / "work", on_epoch=told.append)
    assert changed == [path.stat().st_mtime_ns for path in sorted((tmp_path / "work").glob("*.pt"))]
    assert len(told) == FEW.n_epochs  # a progress bar starts where the earlier run ended
    for name, array in nets.to_arrays().items():
        np.testing.assert_array_equal(array, again.to_arrays()[name])
