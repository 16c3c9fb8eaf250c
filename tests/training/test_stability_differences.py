"""The loss on differences: worked out by hand; handfuls hold one group each and stay together in batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.properties.stability.differences import batches_of_handfuls, difference_loss, handfuls


def test_an_offset_that_a_handful_shares_costs_nothing() -> None:
    error = torch.tensor([[0.3, -0.1], [0.3, -0.1], [0.7, 0.2]])
    assert float(difference_loss(error, torch.tensor([0, 0, 1]))) == 0.0


def test_it_is_the_mean_error_of_the_differences_of_all_pairs() -> None:
    error = torch.tensor([[0.0, 0.0], [0.1, 0.2], [0.4, 0.0], [9.0, 9.0]])
    # pairs of handful 5: 0.1 + 0.2, 0.4 + 0, 0.3 + 0.2
    expected = (0.3 + 0.4 + 0.5) / 3
    assert float(difference_loss(error, torch.tensor([5, 5, 5, 2]))) == pytest.approx(expected)


def test_without_a_pair_it_is_zero_and_has_a_gradient() -> None:
    error = torch.tensor([[1.0], [2.0]], requires_grad=True)
    loss = difference_loss(error, torch.tensor([0, 1]))
    loss.backward()
    assert loss.item() == 0.0
    assert error.grad is not None
    assert not error.grad.any()


def test_a_handful_holds_rows_of_one_group_and_not_too_many() -> None:
    random = np.random.default_rng(0)
    label = random.integers(0, 7, 300)
    handful = handfuls(label, 16, random)
    _, sizes = np.unique(handful, return_counts=True)
    assert sizes.max() == 16
    for one in np.unique(handful):
        assert len(set(label[handful == one])) == 1
    # no more handfuls than each group needs
    assert len(sizes) == sum(-(-count // 16) for count in np.bincount(label))


def test_another_draw_makes_other_handfuls() -> None:
    label = np.zeros(64, dtype=np.int64)
    first, second = (handfuls(label, 8, np.random.default_rng(seed)) for seed in (0, 1))
    together = [frozenset(np.flatnonzero(first == one)) for one in range(8)]
    assert not set(together) & {frozenset(np.flatnonzero(second == one)) for one in range(8)}


def test_batches_hold_every_row_once_and_handfuls_together() -> None:
    random = np.random.default_rng(3)
    label = random.integers(0, 40, 500)
    handful = handfuls(label, 8, random)
    groups = [np.flatnonzero(label < 20), np.flatnonzero(label >= 20)]
    found = batches_of_handfuls(groups, handful, 64, random)
    assert sorted(np.concatenate(found).tolist()) == list(range(500))
    assert max(map(len, found)) == 64
    cut = sum(len({i for i, batch in enumerate(found) if one in handful[batch]}) > 1 for one in np.unique(handful))
    assert cut <= len(found)  # at most the one at the end of each batch
    for batch in found:
        assert len({bool(label[row] < 20) for row in batch}) == 1


def test_no_rows_make_no_batches() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert len(handfuls(none, 16, np.random.default_rng(0))) == 0
    assert batches_of_handfuls([none], none, 16, np.random.default_rng(0)) == []
