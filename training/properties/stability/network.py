"""The net: elements look at each other, at the products of the hull beneath them, and at related compounds.

It predicts the formation energy as a difference to the hull of other phases (Ef - hull), the decomposition energy, a
scale for each (of a Laplace law) and the log-odds of being stable; a student (`student.py`) also how far the nets that
it learnt from disagree. Inputs as `descriptors.NetInputs`, all rows of a
batch with the same number of elements, so that nothing is masked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from features.elements import magpie_matrix
from training.properties.stability.descriptors import NEIGHBOUR_SCALARS, PRODUCT_SCALARS, NetInputs
from training.properties.stability.neighbours import N_NUMBERS

OUTPUTS = ("residual", "decomposition", "log_scale_residual", "log_scale_decomposition", "log_odds_stable")
OUTPUTS_OF_STUDENT = (*OUTPUTS, "log_spread_residual")
FRACTION_CODES = 6


@dataclass(frozen=True)
class NetworkSettings:
    """Sizes of the net.

    Attributes
    ----------
    width, heads, blocks
        Of the element tokens and their attention.
    embedding, relatives, head
        Widths of the element embedding, of the encoding of relatives, and of the layers after pooling.
    dropout
        Share of units dropped in training.
    head_layers
        After the first of the head.
    outputs
        Their names.
    """

    width: int = 128
    heads: int = 4
    blocks: int = 2
    embedding: int = 64
    relatives: int = 96
    head: int = 320
    dropout: float = 0.1
    head_layers: int = 2
    outputs: tuple[str, ...] = OUTPUTS


def element_properties() -> Tensor:
    """Return standardised Magpie properties by atomic number, shape (128, 22)."""
    table = magpie_matrix()
    out = np.zeros((N_NUMBERS, table.shape[1]), dtype=np.float32)
    out[1 : len(table) + 1] = (table - table.mean(axis=0)) / table.std(axis=0)
    return torch.from_numpy(out)


def fraction_codes(fraction: Tensor) -> Tensor:
    """Return smooth functions of an atomic fraction, shape (..., 6)."""
    waves = [torch.sin(torch.pi * n * fraction) for n in (1, 2, 4, 8)]
    return torch.stack([fraction, torch.sqrt(fraction), *waves], dim=-1)


class AttentionBlock(nn.Module):
    """Attention among the elements of a compound, then a small net on each; both add to what was there."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (n, k, width) to tokens."""
        n, k, width = tokens.shape
        x: Tensor = tokens
        q, key, value = self.qkv(self.norm_1(x)).view(n, k, 3, self.heads, width // self.heads).unbind(2)
        weight = torch.softmax(torch.einsum("nihd,njhd->nhij", q, key) / (width // self.heads) ** 0.5, dim=-1)
        x = x + self.dropout(self.out(torch.einsum("nhij,njhd->nihd", weight, value).reshape(n, k, width)))
        x = x + self.dropout(self.down(nn.functional.silu(self.up(self.norm_2(x)))))
        return x


class StabilityNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, n_composition: int, settings: NetworkSettings | None = None) -> None:
        super().__init__()
        s = self.settings = settings or NetworkSettings()
        self.properties: Tensor
        self.register_buffer("properties", element_properties(), persistent=False)
        self.embedding = nn.Embedding(N_NUMBERS, s.embedding)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.from_properties = nn.Linear(self.properties.shape[1], s.embedding)
        self.into_tokens = nn.Linear(s.embedding + FRACTION_CODES + 2, s.width)
        self.blocks = nn.ModuleList(AttentionBlock(s.width, s.heads, s.dropout) for _ in range(s.blocks))
        self.product_1 = nn.Linear(s.width + PRODUCT_SCALARS, s.width)
        self.product_2 = nn.Linear(s.width, s.width)
        self.relative_1 = nn.Linear(2 * s.embedding + NEIGHBOUR_SCALARS, s.relatives)
        self.relative_2 = nn.Linear(s.relatives, s.relatives)
        self.relative_score = nn.Linear(s.relatives, 1)
        self.pool_norm = nn.LayerNorm(s.width)
        self.composition = nn.Linear(n_composition, s.width)
        self.head_1 = nn.Linear(4 * s.width + s.relatives + 5, s.head)
        for layer in range(2, 2 + s.head_layers):
            self.add_module(f"head_{layer}", nn.Linear(s.head, s.head))
            self.add_module(f"head_norm_{layer}", nn.LayerNorm(s.head))
        self.last = nn.Linear(s.head, len(s.outputs))
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return the outputs in the order of the settings, shape (n, outputs)."""
        act = nn.functional.silu
        fraction, hull = inputs["fraction"], inputs["hull"]
        vectors = self.embedding.weight + self.from_properties(self.properties)
        element = vectors[inputs["element"]]
        potential = inputs["potential"].unsqueeze(-1) / 2.0
        relative_potential = potential - (fraction.unsqueeze(-1) * potential).sum(dim=1, keepdim=True)
        tokens = self.into_tokens(torch.cat([element, fraction_codes(fraction), potential, relative_potential], dim=-1))

        product = torch.einsum("npk,nkd->npd", inputs["product_fraction"], tokens)
        product = act(self.product_1(torch.cat([product, inputs["product_scalars"]], dim=-1)))
        amount = inputs["product_scalars"][..., :1]
        products = (self.product_2(product) * amount).sum(dim=1)
        tokens = tokens + products.unsqueeze(1)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.pool_norm(tokens)
        pooled = torch.cat([(tokens * fraction.unsqueeze(-1)).sum(dim=1), tokens.amax(dim=1)], dim=-1)

        relatives, summary = self._relatives(element, vectors, inputs)
        whole = act(self.composition(inputs["composition"]))
        x = torch.cat([pooled, products, whole, relatives, summary, hull.unsqueeze(-1)], dim=-1)
        x = self.dropout(act(self.head_1(x)))
        for layer in range(2, 2 + self.settings.head_layers):
            normed = self.get_submodule(f"head_norm_{layer}")(x)
            x = x + self.dropout(act(self.get_submodule(f"head_{layer}")(normed)))
        out: Tensor = self.last(x)
        # the relatives' mean residual is a good first guess of one's own
        guess = torch.cat([summary[:, :1], summary[:, :1], torch.zeros_like(out[:, 2:])], dim=-1)
        return out + guess

    def _relatives(self, element: Tensor, vectors: Tensor, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the relatives' encoding (n, relatives) and their mean residual, spread, energy, presence (n, 4)."""
        scalars = inputs["neighbour_scalars"]
        change = element.unsqueeze(1) - vectors[inputs["neighbour_element"]]
        weight = inputs["fraction"][:, None, :, None]
        moved = torch.cat([(change * weight).sum(dim=2), (change.square() * weight).sum(dim=2)], dim=-1)
        x = nn.functional.silu(self.relative_1(torch.cat([moved, scalars], dim=-1)))
        held = scalars[..., 3:]
        score = self.relative_score(x) - 20.0 * scalars[..., 2:3] + (held - 1.0) * 1e4
        share = torch.softmax(score, dim=1) * held
        residual = (share * scalars[..., :1]).sum(dim=1)
        spread = (share * (scalars[..., :1] - residual.unsqueeze(1)).abs()).sum(dim=1)
        energy = (share * scalars[..., 1:2]).sum(dim=1)
        summary = torch.cat([residual, spread, energy, share.sum(dim=1)], dim=-1)
        return (self.relative_2(x) * share).sum(dim=1), summary


def tensors(inputs: NetInputs, device: str = "cpu") -> dict[str, Tensor]:
    """Return the arrays as tensors, by the names that `StabilityNet.forward` uses."""
    arrays = {
        "element": inputs.element,
        "fraction": inputs.fraction,
        "composition": inputs.composition,
        "hull": inputs.hull.energy_eV_per_atom,
        "potential": inputs.hull.potential_eV,
        "product_fraction": inputs.hull.product_fraction,
        "product_scalars": inputs.hull.product_scalars,
        "neighbour_element": inputs.neighbours.element,
        "neighbour_scalars": inputs.neighbours.scalars,
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array)).to(device) for name, array in arrays.items()}


def load_network(checkpoint: Path, settings: NetworkSettings) -> StabilityNet:
    """Read the averaged weights of a fitted net from its checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["mean"]
    net = StabilityNet(state["composition.weight"].shape[1], settings)
    net.load_state_dict(state)
    return net.eval()
