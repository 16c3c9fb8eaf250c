"""One call for a synthesis: sets of precursors, ranked, each with its way, its energies and what to weigh."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from features.candidate import Candidate, MaterialBatch
from features.errors import CandidateError, Remark, WarningCode
from features.formula import read_formula
from serving.generation.compositions import write_formulas
from serving.synthesis.balance import BalancedSet, balanced_sets
from serving.synthesis.batch import Batch, weigh
from serving.synthesis.energies import SynthesisEnergies
from serving.synthesis.gases import DEFAULT_GAS_BAR
from serving.synthesis.pathway import Pathway, follow
from serving.synthesis.shelf import Handling, Precursor, default_shelf
from training.properties.contract import PhaseModel
from training.syntheses.outcomes import SynthesisOutcome, bottle_keys
from training.syntheses.precursor_names import composition_key, key_of
from training.syntheses.precursors import PrecursorExperience
from training.thermodynamics.hydrolysis import Hydrolysis, hydrolyse
from training.thermodynamics.interface import charge_remarks
from training.thermodynamics.mixing import MixingError

OXIDE_TEMPERATURE_C = 900.0
OTHER_TEMPERATURE_C = 500.0
SAME_DRIVING_FORCE_eV = 0.025
"""Differences of the driving force below this, kT at room temperature and less than the table's error, do not rank."""
ENOUGH_eV = 0.1
"""More driving force per atom than this is no better."""
_ANIONS = frozenset({"S", "Se", "Te", "F", "Cl", "Br", "I", "H", "N"})


@dataclass(frozen=True, slots=True)
class SynthesisRequest:
    """What to plan.

    Attributes
    ----------
    formula
        Of the target.
    grams
        To make.
    temperature_C
        At which gases leave; None for `usual_temperature_C`.
    lithium_excess
        Share of the target's lithium to add.
    most_precursors
        In a set; None for as many as there are elements.
    coverage
        Nominal coverage of intervals.
    gas_bar
        Partial pressure of the gases that leave.
    """

    formula: str
    grams: float = 1.0
    temperature_C: float | None = None
    lithium_excess: float = 0.0
    most_precursors: int | None = None
    coverage: float = 0.9
    gas_bar: float = DEFAULT_GAS_BAR

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("grams", self.grams, 1e-6, 1e6),
            ("temperature_C", self.temperature_C if self.temperature_C is not None else 0.0, -273.0, 2000.0),
            ("lithium_excess", self.lithium_excess, 0.0, 1.0),
            ("coverage", self.coverage, 0.5, 0.99),
            ("gas_bar", self.gas_bar, 1e-12, 1000.0),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name}: received {value:g}, expected {least:g} to {most:g}")


@dataclass(frozen=True, slots=True)
class TargetEnergy:
    """Formation energy of the target, eV per atom, on the table's scale.

    Attributes
    ----------
    value, lower, upper
        Interval; of width zero for a value of the table.
    above_hull
        Of all other phases, 0 K, with its interval.
    is_reference
        Whether the table holds the target.
    coverage
        Nominal coverage of the intervals.
    """

    value: float
    lower: float
    upper: float
    above_hull: tuple[float, float, float]
    is_reference: bool
    coverage: float


@dataclass(frozen=True, slots=True)
class Route:
    """One set of precursors.

    Attributes
    ----------
    made
        The balanced set.
    pathway
        What forms on the way; None without energies.
    batch
        What to weigh.
    log_share
        Logarithm of how usual the set is for such targets, by reported syntheses; None without.
    tried
        Batches of this target from this set that the laboratory entered.
    blocked_by
        Phases that the way passes through and that were left over in a batch of the laboratory, by composition.
    """

    made: BalancedSet
    pathway: Pathway | None
    batch: Batch
    log_share: float | None = None
    tried: tuple[SynthesisOutcome, ...] = ()
    blocked_by: frozenset[str] = frozenset()

    @property
    def cost(self) -> int:
        """Number of precursors, an unusual one counting twice and a special one three times."""
        return sum(source.precursor.rank for source in self.made.sources)

    def count(self, handling: Handling) -> int:
        """Return how many precursors need this handling."""
        return sum(source.precursor.handling is handling for source in self.made.sources)


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer to one call.

    Attributes
    ----------
    asked
        The target as it was typed and read.
    candidate
        The target as it is made, its formula in plain letters: where what was asked is not neutral, what balances.
    request
        The call.
    temperature_C
        At which gases leave.
    routes
        The best first.
    complete
        Whether all sets were tried.
    unsafe
        Sets left out because they should not be heated.
    energy
        Of the target; None without.
    hydrolysis
        Of the target in moist air; None without energies.
    reason
        Why there are no energies, None where there are.
    remarks
        On the target.
    """

    asked: Candidate
    candidate: Candidate
    request: SynthesisRequest
    temperature_C: float
    routes: tuple[Route, ...]
    complete: bool
    unsafe: int
    energy: TargetEnergy | None
    hydrolysis: Hydrolysis | None
    energies: SynthesisEnergies | None = None
    reason: str | None = None
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def has_driving_force(self) -> bool | None:
        """Whether some route has driving force left when the target forms; None without energies."""
        ways = [route.pathway for route in self.routes if route.pathway is not None]
        return any(way.left_eV_per_atom > 0 for way in ways) if ways else None


def usual_temperature_C(amounts: Mapping[str, float]) -> float:
    """Return a temperature at which such targets are commonly fired: 900 C for oxides, 500 C for all others."""
    return OXIDE_TEMPERATURE_C if "O" in amounts and not _ANIONS & amounts.keys() else OTHER_TEMPERATURE_C


def plan(
    request: SynthesisRequest,
    model: PhaseModel | None,
    shelf: Sequence[Precursor] | None = None,
    known: PrecursorExperience | None = None,
    outcomes: Sequence[SynthesisOutcome] = (),
) -> Plan:
    """Plan a synthesis.

    Parameters
    ----------
    request
        The call.
    model
        With the table of phases, for energies; without one, sets and masses alone.
    shelf
        Precursors at hand; None for the one that elyte ships.
    known
        What was taken for what; None ranks by energies and bottles alone.
    outcomes
        What came out of the laboratory's batches.

    Raises
    ------
    CandidateError
        If the formula cannot be read.
    SynthesisError
        If an element is not on the shelf, or no set of precursors balances.
    """
    asked = Candidate.from_formula(request.formula)
    candidate = replace(asked, formula=read_formula(asked.formula).formula)
    balance = balanced_sets(candidate.amounts, default_shelf() if shelf is None else shelf, request.most_precursors)
    remarks = (*candidate.remarks, *charge_remarks(candidate.formula, candidate.amounts))
    target, sets = dict(balance.target), balance.sets
    if balance.adjusted is not None:
        written = write_formulas(tuple(target), np.array([list(target.values())]))[0]
        text = f"{candidate.formula} is not neutral as written: balanced as {written}"
        remarks = (*remarks, Remark(WarningCode.NOT_CHARGE_BALANCED, text))
        candidate = Candidate(written, target, remarks=asked.remarks)
    temperature = usual_temperature_C(target) if request.temperature_C is None else request.temperature_C
    energy, energies, reason = _energies(candidate, sets, model, temperature, request)
    units = 1.0 if energies is None else sum(target.values()) / energies.target.atoms
    shares = None if known is None else known.shares(target)
    routes = [
        Route(
            made,
            None if energies is None else follow(energies, made, units),
            weigh(made, target, request.grams, request.lithium_excess),
            None if known is None or shares is None else known.log_share(shares, _bottles(made)),
        )
        for made in sets
    ]
    routes = sorted((_with_outcomes(route, candidate, outcomes) for route in routes), key=rank)
    water = None
    if model is not None and energy is not None:
        water = _hydrolysis(model, target, energy)
    return Plan(
        asked,
        candidate,
        request,
        temperature,
        tuple(routes),
        balance.complete,
        balance.unsafe,
        energy,
        water,
        energies,
        reason,
        remarks,
    )


def _energies(
    candidate: Candidate,
    sets: Sequence[BalancedSet],
    model: PhaseModel | None,
    temperature_C: float,
    request: SynthesisRequest,
) -> tuple[TargetEnergy | None, SynthesisEnergies | None, str | None]:
    if model is None:
        return None, None, "this installation serves no stability model: no energies"
    batch = MaterialBatch.from_candidates([candidate])
    if unknown := model.uncovered_elements(batch)[0]:
        return None, None, f"the table of formation energies holds no compound of {', '.join(unknown)}"
    said = model.energies(batch, request.coverage)
    formation, above = said.formation, said.above_hull
    energy = TargetEnergy(
        float(formation.value[0]),
        float(formation.lower[0]),
        float(formation.upper[0]),
        (float(above.value[0]), float(above.lower[0]), float(above.upper[0])),
        bool(said.is_reference[0]),
        request.coverage,
    )
    bottles = [source.precursor.amounts for made in sets for source in made.sources]
    try:
        built = SynthesisEnergies.build(
            model.phases, candidate.amounts, energy.value, bottles, temperature_C, request.gas_bar
        )
    except CandidateError as error:  # an element that a bottle gives off as gas is not covered
        return None, None, error.message
    return energy, built, None


def _hydrolysis(model: PhaseModel, target: Mapping[str, float], energy: TargetEnergy) -> Hydrolysis | None:
    given = None if energy.is_reference else energy.value
    try:
        return hydrolyse(model.phases, target, energy_eV_per_atom=given)
    except (CandidateError, MixingError):
        return None


def _bottles(made: BalancedSet) -> list[str]:
    return [source.precursor.formula for source in made.sources]


def rank(route: Route) -> tuple[float, ...]:
    """Return what routes are sorted by.

    First what the laboratory's batches say: made pure, not tried, failed; and through how many phases that were left
    over the way goes. Then some driving force left, then how usual, then `thermodynamic_rank`. How usual a set is
    counts in steps of a factor of e, and only where reported syntheses are known.
    """
    thermodynamic = thermodynamic_rank(route)
    experience = 0.0 if route.log_share is None else -float(round(route.log_share))
    force = 0.0 if route.log_share is None else float(thermodynamic[0] >= 0)
    return (_verdict(route), len(route.blocked_by), force, experience, *thermodynamic)


def _verdict(route: Route) -> float:
    """Return -1 for a set that made the target pure, 1 for one that was tried and never did, 0 for one not tried."""
    if not route.tried:
        return 0.0
    return -1.0 if any(batch.is_pure for batch in route.tried) else 1.0


def _with_outcomes(route: Route, target: Candidate, outcomes: Sequence[SynthesisOutcome]) -> Route:
    """Return a route with what the laboratory's batches say of it."""
    key, bottles = composition_key(target.amounts), bottle_keys(_bottles(route.made))
    tried = tuple(batch for batch in outcomes if batch.target == key and batch.precursors == bottles)
    left_over = {phase for batch in outcomes for phase in batch.left_over}
    steps = () if route.pathway is None else route.pathway.steps
    formed = {key_of(formula) for step in steps for formula in step.reaction.products}
    return replace(route, tried=tried, blocked_by=frozenset((formed & left_over) - {key}))


def thermodynamic_rank(route: Route) -> tuple[float, ...]:
    """Return what sorts by energies: driving force left, fewer and more usual bottles, less gas, less glove box."""
    way = route.pathway
    left = 0.0 if way is None else math.floor(min(way.left_eV_per_atom, ENOUGH_eV) / SAME_DRIVING_FORCE_eV + 1e-6)
    start = 0.0 if way is None else way.start_left_eV_per_atom
    return (
        -left,
        route.cost,
        len(route.made.sources),
        round(sum(route.made.gases.values()), 6),
        route.count(Handling.GLOVE_BOX),
        route.count(Handling.HYGROSCOPIC),
        -round(start, 6),
    )
