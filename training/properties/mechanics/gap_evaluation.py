"""How good the model of band gaps is: every chemical system predicted from others, and gaps that were measured.

Systems that were left out teach neither trees, relatives nor calibration. The relatives of a compound lie in other
systems (Na3PS4 of Li3PS4); that is what a new chemistry has. What the table holds is answered from the table, so these
are figures for compositions that it lacks.

The table holds ordered crystals alone. Doped compositions (Li1.3Al0.3Ti1.7P3O12) have no relatives of their own
amounts and get wider intervals; nothing here tells how often these hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.chemistry import assign_ions
from features.elements import ATOMIC_NUMBER, SYMBOLS
from training.crystals import GapTable
from training.properties.mechanics.gap_fit import LeftOutGaps
from training.properties.mechanics.gap_lookup import GapLookup
from training.properties.mechanics.gap_model import GapCalibration, GapPrediction
from training.uncertainty import Interval

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
COVERAGE = 0.9
N_WORST = 20
PEERS_MAE_eV = {"CrabNet": 0.263, "random forest": 0.363}
"""Matbench's folds, with polymorphs of one formula on both sides: CrabNet, doi 10.1038/s41524-021-00545-1."""
_MAGNETIC = ("V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu")
_F_ELEMENTS = (*SYMBOLS[57:70], *SYMBOLS[88:96])


@dataclass(frozen=True, slots=True)
class GapScore:
    """Scores of some of the compositions.

    Attributes
    ----------
    n, n_metals
        How many there are, and how many of them have no gap.
    mae_eV, bias_eV
        Mean absolute and mean error of the value.
    auc_metal
        Area under the receiver operating characteristic of being a metal; NaN where all are of one kind.
    coverage_90, mean_half_width_eV
        Of the intervals of coverage 0.9.
    """

    n: int
    n_metals: int
    mae_eV: float
    bias_eV: float
    auc_metal: float
    coverage_90: float
    mean_half_width_eV: float


@dataclass(frozen=True, slots=True)
class GapMiss:
    """A composition that the model misses by much: the table's gaps, the prediction and its interval in eV."""

    formula: str
    lowest_eV: float
    middle_eV: float
    highest_eV: float
    predicted_eV: float
    interval_eV: tuple[float, float]
    p_metal: float


@dataclass(frozen=True, slots=True)
class GapScores:
    """Scores of compositions grouped by chemical system.

    Attributes
    ----------
    groups
        By name: all, lithium, non-metals, metals, lithium with a gap, and chemistries.
    rows_mae_eV, rows_lithium_mae_eV
        Over the table's rows, polymorphs each, as others report it (their folds differ: `PEERS_MAE_eV`).
    rows_floor_eV, rows_lithium_floor_eV
        The same if every composition's middle gap were known: what polymorphs alone cost.
    worst
        The largest misses.
    """

    groups: dict[str, GapScore]
    rows_mae_eV: float
    rows_lithium_mae_eV: float
    rows_floor_eV: float
    rows_lithium_floor_eV: float
    worst: tuple[GapMiss, ...]


@dataclass(frozen=True, eq=False)
class _Answers:
    """Predictions for all compositions, each calibrated on the other folds."""

    interval: Interval
    p_metal: Array


def evaluate_gap(table: GapTable, left_out: LeftOutGaps) -> GapScores:
    """Score predictions of left-out chemical systems (`gap_fit.predict_left_out`, or those that a fit leaves)."""
    answers, compositions = _answers(left_out), left_out.compositions
    gap, batch = compositions.gap_eV, compositions.batch
    groups = {name: _score(gap, answers, rows) for name, rows in _groups(batch, gap).items() if rows.any()}
    of_row = compositions.lookup.rows_of(table.crystals.batch)
    lithium = table.crystals.batch.fraction_of("Li") > 0
    miss, floor = (np.abs(table.band_gap_eV - said[of_row]) for said in (answers.interval.value, gap))
    return GapScores(
        groups,
        float(miss.mean()),
        _mean(miss[lithium]),
        float(floor.mean()),
        _mean(floor[lithium]),
        _worst(left_out, answers),
    )


def _answers(left_out: LeftOutGaps) -> _Answers:
    """Answer for each fold with a calibration on the others."""
    gap = left_out.compositions.gap_eV
    ends, p_metal = np.zeros((3, len(gap))), np.zeros(len(gap))
    for number in np.unique(left_out.fold):
        here = left_out.fold == number
        calibration = GapCalibration.fit(left_out.raw.take(~here), gap[~here])
        prediction = GapPrediction(calibration.distribution(left_out.raw.take(here)))
        ends[:, here], p_metal[here] = np.stack(prediction.interval(COVERAGE)), prediction.p_metal
    return _Answers(Interval(*ends), p_metal)


def _groups(batch: MaterialBatch, gap_eV: Array) -> dict[str, Flags]:
    """Return which compositions belong to which group, shape (m,) each."""
    lithium, others = batch.fraction_of("Li") > 0, gap_eV > 0
    anions = MaterialBatch(batch.element_index, assign_ions(batch).anions, batch.lattice)

    def has(symbols: tuple[str, ...]) -> Flags:
        wanted = np.isin(batch.element_index, [ATOMIC_NUMBER[symbol] - 1 for symbol in symbols])
        return np.asarray((wanted & (batch.fraction > 0)).any(axis=1))

    def with_anion(*symbols: str) -> Flags:
        return np.asarray(np.sum([anions.fraction_of(symbol) for symbol in symbols], axis=0) > 0)

    magnetic, f_elements, oxide = has(_MAGNETIC), has(_F_ELEMENTS), with_anion("O")
    plain = ~magnetic & ~f_elements
    return {
        "all": np.ones(len(gap_eV), dtype=bool),
        "lithium": lithium,
        "non_metals": others,
        "metals": ~others,
        "lithium_non_metals": lithium & others,
        "magnetic_3d_oxides": oxide & magnetic,
        "lithium_magnetic_3d_oxides": lithium & oxide & magnetic,
        "f_element_oxides": oxide & f_elements & ~magnetic,
        "other_oxides": oxide & plain,
        "lithium_other_oxides": lithium & oxide & plain,
        "halides": with_anion("F", "Cl", "Br", "I") & ~oxide & plain,
        "chalcogenides": with_anion("S", "Se", "Te") & ~oxide & plain,
        "lithium_sulfides": lithium & with_anion("S") & ~oxide & plain,
        "nitrides": with_anion("N") & ~oxide & plain,
    }


def _score(gap_eV: Array, answers: _Answers, rows: Flags) -> GapScore:
    from sklearn.metrics import roc_auc_score

    truth, metal = gap_eV[rows], gap_eV[rows] <= 0
    value, lower, upper = (part[rows] for part in answers.interval)
    both = metal.any() and not metal.all()
    return GapScore(
        len(truth),
        int(metal.sum()),
        float(np.abs(value - truth).mean()),
        float((value - truth).mean()),
        float(roc_auc_score(metal, answers.p_metal[rows])) if both else float("nan"),
        float(((lower <= truth) & (truth <= upper)).mean()),
        float(((upper - lower) / 2).mean()),
    )


def _worst(left_out: LeftOutGaps, answers: _Answers) -> tuple[GapMiss, ...]:
    compositions, lookup = left_out.compositions, left_out.compositions.lookup
    value, lower, upper = answers.interval
    rows = np.argsort(-np.abs(value - compositions.gap_eV), kind="stable")[:N_WORST]
    return tuple(
        GapMiss(
            compositions.formula[row],
            float(lookup.lowest_eV[row]),
            float(lookup.middle_eV[row]),
            float(lookup.highest_eV[row]),
            float(value[row]),
            (float(lower[row]), float(upper[row])),
            float(answers.p_metal[row]),
        )
        for row in rows.tolist()
    )


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")


@dataclass(frozen=True, slots=True)
class MeasuredGaps:
    """Measured gaps beside those of the table, of compounds that have one in both.

    Attributes
    ----------
    n
        How many.
    ratio_quartiles
        Quartiles of measured / PBE (the middle one of polymorphs).
    offset_eV
        Median of measured - PBE where PBE has 0.5 to 4 eV.
    mae_eV
        Of lowest, middle and highest gaps of compounds with several polymorphs, each times its best factor.
    metals_right
        Share of these compounds, metals among them, that are rightly called metal or not by each of the three.
    """

    n: int
    ratio_quartiles: tuple[float, float, float]
    offset_eV: float
    mae_eV: dict[str, float]
    metals_right: dict[str, float]


def measured_gaps(lookup: GapLookup, batch: MaterialBatch, measured_eV: Array) -> MeasuredGaps:
    """Compare measured gaps, 0 for metals, with those of the table; no model is fitted on them.

    Raises
    ------
    ValueError
        If no compound has a gap in both.
    """
    known = lookup.find(batch)
    both = (known.n_polymorphs > 0) & (measured_eV > 0) & (np.nan_to_num(known.middle_eV) > 0)
    if not both.any():
        raise ValueError(f"none of {len(batch)} compounds has a measured gap and one in the table")
    measured, middle = measured_eV[both], known.middle_eV[both]
    medium = (middle >= 0.5) & (middle <= 4.0)
    several = known.n_polymorphs > 1
    statistics = {"lowest": known.lowest_eV, "middle": known.middle_eV, "highest": known.highest_eV}
    with_gap = several & (measured_eV > 0)
    first, second, third = np.quantile(measured / middle, [0.25, 0.5, 0.75])
    return MeasuredGaps(
        len(measured),
        (float(first), float(second), float(third)),
        _median(measured[medium] - middle[medium]),
        {name: _best_mae(gap[with_gap], measured_eV[with_gap]) for name, gap in statistics.items()},
        {name: _mean((gap[several] > 0) == (measured_eV[several] > 0)) for name, gap in statistics.items()},
    )


def _median(values: Array) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _best_mae(gap_eV: Array, measured_eV: Array) -> float:
    """Return the mean absolute error with the factor from 1 to 2 that fits best."""
    return min(_mean(np.abs(measured_eV - factor * gap_eV)) for factor in np.linspace(1.0, 2.0, 51))
