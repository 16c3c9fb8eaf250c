"""Why a candidate stands where it stands, and what there is to say about a ranking as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.ranking.constraints import Exclusion
from serving.ranking.core import MOST_FRONT_AXES, Ranking
from serving.ranking.objectives import Objective, Sense, shown_value
from serving.ranking.quantities import quantities
from training.applicability import DomainIndex
from training.distributions import Distribution
from training.joint_samples import SEED, JointSamples

Array = NDArray[np.float64]
HARDLY = 0.01
EVEN_CHANCES = 0.5
SAME_MATERIAL = 1e-4
NAMED = 3
N_FOR_INTERVALS = 1024
_NEARLY = 0.999


def limiting(
    objectives: Sequence[Objective], chances: Array, central: Sequence[float]
) -> dict[str, str | float] | None:
    """Return which target limits a candidate, by how much, in words; None where there is no target.

    Parameters
    ----------
    objectives
        All of them.
    chances
        Probability of each target, NaN for directions; shape (objectives,).
    central
        Central values.
    """
    if np.isnan(chances).all():
        return None
    j = int(np.nanargmin(chances))
    objective, chance, value = objectives[j], float(chances[j]), central[j]
    assert objective.target is not None
    upward = objective.sense is Sense.AT_LEAST
    short = objective.target - value if upward else value - objective.target
    about = objective.quantity
    shown = f"{shown_value(objective.quantity, value)} {about.unit}".strip()
    if chance >= _NEARLY:
        words = f"every target is met almost surely; nearest to failing: {objective.label} {shown}"
    elif short <= 0.0:
        words = f"{objective.label} {shown} meets the target, with a probability of {chance:.2g}"
    elif about.levels:
        asked = shown_value(objective.quantity, objective.target)
        words = f"the {objective.label} is {shown}, wanted is {'at least' if upward else 'at most'} {asked}"
    elif about.is_log10:
        away = "below" if upward else "above"
        words = f"{objective.label} {shown} lies a factor {10**short:.2g} {away} the target; probability {chance:.2g}"
    else:
        away = "below" if upward else "above"
        words = f"{objective.label} {shown} lies {short:.3g} {about.unit} {away} the target; probability {chance:.2g}"
    return {
        "objective": objective.text,
        "probability": round(chance, 4),
        "shortfall": round(max(short, 0.0), 4),
        "words": words,
    }


def intervals(
    distribution: Distribution, rows: NDArray[np.int64], composition: Array, coverage: float
) -> tuple[Array, Array]:
    """Return the central interval of some candidates, shape (k,) each; exact where one error decides."""
    few = distribution.take(rows)
    ends = np.array([(1.0 - coverage) / 2.0, (1.0 + coverage) / 2.0])
    if not few.sources:
        return few.central(), few.central()
    if len(few.sources) == 1:
        from scipy.special import ndtri

        low, high = few.values({few.sources[0]: np.repeat(ndtri(ends)[:, None], len(rows), axis=1)})
        return low, high
    joint = JointSamples.draw(composition[rows], few.sources, {}, count=N_FOR_INTERVALS, seed=SEED + 2)
    low, high = np.quantile(few.values(joint.errors()), ends, axis=0)
    return low, high


def remarks_of(ranking: Ranking, objectives: Sequence[Objective], n_judged: int) -> list[str]:
    """Return what there is to say about a ranking as a whole.

    Parameters
    ----------
    ranking, objectives
        The result and what was asked.
    n_judged
        How many candidates could be read.
    """
    notes = []
    if ranking.exclusions:
        notes.append(_excluded(ranking, n_judged))
    if not len(ranking.rows):
        return [*notes, "nobody is left to rank, so the front is empty; relax what excludes most, or add candidates"]
    for j, objective in enumerate(objectives):
        if objective.target is not None and np.nanmax(ranking.chances[:, j]) < HARDLY:
            notes.append(_unreachable(ranking, j, objective))
    if ranking.success is not None:
        best = float(np.nanmax(ranking.success.probability))
        targets = [j for j, objective in enumerate(objectives) if objective.target is not None]
        if best < HARDLY <= np.nanmax(ranking.chances[:, targets], axis=0).min():
            notes.append(
                f"each target is within somebody's reach, all together within nobody's: the best probability is"
                f" {best:.2g}; they pull in different directions here"
            )
    if not ranking.axes:
        notes.append("no quantity has a direction (each has a bound on either side): everybody is on the front")
    elif len(ranking.axes) > MOST_FRONT_AXES:
        named = ", ".join(axis.objective.text for axis in ranking.axes[:MOST_FRONT_AXES])
        notes.append(
            f"of more than {MOST_FRONT_AXES} quantities nearly everybody is on the front: it is that of {named}"
        )
    elif len(ranking.axes) == 1:
        notes.append("only one quantity has a direction: the front is its best value")
    return notes


def made_nevertheless(
    ranking: Ranking, objectives: Sequence[Objective], composition: Array, known: DomainIndex
) -> list[str]:
    """Return a remark on materials that miss a target whose quantity has a caveat and have been made all the same.

    Energies of the reference table carry no error, and none of them knows disorder or entropy: Li6PS5Cl lies 83
    meV/atom above the hull and is sold by the kilogram.

    Parameters
    ----------
    ranking, objectives
        The result and what was asked.
    composition
        Atomic fractions of the ranked candidates, shape (n, elements).
    known
        Materials that have been measured.
    """
    notes = []
    caveats = dict.fromkeys(one.quantity.caveat for one in objectives if has_caveat(one))
    for caveat in caveats:
        asked = [j for j, one in enumerate(objectives) if has_caveat(one) and one.quantity.caveat == caveat]
        missed = ranking.chances[:, asked].min(axis=1) < EVEN_CHANCES
        _, nearest = known.describe(composition[np.flatnonzero(missed)], 1)
        made = [first for (first,) in nearest if first.distance <= SAME_MATERIAL]
        if made:
            which = "; ".join(f"{one.formula} ({one.doi})" if one.doi else one.formula for one in made[:NAMED])
            texts = " or ".join(f"'{objectives[j].text}'" for j in asked)
            notes.append(
                f"{len(made)} of the candidates probably miss {texts} and have been made and measured all the same:"
                f" {which}{'; ...' if len(made) > NAMED else ''}. {caveat}"
            )
    return notes


def has_caveat(objective: Objective) -> bool:
    """Whether materials that have been made may miss an objective's target."""
    return objective.target is not None and bool(objective.quantity.caveat)


def _excluded(ranking: Ranking, n_judged: int) -> str:
    counts = Counter(
        reason.code for reasons in ranking.exclusions.values() for reason in {r.code: r for r in reasons}.values()
    )
    said = ", ".join(f"{count} {_WORDS[code]}" for code, count in counts.most_common())
    who = "every candidate is" if not len(ranking.rows) else f"{len(ranking.exclusions)} of {n_judged} candidates are"
    return f"{who} excluded: {said}; see `excluded` for each"


_WORDS = {
    "holds_avoided_element": "hold an element to be avoided",
    "lacks_required_element": "lack a required element",
    "too_many_elements": "have too many elements",
    "not_charge_balanced": "are not charge balanced",
    "out_of_domain": "lie outside what the models know",
    "not_known": "cannot be judged by an objective",
}


def exclusion_dicts(reasons: Sequence[Exclusion]) -> list[dict[str, str]]:
    """Return reasons as JSON."""
    return [reason._asdict() for reason in reasons]


def _unreachable(ranking: Ranking, j: int, objective: Objective) -> str:
    central = ranking.distributions[j].central()
    upward = objective.sense is Sense.AT_LEAST
    best = float(central.max() if upward else central.min())
    unit = objective.quantity.unit
    return (
        f"no candidate meets '{objective.text}' with a probability above {HARDLY:g}; the best value is"
        f" {shown_value(objective.quantity, best)} {unit}, a target there would be met with even chances".replace(
            "  ", " "
        )
    )


def assumptions(ranking: Ranking, objectives: Sequence[Objective]) -> list[str]:
    """Return what the probabilities take for granted, as far as it bears on these objectives."""
    said = ["errors of different models are independent, given the composition"]
    asked = Counter(one.quantity.name for one in objectives)
    assumed = {one.quantity.assumes for one in objectives}
    said += dict.fromkeys(one.assumes for one in quantities().values() if one.assumes and one.assumes in assumed)
    said += [one.shares_error for name, one in quantities().items() if one.shares_error and asked[name] > 1]
    if ranking.axes:
        share = "the latent share of its variance (conductivity), half of it otherwise"
        said.append(
            f"for the front and the batch, candidates share errors as exp(-d/0.28) of their distance in composition:"
            f" {share}; half is an assumption"
        )
    if any(one.target is not None for one in objectives) and ranking.success is not None:
        said.append(f"probability of success: {ranking.success.method}")
    return said
