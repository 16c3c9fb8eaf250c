"""The next batch: from a ranking to a few candidates that are worth making together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.errors import CandidateError, shown
from features.kinds import read_material
from serving.answers.conditions import Conditions
from serving.answers.judging import query_of
from serving.answers.rows import MaterialHead
from serving.ranking.acquisition import (
    OPTIMISM,
    Acquisition,
    Pick,
    pick_by_success,
    pick_by_thompson,
    pick_by_utility,
    pick_by_volume,
)
from serving.ranking.core import Axis, Ranking, oriented_centres, oriented_samples, spreads, weighted_utility
from serving.ranking.document import BatchDocument
from serving.ranking.hypervolume import MOST_OBJECTIVES
from serving.ranking.objectives import Objective, ObjectiveError, Sense
from serving.ranking.predictions import ObjectivePredictions
from serving.ranking.request import BatchRequest
from training.joint_samples import JointSamples
from training.properties import registry
from training.properties.outputs import COVERAGE, ModelOutputs

Array = NDArray[np.float64]
WORST_DECILE = 0.1
GAINS = {
    Acquisition.EHVI: "expected volume added, in units of the axes' spreads",
    Acquisition.SUCCESS: "probability added that at least one of the batch meets all targets",
    Acquisition.UCB: "optimistic utility",
    Acquisition.THOMPSON: "share of scenarios in which it is the best",
}


def choose_batch(
    ranking: Ranking, predictions: ObjectivePredictions, objectives: Sequence[Objective], asked: BatchRequest
) -> tuple[list[Pick], list[str]]:
    """Choose a batch among the ranked candidates.

    Returns
    -------
    picks, notes
        Positions in `ranking.rows` with gains, and what there is to say.

    Raises
    ------
    ObjectiveError
        If the rule cannot work with these objectives, or a known material cannot be read.
    """
    notes: list[str] = []
    composition = predictions.outputs.composition[ranking.rows]
    if asked.method is Acquisition.SUCCESS:
        picks = pick_by_success(_met(ranking, objectives, predictions, asked.explore), asked.size, composition)
    elif not ranking.axes:
        raise ObjectiveError("batch: no objective has a direction (each has a bound on either side); use success")
    else:
        central = oriented_centres(ranking.axes, len(ranking.rows))
        samples = ranking.samples
        if asked.explore != 1.0:
            errors = ranking.joint.errors(asked.explore)
            samples = oriented_samples(ranking.axes, errors, len(ranking.rows), len(ranking.samples))
        if asked.method is Acquisition.EHVI:
            picks = _by_volume(ranking, predictions, objectives, samples, central, asked, notes)
        elif asked.method is Acquisition.UCB:
            level = _normal_cdf(OPTIMISM * asked.explore)
            optimistic = np.quantile(ranking.samples, level, axis=0) if asked.explore > 0.0 else central
            utility = weighted_utility(optimistic, central, ranking.axes)
            picks = pick_by_utility(utility, composition, asked.size)
        else:
            picks = pick_by_thompson(weighted_utility(samples, central, ranking.axes), asked.size)
    first = sum(pick.batch == 1 for pick in picks)
    if first < len(picks):
        notes.append(
            f"batch: with {first} chosen, a success is as sure as it gets; the other {len(picks) - first} are chosen"
            " as if there were none yet, and their gains begin anew"
        )
    if len(picks) < min(asked.size, len(ranking.rows)):
        notes.append(f"batch: {len(picks)} of {asked.size} chosen; nobody else adds anything by this rule")
    return picks, notes


def _normal_cdf(number: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(number))


def _met(
    ranking: Ranking,
    objectives: Sequence[Objective],
    predictions: ObjectivePredictions,
    explore: float,
    some: Sequence[int] | None = None,
) -> NDArray[np.bool_]:
    """Return whether all targets are met, or those of some objectives, in each scenario; shape (s, m)."""
    targets = [j for j, one in enumerate(objectives) if one.target is not None] if some is None else list(some)
    n = len(ranking.rows)
    if not targets:
        raise ObjectiveError("batch: success needs at least one objective with a target, such as sigma>=1e-3")
    needed = sorted({source for j in targets for source in ranking.distributions[j].sources})
    joint = ranking.joint
    if not set(needed) <= set(joint.normal):
        shared = {source: share[ranking.rows] for source, share in predictions.shared().items()}
        composition = predictions.outputs.composition[ranking.rows]
        joint = JointSamples.draw(composition, needed, shared, count=len(ranking.samples))
    errors = joint.errors(explore)
    met = np.ones((len(ranking.samples), n), dtype=bool)
    for j in targets:
        met &= _meets(objectives[j], ranking.distributions[j].values(errors))
    return met


def _meets(objective: Objective, values: Array) -> NDArray[np.bool_]:
    assert objective.target is not None
    met: NDArray[np.bool_] = (
        values >= objective.target if objective.sense is Sense.AT_LEAST else values <= objective.target
    )
    return met


def _by_volume(
    ranking: Ranking,
    predictions: ObjectivePredictions,
    objectives: Sequence[Objective],
    samples: Array,
    central: Array,
    asked: BatchRequest,
    notes: list[str],
) -> list[Pick]:
    m = min(len(ranking.axes), MOST_OBJECTIVES)
    if m < len(ranking.axes):
        named = ", ".join(axis.objective.text for axis in ranking.axes[:m])
        notes.append(
            f"batch: ehvi looks at the first {m} quantities: {named}; of the others it counts whether targets are met"
        )
    scale = spreads(central)[:m]
    worst = np.quantile(central[:, :m], WORST_DECILE, axis=0)
    wanted, further = _reference(ranking.axes[:m], objectives)
    reference = np.where(np.isnan(wanted), worst, wanted)
    known = _known_values(ranking, predictions, asked.known)[:, :m]
    composition = predictions.outputs.composition[ranking.rows]
    met = _met(ranking, objectives, predictions, asked.explore, further)[..., None] if further else np.bool_(True)

    def above(values: Array, point: Array) -> Array:
        gains: Array = np.maximum((values - point) / scale, 0.0)
        return gains

    samples = samples[..., :m]
    picks = pick_by_volume(met * above(samples, reference), above(known, reference), asked.size, composition)
    if len(picks) < asked.size and (reference != worst).any():
        before = [pick.row for pick in picks]
        added = pick_by_volume(
            met * above(samples, worst), above(known, worst), asked.size - len(picks), composition, before
        )
        if added:
            notes.append(
                f"batch: beyond all targets at once there are gains for {len(picks)} only; the other {len(added)} are"
                " chosen by what they add above the worst tenth of the candidates"
            )
        picks = [*picks, *added]
    return picks


def _reference(axes: Sequence[Axis], objectives: Sequence[Objective]) -> tuple[list[float], list[int]]:
    """Return the oriented target along each axis, NaN where there is none, and which objectives hold other targets."""
    wanted = [np.nan] * len(axes)
    places = {axis.objective.key: place for place, axis in enumerate(axes)}
    further = []
    for j, objective in enumerate(objectives):
        if objective.target is None:
            continue
        place = places.get(objective.key)
        if place is None or objective.sense.upward != (axes[place].sign > 0):
            further.append(j)
        else:
            wanted[place] = float(np.fmax(wanted[place], axes[place].sign * objective.target))
    return wanted, further


def _known_values(ranking: Ranking, predictions: ObjectivePredictions, formulas: Sequence[str]) -> Array:
    """Return the oriented central values of materials at hand, shape (k, axes); what cannot be judged is left out."""
    if not formulas:
        return np.zeros((0, len(ranking.axes)))
    try:
        candidates = [read_material({"formula": formula}) for formula in formulas]
    except CandidateError as error:
        raise ObjectiveError(f"batch: known material: {shown(error.message)}") from None
    query = query_of(candidates, [Conditions()] * len(candidates), COVERAGE)
    known = ObjectivePredictions(ModelOutputs(query, predictions.outputs.models, registry.get))
    values = np.column_stack([a.sign * known.of(a.objective).distribution.central() for a in ranking.axes])
    return values[np.isfinite(values).all(axis=1)]


def batch_document(
    ranking: Ranking, picks: Sequence[Pick], asked: BatchRequest, heads: Sequence[MaterialHead]
) -> BatchDocument:
    """Return the batch as JSON; `heads` name the ranked candidates."""
    return {
        "method": str(asked.method),
        "explore": asked.explore,
        "gain": GAINS[asked.method],
        "known": list(asked.known),
        "picks": [{**heads[pick.row], "gain": float(f"{pick.gain:.4g}")} for pick in picks],
    }
