"""The forward board: how good a recipe is on the next years' materials, on families and on anions left out.

Every recipe answers the same held-out materials, beside a constant (the median of all that is known) and a plain
ensemble, so that differences are paired. Intervals are calibrated on left-out rows dated before the cut. The fits are
those of `EnsembleSettings.economical`, and the hyperparameters of the process are given: a dozen numbers, but they may
have seen the future (refitting them on the past of 2019 and of 2021 changed the errors by 0.06 and 0.02).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.correlation import spearman
from training.properties.conductivity.ensemble import Ensemble, EnsembleSettings, Pool
from training.properties.conductivity.familiarity import is_familiar
from training.properties.conductivity.gaussian_process import Hyperparameters
from training.properties.conductivity.held_out import HeldOut, distance_to_learnt
from training.properties.conductivity.metrics import (
    ScoredPredictions,
    Truth,
    honest_error,
    interval_score,
    is_covered,
    paired_bootstrap,
)
from training.properties.conductivity.model import (
    OutOfFold,
    Variant,
    at_temperature,
    calibrate,
    cross_fit,
    domain_of,
    factor_or_nan,
)
from training.properties.conductivity.rows import ConductivityRows, near_room_temperature

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Figures = dict[str, float]

THRESHOLDS = (-4.0, -3.0)
"""log10 S/cm, of which the probability of lying above is scored."""
RECENT_YEAR = 2019
NEAR, FAR = 0.05, 0.12
"""Half-L1 distances to the nearest known conductivity."""
INSULATOR = -8.0
N_DRAWS = 2000
CONSTANT, PLAIN = "constant", "plain_ensemble"


class Answers(NamedTuple):
    """What one model says of n held-out materials; NaN where it says nothing of the kind.

    Attributes
    ----------
    value, lower, upper
        log10 S/cm at the temperature of the row, with the 90 % interval; shape (n,).
    above
        Probability of lying above each of `THRESHOLDS`, shape (thresholds, n).
    is_known
        Whether the model trusts itself, shape (n,).
    """

    value: Array
    lower: Array
    upper: Array
    above: Array
    is_known: Mask


Model = Callable[[ConductivityRows, HeldOut], Answers]


@dataclass(frozen=True)
class Board:
    """Held-out materials of several fits, and what each model said of them; every array has length n."""

    truth: Truth
    paper: NDArray[np.str_]
    year: Array
    distance: Array
    group: NDArray[np.str_]
    answers: dict[str, Answers]


class Recipe:
    """A recipe as a model of the board: fitted anew for each fit, calibrated on left-out rows of before."""

    def __init__(
        self, rows: ConductivityRows, variant: str, settings: EnsembleSettings, hyper: Hyperparameters
    ) -> None:
        self.variant, self.settings, self.hyper = variant, settings, hyper
        self.left_out = cross_fit(rows, variant, hyper, settings)

    def __call__(self, rows: ConductivityRows, held_out: HeldOut) -> Answers:
        """See `Answers`."""
        ensemble = Ensemble.fit(rows.take(held_out.learnt), self.variant, self.settings, hyper=self.hyper)
        return self.answers(ensemble, of_before(self.left_out, held_out.known_before), rows, held_out)

    def answers(
        self, ensemble: Ensemble, left_out: OutOfFold, rows: ConductivityRows, held_out: HeldOut, shift: float = 0.0
    ) -> Answers:
        """Calibrate a fitted ensemble and let it answer, centres and ends moved up by `shift` of its widths."""
        learnt, asked = rows.take(held_out.learnt), rows.take(held_out.asked)
        variant = calibrate(ensemble, left_out)
        pool = at_temperature(ensemble.predict(asked.descriptors).moved(shift), asked.temperature_C)
        reach = factor_or_nan(variant.sigma_scale, 0.9)
        above = [
            variant.sigma_scale.tail_probability(threshold, pool.centre, pool.below, pool.above)
            for threshold in THRESHOLDS
        ]
        ends = pool.centre, pool.centre - reach * pool.below, pool.centre + reach * pool.above
        return Answers(*ends, np.array(above), _is_known(variant, learnt, asked, pool))


def of_before(left_out: OutOfFold, year: float) -> OutOfFold:
    """Return the left-out rows that were published before a year; all of them where it is infinite."""
    kept = left_out.rows.year < year if np.isfinite(year) else np.ones(len(left_out.rows), dtype=bool)
    pool = Pool(*(column[kept] for column in left_out.pool))
    rows = left_out.rows.take(kept)
    return OutOfFold(rows, pool, left_out.composition_distance[kept], left_out.weight[kept])


def _is_known(variant: Variant, learnt: ConductivityRows, asked: ConductivityRows, pool: Pool) -> Mask:
    """Return whether the model calls each asked material known: of known elements, and familiar."""
    domain = domain_of(learnt.take(learnt.has_sigma), radius=np.inf)
    composition = asked.descriptors.composition
    known: Mask = domain.in_domain(domain.distances(composition), composition)
    known &= is_familiar(pool.distance, variant.domain_radius, pool.novelty)
    return known


def constant(rows: ConductivityRows, held_out: HeldOut) -> Answers:
    """Answer the median of all that is known."""
    learnt = rows.take(held_out.learnt)
    return _only_values(np.full(len(held_out.asked), np.median(learnt.log10_sigma[learnt.has_sigma])))


def plain_ensemble(rows: ConductivityRows, held_out: HeldOut) -> Answers:
    """Answer with the mean of boosted and of extremely randomised trees on compositions and their chemistry."""
    import lightgbm as lgb
    from sklearn.ensemble import ExtraTreesRegressor

    learnt, asked = rows.take(held_out.learnt), rows.take(held_out.asked)
    near = near_room_temperature(learnt)
    seen, new = (np.hstack([r.descriptors.composition, r.descriptors.chemistry]) for r in (learnt.take(near), asked))
    targets = learnt.log10_sigma[near]
    plain = {"verbose": -1, "num_threads": 1, "seed": 0, "deterministic": True, "force_row_wise": True}
    boosted = lgb.train(plain | {"min_data_in_leaf": 5}, lgb.Dataset(seen, targets), 200).predict(new)
    grown = ExtraTreesRegressor(200, min_samples_leaf=2, random_state=0, n_jobs=1).fit(seen, targets).predict(new)
    return _only_values((np.asarray(boosted) + grown) / 2.0)


def _only_values(value: Array) -> Answers:
    unknown = np.full(len(value), np.nan)
    return Answers(value, unknown, unknown, np.full((len(THRESHOLDS), len(value)), np.nan), np.zeros(len(value), bool))


def board_of(
    rows: ConductivityRows,
    held_out: Iterable[HeldOut],
    models: dict[str, Model],
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> Board:
    """Ask every model about everything that is held out.

    Parameters
    ----------
    rows
        All measurements.
    held_out
        Of `held_out.forward_cuts` or `held_out.without_each`.
    models
        By name.
    on_step
        Called with what was fitted.
    """
    fits = list(held_out)
    said: dict[str, list[Answers]] = {name: [] for name in models}
    for fit in fits:
        for name, model in models.items():
            said[name].append(model(rows, fit))
        on_step(fit.name)
    asked = np.concatenate([fit.asked for fit in fits])
    return Board(
        Truth(rows.log10_sigma[asked], rows.is_upper_bound[asked]),
        rows.paper[asked],
        rows.year[asked],
        np.concatenate([distance_to_learnt(rows, fit) for fit in fits]),
        np.repeat([fit.name for fit in fits], [len(fit.asked) for fit in fits]),
        {
            name: Answers(*(np.concatenate(column, axis=-1) for column in zip(*a, strict=True)))
            for name, a in said.items()
        },
    )


def scopes_of(board: Board) -> dict[str, Mask]:
    """Return which materials each line of the forward board is about."""
    recent, far = board.year >= RECENT_YEAR, board.distance >= FAR
    return {
        "all": np.ones(len(recent), dtype=bool),
        f"before_{RECENT_YEAR}": ~recent,
        f"since_{RECENT_YEAR}": recent,
        "near": board.distance < NEAR,
        "between": (board.distance >= NEAR) & ~far,
        "far": far,
        f"far_before_{RECENT_YEAR}": far & ~recent,
        f"far_since_{RECENT_YEAR}": far & recent,
    }


def figures(board: Board, name: str, keep: Mask, n_draws: int = N_DRAWS) -> Figures:
    """Score one model on some of the materials; errors in decades, a prediction below a bound is none."""
    answers = board.answers[name]
    value, lower, upper = (part[keep] for part in answers[:3])
    truth = _truth(board, keep)
    exact, error = ~truth.is_upper_bound, honest_error(truth, value)
    spread = paired_bootstrap(error, board.paper[keep], n_draws)
    signed = (value - truth.log10_sigma)[exact]
    conducts = truth.log10_sigma[exact] > INSULATOR
    found = {
        "n": float(len(error)),
        "mae": spread["difference"],
        "mae_low_95": spread["low_95"],
        "mae_high_95": spread["high_95"],
        "bias": _mean(signed),
        "bias_of_conductors": _mean(signed[conducts]),
        "bias_of_insulators": _mean(signed[~conducts]),
        "spearman": _rank_correlation(value[exact], truth.log10_sigma[exact]),
    }
    told, known = np.isfinite(lower), answers.is_known[keep]  # too little was known of the first windows of few rows
    if not told.any():
        return found
    answer = ScoredPredictions(value, lower, upper)
    covered = is_covered(truth, answer)
    found |= {
        "coverage_90": _mean(covered[told]),
        "mean_half_width_90": _mean((upper - lower)[told] / 2.0),
        "interval_score_90": _mean(interval_score(truth, answer)[told]),
        "known_share": _mean(known),
        "known_mae": _mean(error[known]),
        "known_coverage_90": _mean(covered[known & told]),
    }
    for threshold, probability in zip(THRESHOLDS, answers.above[:, keep], strict=True):
        reached = (truth.log10_sigma >= threshold) & exact
        found[f"brier_1e{threshold:.0f}"] = _mean((probability - reached) ** 2)
    return found


def difference(board: Board, name: str, other: str, keep: Mask, n_draws: int = N_DRAWS) -> Figures:
    """Return how much larger one model's mean error is than another's, with its 95 % interval over papers."""
    truth = _truth(board, keep)
    mine, theirs = (honest_error(truth, board.answers[model].value[keep]) for model in (name, other))
    return paired_bootstrap(mine - theirs, board.paper[keep], n_draws)


def group_means(board: Board, name: str) -> Figures:
    """Return the mean error over rows and over groups (families, classes of anions), each group counting once."""
    error = honest_error(board.truth, board.answers[name].value)
    each = list(by_group(board, name).values())
    return {"mae_rows": float(error.mean()), "mae_mean": float(np.mean(each)), "groups": float(len(each))}


def by_group(board: Board, name: str) -> Figures:
    """Return the mean error of each group."""
    error = honest_error(board.truth, board.answers[name].value)
    return {str(group): float(error[board.group == group].mean()) for group in np.unique(board.group)}


def group_mean_difference(board: Board, name: str, other: str, n_draws: int = N_DRAWS) -> Figures:
    """Return how much larger the mean over groups is, with its 95 % interval: groups drawn with replacement."""
    mine, theirs = (honest_error(board.truth, board.answers[model].value) for model in (name, other))
    names = np.unique(board.group)
    each = np.array([float((mine - theirs)[board.group == group].mean()) for group in names])
    return paired_bootstrap(each, names, n_draws)


def _truth(board: Board, keep: Mask) -> Truth:
    return Truth(board.truth.log10_sigma[keep], board.truth.is_upper_bound[keep])


def _mean(values: Sequence[float] | NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _rank_correlation(value: Array, measured: Array) -> float:
    """Return Spearman's rho, NaN where one of the two does not vary."""
    if len(value) < 2 or np.ptp(value) == 0.0 or np.ptp(measured) == 0.0:
        return float("nan")
    return spearman(value, measured)
