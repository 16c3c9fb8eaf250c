"""The numpy forward pass is torch's, and both see a compound, not a formula."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stability_world import TINY, fitted, known, scaling, training_inputs

from features.candidate import MaterialBatch
from training.properties.stability import ensemble as ensemble_module
from training.properties.stability.descriptors import HullInputs, NeighbourInputs, NetInputs
from training.properties.stability.ensemble import NetEnsemble, NetOutputs
from training.properties.stability.inputs import net_inputs
from training.properties.stability.network import NetworkSettings, StabilityNet, element_properties, tensors

UNKNOWN = [
    "Li",
    "Li3AsCl7",
    "Li7La3Zr2O12",
    "Li6PS5Br",
    "Li2NaAlO3S2Cl",
    "Li1.3Al0.3Ti1.7P3O12F0.2",
    "BaTiO3",
    "Na3PuO4",
    "LiNaKMgCaSrBaScYLaTiZrHfVNbTaOSFCl",
]


def unknown_inputs() -> NetInputs:
    return net_inputs(known("train"), MaterialBatch.from_formulas(UNKNOWN), scaling(), np.full(len(UNKNOWN), -1))


def by_size(inputs: NetInputs) -> list[NetInputs]:
    size = (inputs.fraction > 0).sum(axis=1)
    return [inputs.take(np.flatnonzero(size == k), int(k)) for k in np.unique(size)]


def by_torch(net: StabilityNet, inputs: NetInputs) -> NDArray[np.float32]:
    with torch.no_grad():
        return net.eval()(tensors(inputs)).numpy()


def rounded(net: StabilityNet) -> StabilityNet:
    """Return a net with the very weights that an ensemble holds: half precision, element vectors in one piece."""
    out = deepcopy(net)
    with torch.no_grad():
        vectors = net.embedding.weight + net.from_properties(net.properties)
        out.embedding.weight.copy_(vectors)
        out.from_properties.weight.zero_()
        out.from_properties.bias.zero_()
        for parameter in out.parameters():
            parameter.copy_(parameter.half().float())
    return out


def stacked(said: NetOutputs, member: int) -> NDArray[np.float32]:
    return np.column_stack(
        [
            said.residual_eV_per_atom[member],
            said.decomposition_eV_per_atom[member],
            np.log(said.scale_residual_eV_per_atom[member]),
            np.log(said.scale_decomposition_eV_per_atom[member]),
            said.log_odds_stable[member],
        ]
    )


def fresh(seed: int, settings: NetworkSettings) -> StabilityNet:
    torch.manual_seed(seed)
    return StabilityNet(training_inputs().composition.shape[1], settings)


@pytest.mark.parametrize("kind", ["fitted", "full size"])
def test_numpy_says_what_torch_says(kind: str) -> None:
    """With the same rounded weights to 1e-5; the rounding itself moves energies by less than 1e-3 eV/atom."""
    networks = fitted().networks if kind == "fitted" else [fresh(seed, NetworkSettings()) for seed in (5, 6)]
    ensemble = NetEnsemble.from_networks(networks)
    assert len(ensemble) == 2
    seen = 0
    for inputs in (*by_size(training_inputs()), *by_size(unknown_inputs())):
        said = ensemble(inputs)
        for member, net in enumerate(networks):
            exact, half = by_torch(net, inputs), by_torch(rounded(net), inputs)
            for each in (exact, half):
                each[:, 2:4] = np.clip(each[:, 2:4], -8, 2)
            np.testing.assert_allclose(stacked(said, member), half, atol=1e-5, rtol=1e-5)
            np.testing.assert_allclose(stacked(said, member)[:, :2], exact[:, :2], atol=1e-3, rtol=1e-3)
        seen |= 1 << inputs.element.shape[1]
    assert [k for k in range(21) if seen >> k & 1][:6] == [1, 2, 3, 4, 5, 6]


def shuffled(inputs: NetInputs, rng: np.random.Generator) -> NetInputs:
    """Name elements, products and relatives in another order; all rows have as many elements."""
    k, n_relatives = inputs.element.shape[1], inputs.neighbours.element.shape[1]
    column, product, relative = rng.permutation(k), rng.permutation(k), rng.permutation(n_relatives)
    hull, near = inputs.hull, inputs.neighbours
    return NetInputs(
        inputs.element[:, column],
        inputs.fraction[:, column],
        inputs.composition,
        HullInputs(
            hull.energy_eV_per_atom,
            hull.potential_eV[:, column],
            hull.product_fraction[:, product][:, :, column],
            hull.product_scalars[:, product],
        ),
        NeighbourInputs(near.element[:, relative][:, :, column], near.scalars[:, relative]),
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_elements_products_and_relatives_does_not_matter(seed: int) -> None:
    ensemble, rng = fitted().model.ensemble, np.random.default_rng(seed)
    for inputs in by_size(training_inputs()):
        one, other = ensemble(inputs), ensemble(shuffled(inputs, rng))
        for member in range(len(ensemble)):
            np.testing.assert_allclose(stacked(one, member), stacked(other, member), atol=2e-5)


def test_a_batch_says_what_each_row_says_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ensemble, inputs = fitted().model.ensemble, unknown_inputs()
    together = ensemble(inputs)
    for row in range(len(inputs)):
        alone = ensemble(inputs.take(np.array([row]), int((inputs.fraction[row] > 0).sum())))
        for member in range(len(ensemble)):
            np.testing.assert_allclose(stacked(together, member)[row], stacked(alone, member)[0], atol=1e-5)
    monkeypatch.setattr(ensemble_module, "ROWS_PER_PASS", 7)
    many, one_pass = ensemble(training_inputs()), fitted().model.ensemble(training_inputs())
    np.testing.assert_allclose(many.residual_eV_per_atom, one_pass.residual_eV_per_atom, atol=1e-5)


def test_padding_is_not_seen() -> None:
    """The same compounds among rows of more elements."""
    ensemble, inputs = fitted().model.ensemble, training_inputs()
    pairs = np.flatnonzero((inputs.fraction > 0).sum(axis=1) == 2)
    wide = ensemble(inputs.take(pairs, inputs.element.shape[1]))
    narrow = ensemble(inputs.take(pairs, 2))
    np.testing.assert_array_equal(wide.residual_eV_per_atom, narrow.residual_eV_per_atom)


def test_a_relative_that_is_not_there_has_no_say() -> None:
    """Whatever stands in its place: absent relatives are masked, not merely zero."""
    ensemble, inputs = fitted().model.ensemble, training_inputs()
    scalars, element = inputs.neighbours.scalars.copy(), inputs.neighbours.element.copy()
    absent = scalars[..., 3] == 0
    assert absent.any()
    element[absent] = 17
    other = replace(inputs, neighbours=NeighbourInputs(element, scalars))
    np.testing.assert_allclose(ensemble(other).residual_eV_per_atom, ensemble(inputs).residual_eV_per_atom, atol=1e-6)


def test_nets_of_other_seeds_differ_and_the_first_guess_is_that_of_the_relatives() -> None:
    said = fitted().model.ensemble(training_inputs())
    assert np.abs(said.residual_eV_per_atom[0] - said.residual_eV_per_atom[1]).mean() > 1e-4
    net = fresh(0, TINY.network)
    torch.nn.init.zeros_(net.last.weight)
    torch.nn.init.zeros_(net.last.bias)
    inputs = training_inputs()
    one = inputs.neighbours.scalars.copy()
    one[:, 1:] = 0.0  # a single relative
    said = NetEnsemble.from_networks([net])(replace(inputs, neighbours=replace(inputs.neighbours, scalars=one)))
    np.testing.assert_allclose(said.residual_eV_per_atom[0], one[:, 0, 0], atol=1e-6)
    np.testing.assert_allclose(said.decomposition_eV_per_atom[0], one[:, 0, 0], atol=1e-6)


def test_arrays_and_back_is_the_same_ensemble() -> None:
    ensemble = fitted().model.ensemble
    arrays = ensemble.to_arrays()
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float16)}
    again = NetEnsemble.from_arrays(arrays, ensemble.heads)
    assert again.blocks == ensemble.blocks == TINY.network.blocks
    for member in range(len(ensemble)):
        np.testing.assert_array_equal(
            stacked(again(training_inputs()), member), stacked(ensemble(training_inputs()), member)
        )


def test_elements_have_properties_by_atomic_number() -> None:
    properties = element_properties()
    assert properties.shape == (128, 22)
    assert (properties[0] == 0).all()
    assert len({tuple(row.tolist()) for row in properties[1:90]}) == 89
