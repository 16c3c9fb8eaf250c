"""The nets on the elements: numpy answers as PyTorch does, in any order and any company, and they can learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_net import ElementNets
from training.properties.mechanics.elasticity_net_fit import (
    ElementNet,
    _exported,
    learn_auxiliary,
    learn_moduli,
    stacked,
)
from training.properties.mechanics.elasticity_settings import ElementNetSettings, Schedule

Array = NDArray[np.float64]

SMALL = replace(ElementNetSettings.quick(), rounds=2)
FORMULAS = ("Li", "Li2O", "LiCl", "Li3PS4", "Li7La3Zr2O12", "MgO", "NaCl", "SiC", "Al2O3", "Li6PS5Cl", "Fe3C", "Cu")


def batch() -> MaterialBatch:
    return MaterialBatch.from_formulas(FORMULAS)


def moduli() -> Array:
    random = np.random.default_rng(0)
    return np.column_stack([random.normal(1.5, 0.3, len(FORMULAS)), random.normal(1.8, 0.3, len(FORMULAS))])


@pytest.fixture(scope="module")
def nets() -> ElementNets:
    return stacked([learn_moduli(None, batch(), moduli(), SMALL, seed) for seed in (0, 1)])


def test_twelve_crystals_can_be_learnt_by_heart() -> None:
    schedule = Schedule(epochs=400, batch=12, learning_rate=5e-3, averaging=0.9, weight_decay=0.0)
    learnt = learn_moduli(None, batch(), moduli(), replace(SMALL, width=32, dropout=0.0, moduli=schedule), 0)
    assert np.abs(learnt(batch()).value[0] - moduli()).max() < 0.05


def test_numpy_answers_as_pytorch_does() -> None:
    torch.manual_seed(3)
    net = ElementNet(SMALL, 4).eval()
    exported = _exported(net, np.array([1.0, 2.0]), np.array([0.5, 0.25]))
    given = batch()
    answers = exported(given)
    for row in range(len(given)):
        held = given.fraction[row] > 0
        element, fraction = torch.tensor(given.element_index[row, held]), torch.tensor(given.fraction[row, held])
        out = net(element[None], fraction[None].float()).detach().numpy()[0]
        np.testing.assert_allclose(answers.value[0, row], out[:2] * [0.5, 0.25] + [1.0, 2.0], atol=3e-3)
        np.testing.assert_allclose(np.log(answers.scale[0, row] / [0.5, 0.25]), np.clip(out[2:], -5, 1), atol=3e-3)


def test_a_row_is_answered_alone_as_in_company(nets: ElementNets) -> None:
    together = nets(batch()).value
    alone = [nets(MaterialBatch.from_formulas([formula])).value[:, 0] for formula in FORMULAS]
    np.testing.assert_allclose(np.stack(alone, axis=1), together, atol=1e-5)


def test_the_order_of_rows_is_kept(nets: ElementNets) -> None:
    order = np.random.default_rng(1).permutation(len(FORMULAS))
    shuffled = nets(batch().take(order)).value
    np.testing.assert_allclose(shuffled, nets(batch()).value[:, order], atol=1e-5)


def test_many_passes_give_what_one_gives(nets: ElementNets) -> None:
    many = MaterialBatch.from_formulas(FORMULAS * 60)
    np.testing.assert_allclose(nets(many).value, np.tile(nets(batch()).value, (1, 60, 1)), atol=1e-5)


def test_each_net_of_an_ensemble_answers_as_alone(nets: ElementNets) -> None:
    assert len(nets) == 2
    single = learn_moduli(None, batch(), moduli(), SMALL, 1)
    np.testing.assert_array_equal(nets(batch()).value[1], single(batch()).value[0])


def test_what_is_stored_answers_the_same(nets: ElementNets) -> None:
    again = ElementNets.from_arrays(nets.arrays())
    np.testing.assert_array_equal(again(batch()).value, nets(batch()).value)
    np.testing.assert_array_equal(again(batch()).scale, nets(batch()).scale)


def test_arrays_of_something_else_are_refused() -> None:
    with pytest.raises(KeyError, match="target_centre"):
        ElementNets.from_arrays({"element": np.zeros((1, 103, 4))})


def test_a_net_starts_from_what_it_learnt_before() -> None:
    """With no steps of learning moduli worth mentioning, elements are as the auxiliary table left them."""
    targets = np.column_stack([moduli(), moduli()])
    targets[3, 1], targets[:, 3] = np.nan, 0.0
    start = learn_auxiliary(batch(), targets, SMALL, 0)
    assert not any(name.startswith("last") for name in start)
    still = replace(SMALL, moduli=Schedule(epochs=1, batch=12, learning_rate=1e-9, averaging=0.9))
    one, other = (learn_moduli(from_, batch(), moduli(), still, 0).weights["element"] for from_ in (start, None))
    assert np.abs(one - other).max() > 1e-3
    known = start["embedding.weight"] + ElementNet(SMALL, 4).properties.numpy() @ start["from_properties.weight"].T
    known = (known + start["from_properties.bias"]) @ start["into.weight"][:, : SMALL.embedding].T + start["into.bias"]
    np.testing.assert_allclose(one[0], known, atol=5e-3)


def test_the_same_seed_gives_the_same_net() -> None:
    first, again = (learn_moduli(None, batch(), moduli(), SMALL, 5) for _ in range(2))
    for name, array in first.weights.items():
        np.testing.assert_array_equal(array, again.weights[name])
