"""Fitting one net of the ensemble: resumable, with the hull redrawn from part of the phases in every epoch.

Hull augmentation teaches a net what a missing phase looks like: in every epoch a random share of the training
phases is left out before the hulls of all training rows (each without the row itself) are computed anew.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.properties.stability.descriptors import DESCRIPTOR_VERSION, NetInputs, hull_inputs
from training.properties.stability.inputs import Surroundings
from training.properties.stability.network import NetworkSettings, StabilityNet, tensors
from training.properties.stability.table import EnergyTable

EpochDone = Callable[[int, dict[str, float]], None]
State = dict[str, Any]  # net, running mean, optimiser, schedule
SCALE_WEIGHT, CLASS_WEIGHT = 0.03, 0.06  # of the scales' and the class loss beside errors in eV/atom


@dataclass(frozen=True)
class FitSettings:
    """How a net is fitted.

    Attributes
    ----------
    epochs, batch, learning_rate, weight_decay
        Of AdamW under a one-cycle schedule.
    largest_share_left_out
        Of the training phases, per epoch, uniform between 0 and this.
    relatives_left_out
        Share of the relatives that a row does not see in an epoch.
    averaging
        Decay of the running mean of the weights, which is what is kept.
    network
        Sizes of the net.
    descriptor_version
        Of what the net sees; not to be set.
    """

    epochs: int = 64
    batch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 0.04
    largest_share_left_out: float = 0.2
    relatives_left_out: float = 0.1
    averaging: float = 0.999
    network: NetworkSettings = field(default_factory=NetworkSettings)
    descriptor_version: int = DESCRIPTOR_VERSION

    @classmethod
    def quick(cls) -> FitSettings:
        """Return a setting for tests: the path is the same, the figures mean nothing."""
        return cls(epochs=2, network=NetworkSettings(width=32, heads=2, blocks=1, embedding=16, relatives=16, head=32))


def fit_member(
    table: EnergyTable,
    surroundings: Surroundings,
    inputs: NetInputs,
    rows: NDArray[np.int64],
    seed: int,
    settings: FitSettings | None = None,
    *,
    checkpoint: Path | None = None,
    on_epoch: EpochDone | None = None,
) -> StabilityNet:
    """Fit one net.

    Parameters
    ----------
    table
        All compounds; only `rows` of it are learned from.
    surroundings
        Phases and relatives that the net may look at, built from the training rows only.
    inputs
        Inputs of the compounds in `rows`, in that order.
    rows
        Training rows of the table.
    seed
        Of the start, the order of the batches and the phases left out.
    checkpoint
        File that holds the state after each epoch; an existing one of the same settings is continued.
    on_epoch
        Called with the number of epochs done and the mean losses.

    Returns
    -------
    StabilityNet
        With averaged weights, in evaluation mode.
    """
    settings = settings or FitSettings()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seed)
    net = StabilityNet(inputs.composition.shape[1], settings.network).to(device)
    mean = StabilityNet(inputs.composition.shape[1], settings.network).to(device)
    mean.load_state_dict(net.state_dict())
    groups = groups_by_size(inputs)
    per_epoch = sum(math.ceil(len(group) / settings.batch) for group in groups)
    optimiser = torch.optim.AdamW(parameter_groups(net, settings.weight_decay), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=per_epoch * settings.epochs + 1, pct_start=0.1
    )
    state = {"net": net, "mean": mean, "optimiser": optimiser, "schedule": schedule}
    first = resume(checkpoint, asdict(settings), seed, state, device)
    for epoch in range(first, settings.epochs):
        random = np.random.default_rng([seed, epoch])
        torch.manual_seed(seed * 1000 + epoch)
        losses = _one_epoch(table, surroundings, inputs, rows, groups, settings, random, state, device)
        if checkpoint is not None:
            save(checkpoint, asdict(settings), seed, state, epoch + 1)
        if on_epoch is not None:
            on_epoch(epoch + 1, losses)
    return mean.eval()


def _one_epoch(
    table: EnergyTable,
    surroundings: Surroundings,
    inputs: NetInputs,
    rows: NDArray[np.int64],
    groups: list[NDArray[np.int64]],
    settings: FitSettings,
    random: np.random.Generator,
    state: State,
    device: str,
) -> dict[str, float]:
    net, mean, optimiser, schedule = (state[name] for name in ("net", "mean", "optimiser", "schedule"))
    usable = surroundings.usable & (random.random(len(surroundings.usable)) > _share(random, settings))
    own = surroundings.phases.row_of_input[rows]
    hull = hull_inputs(
        surroundings.phases,
        surroundings.depth_eV_per_atom,
        table.atomic_number[rows],
        table.fraction[rows],
        excluded=own,
        usable=usable,
    )
    seen = NetInputs(inputs.element, inputs.fraction, inputs.composition, hull, inputs.neighbours)
    formation = torch.from_numpy(table.formation_energy_eV_per_atom[rows].astype(np.float32))
    decomposition = torch.from_numpy(table.decomposition_energy_eV_per_atom[rows].astype(np.float32))
    net.train()
    sums = np.zeros(3)
    for batch in batches(groups, settings.batch, random):
        width = int((inputs.fraction[batch[0]] > 0).sum())
        given = tensors(seen.take(batch, width), device)
        kept = torch.rand(given["neighbour_scalars"].shape[:2], device=device) > settings.relatives_left_out
        given["neighbour_scalars"] = given["neighbour_scalars"] * kept.unsqueeze(-1)
        with torch.autocast(device, torch.bfloat16):  # halves the time on processors that have it
            out = net(given).float()
        losses = _losses(out, (formation[batch] - given["hull"].cpu()).to(device), decomposition[batch].to(device))
        optimiser.zero_grad(set_to_none=True)
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average(mean, net, min(settings.averaging, schedule.last_epoch / (schedule.last_epoch + 10)))
        sums += np.array([float(loss.detach()) for loss in losses]) * len(batch)
    return dict(zip(("energies", "scales", "class"), (sums / len(rows)).tolist(), strict=True))


def _losses(out: Tensor, residual: Tensor, decomposition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean absolute errors, Laplace scales fitted to them, and the class loss."""
    error = torch.stack([(out[:, 0] - residual).abs(), (out[:, 1] - decomposition).abs()], dim=1)
    log_scale = out[:, 2:4].clamp(-8, 2)
    scales = (error.detach() * torch.exp(-log_scale) + log_scale).mean()
    stable = (decomposition <= 0).float()
    return (
        error.sum(dim=1).mean(),
        SCALE_WEIGHT * scales,
        CLASS_WEIGHT * nn.functional.binary_cross_entropy_with_logits(out[:, 4], stable),
    )


def _share(random: np.random.Generator, settings: FitSettings) -> float:
    return float(random.uniform(0.0, settings.largest_share_left_out))


def groups_by_size(inputs: NetInputs) -> list[NDArray[np.int64]]:
    """Return the rows by number of elements."""
    size = (inputs.fraction > 0).sum(axis=1)
    return [np.flatnonzero(size == k) for k in np.unique(size)]


def batches(groups: list[NDArray[np.int64]], size: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of all groups in batches of rows of one group, in random order."""
    parts = []
    for group in groups:
        mixed = random.permutation(group)
        parts += [mixed[start : start + size] for start in range(0, len(mixed), size)]
    for i in random.permutation(len(parts)):
        yield parts[i]


def parameter_groups(net: StabilityNet, weight_decay: float) -> list[dict[str, Any]]:
    """Return the matrices, which decay, and the rest, which does not."""
    matrices = [p for p in net.parameters() if p.ndim >= 2]
    others = [p for p in net.parameters() if p.ndim < 2]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def average(mean: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the running mean of the weights towards those of a net."""
    torch._foreach_lerp_(list(mean.parameters()), list(net.parameters()), 1.0 - decay)


def save(path: Path, settings: Mapping[str, Any], seed: int, state: State, epoch: int) -> None:
    """Write a checkpoint."""
    part = path.with_suffix(".part")
    content = {name: part_.state_dict() for name, part_ in state.items()}
    torch.save({"settings": dict(settings), "seed": seed, "epoch": epoch, **content}, part)
    os.replace(part, path)


def resume(path: Path | None, settings: Mapping[str, Any], seed: int, state: State, device: str) -> int:
    """Load the state of a run of the same settings and return the number of epochs it had done."""
    if path is None or not path.is_file():
        return 0
    stored = torch.load(path, map_location=device, weights_only=True)
    if stored["settings"] != settings or stored["seed"] != seed:
        return 0
    for name, part in state.items():
        part.load_state_dict(stored[name])
    return int(stored["epoch"])
