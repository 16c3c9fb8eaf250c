"""What the stability model says of many materials, computed as far as it is asked for.

Screening asks for numbers alone: no reactions, no mixtures beyond the window and no names of neighbours are computed
for it. An answer in words asks for the details first, and the window comes with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.errors import CandidateError, RowErrorCode, WarningCode
from training.constants import ZERO_C_IN_K, BOLTZMANN_eV_PER_K
from training.properties.conditions import chose
from training.properties.contract import DECIMALS, Array, Flags, Judgement, Query, Warn
from training.properties.material_warnings import not_charge_balanced
from training.properties.stability.energies_choice import CORRECTED, ENERGIES
from training.properties.stability.model import StabilityModel, StabilityPrediction
from training.properties.stability.nets_choice import NETS, POOL
from training.properties.stability.quantities import SOLID_SOLUTION
from training.properties.stability.solid_solution import SYNTHESIS_TEMPERATURE, MixingEntropy, mixing
from training.thermodynamics.hull import NO_PHASE
from training.thermodynamics.reactions import Reaction, decompositions, phase_formula, shown_reaction
from training.thermodynamics.window import limit_reactions
from training.uncertainty import Interval

ENERGY_NAMES = ("formation_energy_eV_per_atom", "decomposition_energy_eV_per_atom", "energy_above_hull_eV_per_atom")
LIMITS = ("reduction_V", "oxidation_V")
REFERENCE_DOI = "10.1038/s41524-020-00362-y"
WITHOUT_LITHIUM = "no lithium: a window against Li/Li+ is not defined"
ELEMENT_ALONE = "an element alone has no window"
NOT_SOLVED = "the phase equilibrium did not converge"
NARROWEST_WINDOW_V = 1e-3
SMALLEST_RAISE_eV_PER_ATOM = 1e-3
RAISED = "no table lists the composition: {raised:.3f} eV/atom above what the nets alone say"
BY_REGRESSION = (
    "against the hull by a regression on NASICONs that were computed as one family (10.48550/arXiv.2102.03627), not by"
    " the nets"
)
_BY = "{better:.3f} ± {half:.3f} eV/atom above the hull by {method} (`{command}`): {reason}"
IS_CORRECTED = f"corrected from {{table:.3f}} to {_BY}; the window is that of the mixture, which does not move"
COULD_BE_CORRECTED = f"the table's, which is wrong here; energies=corrected answers {_BY}"
_IGNORED = "competing phases are taken without any entropy; atoms are taken to mix by chance, so this is the most"
OF_SITES = f"partly and mixed occupied sites of the structure; {_IGNORED}"
OF_FORMULA = (
    "a formula tells no sites: the smallest entropy has cations (not lithium) with radii within 15 % and charges within"
    " 1, and anions of one charge, share sites, none where the table lists the compound as an ordered one; the largest"
    f" has radii within 30 %, charges within 2, anions within 1; lithium and vacancies do not count; {_IGNORED}"
)
UNBALANCED = (
    "no common oxidation states balance the formula; its window would mean nothing ({left:+.2f} charges per atom are"
    " left)"
)


def refusals(model: StabilityModel, query: Query) -> dict[int, CandidateError]:
    """Return the rows that hold elements which the table of energies does not cover."""
    return {
        row: CandidateError(
            RowErrorCode.ELEMENT_WITHOUT_ENERGIES,
            f"stability: the table of formation energies holds no compound of {', '.join(elements)}",
        )
        for row, elements in enumerate(model.uncovered_elements(query.batch))
        if elements
    }


class SolidSolution(TypedDict):
    """What an answer says of mixing at the temperature of synthesis."""

    synthesis_temperature_C: float
    smallest_entropy_k_per_atom: float
    largest_entropy_k_per_atom: float
    with_smallest_entropy_eV_per_atom: float
    with_largest_entropy_eV_per_atom: float
    share_sites_smallest: list[list[str]]
    share_sites_largest: list[list[str]]
    assumes: str


class StabilityJudgement(Judgement):
    """Stability of n materials at 0 K, and beside it what mixing gains at a stated temperature of synthesis.

    Parameters
    ----------
    model
        What judges.
    query
        Materials of elements that the model covers.

    Raises
    ------
    InsufficientCalibrationError
        If the model was calibrated on too few rows for the coverage.
    """

    def __init__(self, model: StabilityModel, query: Query) -> None:
        super().__init__(query)
        self._model = model
        asked = chose(query.conditions, NETS, POOL), chose(query.conditions, ENERGIES, CORRECTED)
        self.prediction: StabilityPrediction = model.predict(query.batch, query.coverage, *asked)

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """See `contract.Judgement`; a probability is no interval, and where there is no window it is NaN."""
        said = self.prediction
        found: dict[str, Interval] = {name: getattr(said, name) for name in ENERGY_NAMES}
        found["probability_stable"] = Interval(*[said.probability_stable] * 3)
        for name in LIMITS:
            found[name] = Interval(*(np.where(self.without_window, np.nan, end) for end in getattr(said, name)))
        return found

    @cached_property
    def _no_window(self) -> list[tuple[Flags, str]]:
        """Causes of having no window, the first that holds being the reason: which rows, and the words."""
        batch = self.query.batch
        return [
            (batch.fraction_of("Li") == 0, WITHOUT_LITHIUM),
            ((batch.fraction > 0).sum(axis=1) == 1, ELEMENT_ALONE),
            (np.abs(self._charge_imbalance) > NEUTRALITY_TOLERANCE, UNBALANCED),
            (np.isnan(self.prediction.reduction_V.value), NOT_SOLVED),
        ]

    @cached_property
    def _charge_imbalance(self) -> Array:
        return assign_ions(self.query.batch).charge_imbalance

    @cached_property
    def without_window(self) -> Flags:
        """Which materials have no window, shape (n,)."""
        none: Flags = np.logical_or.reduce([rows for rows, _ in self._no_window])
        return none

    def window_reason(self, row: int, unbalanced: str = UNBALANCED) -> str | None:
        """Return why a material has no window, None where it has one; `unbalanced` says it of charges that are left."""
        words = next((words for rows, words in self._no_window if rows[row]), None)
        if words is not UNBALANCED:
            return words
        return unbalanced.format(left=self._charge_imbalance[row])

    def adopting(self, whole: Judgement, rows: NDArray[np.int64]) -> Self:
        """See `contract.Judgement.adopting`."""
        assert isinstance(whole, StabilityJudgement)
        self.prediction = whole.prediction.take(rows)
        return self

    @property
    def in_domain(self) -> Flags:
        """Whether each material lies among known compounds, and the nets agree."""
        return self.prediction.in_domain

    @cached_property
    def distance(self) -> Array:
        """Half-L1 distance to the nearest known compound, rounded."""
        return _rounded(self.prediction.distance)

    @cached_property
    def domain(self) -> Mapping[str, Array]:
        """See `contract.Judgement`."""
        return {
            "domain_radius": np.full(len(self), self._model.radius),
            "disagreement_eV_per_atom": _rounded(self.prediction.spread_eV_per_atom),
        }

    def nearest(self, count: int) -> list[list[dict[str, Any]]]:
        """Return known compounds, nearest in composition first."""
        phases, depth = self._model.phases, self._model.surroundings.depth_eV_per_atom
        found, distance = self.prediction.nearest_phases(count)
        known = {
            phase: {
                "formula": phase_formula(phases, phase),
                "value": round(float(phases.energy_eV_per_atom[phase]), DECIMALS),
                "energy_above_hull_eV_per_atom": round(max(float(depth[phase]), 0.0), DECIMALS),
                "doi": REFERENCE_DOI,
            }
            for phase in set(found.ravel().tolist()) - {NO_PHASE}
        }
        return [
            [
                {**known[phase], "distance": round(apart, DECIMALS)}
                for phase, apart in zip(*row, strict=True)
                if phase != NO_PHASE
            ]
            for row in zip(found.tolist(), distance.tolist(), strict=True)
        ]

    @property
    def numbers(self) -> Mapping[str, Array]:
        """See `contract.Judgement`; limits as computed, even where a window would mean little."""
        said = self.prediction
        return {
            "reduction_V": said.reduction_V.value,
            "energy_above_hull_eV_per_atom": said.energy_above_hull_eV_per_atom.value,
        }

    @cached_property
    def warnings(self) -> Sequence[Warn]:
        """See `contract.Judgement`."""
        reduction, oxidation = (self.intervals[name].value.round(DECIMALS) for name in LIMITS)
        closed = ~self.without_window & ~(oxidation - reduction > NARROWEST_WINDOW_V)
        return (
            not_charge_balanced(self.query),
            Warn(WarningCode.WINDOW_CLOSED, closed, lambda row: _CLOSED),
            Warn(WarningCode.OUT_OF_DOMAIN, ~self.in_domain, self._domain_words),
        )

    def _domain_words(self, row: int) -> str:
        disagreement = self.domain["disagreement_eV_per_atom"][row]
        return (
            f"stability: far from known compounds (distance {self.distance[row]:.2f}) or the nets disagree"
            f" ({disagreement:.3f} eV/atom): trust the interval more than the value"
        )

    @property
    def basis(self) -> list[str]:
        """Whether energies are of the reference table or of the model."""
        return ["reference" if known else "model" for known in self.prediction.is_reference.tolist()]

    @cached_property
    def _temperature_K(self) -> Array:
        return self.query.conditions.numbers[SYNTHESIS_TEMPERATURE.name] + ZERO_C_IN_K

    @cached_property
    def _mixing(self) -> dict[int, MixingEntropy]:
        """What is known of mixing in the materials that have a temperature of synthesis, by row."""
        rows = np.flatnonzero(~np.isnan(self._temperature_K))
        if not len(rows):
            return {}
        found = mixing(self.query.batch.take(rows), self.prediction.is_reference[rows])
        return dict(zip(rows.tolist(), found, strict=True))

    @cached_property
    def smallest_gain_eV_per_atom(self) -> Array:
        """Temperature times the smallest entropy, 0 without a temperature of synthesis; shape (n,)."""
        gain = np.zeros(len(self))
        for row, known in self._mixing.items():
            gain[row] = BOLTZMANN_eV_PER_K * self._temperature_K[row] * known.smallest_k
        return gain

    @property
    def gains(self) -> Mapping[str, Array]:
        """Numbers of `details` under `SOLID_SOLUTION`, NaN without a temperature of synthesis; shape (n,) each."""
        smallest, largest = np.full(len(self), np.nan), np.full(len(self), np.nan)
        for row in self._mixing:
            said = self._solid_solution(row)
            smallest[row] = said["with_smallest_entropy_eV_per_atom"]
            largest[row] = said["with_largest_entropy_eV_per_atom"]
        return {"with_smallest_entropy_eV_per_atom": smallest, "with_largest_entropy_eV_per_atom": largest}

    def _solid_solution(self, row: int) -> SolidSolution:
        known, temperature_K = self._mixing[row], float(self._temperature_K[row])
        energy = float(self.prediction.decomposition_energy_eV_per_atom.value[row])
        step = BOLTZMANN_eV_PER_K * temperature_K
        return {
            "synthesis_temperature_C": round(temperature_K - ZERO_C_IN_K, DECIMALS),
            "smallest_entropy_k_per_atom": round(known.smallest_k, DECIMALS),
            "largest_entropy_k_per_atom": round(known.largest_k, DECIMALS),
            "with_smallest_entropy_eV_per_atom": round(energy - step * known.smallest_k, DECIMALS),
            "with_largest_entropy_eV_per_atom": round(energy - step * known.largest_k, DECIMALS),
            "share_sites_smallest": [list(elements) for elements in known.shared_smallest],
            "share_sites_largest": [list(elements) for elements in known.shared_largest],
            "assumes": OF_SITES if known.of_sites else OF_FORMULA,
        }

    def details(self) -> Sequence[Mapping[str, Any]]:
        """Return what each material decomposes into, and what happens beyond its window."""
        said, phases = self.prediction, self._model.phases
        beyond = limit_reactions(phases, self.query.amounts, said.windows)  # first: the limits come with the mixtures
        breaking = decompositions(phases, self.query.amounts, said.competing)
        unstable = (said.energy_above_hull_eV_per_atom.value.round(DECIMALS) > 0).tolist()
        without_window, blocks = self.without_window.tolist(), []
        for row, basis in enumerate(self.basis):
            reason = self.window_reason(row) if without_window[row] else None
            block = _details(basis, breaking[row], beyond[row], reason, unstable=unstable[row])
            block.update(self._energy_note(row))
            if row in self._mixing:
                block[SOLID_SOLUTION] = self._solid_solution(row)
            blocks.append(block)
        return blocks

    def _energy_note(self, row: int) -> dict[str, str]:
        """Return what beside the student decided an energy that no table holds, or what is wrong with a table's."""
        said = self.prediction.opinion
        if row in self.prediction.corrections:
            return {"energy_note": self._correction_words(row)}
        if said.of_nasicons[row]:
            return {"energy_note": BY_REGRESSION}
        raised = round(float(said.raised[row]), DECIMALS)
        return {"energy_note": RAISED.format(raised=raised)} if raised >= SMALLEST_RAISE_eV_PER_ATOM else {}

    def _correction_words(self, row: int) -> str:
        known, said = self.prediction.corrections[row], self.prediction
        hull = float(said.competing.energy_eV_per_atom[row])
        own = float(self._model.phases.energy_eV_per_atom[said.own_phase[row]])
        words = IS_CORRECTED if said.corrected[row] else COULD_BE_CORRECTED
        return words.format(
            better=known.formation_energy_eV_per_atom - hull,
            half=known.half_width_eV_per_atom,
            table=own - hull,
            method=known.method,
            command=known.command,
            reason=known.reason,
        )


_CLOSED = (
    "stability: the window has no width; amounts rounded off charge neutrality do that (Li0.33La0.56TiO3 should"
    " read Li0.33La0.5566667TiO3), and so do mixtures of as many phases as elements"
)


_ENERGIES_FIRST = dict.fromkeys((*ENERGY_NAMES, "probability_stable"))
_LIMITS_LAST = dict.fromkeys(LIMITS)


def _details(
    basis: str,
    computed: Reaction,
    beyond: tuple[Reaction | None, Reaction | None],
    reason: str | None,
    *,
    unstable: bool,
) -> dict[str, Any]:
    breaking, footnote = shown_reaction(computed)
    products = _parts(breaking.products)
    footnotes = [footnote] if unstable else []
    details: dict[str, Any] = {
        **_ENERGIES_FIRST,
        "basis": basis,
        "decomposition_products": [dict(part) for part in products] if unstable else [],
        "decomposition": breaking.text if unstable else None,
        "competing_phases": products if breaking.reactants else [],
        **_LIMITS_LAST,
    }
    if reason is not None:
        return details | {"window_reason": reason} | _footnotes(footnotes)
    for name, crossing in zip(("reduction", "oxidation"), beyond, strict=True):
        reaction, footnote = (None, None) if crossing is None else shown_reaction(crossing)
        details[f"{name}_reaction"] = reaction.text if reaction is not None else None
        details[f"{name}_products"] = _parts(reaction.products) if reaction is not None else []
        footnotes.append(footnote)
    details.update(_footnotes(footnotes))
    return details


def _footnotes(footnotes: Sequence[str | None]) -> dict[str, list[str]]:
    """Return what is to be said of reactions that are shown otherwise than computed."""
    said = list(dict.fromkeys([note for note in footnotes if note is not None]))
    return {"footnotes": said} if said else {}


def _parts(species: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return formulas with their formula units per formula unit of the candidate."""
    return [{"formula": formula, "amount": round(amount, DECIMALS)} for formula, amount in species.items()]


def _rounded(values: Array) -> Array:
    return np.array([round(value, DECIMALS) for value in values.tolist()], dtype=float)
