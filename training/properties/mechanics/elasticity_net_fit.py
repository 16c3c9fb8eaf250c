"""Fitting the nets on the elements: first on what is known of many compositions, then on the few with moduli.

Moduli are known of ten thousand crystals, formation energies and gaps of ninety thousand. A net that has learnt these
knows the elements and their company before it sees its first modulus (transfer learning as in Jha et al., Nat. Commun.
10, 5316 (2019), doi 10.1038/s41467-019-13297-w). PyTorch fits, `elasticity_net` answers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from features.candidate import MaterialBatch
from features.elements import SYMBOLS, magpie_matrix
from training.properties.mechanics.elasticity_net import LOG_SCALES, WAVES, ElementNets
from training.properties.mechanics.elasticity_settings import ElementNetSettings, Schedule

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Weights = dict[str, NDArray[np.float32]]
Loss = Callable[[Tensor, Rows], Tensor]
N_AUXILIARY = 4
METAL_WEIGHT, SCALE_WEIGHT = 0.3, 0.1
"""Of the cross entropy of metal or not, and of the likelihood of the scales, beside absolute errors in spreads."""
_SCALE_FLOOR = 1e-3


class _Round(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.own = nn.LayerNorm(width), nn.Linear(width, 2 * width)
        self.mean, self.out = nn.Linear(width, 2 * width, bias=False), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, fraction: Tensor) -> Tensor:
        normal = self.norm(vectors)
        mean = (normal * fraction).sum(dim=1, keepdim=True)
        changed: Tensor = self.dropout(self.out(nn.functional.silu(self.own(normal) + self.mean(mean))))
        return vectors + changed


class ElementNet(nn.Module):
    """See `elasticity_net`."""

    def __init__(self, settings: ElementNetSettings, n_outputs: int) -> None:
        super().__init__()
        properties = magpie_matrix()
        standard = (properties - properties.mean(axis=0)) / properties.std(axis=0)
        self.properties: Tensor
        self.register_buffer("properties", torch.tensor(standard, dtype=torch.float32), persistent=False)
        width, head = settings.width, settings.head
        self.embedding = nn.Embedding(len(SYMBOLS), settings.embedding)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.from_properties = nn.Linear(standard.shape[1], settings.embedding)
        self.into = nn.Linear(settings.embedding + 2 + len(WAVES), width)
        self.rounds = nn.ModuleList(_Round(width, settings.dropout) for _ in range(settings.rounds))
        self.pooled_norm, self.pooled = nn.LayerNorm(width), nn.Linear(2 * width, head)
        self.hidden_norm, self.hidden = nn.LayerNorm(head), nn.Linear(head, head)
        self.last = nn.Linear(head, n_outputs)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, element: Tensor, fraction: Tensor) -> Tensor:
        """Return the outputs of compositions with the same number of elements, from (n, k) and (n, k) to (n, o)."""
        act = nn.functional.silu
        codes = torch.stack([fraction, fraction.sqrt(), *(torch.sin(torch.pi * n * fraction) for n in WAVES)], dim=-1)
        known = self.embedding.weight + self.from_properties(self.properties)
        vectors = self.into(torch.cat([known[element], codes], dim=-1))
        share = fraction.unsqueeze(-1)
        for step in self.rounds:
            vectors = step(vectors, share)
        vectors = self.pooled_norm(vectors)
        hidden = self.dropout(act(self.pooled(torch.cat([(vectors * share).sum(dim=1), vectors.amax(dim=1)], dim=-1))))
        hidden = hidden + self.dropout(act(self.hidden(self.hidden_norm(hidden))))
        out: Tensor = self.last(hidden)
        return out


def learn_auxiliary(batch: MaterialBatch, targets: Array, settings: ElementNetSettings, seed: int) -> Weights:
    """Fit a net on energies and gaps, and return its weights but for the last layer.

    Parameters
    ----------
    batch
        n compositions.
    targets
        Shape (n, 4), NaN where unknown: three quantities of spread about 1, then the share of metals among the
        polymorphs.
    settings, seed
        Sizes and schedule; start and order.
    """
    net = _new_net(settings, N_AUXILIARY, seed)
    known = torch.tensor(~np.isnan(targets), dtype=torch.float32)
    wanted = torch.tensor(np.nan_to_num(targets), dtype=torch.float32)

    def loss(out: Tensor, rows: Rows) -> Tensor:
        y, held = wanted[rows], known[rows]
        errors = (out[:, :3] - y[:, :3]).abs() * held[:, :3]
        metal = nn.functional.binary_cross_entropy_with_logits(out[:, 3], y[:, 3], reduction="none") * held[:, 3]
        return (errors.sum() + METAL_WEIGHT * metal.sum()) / len(rows)

    fitted = _learn(net, _Table(batch), loss, settings.auxiliary, seed)
    return {name: a.numpy().copy() for name, a in fitted.state_dict().items() if not name.startswith("last")}


def learn_moduli(
    start: Mapping[str, NDArray[np.float32]] | None,
    batch: MaterialBatch,
    targets: Array,
    settings: ElementNetSettings,
    seed: int,
) -> ElementNets:
    """Go on from weights of `learn_auxiliary`, or from none, with moduli of n crystals, targets (n, 2)."""
    centre, spread = targets.mean(axis=0), np.maximum(targets.std(axis=0), _SCALE_FLOOR)
    net = _new_net(settings, 4, seed)
    if start is not None:
        net.load_state_dict({name: torch.tensor(array) for name, array in start.items()}, strict=False)
    wanted = torch.tensor((targets - centre) / spread, dtype=torch.float32)

    def loss(out: Tensor, rows: Rows) -> Tensor:
        error = (out[:, :2] - wanted[rows]).abs()
        log_scale = out[:, 2:].clamp(*LOG_SCALES)
        scales = (error.detach() * torch.exp(-log_scale) + log_scale).mean()
        return error.mean() + SCALE_WEIGHT * scales

    return _exported(_learn(net, _Table(batch), loss, settings.moduli, seed), centre, spread)


def stacked(nets: list[ElementNets]) -> ElementNets:
    """Put nets of one shape that were fitted to the same targets together."""
    first = nets[0]
    weights = {name: np.concatenate([net.weights[name] for net in nets]) for name in first.weights}
    return ElementNets(weights, first.centre, first.spread)


def _new_net(settings: ElementNetSettings, n_outputs: int, seed: int) -> ElementNet:
    torch.manual_seed(seed)
    return ElementNet(settings, n_outputs)


class _Table:
    """Compositions as tensors, in batches of the same number of elements: nothing is masked."""

    def __init__(self, batch: MaterialBatch) -> None:
        self.element = torch.tensor(batch.element_index)
        self.fraction = torch.tensor(batch.fraction, dtype=torch.float32)
        self.size = (batch.fraction > 0).sum(axis=1)

    def batches(self, size: int, random: np.random.Generator) -> Iterator[tuple[Rows, Tensor, Tensor]]:
        parts = []
        for k in np.unique(self.size):
            mixed = random.permutation(np.flatnonzero(self.size == k))
            parts += [(int(k), mixed[start : start + size]) for start in range(0, len(mixed), size)]
        for i in random.permutation(len(parts)):
            k, rows = parts[i]
            yield rows, self.element[rows, :k], self.fraction[rows, :k]


def _learn(net: ElementNet, table: _Table, loss: Loss, schedule: Schedule, seed: int) -> ElementNet:
    """Minimise a loss and return the net with averaged weights."""
    random = np.random.default_rng(seed)
    mean = copy.deepcopy(net)
    groups = [[p for p in net.parameters() if (p.ndim >= 2) == is_matrix] for is_matrix in (True, False)]
    optimiser = torch.optim.AdamW(
        [{"params": g, "weight_decay": d} for g, d in zip(groups, (schedule.weight_decay, 0.0), strict=True)],
        lr=schedule.learning_rate,
    )
    per_epoch = sum(1 for _ in table.batches(schedule.batch, random))
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, total_steps=per_epoch * schedule.epochs + 1, pct_start=0.1
    )
    net.train()
    for _ in range(schedule.epochs):
        for rows, element, fraction in table.batches(schedule.batch, random):
            with torch.autocast("cpu", torch.bfloat16):  # halves the time on processors that have it
                out = net(element, fraction)
            optimiser.zero_grad(set_to_none=True)
            loss(out.float(), rows).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            cycle.step()
            step = cycle.last_epoch
            _average(mean, net, min(schedule.averaging, step / (step + 10)))
    return mean.eval()


@torch.no_grad()
def _average(mean: nn.Module, net: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(mean.parameters()), list(net.parameters()), 1.0 - decay)


@torch.no_grad()
def _exported(net: ElementNet, centre: Array, spread: Array) -> ElementNets:
    """Return the net as `ElementNets` holds it: what an element brings into the first layer is a table."""
    known = net.embedding.weight + net.from_properties(net.properties)
    of_element, of_fraction = net.into.weight[:, : known.shape[1]], net.into.weight[:, known.shape[1] :]
    out = {"element": known @ of_element.T + net.into.bias, "fraction": of_fraction.T}
    layers: list[tuple[str, nn.Linear, nn.LayerNorm | None]] = []
    for number, step in enumerate(net.rounds):
        if isinstance(step, _Round):
            name = f"round_{number}"
            layers += [(f"{name}_own", step.own, step.norm), (f"{name}_out", step.out, None)]
            out[f"{name}_mean.weight"] = step.mean.weight.T
    layers += [("pooled", net.pooled, net.pooled_norm), ("hidden", net.hidden, net.hidden_norm)]
    for name, layer, norm in [*layers, ("last", net.last, None)]:
        out |= {f"{name}.weight": layer.weight.T, f"{name}.bias": layer.bias}
        if norm is not None:
            out |= {f"{name}.norm_weight": norm.weight, f"{name}.norm_bias": norm.bias}
    halves = {name: value.half().numpy()[None] for name, value in out.items()}  # as they are stored
    return ElementNets({name: np.ascontiguousarray(a, dtype=np.float32) for name, a in halves.items()}, centre, spread)
