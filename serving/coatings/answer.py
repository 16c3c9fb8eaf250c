"""Coatings as one JSON document: what happens without one, the funnel, the coatings left, and what was asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate
from features.errors import CandidateError
from features.formula_writing import write_formula
from serving.answers.request import DEFAULT_COVERAGE
from serving.answers.rows import ModelHeaders, material_of, unread_material_of, warnings_of
from serving.coatings.document import Coating, CoatingsDocument, SideReaction, WithoutCoating
from serving.coatings.funnel import Gaps, Screened, screen
from serving.coatings.neighbours import BothSides, TouchedMaterial, read_neighbours
from serving.coatings.pool import CoatingPool, compounds_with_lithium, with_own
from serving.coatings.predicted import band_gap, ion_conduction, predict
from serving.coatings.reasons import UNSOLVED, reasons_of, said_of_steps
from serving.coatings.reported import CoatingReport, reported
from serving.coatings.request import CoatedSide, CoatingsRequest
from serving.ranking.pareto import non_dominated
from training.properties import registry
from training.thermodynamics.contacts import Contacts, contact_reaction
from training.thermodynamics.interphase import LEVELS, interphase_of
from training.thermodynamics.mixing import lithiation, mix
from training.thermodynamics.phases import PhaseTable, rows_of_compositions
from training.thermodynamics.reactions import amounts_of_own, layout, read_material, shown_reaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from serving.models.store import ServedModel
    from training.properties.contract import PhaseModel

_DIGITS = 6
_FRONT_DIGITS = 3  # meV: what the energies carry
_INSULATING = -20.0  # log10 S/cm of a coating of which no conductivity is known: behind all others
Conduction = dict[int, tuple[float, float, float, bool]]
"""Ionic conductivity by place in the pool: value and interval (log10 S/cm), and whether the model knows the like."""


class Beyond(NamedTuple):
    """What is said of a coating besides the screen."""

    on_front: bool
    papers: list[CoatingReport]
    conduction: tuple[float, float, float, bool] | None


def answer_coatings(
    models: Mapping[str, ServedModel], request: CoatingsRequest, header: ModelHeaders
) -> CoatingsDocument:
    """Answer one call.

    Parameters
    ----------
    models
        Served models; that of phase equilibria must be among them. Without one of the band gap, gaps that the table
        does not know stay unknown and do not count against a coating.
    request
        What is asked.
    header
        What every answer says about the models.

    Returns
    -------
    CoatingsDocument
        Of status `error` with the reason where a side cannot be judged.
    """
    one = registry.of_phases()
    model = one.phases(models[one.name].model)
    try:
        neighbours = read_neighbours(model.phases, request)
    except CandidateError as error:
        said = unread_material_of(request.electrolyte)
        why = {"code": str(error.code), "message": error.message}
        failed = {"models": header, "status": "error", **said, "error": why, "warnings": []}
        return cast("CoatingsDocument", failed)
    return {"models": header, "status": "ok", **_answer(models, model, request, neighbours)}


def _answer(
    models: Mapping[str, ServedModel], model: PhaseModel, request: CoatingsRequest, neighbours: BothSides
) -> CoatingsDocument:
    table = model.phases
    pool, failed = with_own(compounds_with_lithium(table), model, list(request.candidates))
    known = _rows_of_reported(table, pool) if request.side is CoatedSide.CATHODE else {}  # all reports are of cathodes
    keep = np.array([typed is not None for typed in pool.own])
    keep[list(known)] = True
    found = screen(table, pool, neighbours, request.side, request.limits, _gaps_of(models, table, pool), keep)
    passed = np.array([place for place, step in enumerate(found.left_at) if step is None], dtype=np.int64)
    asked = [place for place in np.flatnonzero(keep).tolist() if found.left_at[place] is not None or pool.own[place]]
    conduction = _conduction(models, table, pool, sorted({*passed.tolist(), *asked}))
    front = _front(found, passed, conduction)

    def shown(place: int) -> Coating:
        more = Beyond(place in front, known.get(place, []), conduction.get(place))
        return _coating(table, found, place, neighbours, request, more)

    ordered = sorted(passed.tolist(), key=lambda place: (place not in front, *_goodness(found, place), place))
    without = _without_coating(table, neighbours)
    first = material_of(neighbours.electrolyte.candidate)
    return {
        "electrolyte": {
            "formula": neighbours.electrolyte.name,
            "read_as": first["read_as"],
            **_limits(neighbours.lower_V, neighbours.upper_V),
            "energy_above_mixture_eV_per_atom": round(
                neighbours.electrolyte.material.energy_above_mixture_eV_per_atom, _DIGITS
            ),
        },
        "cathode": material_of(neighbours.electrodes[0].candidate) if neighbours.electrodes else None,
        "side": str(request.side),
        "low_V": neighbours.low_V,
        "cutoff_V": round(neighbours.cutoff_V, 4),
        "without_coating": without,
        "says": _says(without, request),
        "funnel": [
            {"step": str(step), "says": said_of_steps(neighbours, request)[step], "left": left}
            for step, left in found.left(request.side)
        ],
        "coatings": [shown(place) for place in ordered[: request.top]],
        "passed": len(passed),
        "asked": [shown(place) for place in asked],
        "failed": [{"formula": f, "code": str(e.code), "message": e.message} for f, e in failed.items()],
        "assumed": list(neighbours.assumed),
        "warnings": warnings_of(neighbours.warnings),
    }


def _limits(lower_V: float, upper_V: float) -> dict[str, float]:
    """Return the limits of a window under their names."""
    limits = (lower_V, upper_V)
    return {one.name: round(limit, 4) for one, limit in zip(registry.of_phases().window, limits, strict=True)}


def _interval(said: tuple[float, float, float, bool] | None) -> dict[str, float] | None:
    """Return an interval as answers show it."""
    if said is None:
        return None
    value, lower, upper = (round(part, 3) for part in said[:3])
    return {"value": value, "lower": lower, "upper": upper, "coverage": DEFAULT_COVERAGE}


def _rows_of_reported(table: PhaseTable, pool: CoatingPool) -> dict[int, list[CoatingReport]]:
    """Return places in the pool of reported coatings, with the reports."""
    reports = reported()
    rows = rows_of_compositions(table, *layout([amounts_of_own(formula) for formula in reports]))
    found: dict[int, list[CoatingReport]] = {}
    for row, papers in zip(rows.tolist(), reports.values(), strict=True):
        found |= {place: papers for place in np.flatnonzero((pool.row == row) & (pool.row >= 0)).tolist()}
    return found


def _gaps_of(models: Mapping[str, ServedModel], table: PhaseTable, pool: CoatingPool) -> Gaps:
    """Return what predicts gaps: the property that says them, as far as it is served."""
    return lambda places: predict(models, table, pool, places.tolist(), band_gap()).value


def _conduction(
    models: Mapping[str, ServedModel], table: PhaseTable, pool: CoatingPool, places: list[int]
) -> Conduction:
    """Return the ionic conductivity of places of the pool by place."""
    said = predict(models, table, pool, places, ion_conduction())
    rows = zip(*(column.tolist() for column in said), strict=True)
    return {place: row for place, row in zip(places, rows, strict=True) if not np.isnan(row[0])}


def _front(found: Screened, passed: NDArray[np.int64], conduction: Conduction) -> set[int]:
    """Return those that no other one beats in its contacts (at lithium its layer too) and its ionic conductivity.

    Of a conductivity the lower end of its interval counts, and none at all where the model does not know the kind.
    """
    at = np.searchsorted(found.judged, passed)
    columns = [one.added_eV_per_atom[at].round(_FRONT_DIGITS) for one in found.beside]
    columns.append(np.nan_to_num(found.interphase[passed]))
    columns.append(np.array([round(_at_least(conduction.get(p)), 1) for p in passed.tolist()]))
    return set(passed[non_dominated(np.stack(columns, axis=1))].tolist())


def _at_least(said: tuple[float, float, float, bool] | None) -> float:
    """Return the log10 conductivity that can be relied on."""
    return said[1] if said is not None and said[3] else _INSULATING


def _goodness(found: Screened, place: int) -> tuple[float, float]:
    """Return what puts coatings in order: at lithium its layer first, then the worse of the contacts."""
    at = int(np.searchsorted(found.judged, place))
    return -float(np.nan_to_num(found.interphase[place])), -min(
        float(one.added_eV_per_atom[at]) for one in found.beside
    )


def _coating(
    table: PhaseTable,
    found: Screened,
    place: int,
    neighbours: BothSides,
    request: CoatingsRequest,
    more: Beyond,
) -> Coating:
    pool, at = found.pool, int(np.searchsorted(found.judged, place))
    material, gap = pool.material(table, place), float(found.band_gap_eV[place])
    sides = (neighbours.electrolyte, *neighbours.electrodes)
    beside = [_beside(table, pool, place, one, each, at) for one, each in zip(sides, found.beside, strict=True)]
    step, written = found.left_at[place], write_formula(material.amounts)
    coating: Coating = {
        "formula": pool.own[place] or written,
        "read_as": written,
        "own": pool.own[place] is not None,
        "on_front": more.on_front,
        "left_at": None if step is None else str(step),
        "above_hull_eV_per_atom": round(float(pool.above_hull_eV_per_atom[place]), _DIGITS),
        "energy_basis": "reference" if pool.row[place] >= 0 else "model",
        "window_V": [round(float(part[place]), 4) for part in pool.windowed[:2]],
        "band_gap_eV": None if np.isnan(gap) else round(gap, 3),
        "band_gap_basis": None if np.isnan(gap) else "model" if found.gap_is_predicted[place] else "table",
        "ion_conduction_log10_S_per_cm": _interval(more.conduction),
        "ion_conduction_in_domain": more.conduction is not None and more.conduction[3],
        "reaction_electrolyte_eV_per_atom": beside[0]["reaction_eV_per_atom"],
        "added_electrolyte_eV_per_atom": beside[0]["added_by_contact_eV_per_atom"],
        "beside": beside,
        "reported": more.papers,
        "reasons": [],
    }
    if request.side is CoatedSide.CATHODE:
        coating["reaction_cathode_eV_per_atom"] = _worst(one["reaction_eV_per_atom"] for one in beside[1:])
        coating["added_cathode_eV_per_atom"] = _worst(one["added_by_contact_eV_per_atom"] for one in beside[1:])
    else:
        level = float(found.interphase[place])
        coating["layer_at_lithium"] = None if np.isnan(level) else str(LEVELS[int(level)])
    coating |= cast("Coating", _limits(*coating["window_V"]))
    coating["reasons"] = reasons_of(coating, neighbours, request, step)
    return coating


def _worst(energies_eV_per_atom: Iterable[float | None]) -> float | None:
    """Return the most negative of energies, None where one of them is not known."""
    found = list(energies_eV_per_atom)
    return None if None in found else min(energy for energy in found if energy is not None)


def _beside(
    table: PhaseTable, pool: CoatingPool, place: int, one: TouchedMaterial, found: Contacts, at: int
) -> SideReaction:
    coating = pool.material(table, place)
    shown: SideReaction = {
        "neighbour": one.name,
        "state": one.state,
        "reaction_eV_per_atom": None,
        "added_by_contact_eV_per_atom": None,
        "neighbour_alone_eV_per_atom": round(-one.material.energy_above_mixture_eV_per_atom, _DIGITS),
        "coating_alone_eV_per_atom": round(-coating.energy_above_mixture_eV_per_atom, _DIGITS),
        "reaction": None,
        "interphase": None,
        "interphase_why": UNSOLVED,
    }
    energy, added = float(found.energy_eV_per_atom[at]), float(found.added_eV_per_atom[at])
    if not np.isfinite([energy, added]).all():
        return shown
    computed = contact_reaction(table, one.material, coating, found, at)
    verdict = interphase_of(computed)
    shown["reaction_eV_per_atom"], shown["added_by_contact_eV_per_atom"] = round(energy, _DIGITS), round(added, _DIGITS)
    shown["reaction"] = shown_reaction(computed)[0].text
    shown["interphase"], shown["interphase_why"] = str(verdict.interphase), verdict.why
    return shown


def _without_coating(table: PhaseTable, neighbours: BothSides) -> list[WithoutCoating]:
    electrolyte = neighbours.electrolyte.material
    lithium = TouchedMaterial("lithium", Candidate("Li", {"Li": 1.0}), read_material(table, {"Li": 1.0}))
    shown: list[WithoutCoating] = []
    for one in neighbours.electrodes or (lithium,):
        found = mix(table, electrolyte, one.material)
        decisive = found.reaction if neighbours.electrodes else lithiation(table, electrolyte).reaction
        verdict = interphase_of(decisive)
        shown.append(
            {
                "against": one.name,
                "state": one.state,
                "reaction_eV_per_atom": round(found.energy_eV_per_atom, _DIGITS),
                "added_by_contact_eV_per_atom": round(found.mutual_energy_eV_per_atom, _DIGITS),
                "reaction": shown_reaction(decisive)[0].text,
                "interphase": str(verdict.interphase),
                "interphase_why": verdict.why,
            }
        )
    return shown


def _says(without: list[WithoutCoating], request: CoatingsRequest) -> str:
    """Return the first sentence: whether a coating is needed at all."""
    worst = min(without, key=lambda one: one["added_by_contact_eV_per_atom"])
    energy, most = worst["added_by_contact_eV_per_atom"], request.limits.most_added_eV_per_atom
    pair = f"{request.electrolyte.strip()} and {worst['against']}"
    state = f" ({worst['state']})" if worst["state"] else ""
    if request.side is CoatedSide.LITHIUM:
        kind = worst["interphase"].replace("_", " ")
        return f"without a layer {pair} react to a layer that is {kind}: {worst['interphase_why']}"
    if energy < -most:
        return (
            f"without a coating {pair}{state} react, and the contact alone adds {energy:.3f} eV/atom (limit"
            f" {-most:g}): a coating is needed"
        )
    return f"without a coating the contact of {pair}{state} adds {energy:.3f} eV/atom, within the limit of {-most:g}"
