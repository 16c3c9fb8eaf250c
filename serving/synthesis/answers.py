"""A synthesis plan as one JSON document."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict, cast

from features.candidate import Candidate
from features.elements import molar_mass_g_per_mol
from features.errors import CandidateError
from serving.answers.rows import ModelHeaders, ShownMaterial, material_of, unread_material_of, warnings_of
from serving.synthesis.batch import Batch, lithium_source
from serving.synthesis.errors import SynthesisError
from serving.synthesis.experience import (
    ReportedSyntheses,
    ShownHeating,
    ShownReport,
    ShownUsualSet,
    say_experience,
)
from serving.synthesis.gases import MOLAR_VOLUME_L, TABLE_NAMES, TOXIC
from serving.synthesis.pathway import Pathway, Step, reduced_formula
from serving.synthesis.plan import Plan, Route, SynthesisRequest, TargetEnergy
from serving.synthesis.plan import plan as make_plan
from serving.synthesis.shelf import Handling, Precursor
from training.properties import registry
from training.syntheses.model import NAME as EXPERIENCE
from training.syntheses.outcomes import SynthesisOutcome
from training.syntheses.precursor_names import key_of
from training.thermodynamics.hydrolysis import Hydrolysis
from training.thermodynamics.reactions import Reaction, shown_reaction

if TYPE_CHECKING:
    from serving.models.store import ServedModel

DEFAULT_TOP = 5
_DIGITS = 6
_GAS_NAMES = {table: gas for gas, table in TABLE_NAMES.items()}
Namer = Callable[[Reaction], Reaction]


class ShownTarget(ShownMaterial):
    """What is to be made; its energies stand under the names of the quantities."""

    balanced_as: str | None
    molar_mass_g_per_mol: float
    grams: float
    moist_air: ShownHydrolysis | None


class ShownHydrolysis(TypedDict):
    """What moist air does to the target."""

    energy_eV_per_H2O: float
    withstands: bool
    evolves_h2s: bool
    humidity_bar: float
    reaction: str


class ShownPrecursor(TypedDict):
    """What to weigh of one precursor."""

    formula: str
    name: str
    per_formula_unit: float
    millimoles: float
    mass_g: float
    purity: float
    excess: float
    handling: str
    note: str | None


class ShownPathway(TypedDict):
    """The energies of a route."""

    driving_force_meV_per_atom: dict[str, float]
    driving_force_eV_per_formula_unit: float
    on_heating: list[str]
    left_after_heating_meV_per_atom: dict[str, float]
    steps: list[dict[str, float | str]]
    strongest_competitor: dict[str, float | str] | None
    left_meV_per_atom: dict[str, float]


class ShownBatch(TypedDict):
    """A batch of the laboratory from the same bottles."""

    entry: int
    temperature_C: float | None
    time_h: float | None
    phases_found: str
    pure: bool


class ShownRoute(TypedDict):
    """One balanced set of precursors."""

    reaction: str
    precursors: list[ShownPrecursor]
    gases: list[dict[str, float | str]]
    energies: ShownPathway | None
    log10_share: float | None
    batches: list[ShownBatch]
    notes: list[str]


class SynthesisDocument(TypedDict, total=False):
    """A plan, or of status `error` with the target as read."""

    models: ModelHeaders
    status: str
    target: ShownTarget
    temperature_C: float
    gas_bar: float
    routes_found: int
    all_sets_tried: bool
    unsafe_sets_left_out: int
    driving_force_left: bool | None
    reason: str | None
    routes: list[ShownRoute]
    recipes: list[ShownReport]
    usual_precursors: list[ShownUsualSet]
    heating: ShownHeating | None
    formula: str | None
    read_as: str | None
    error: dict[str, str]
    warnings: list[dict[str, str]]


def answer_synthesis(
    served: ServedModel | None,
    request: SynthesisRequest,
    shelf: Sequence[Precursor] | None = None,
    top: int = DEFAULT_TOP,
    reported: ReportedSyntheses | None = None,
    outcomes: Sequence[SynthesisOutcome] = (),
) -> SynthesisDocument:
    """Plan a synthesis, and tell what is wrong with a target in the document.

    Parameters
    ----------
    served
        The stability model, for energies; None for sets and masses alone.
    request
        What to plan.
    shelf
        Precursors at hand; None for the one that elyte ships.
    top
        How many routes to give.
    reported
        What laboratories made, from what and how; None plans from energies and bottles alone.
    outcomes
        What came out of the laboratory's own batches.
    """
    models = {} if served is None else {str(served.property): served.header()}
    known = None if reported is None else reported.experience
    if reported is not None:
        models[EXPERIENCE] = reported.header
    try:
        model = None if served is None else registry.get(served.property).phases(served.model)
        made = make_plan(request, model, shelf, None if known is None else known.precursors, outcomes)
    except CandidateError as error:
        return error_document(request.formula, str(error.code), error.message, models)
    except SynthesisError as error:  # the shelf lacks something; what others took may be worth buying
        document = error_document(request.formula, str(error.code), error.message, models)
        amounts, first = Candidate.from_formula(request.formula).amounts, None
    else:
        document = answer(made, models, top)
        bottles = made.routes[0].made.sources
        amounts, first = made.candidate.amounts, [source.precursor.formula for source in bottles]
    if known is not None:
        said = say_experience(known, amounts, first, request.coverage)
        document["recipes"], document["usual_precursors"] = said["recipes"], said["usual_precursors"]
        document["heating"] = said["heating"]
    return document


def error_document(formula: str, code: str, message: str, models: ModelHeaders) -> SynthesisDocument:
    """Return the document of a target that cannot be planned."""
    try:
        said = material_of(Candidate.from_formula(formula))
    except CandidateError:  # which is the error
        said = unread_material_of(formula)
    error = {"code": code, "message": message}
    failed = {"models": models, "status": "error", **said, "error": error, "warnings": []}
    return cast("SynthesisDocument", failed)


def answer(plan: Plan, models: ModelHeaders, top: int = DEFAULT_TOP) -> SynthesisDocument:
    """Return the document of a plan.

    Parameters
    ----------
    plan
        From `plan.plan`.
    models
        What every answer says about the models.
    top
        How many routes to give.
    """
    amounts = plan.candidate.amounts
    formation, above_hull = registry.of_phases().phase_energies
    target = {
        **material_of(plan.asked),
        "balanced_as": None if amounts == plan.asked.amounts else plan.candidate.formula,
        "molar_mass_g_per_mol": round(molar_mass_g_per_mol(amounts), 4),
        "grams": plan.request.grams,
        formation.name: None if plan.energy is None else _energy(plan.energy),
        above_hull.name: None if plan.energy is None else _interval(*plan.energy.above_hull, plan.energy.coverage),
        "moist_air": None if plan.hydrolysis is None else _moist(plan.hydrolysis),
    }
    return {
        "models": models,
        "status": "ok",
        "target": cast("ShownTarget", target),
        "temperature_C": plan.temperature_C,
        "gas_bar": plan.request.gas_bar,
        "routes_found": len(plan.routes),
        "all_sets_tried": plan.complete,
        "unsafe_sets_left_out": plan.unsafe,
        "driving_force_left": plan.has_driving_force,
        "reason": plan.reason,
        "routes": [_route(route, plan) for route in plan.routes[:top]],
        "warnings": warnings_of(plan.remarks),
    }


def _energy(energy: TargetEnergy) -> dict[str, float | str]:
    basis = "reference" if energy.is_reference else "model"
    return {**_interval(energy.value, energy.lower, energy.upper, energy.coverage), "basis": basis}


def _interval(value: float, lower: float, upper: float, coverage: float) -> dict[str, float]:
    return {"value": _r(value), "lower": _r(lower), "upper": _r(upper), "coverage": coverage}


def _r(value: float) -> float:
    return round(value, _DIGITS) + 0.0


def _moist(found: Hydrolysis) -> ShownHydrolysis:
    return {
        "energy_eV_per_H2O": _r(found.energy_eV_per_H2O),
        "withstands": found.withstands,
        "evolves_h2s": found.evolves_h2s,
        "humidity_bar": found.air.humidity_bar,
        "reaction": shown_reaction(found.reaction)[0].text,
    }


def _route(route: Route, plan: Plan) -> ShownRoute:
    sources = zip(route.made.sources, route.made.coefficients, route.batch.weighings, strict=True)
    return {
        "reaction": route.made.reaction(plan.candidate.formula).text,
        "precursors": [
            {
                "formula": source.precursor.formula,
                "name": source.precursor.name,
                "per_formula_unit": _r(coefficient),
                "millimoles": round(weighing.millimoles, 5),
                "mass_g": round(weighing.mass_g, 5),
                "purity": source.precursor.purity,
                "excess": _r(weighing.excess),
                "handling": str(source.precursor.handling),
                "note": source.precursor.note or None,
            }
            for source, coefficient, weighing in sources
        ],
        "gases": _gases(route),
        "energies": None if route.pathway is None else _pathway(route.pathway, plan),
        "batches": [_batch(batch) for batch in route.tried],
        "log10_share": None if route.log_share is None else _r(route.log_share / math.log(10.0)),
        "notes": notes(route, plan),
    }


def _batch(batch: SynthesisOutcome) -> ShownBatch:
    return {
        "entry": batch.entry,
        "temperature_C": None if math.isnan(batch.temperature_C) else batch.temperature_C,
        "time_h": None if math.isnan(batch.time_h) else batch.time_h,
        "phases_found": batch.phases_text,
        "pure": batch.is_pure,
    }


def _gases(route: Route) -> list[dict[str, float | str]]:
    volumes = route.batch.gas_volume_L
    return [
        {
            "gas": gas,
            "per_formula_unit": _r(amount),
            "millimoles": round(1000.0 * volumes[gas] / MOLAR_VOLUME_L, 5),
            "volume_L_25C_1atm": round(volumes[gas], 5),
        }
        for gas, amount in route.made.gases.items()
    ]


def _pathway(way: Pathway, plan: Plan) -> ShownPathway:
    energy, namer = plan.energy, namer_of(plan)
    assert energy is not None
    below, above = energy.upper - energy.value, energy.value - energy.lower  # a higher target leaves less

    def left(value: float) -> dict[str, float]:
        return _interval(1000.0 * value, 1000.0 * (value - below), 1000.0 * (value + above), energy.coverage)

    strongest = way.strongest
    return {
        "driving_force_meV_per_atom": left(way.driving_force_eV_per_atom),
        "driving_force_eV_per_formula_unit": _r(way.driving_force_eV),
        "on_heating": [namer(reaction).text for reaction in way.heated.values()],
        "left_after_heating_meV_per_atom": left(way.start_left_eV_per_atom),
        "steps": [_step(step, namer) for step in way.steps],
        "strongest_competitor": None if strongest is None else _step(strongest, namer),
        "left_meV_per_atom": left(way.left_eV_per_atom),
    }


def _step(step: Step, namer: Namer) -> dict[str, float | str]:
    return {
        "reaction": namer(step.reaction).text,
        "energy_meV_per_atom_of_pair": _r(1000.0 * step.energy_eV_per_atom),
        "released_eV_per_formula_unit": _r(step.released_eV),
        "left_meV_per_atom": _r(1000.0 * step.left_eV_per_atom),
        "forms_target": step.forms_target,
    }


def namer_of(plan: Plan) -> Namer:
    """Return a function that writes reactions with the names on bottles: `NH4H2PO4` where the table has `PH6NO4`."""
    names = dict(_GAS_NAMES)
    if plan.energies is not None:
        for route in plan.routes:
            for source in route.made.sources:
                formula = source.precursor.formula
                short = reduced_formula(plan.energies, formula)
                if abs(sum(source.precursor.amounts.values()) - plan.energies.material(short).atoms) < 1e-6:
                    names.setdefault(short, formula)
        if _one_unit(plan):
            names.setdefault(plan.energies.target.formula, plan.candidate.formula)

    def renamed(reaction: Reaction) -> Reaction:
        def side(species: Mapping[str, float]) -> dict[str, float]:
            return {names.get(formula, formula): amount for formula, amount in species.items()}

        reaction, _ = shown_reaction(reaction)
        gases = frozenset(names.get(gas, gas) for gas in reaction.gases)
        return Reaction(side(reaction.reactants), side(reaction.products), reaction.energy_eV, gases)

    return renamed


def _one_unit(plan: Plan) -> bool:
    assert plan.energies is not None
    return abs(sum(plan.candidate.amounts.values()) - plan.energies.target.atoms) < 1e-6


def notes(route: Route, plan: Plan) -> list[str]:
    """Return in words what to mind with a route."""
    said = [_batch_note(batch) for batch in route.tried]
    if route.blocked_by:
        passed = sorted(formula for formula in _formed(route) if key_of(formula) in route.blocked_by)
        said.append(f"passes through what was left over in a batch of yours: {', '.join(passed)}")
    boxed = [s.precursor.formula for s in route.made.sources if s.precursor.handling is Handling.GLOVE_BOX]
    dry = [s.precursor.formula for s in route.made.sources if s.precursor.handling is Handling.HYGROSCOPIC]
    if boxed:
        said.append(f"weigh in a glove box: {', '.join(boxed)}")
    if dry:
        said.append(f"takes up water, dry and weigh quickly: {', '.join(dry)}")
    said += [f"{gas} is toxic: fume hood, scrubber" for gas in route.made.gases if gas in TOXIC]
    if route.made.gases:
        said.append("gas comes off: no closed vessel")
    said += _excess_notes(route.batch, plan.request.lithium_excess, has_source=lithium_source(route.made) is not None)
    if route.pathway is not None and route.pathway.left_eV_per_atom <= 0:
        short = -1000.0 * route.pathway.left_eV_per_atom
        said.append(f"no driving force left: what competes lies {short:.0f} meV/atom below the target (solids at 0 K)")
    return said


def _batch_note(batch: SynthesisOutcome) -> str:
    heated = "" if math.isnan(batch.temperature_C) else f" at {batch.temperature_C:g} C"
    result = "gave the target pure" if batch.is_pure else f"gave {batch.phases_text}"
    return f"your batch (ledger entry {batch.entry}){heated} {result}"


def _formed(route: Route) -> set[str]:
    steps = () if route.pathway is None else route.pathway.steps
    return {formula for step in steps for formula in step.reaction.products}


def _excess_notes(batch: Batch, asked: float, *, has_source: bool) -> list[str]:
    if not asked:
        return []
    if not has_source:
        return ["no lithium excess: no precursor brings lithium without another element that stays"]
    return [f"{100 * asked:g} % lithium excess, as {batch.excess_source}"]
