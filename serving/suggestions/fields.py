"""Candidates as points of a joint uncertainty, one way for each property."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, Candidate, MaterialBatch
from features.elements import ATOMIC_NUMBER
from serving.answers.conditions import Conditions
from serving.models.store import ModelUnavailableError, ServedModel
from training.suggestions.greedy import Uncertainty

if TYPE_CHECKING:
    from training.properties.conductivity.descriptors import Descriptors

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Familiarity = tuple[Array, Array, Flags]

NO_NUMBER = "the model gives no number for it"
WITHOUT_LITHIUM = "no lithium"


@dataclass(frozen=True)
class Field:
    """Points, the n candidates first, materials of the domain after them where they were asked for.

    Parameters
    ----------
    uncertainty
        Of all points together.
    n_points
        How many.
    possible
        Shape (n,), whether the model can judge a candidate.
    disagreement
        Shape (n,), of members of the model; in `unit`.
    unit
        Of standard deviations.
    familiarity
        Returns distances of the candidates to the known, radii, and whether each is in the domain; shape (n,) each.
    why_not
        What is wrong with candidates that are not possible.
    """

    uncertainty: Uncertainty
    n_points: int
    possible: Flags
    disagreement: Array
    unit: str
    familiarity: Callable[[], Familiarity]
    why_not: tuple[str, ...] = ()

    def reasons(self) -> dict[str, int]:
        """Return why candidates cannot be suggested, and how many."""
        return dict(Counter(self.why_not))


def field_of(
    models: Mapping[str, ServedModel], candidates: Sequence[Candidate], conditions: Conditions, *,
    with_domain: bool,
) -> Field:  # fmt: skip
    """Return the field of the one property that `models` is about: the one whose models the others are needed for.

    Raises
    ------
    ModelUnavailableError
        If the property's domain cannot be the reference set.
    """
    batch = MaterialBatch.from_candidates(list(candidates))
    if "ccd" in models:
        return _currents(models, candidates, batch, conditions, with_domain=with_domain)
    if "stability" in models:
        return _energies(models["stability"].model, batch, with_domain=with_domain)
    return _conductivities(models["conductivity"].model, batch, conditions, with_domain=with_domain)


def _conductivities(model: Any, batch: MaterialBatch, conditions: Conditions, *, with_domain: bool) -> Field:  # noqa: ANN401
    """Judge by formulas, unit cells left aside: the variant for which every candidate has its inputs."""
    from training.properties.conductivity.descriptors import Descriptors
    from training.properties.conductivity.familiarity import is_familiar
    from training.properties.conductivity.joint_uncertainty import ProcessUncertainty, disagreement_of

    variant = model.variants["formula"]
    own = Descriptors.of(batch)
    points = _joined(own, variant.ensemble.process.materials.descriptors) if with_domain else own
    temperature = ROOM_TEMPERATURE_C if conditions.temperature_C is None else conditions.temperature_C
    spread = disagreement_of(variant.ensemble, points)

    def familiarity() -> Familiarity:
        pool, inner = variant.ensemble.predict(own), model.domain.distances(own.composition)
        inside = model.domain.in_domain(inner, own.composition) & is_familiar(
            pool.distance, variant.domain_radius, pool.novelty
        )
        return pool.distance, np.full(len(batch), variant.domain_radius), inside

    possible = own.composition[:, ATOMIC_NUMBER["Li"] - 1] > 0
    return Field(
        ProcessUncertainty(variant.ensemble.process, points, temperature, spread), len(points), possible,
        spread[: len(batch)], "decades", familiarity, (WITHOUT_LITHIUM,) * int((~possible).sum()),
    )  # fmt: skip


def _joined(first: Descriptors, second: Descriptors) -> Descriptors:
    cells = ([getattr(part, name) for part in (first, second)] for name in first.__dataclass_fields__)
    return type(first)(*(np.concatenate(parts) for parts in cells))


def _energies(model: Any, batch: MaterialBatch, *, with_domain: bool) -> Field:  # noqa: ANN401
    """Judge the formation energy; elements without energies cannot be judged, tabled compounds teach nothing."""
    from training.properties.stability.joint_uncertainty import NetUncertainty

    _refuse_domain(with_domain=with_domain)
    uncovered = model.uncovered_elements(batch)
    possible = np.array([not elements for elements in uncovered], dtype=bool)
    spread, distance, inside = np.zeros(len(batch)), np.ones(len(batch)), np.zeros(len(batch), dtype=bool)
    if possible.any():
        around = model.predict(batch.take(np.flatnonzero(possible)))
        spread[possible], distance[possible] = around.spread_eV_per_atom, around.distance
        inside[possible] = around.in_domain
    known = possible & (spread == 0.0)
    why = [f"no energies of {', '.join(elements)}" for elements in uncovered if elements]
    why += ["its energy is in the table"] * int(known.sum())
    return Field(
        NetUncertainty(batch.matrix(), spread, model.radius), len(batch), possible & ~known, spread, "eV/atom",
        lambda: (distance, np.full(len(batch), model.radius), inside), tuple(why),
    )  # fmt: skip


def _currents(
    models: Mapping[str, ServedModel], candidates: Sequence[Candidate], batch: MaterialBatch,
    conditions: Conditions, *, with_domain: bool,
) -> Field:  # fmt: skip
    """Judge cells of one set of conditions; classes that no paper measured have no answer."""
    from training.properties.ccd.cells import Cells, material_numbers
    from training.properties.ccd.joint_uncertainty import CellUncertainty
    from training.properties.ccd.questions import FEWEST_PAPERS, read_question, support_of
    from training.properties.ccd.schema import REGULAR

    _refuse_domain(with_domain=with_domain)
    model = models["ccd"].model
    asked = [read_question(candidate.amounts, conditions) for candidate in candidates]
    others = [models[name].model if name in models else None for name in ("conductivity", "stability")]
    numbers = material_numbers(batch, *others)

    def column(value: float | None) -> Array:
        return np.full(len(batch), np.nan if value is None else value)

    cells = Cells.of(
        [q.electrolyte_class for q in asked], batch.matrix(), numbers,
        interlayer_type=[q.interlayer_type for q in asked], anode=[q.anode for q in asked],
        temperature_C=np.array([q.temperature_C for q in asked]),
        relative_density=column(conditions.relative_density),
        interfacial_resistance_ohm_cm2=column(conditions.interfacial_resistance_ohm_cm2),
        stack_pressure_MPa=column(conditions.stack_pressure_MPa),
    )  # fmt: skip
    seen = set(model.shelf.classes)
    possible = np.array(
        [q.electrolyte_class in seen and q.regime == REGULAR and "Li" in c.amounts
         for q, c in zip(asked, candidates, strict=True)], dtype=bool,
    )  # fmt: skip
    papers = {q: support_of(model, q).class_papers for q in set(asked)}
    inside = possible & np.array([papers[q] >= FEWEST_PAPERS for q in asked], dtype=bool)
    uncertainty = CellUncertainty(model, cells)
    return Field(
        uncertainty, len(batch), possible, np.sqrt(uncertainty.variance()), "decades",
        lambda: ((~inside).astype(float), np.zeros(len(batch)), inside),
        (NO_NUMBER,) * int((~possible).sum()),
    )  # fmt: skip


def _refuse_domain(*, with_domain: bool) -> None:
    if with_domain:
        raise ModelUnavailableError("--about domain is for conductivity; the others teach about the candidates")
