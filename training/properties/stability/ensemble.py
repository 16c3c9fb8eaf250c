"""The fitted nets as plain arrays, and their forward pass in numpy: serving needs no torch.

The formulas are those of `network.StabilityNet`, which the tests hold this module to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.properties.stability.descriptors import HullInputs, NetInputs
from training.properties.stability.net_kernels import add_up, describe_products, mix_tokens, normalise, replacement

if TYPE_CHECKING:
    from training.properties.stability.network import StabilityNet

Array = NDArray[np.float32]
ROWS_PER_PASS = 256  # activations of one pass stay in the processor's cache
_VECTORS = "vectors"
_ABSENT = np.float32(-1e4)
"""Score of a relative that is not there: nothing is left of it beside one that is."""


@dataclass(frozen=True, eq=False)
class NetOutputs:
    """What each of m nets says of n compositions, shape (m, n) each.

    Attributes
    ----------
    residual_eV_per_atom
        Formation energy minus the hull of other phases.
    decomposition_eV_per_atom
        Decomposition energy as published, that is against a hull which knows more phases.
    scale_residual_eV_per_atom, scale_decomposition_eV_per_atom
        Scales of the Laplace laws around them.
    log_odds_stable
        Of a published decomposition energy of at most 0.
    spread_residual_eV_per_atom
        What a student says of the disagreement of the nets that it learnt from; its scales hold it already. None of
        other nets.
    """

    residual_eV_per_atom: Array
    decomposition_eV_per_atom: Array
    scale_residual_eV_per_atom: Array
    scale_decomposition_eV_per_atom: Array
    log_odds_stable: Array
    spread_residual_eV_per_atom: Array | None = None


@dataclass(frozen=True, eq=False)
class NetEnsemble:
    """Weights of m nets of one shape, each array with a first axis over the nets."""

    weights: dict[str, Array]
    heads: int

    @classmethod
    def from_networks(cls, networks: list[StabilityNet]) -> NetEnsemble:
        """Take the weights of fitted nets, rounded to half precision as they are stored."""
        members = []
        for net in networks:
            state = {name: value.detach().cpu().numpy() for name, value in net.state_dict().items()}
            properties = net.properties.detach().cpu().numpy()
            vectors = state.pop("embedding.weight") + (
                properties @ state.pop("from_properties.weight").T + state.pop("from_properties.bias")
            )
            members.append(state | {_VECTORS: vectors})
        stacked = {name: np.stack([m[name] for m in members]) for name in members[0]}
        return cls.from_arrays({n: a.astype(np.float16) for n, a in stacked.items()}, networks[0].settings.heads)

    def to_arrays(self) -> dict[str, NDArray[np.float16]]:
        """Return the weights in half precision, for the bundle."""
        return {name: array.astype(np.float16) for name, array in self.weights.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float16]], heads: int) -> NetEnsemble:
        """Read what `to_arrays` returned."""
        return cls({name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}, heads)

    def __len__(self) -> int:
        """Return the number of nets."""
        return len(self.weights[_VECTORS])

    @cached_property
    def _members(self) -> list[_Member]:
        own = [
            {name: _as_multiplied(name, array[place]) for name, array in self.weights.items()}
            for place in range(len(self))
        ]
        return [_Member(weights, self.heads, self.blocks, self.head_layers) for weights in own]

    @property
    def blocks(self) -> int:
        """Number of attention blocks of each net."""
        return sum(name.startswith("blocks.") and name.endswith("qkv.weight") for name in self.weights)

    @property
    def head_layers(self) -> int:
        """Number of layers of each net between the first and the last after pooling."""
        return sum(name.startswith("head_norm_") and name.endswith("weight") for name in self.weights)

    def __call__(self, inputs: NetInputs) -> NetOutputs:
        """Return what every net says of every row."""
        out = np.empty((len(self), len(inputs), self.weights["last.bias"].shape[1]), dtype=np.float32)
        width = inputs.element.shape[1]
        for start in range(0, len(inputs), ROWS_PER_PASS):
            rows = np.arange(start, min(start + ROWS_PER_PASS, len(inputs)))
            given = inputs.take(rows, width)
            groups = _by_size(given)
            for member in range(len(self)):
                out[member, rows] = _forward(self._members[member], given, groups)
        scale = np.exp(np.clip(out[..., 2:4], -8, 2))
        spread = np.exp(np.clip(out[..., 5], -8, 2)) if out.shape[2] > 5 else None
        return NetOutputs(out[..., 0], out[..., 1], scale[..., 0], scale[..., 1], out[..., 4], spread)


@dataclass(frozen=True, eq=False)
class _Member:
    weights: dict[str, Array]
    heads: int
    blocks: int
    head_layers: int

    def __getitem__(self, name: str) -> Array:
        return self.weights[name]

    def linear(self, name: str, x: Array) -> Array:
        weight = self[f"{name}.weight"]
        y: Array = x.reshape(-1, x.shape[-1]) @ weight  # one large product, where x @ weight would be many small ones
        y += self[f"{name}.bias"]
        return y.reshape(*x.shape[:-1], weight.shape[1])

    def linear_of_sums(self, name: str, x: Array, share: Array, of: NDArray[np.int64], n: int) -> Array:
        """Return the weighted sums over each composition of `linear(name, x)`, with one product for each sum."""
        sums, total = np.empty((n, x.shape[1]), dtype=np.float32), np.empty((n, 1), dtype=np.float32)
        add_up(x, share, of, sums)
        add_up(np.ones((len(x), 1), dtype=np.float32), share, of, total)
        y: Array = sums @ self[f"{name}.weight"]
        y += total * self[f"{name}.bias"]
        return y

    @cached_property
    def element_tokens(self) -> Array:
        """What `into_tokens` makes of each element, whatever its surroundings; shape (elements, width)."""
        vectors = self[_VECTORS]
        tokens: Array = vectors @ self["into_tokens.weight"][: vectors.shape[1]] + self["into_tokens.bias"]
        return tokens

    def tokens(self, element: NDArray[np.int64], told: Array) -> Array:
        """Return `into_tokens` of elements and of what else is told of each, shape (n, k, width)."""
        tokens = self.element_tokens[element]
        own = self["into_tokens.weight"][self[_VECTORS].shape[1] :]
        tokens += (told.reshape(-1, told.shape[-1]) @ own).reshape(tokens.shape)
        return tokens

    def norm(self, name: str, x: Array) -> Array:
        out = np.empty_like(x)
        width = x.shape[-1]
        normalise(x.reshape(-1, width), self[f"{name}.weight"], self[f"{name}.bias"], out.reshape(-1, width))
        return out


def _as_multiplied(name: str, weight: Array) -> Array:
    """Return a matrix of weights as products run through it: inputs along the first axis."""
    return np.ascontiguousarray(weight.T) if name.endswith(".weight") and weight.ndim == 2 else weight


_Group = tuple[NDArray[np.int64], NetInputs]


def _by_size(inputs: NetInputs) -> list[_Group]:
    """Part compositions by number of elements: attention has no padding to skip then."""
    size = (inputs.fraction > 0).sum(axis=1)
    chosen = [(np.flatnonzero(size == k), int(k)) for k in np.unique(size)]
    return [(rows, inputs.take(rows, k)) for rows, k in chosen]


def _silu(x: Array) -> Array:
    """Overwrite x, which no one else holds, with x / (1 + exp(-x))."""
    with np.errstate(over="ignore"):
        e = np.negative(x)
        np.exp(e, out=e)
        e += 1
        x /= e
    return x


def _softmax(x: Array, axis: int) -> Array:
    e: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    e /= e.sum(axis=axis, keepdims=True)
    return e


def _fraction_codes(fraction: Array) -> Array:
    waves = [np.sin(np.float32(np.pi * n) * fraction) for n in (1, 2, 4, 8)]
    return np.stack([fraction, np.sqrt(fraction), *waves], axis=-1)


def _forward(net: _Member, inputs: NetInputs, groups: list[_Group]) -> Array:
    """Return the outputs of one net, shape (n, outputs)."""
    tokens = np.empty((len(inputs), 3 * len(net["pool_norm.weight"])), dtype=np.float32)
    for rows, group in groups:
        tokens[rows] = _summary_of_elements(net, group)
    relatives, summary = _relatives(net, inputs)
    whole = _silu(net.linear("composition", inputs.composition))
    x = np.concatenate([tokens, whole, relatives, summary, inputs.hull.energy_eV_per_atom[:, None]], axis=-1)
    x = _silu(net.linear("head_1", x))
    for layer in range(2, 2 + net.head_layers):
        x += _silu(net.linear(f"head_{layer}", net.norm(f"head_norm_{layer}", x)))
    out = net.linear("last", x)
    out[:, :2] += summary[:, :1]
    return out


def _summary_of_elements(net: _Member, inputs: NetInputs) -> Array:
    """Return the mean and the largest of the elements' tokens, and the competing products, shape (n, 3 * width)."""
    fraction, hull = inputs.fraction, inputs.hull
    potential = hull.potential_eV[..., None] / np.float32(2.0)
    relative = potential - (fraction[..., None] * potential).sum(axis=1, keepdims=True)
    told = np.concatenate([_fraction_codes(fraction), potential, relative], axis=-1)
    tokens = net.tokens(inputs.element, told)
    products = _competing_products(net, tokens, hull)
    tokens += products[:, None]
    for block in range(net.blocks):
        tokens = _attend(net, f"blocks.{block}", tokens)
    tokens = net.norm("pool_norm", tokens)
    return np.concatenate([(tokens * fraction[..., None]).sum(axis=1), tokens.max(axis=1), products], axis=-1)


def _competing_products(net: _Member, tokens: Array, hull: HullInputs) -> Array:
    """Return the encodings of the products, added up by their amounts; shape (n, width)."""
    of, place = np.nonzero(hull.product_scalars[..., 0])
    width = tokens.shape[-1]
    told = np.empty((len(of), width + hull.product_scalars.shape[-1]), dtype=np.float32)
    describe_products(tokens, hull.product_fraction, hull.product_scalars, of, place, told)
    x = _silu(net.linear("product_1", told))
    return net.linear_of_sums("product_2", x, hull.product_scalars[of, place, 0], of, len(tokens))


def _attend(net: _Member, name: str, x: Array) -> Array:
    mixed = np.empty_like(x)
    mix_tokens(net.linear(f"{name}.qkv", net.norm(f"{name}.norm_1", x)), net.heads, mixed)
    x += net.linear(f"{name}.out", mixed)
    x += net.linear(f"{name}.down", _silu(net.linear(f"{name}.up", net.norm(f"{name}.norm_2", x))))
    return x


def _relatives(net: _Member, inputs: NetInputs) -> tuple[Array, Array]:
    """Return the mean encoding of the relatives and a summary of them; most compositions have none."""
    vectors, near = net[_VECTORS], inputs.neighbours
    scalars = near.scalars
    held = scalars[..., 3:]
    of, place = np.nonzero(held[..., 0])
    told = scalars[of, place]
    moved = np.empty((len(of), 2 * vectors.shape[1]), dtype=np.float32)
    replacement(vectors, inputs.element[of], inputs.fraction[of], near.element[of, place], moved)
    x = _silu(net.linear("relative_1", np.concatenate([moved, told], axis=-1)))
    score = np.full(held.shape, _ABSENT, dtype=np.float32)
    score[of, place] = net.linear("relative_score", x) - np.float32(20.0) * told[:, 2:3]
    share = _softmax(score, axis=1) * held
    residual = (share * scalars[..., :1]).sum(axis=1)
    spread = (share * np.abs(scalars[..., :1] - residual[:, None])).sum(axis=1)
    energy = (share * scalars[..., 1:2]).sum(axis=1)
    summary = np.concatenate([residual, spread, energy, share.sum(axis=1)], axis=-1)
    encoding = net.linear_of_sums("relative_2", x, share[of, place, 0], of, len(inputs))
    return encoding, summary
