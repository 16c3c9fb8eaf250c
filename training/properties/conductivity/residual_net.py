"""Small neural nets on what the Gaussian process leaves over.

The process is a good first answer, and a net that has to learn only the rest needs few data. Each net sees what the
trees see and is told the process's prediction; its own answer is added to it. Training is by maximum likelihood with
a Laplace distribution of learned width, which forgives outliers; a bound such as `<1e-10` counts by the probability of
lying below it. Training rows are judged by the process without their own paper (`leave_paper_out.py`), as new
materials are. PyTorch fits, numpy answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float64]

RESIDUAL_UNIT = 2.0
"""Decades: about the standard deviation of what the process leaves over in left-out papers."""
LARGEST_INPUT = 3.0
"""Standard deviations at which an input is clipped, so that an exotic feature does not run away with the answer."""
SMALLEST_DEVIATION = 1e-6
BATCH = 128
_LOG_WIDTHS = (-2.5, 2.0)
_LAYERS = ("first", "second", "last")


@dataclass(frozen=True, slots=True)
class ResidualNetSettings:
    """Size and training of the nets; `benchmarks/tune_residual_net.py` searches the last six on grouped folds."""

    n_nets: int = 6
    hidden: int = 64
    epochs: int = 30
    learning_rate: float = 0.00465
    weight_decay: float = 0.00724
    input_dropout: float = 0.215
    hidden_dropout: float = 0.145


@dataclass(frozen=True)
class ResidualNets:
    """K fitted nets of two hidden layers, which answer with the mean of their medians.

    Parameters
    ----------
    mean, inverse_deviation
        Shape (d,), bring features to a common scale; zero for a feature that did not vary.
    weights, biases
        Per layer, of shapes (K, inputs, outputs) and (K, 1, outputs).
    """

    mean: Array
    inverse_deviation: Array
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    @classmethod
    def fit(
        cls,
        features: Array,
        prior: Array,
        targets: Array,
        is_upper_bound: NDArray[np.bool_],
        weights: Array,
        settings: ResidualNetSettings,
        *,
        seed: int,
    ) -> ResidualNets:
        """Fit all nets at once.

        Parameters
        ----------
        features
            Shape (m, d).
        prior
            Shape (m,), what the process predicts, log10 S/cm at 25 C.
        targets, is_upper_bound
            Shape (m,), measured log10 S/cm at 25 C, or the bound.
        weights
            Shape (m,), how much each row counts.
        settings, seed
            Size, training, and where its random numbers start.
        """
        deviation = features.std(axis=0)
        varies = deviation > SMALLEST_DEVIATION
        mean, inverse = features.mean(axis=0), np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0)
        training = _Training(_scaled(features, mean, inverse), settings, seed)
        training.run((targets - prior) / RESIDUAL_UNIT, is_upper_bound, weights / weights.mean())
        fitted_weights, fitted_biases = training.parameters()
        return cls(mean, inverse, fitted_weights, fitted_biases)

    def centre(self, features: Array, prior: Array) -> Array:
        """Return the predicted log10 sigma at 25 C, shape (n,), given features (n, d) and the process's view (n,)."""
        value = _scaled(features, self.mean, self.inverse_deviation)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            value = value @ weight
            value += bias
            with np.errstate(over="ignore"):
                value /= 1.0 + np.exp(-value)  # numpy's exponential runs in vector units, scipy's expit does not
        answer = value @ self.weights[-1] + self.biases[-1]
        centre: Array = prior + RESIDUAL_UNIT * answer[..., 0].mean(axis=0)
        return centre

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        layers = {f"{name}_weights": w.astype(np.float32) for name, w in zip(_LAYERS, self.weights, strict=True)}
        layers |= {f"{name}_biases": b.astype(np.float32) for name, b in zip(_LAYERS, self.biases, strict=True)}
        return layers | {"mean": self.mean, "inverse_deviation": self.inverse_deviation}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ResidualNets:
        """Rebuild from `arrays()`."""
        weights, biases = (
            tuple(arrays[f"{name}_{part}"].astype(np.float64) for name in _LAYERS) for part in ("weights", "biases")
        )
        return cls(arrays["mean"], arrays["inverse_deviation"], weights, biases)


class _Training:
    """All nets side by side in batched matrices, each on its own random rows."""

    def __init__(self, inputs: Array, settings: ResidualNetSettings, seed: int) -> None:
        import torch

        self.settings = settings
        self.inputs = torch.tensor(inputs, dtype=torch.float32)
        self.random = torch.Generator().manual_seed(seed)
        sizes = (
            (inputs.shape[1], settings.hidden, 1.0),
            (settings.hidden, settings.hidden, 1.0),
            (settings.hidden, 2, 0.3),
        )
        self.weights = [
            (torch.randn(settings.n_nets, n_in, n_out, generator=self.random) * scale / n_in**0.5).requires_grad_()
            for n_in, n_out, scale in sizes
        ]
        self.biases = [torch.zeros(settings.n_nets, 1, n_out, requires_grad=True) for _, n_out, _ in sizes]

    def run(self, residual: Array, is_upper_bound: NDArray[np.bool_], weights: Array) -> None:
        """Minimise the weighted negative log likelihood by AdamW with one cycle of the learning rate."""
        import torch

        s, n_rows = self.settings, len(self.inputs)
        batch = min(BATCH, n_rows)
        n_steps = s.epochs * max(n_rows // BATCH, 1)
        optimiser = torch.optim.AdamW(
            [{"params": self.weights, "weight_decay": s.weight_decay}, {"params": self.biases, "weight_decay": 0.0}],
            lr=s.learning_rate,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, s.learning_rate, total_steps=n_steps + 1)
        target, weight = (torch.tensor(column, dtype=torch.float32) for column in (residual, weights))
        bounded = torch.tensor(is_upper_bound)
        for _ in range(n_steps):
            rows = torch.randint(0, n_rows, (s.n_nets, batch), generator=self.random)
            answer = self.forward(self.inputs[rows])
            loss = _negative_log_likelihood(answer[..., 0], answer[..., 1], target[rows], bounded[rows])
            optimiser.zero_grad()
            (weight[rows] * loss).mean(dim=1).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return centre and log width for inputs of shape (K, n, d), with dropout."""
        import torch

        value = self.dropped(inputs, self.settings.input_dropout)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            value = torch.nn.functional.silu(torch.baddbmm(bias, value, weight))
            value = self.dropped(value, self.settings.hidden_dropout)
        return torch.baddbmm(self.biases[-1], value, self.weights[-1])

    def dropped(self, value: torch.Tensor, share: float) -> torch.Tensor:
        """Set a share to zero, from this object's own random numbers."""
        import torch

        kept = torch.rand(value.shape, generator=self.random) >= share
        return value * kept / (1.0 - share)

    def parameters(self) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Return weights and biases; of the last layer only those of the centre."""
        weights, biases = (
            [p.detach().numpy().astype(np.float64) for p in group] for group in (self.weights, self.biases)
        )
        return (*weights[:-1], weights[-1][..., :1]), (*biases[:-1], biases[-1][..., :1])


def _negative_log_likelihood(
    centre: torch.Tensor, log_width: torch.Tensor, target: torch.Tensor, is_upper_bound: torch.Tensor
) -> torch.Tensor:
    """Return that of a Laplace distribution less log 2; of a bound, of its distribution function at the bound."""
    import torch

    log_width = torch.clamp(log_width, *_LOG_WIDTHS)
    scaled = (target - centre) * torch.exp(-log_width)
    tail = 0.5 * torch.exp(-scaled.abs())
    below = torch.where(scaled < 0, tail, 1.0 - tail)
    return torch.where(is_upper_bound, -torch.log(below + 1e-6), scaled.abs() + log_width)


def _scaled(features: Array, mean: Array, inverse_deviation: Array) -> Array:
    scaled: Array = np.clip((features - mean) * inverse_deviation, -LARGEST_INPUT, LARGEST_INPUT)
    return scaled
