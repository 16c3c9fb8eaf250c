"""What reported syntheses say of a target: who made the like, from what, how hot and how long."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple, TypedDict

from features.candidate import MaterialBatch
from serving.models.lines import SHIPPED_ORIGIN
from serving.models.store import DIGESTS_FILE, SHIPPED, ServedModel
from training.syntheses.heating import ASKED, HeatingModel
from training.syntheses.library import anions_of, fractions_of
from training.syntheses.model import NAME, SynthesisExperience, load_experience
from training.syntheses.precursor_names import amounts_of
from training.syntheses.precursors import PrecursorExperience
from training.syntheses.table import HeatingStep
from training.uncertainty import Interval

N_REPORTED = 5
N_USUAL = 5
FARTHEST = 0.35
"""Half L1 distance of atomic fractions beyond which nobody is said to have made the like."""
ROOM_C = 20.0
"""No limit of a heating lies below."""
FEWEST_NEAR = 3
"""Reports with the same anions below which a heating is said to rest on other chemistry."""


class ShownReport(TypedDict):
    """One reported synthesis; temperatures and times are null where the paper's text did not tell a machine."""

    target: str
    precursors: list[str]
    temperature_C: float | None
    sintering_C: float | None
    sintering_h: float | None
    calcination_C: float | None
    calcination_h: float | None
    atmosphere: str | None
    doi: str
    year: int | None
    distance: float


class ShownHeating(TypedDict):
    """What is usual for a step; limits are null where too few of its kind were reported."""

    sintering_C: dict[str, float | None]
    sintering_h: dict[str, float | None]
    calcination_C: dict[str, float | None]
    calcination_h: dict[str, float | None]
    made_from: list[str]
    note: str | None


class ShownUsualSet(TypedDict):
    """A set of precursors by experience, on the shelf or not."""

    precursors: list[str]
    probability: float


class ShownExperience(TypedDict):
    """All that reported syntheses say."""

    recipes: list[ShownReport]
    usual_precursors: list[ShownUsualSet]
    heating: ShownHeating | None


class ReportedSyntheses(NamedTuple):
    """What laboratories reported, and what every answer says about its bundle."""

    experience: SynthesisExperience
    header: dict[str, str]


@cache
def shipped_syntheses() -> ReportedSyntheses | None:
    """Return what elyte ships; None where it ships none.

    Raises
    ------
    BundleError
        If the bundle is not the listed one, or not whole.
    """
    digest = json.loads((SHIPPED / DIGESTS_FILE).read_text()).get(NAME)
    if digest is None:
        return None
    experience, bundle = load_experience(SHIPPED / NAME, digest)
    return ReportedSyntheses(experience, ServedModel(NAME, experience, bundle.described(), SHIPPED_ORIGIN).header())


def say_experience(
    known: SynthesisExperience, amounts: Mapping[str, float], precursors: Sequence[str] | None, coverage: float
) -> ShownExperience:
    """Return what reported syntheses say of a target.

    Parameters
    ----------
    known
        The library and its models.
    amounts
        Of the target.
    precursors
        What it is to be made from; None for what is most usual.
    coverage
        Of the intervals.
    """
    usual = _usual(known.precursors, amounts)
    if precursors is None and usual:
        precursors = usual[0]["precursors"]
    reports = _reports(known, amounts)
    heating = None if not precursors else _heating(known.heating, amounts, precursors, coverage)
    alike = sum(anions_of(amounts_of(report["target"]) or {}) == anions_of(amounts) for report in reports)
    if heating is not None and alike < FEWEST_NEAR:
        heating["note"] = f"reports of the same anions: {alike}; the temperatures rest on other chemistry"
    return {"recipes": reports, "usual_precursors": usual, "heating": heating}


def _usual(experience: PrecursorExperience, amounts: Mapping[str, float]) -> list[ShownUsualSet]:
    """Return sets with their share of all that were considered."""
    ranked = experience.rank(amounts, most=3 * N_USUAL)
    total = sum(math.exp(one.log_share) for one in ranked)
    return [
        {"precursors": list(one.precursors), "probability": round(math.exp(one.log_share) / total, 4)}
        for one in ranked[:N_USUAL]
    ]


def _reports(known: SynthesisExperience, amounts: Mapping[str, float]) -> list[ShownReport]:
    library = known.library
    near = [(row, d) for row, d in library.nearest(amounts, N_REPORTED) if d <= FARTHEST]
    return [_report(known, row, distance) for row, distance in near]


def _report(known: SynthesisExperience, row: int, distance: float) -> ShownReport:
    library = known.library
    heating = library.heating_of(row)
    highest = max((step.temperature_C for step in heating if not math.isnan(step.temperature_C)), default=math.nan)
    sintering, calcination = heating[HeatingStep.SINTERING], heating[HeatingStep.CALCINATION]
    return {
        "target": library.targets[row],
        "precursors": list(library.precursors_of(row)),
        "temperature_C": _number(highest),
        "sintering_C": _number(sintering.temperature_C),
        "sintering_h": _number(sintering.time_h),
        "calcination_C": _number(calcination.temperature_C),
        "calcination_h": _number(calcination.time_h),
        "atmosphere": library.atmospheres[row] or None,
        "doi": library.dois[row],
        "year": int(library.year[row]) or None,
        "distance": round(distance, 4),
    }


def _heating(
    model: HeatingModel, amounts: Mapping[str, float], precursors: Sequence[str], coverage: float
) -> ShownHeating:
    batch = MaterialBatch.from_matrix(fractions_of(amounts))
    said = {step: model.predict(batch, [precursors], step, coverage) for step in ASKED}
    sintering, calcination = said[HeatingStep.SINTERING], said[HeatingStep.CALCINATION]
    return {
        "sintering_C": _interval(sintering.temperature_C, coverage, hours=False),
        "sintering_h": _interval(sintering.log10_time_h, coverage, hours=True),
        "calcination_C": _interval(calcination.temperature_C, coverage, hours=False),
        "calcination_h": _interval(calcination.log10_time_h, coverage, hours=True),
        "made_from": list(precursors),
        "note": None,
    }


def _interval(said: Interval, coverage: float, *, hours: bool) -> dict[str, float | None]:
    ends = {name: float(array[0]) for name, array in said._asdict().items()}
    shown = {name: _number(10.0**end if hours else max(end, ROOM_C)) for name, end in ends.items()}
    return {**shown, "coverage": coverage}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.4g}")
