"""Fit the Gaussian process: maximum marginal likelihood with PyTorch, bounds by expectation-maximisation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr

from training.properties.conductivity.gaussian_process import (
    ArrheniusProcess,
    Hyperparameters,
    Observations,
    inverse_of,
)
from training.properties.conductivity.kernels import TrainingMaterials

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float64]

N_ITERATIONS = 30
LEARNING_RATE = 0.08
LENGTH_PRIOR = 0.02
"""Weak pull of the log lengths towards the median distance: keeps a kernel that explains nothing in its place."""
_EM_EVERY = 10
_STARTING_WEIGHTS = {
    "composition": 0.65,
    "blurred_composition": 0.13,
    "chemistry": 0.03,
    "stoichiometry": 0.12,
    "crystal": 0.05,
}
_STARTING_LENGTHS = {
    "composition": 0.25,
    "blurred_composition": 0.15,
    "chemistry": 4.0,
    "stoichiometry": 0.8,
    "crystal": 0.5,
}
_FAR = 1e6  # finite, so that the gradient of exp(-d/length) stays zero instead of NaN


def fit_process(
    materials: TrainingMaterials,
    observations: Observations,
    kernels: tuple[str, ...],
    *,
    n_iterations: int = N_ITERATIONS,
    on_step: Callable[[], None] = lambda: None,
) -> ArrheniusProcess:
    """Fit hyperparameters and censored targets.

    Parameters
    ----------
    materials, observations
        What was measured on what.
    kernels
        Names of the kernels to add up.
    n_iterations
        Steps of Adam on the marginal likelihood.
    on_step
        Called after every step, for a progress bar.
    """
    import torch

    problem = _Problem(materials, observations, kernels)
    theta = torch.tensor(problem.start(), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([theta], lr=LEARNING_RATE)
    process = problem.process(theta.detach().numpy())
    for step in range(n_iterations):
        if step % _EM_EVERY == _EM_EVERY - 1:
            current = replace(process, hyper=problem.hyperparameters(theta.detach().numpy()))
            process = update_bounds(current)
        optimiser.zero_grad()
        loss = problem.loss(theta, process)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        on_step()
    return settle_bounds(replace(process, hyper=problem.hyperparameters(theta.detach().numpy())))


def condition(materials: TrainingMaterials, observations: Observations, hyper: Hyperparameters) -> ArrheniusProcess:
    """Return a process with given hyperparameters on other data: what a cross-validation fold needs."""
    n = len(observations.value)
    return settle_bounds(ArrheniusProcess(materials, observations, hyper, observations.value.copy(), np.zeros(n)))


def settle_bounds(process: ArrheniusProcess, n_rounds: int = 3) -> ArrheniusProcess:
    """Repeat `update_bounds` until the targets of the bounds have settled."""
    for _ in range(n_rounds):
        process = update_bounds(process)
    return process


def update_bounds(process: ArrheniusProcess) -> ArrheniusProcess:
    """Replace the target of each bound by the mean below it of what all other rows predict.

    The variance that is left below the bound is added to the noise of that row.
    """
    o = process.observations
    bounds = np.flatnonzero(o.is_upper_bound)
    if not len(bounds):
        return process
    inverse = inverse_of(process.covariance())
    residual = process.targets - o.of_sigma * process.hyper.mean_sigma - o.of_energy * process.hyper.mean_energy
    total_variance = 1.0 / np.diagonal(inverse)[bounds]
    mean = process.targets[bounds] - (inverse @ residual)[bounds] * total_variance
    variance = total_variance - process.extra_variance[bounds]  # of a new measurement, had this one not been made
    deviation = np.sqrt(variance)
    z = (o.value[bounds] - mean) / deviation
    hazard = np.exp(-0.5 * z**2 - 0.5 * math.log(2.0 * math.pi) - log_ndtr(z))
    targets = process.targets.copy()
    targets[bounds] = mean - deviation * hazard
    extra = process.extra_variance.copy()
    extra[bounds] = np.maximum(variance * (1.0 - z * hazard - hazard**2), 0.0)
    return replace(process, targets=targets, extra_variance=extra)


class _Problem:
    """The marginal likelihood as a function of an unconstrained vector theta."""

    def __init__(self, materials: TrainingMaterials, observations: Observations, kernels: tuple[str, ...]) -> None:
        import torch

        self.materials, self.observations, self.kernels = materials, observations, kernels
        rows = observations.material
        distances = [d[np.ix_(rows, rows)] for d in materials.distances(materials.descriptors, kernels)]
        apart = [d[d > 0] for d in distances]  # none where one material alone has a lattice
        self.medians = [
            float(np.median(d)) if len(d) else _STARTING_LENGTHS[kernel]
            for d, kernel in zip(apart, kernels, strict=True)
        ]
        same = rows[:, None] == rows[None, :]
        # nothing in common between materials where a lattice is missing, distance 0 of a material to itself
        filled = [np.where(same, 0.0, np.nan_to_num(d, nan=_FAR)) for d in distances]
        self.distances = [torch.tensor(d) for d in filled]
        self.same_prototype = torch.tensor(
            materials.same_prototype(materials.descriptors)[np.ix_(rows, rows)], dtype=torch.float64
        )
        self.of_sigma = torch.tensor(observations.of_sigma)
        self.of_energy = torch.tensor(observations.of_energy)

    def start(self) -> Array:
        """Return theta of a plausible beginning, near where earlier fits on these tables ended."""
        other_prototype = 0.0  # counts half, through a sigmoid
        scales = [math.log(3.0), math.log(0.27), -1.4, math.log(0.6), math.log(0.08), -6.0, 0.5, other_prototype]
        lengths = np.log([_STARTING_LENGTHS[kernel] for kernel in self.kernels])
        return np.concatenate([np.log([_STARTING_WEIGHTS[kernel] for kernel in self.kernels]), lengths, scales])

    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Translate theta."""
        n = len(self.kernels)
        weights = np.exp(theta[:n] - theta[:n].max())
        tail = theta[2 * n :]
        return Hyperparameters(
            self.kernels,
            tuple(float(weight) for weight in weights / weights.sum()),
            tuple(float(length) for length in np.exp(theta[n : 2 * n])),
            float(np.exp(tail[0])),
            float(np.exp(tail[1])),
            float(np.tanh(tail[2])),
            float(np.exp(tail[3])),
            float(np.exp(tail[4])),
            float(tail[5]),
            float(tail[6]),
            float(expit(tail[7])),
        )

    def process(self, theta: Array) -> ArrheniusProcess:
        """Return the process at theta, its bounds not yet settled."""
        o = self.observations
        hyper = self.hyperparameters(theta)
        return ArrheniusProcess(self.materials, o, hyper, o.value.copy(), np.zeros(len(o.value)))

    def loss(self, theta: torch.Tensor, process: ArrheniusProcess) -> torch.Tensor:
        """Return the negative log marginal likelihood plus the length prior."""
        import torch

        n = len(self.kernels)
        weights, lengths, tail = torch.softmax(theta[:n], 0), torch.exp(theta[n : 2 * n]), theta[2 * n :]
        terms = {
            name: torch.exp(-distance / length)
            for name, distance, length in zip(self.kernels, self.distances, lengths, strict=True)
        }
        if "stoichiometry" in terms:
            place = self.kernels.index("stoichiometry")
            gaussian = torch.exp(-0.5 * (self.distances[place] / lengths[place]) ** 2)
            terms["stoichiometry"] = gaussian * terms["blurred_composition"]
        k = sum(weight * term for weight, term in zip(weights, terms.values(), strict=True))
        other = torch.sigmoid(tail[7])
        k = k * (other + (1.0 - other) * self.same_prototype)
        sigma, energy = torch.exp(tail[0]) * self.of_sigma, torch.exp(tail[1]) * self.of_energy
        cross = torch.outer(sigma, energy)
        coregion = torch.outer(sigma, sigma) + torch.outer(energy, energy) + torch.tanh(tail[2]) * (cross + cross.T)
        noise = torch.where(self.of_sigma > 0, torch.exp(2 * tail[3]), torch.exp(2 * tail[4]))
        covariance = coregion * k + torch.diag(noise + torch.tensor(process.extra_variance) + 1e-8)
        residual = torch.tensor(process.targets) - self.of_sigma * tail[5] - self.of_energy * tail[6]
        factor = torch.linalg.cholesky(covariance)
        weighted = torch.cholesky_solve(residual[:, None], factor)[:, 0]
        fit = 0.5 * residual @ weighted + torch.log(torch.diagonal(factor)).sum()
        pull = ((theta[n : 2 * n] - torch.tensor(self.medians).log()) ** 2).sum()
        return fit + LENGTH_PRIOR * pull
