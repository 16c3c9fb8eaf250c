"""How uncertain the conductivity model is of many materials together: its Gaussian process, widened by disagreement."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.elements import ATOMIC_NUMBER
from training.properties.conductivity.arrhenius import inverse_temperature
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.ensemble import Ensemble
from training.properties.conductivity.familiarity import Strangeness, in_domain
from training.properties.conductivity.gaussian_process import SMALLEST_VARIANCE, ArrheniusProcess, inverse_of
from training.properties.conductivity.kernels import TrainingMaterials
from training.properties.conductivity.model import ConductivityModel
from training.properties.conductivity.prototypes import prototypes_of
from training.properties.conductivity.quantities import NAME
from training.properties.outputs import ModelOutputs
from training.suggestions.pool import DesignPool, Familiarity

Array = NDArray[np.float64]
WITHOUT_LITHIUM = "no lithium"
_MEDIAN = np.array([0.5])
_ROWS_PER_BLOCK = 256  # likenesses of a block stay in the processor's cache


class ProcessUncertainty:
    """Posterior covariance of log10 sigma at one temperature, given all that the process was fitted on.

    Parameters
    ----------
    process
        Fitted.
    descriptors
        n materials.
    temperature_C
        At which measurements are planned; degrees Celsius.
    disagreement
        Shape (n,), standard deviation over members whose centres the process does not know of, in decades; None for
        none. Where members differ, the process is too sure of itself: its covariance is stretched so that the variance
        becomes its own plus the disagreement's square.
    """

    def __init__(
        self,
        process: ArrheniusProcess,
        descriptors: Descriptors,
        temperature_C: float = 25.0,
        disagreement: Array | None = None,
    ) -> None:
        h, slope = process.hyper, float(inverse_temperature(temperature_C))
        self._hyper, self._descriptors, self._scalings = h, descriptors, process.materials
        self._prior = h.sd_sigma**2 + (slope * h.sd_energy) ** 2 - 2 * slope * h.correlation * h.sd_sigma * h.sd_energy
        root = _root_at(_Same(process), slope)
        self._explained = np.vstack([h.covariance(process.materials, block) @ root for block in _blocks(descriptors)])
        own = np.maximum(self._prior - np.einsum("ij,ij->i", self._explained, self._explained), SMALLEST_VARIANCE)
        extra = np.zeros(len(own)) if disagreement is None else disagreement**2
        self._stretch = np.sqrt((own + extra) / own)
        self._variance: Array = own + extra

    @property
    def noise_variance(self) -> float:
        """Variance between laboratories, decades squared."""
        return self._hyper.noise_sigma**2

    def variance(self) -> Array:
        """Return the variance of each material, decades squared, shape (n,)."""
        return self._variance

    def covariance(self, points: NDArray[np.int64]) -> Array:
        """Return the covariance of all materials with some, decades squared, shape (n, len(points))."""
        chosen = self._descriptors.take(points)
        scaled = self._scalings
        few = TrainingMaterials(
            chosen,
            scaled.chemistry_scaling,
            scaled.order_scaling,
            scaled.crystal_scaling,
            prototypes_of(chosen.composition),
        )
        covariance = np.vstack([self._hyper.covariance(few, block) for block in _blocks(self._descriptors)])
        covariance *= self._prior
        covariance -= self._explained @ self._explained[points].T
        covariance *= self._stretch[:, None]
        covariance *= self._stretch[points]
        covariance[points, np.arange(len(points))] = self._variance[points]
        return covariance


class _Same:
    """A process by its identity: comparing its arrays would cost more than it saves."""

    def __init__(self, process: ArrheniusProcess) -> None:
        self.process = process

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.process is self.process

    def __hash__(self) -> int:
        return id(self.process)


@lru_cache(maxsize=1)
def _root_at(same: _Same, slope: float) -> Array:
    """Return the root of the folded inverse: a second of work, the same for all questions at a temperature."""
    return _root_of(_folded_inverse(same.process, slope))


def _blocks(descriptors: Descriptors) -> list[Descriptors]:
    rows = np.arange(len(descriptors))
    return [descriptors.take(part) for part in np.split(rows, range(_ROWS_PER_BLOCK, len(rows), _ROWS_PER_BLOCK))]


def _folded_inverse(process: ArrheniusProcess, slope: float) -> Array:
    """Return the inverse covariance of the observations by material, weighted by what each says of log10 sigma(T)."""
    h, o = process.hyper, process.observations
    sigma, energy = h.sd_sigma * o.of_sigma, h.sd_energy * o.of_energy
    to_a = h.sd_sigma * (sigma + h.correlation * energy)
    to_e = h.sd_energy * (energy + h.correlation * sigma)
    loading = to_a - slope * to_e
    shape = (len(process.materials.descriptors), len(loading))
    gathered = csr_array((loading, (o.material, np.arange(len(loading)))), shape=shape)
    folded: Array = gathered @ (gathered @ inverse_of(process.covariance())).T
    return folded


def _root_of(matrix: Array) -> Array:
    """Return r with r r' equal to a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > values[-1] * 1e-14
    root: Array = vectors[:, kept] * np.sqrt(values[kept])
    return root


def disagreement_of(ensemble: Ensemble, descriptors: Descriptors) -> Array:
    """Return the standard deviation of the members' centres in decades, shape (n,)."""
    spread: Array = np.std(ensemble.medians(descriptors), axis=0)
    return spread


def pool_of(outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
    """Judge by formulas, unit cells left aside: the variant for which every candidate has its inputs."""
    model: ConductivityModel = outputs.models[NAME]
    variant, n = model.variants["formula"], len(outputs)
    own = Descriptors.of(outputs.query.batch)
    points = _joined(own, variant.ensemble.process.materials.descriptors) if with_domain else own
    (temperature,) = set(outputs.query.conditions.temperature_C().tolist())  # one for all planned measurements
    spread = disagreement_of(variant.ensemble, points)

    def familiarity() -> Familiarity:
        pool = variant.ensemble.predict(own)
        strange = Strangeness(pool.distance, variant.domain_radius, pool.novelty)
        inside = in_domain(model.domain, own.composition, model.domain.distances(own.composition), strange)
        return pool.distance, np.full(n, variant.domain_radius), inside

    possible = own.composition[:, ATOMIC_NUMBER["Li"] - 1] > 0
    return DesignPool(
        ProcessUncertainty(variant.ensemble.process, points, temperature, spread),
        len(points),
        possible,
        spread[:n],
        "decades",
        familiarity,
        (WITHOUT_LITHIUM,) * int((~possible).sum()),
    )


def _joined(first: Descriptors, second: Descriptors) -> Descriptors:
    cells = ([getattr(part, name) for part in (first, second)] for name in first.__dataclass_fields__)
    return type(first)(*(np.concatenate(parts) for parts in cells))
