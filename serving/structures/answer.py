"""One CIF: an ordered cell, relaxed and judged on the hull, beside what its formula alone says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from features.candidate import Candidate, RowError
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode
from features.structures.cells import OrderedCell, to_cif
from features.structures.representatives import ordered_representative
from serving.answers.documents import ShownInterval
from serving.answers.request import CandidateInput, read_inputs
from serving.answers.rows import error_row, head_of, warnings_of
from serving.predictor import WARM_FORMULAS, Predictor
from serving.structures.document import BASIS, ShownPart, ShownRelaxation, StructureRow, StructuresDocument
from serving.structures.request import MOST_ATOMS, StructureRequest
from serving.structures.words import MOST_COMPOSITION_DISTANCE, SideBySide, believe, difference
from training.constants import BOLTZMANN_eV_PER_K
from training.properties import registry
from training.structures.bonds import bonded_dimensions
from training.structures.energies import PotentialPair, RelaxationFailedError, StructureEnergy
from training.structures.intervals import EnergyIntervals, calibration_card, shipped_intervals
from training.structures.potentials import DEFAULT_POTENTIAL
from training.structures.relaxation import End, RelaxationLimits, Relaxed
from training.thermodynamics.given_energy import GivenEnergy, judge_energy
from training.uncertainty import InsufficientCalibrationError, Interval

if TYPE_CHECKING:
    from serving.answers.rows import ModelHeaders

EachStep = Callable[[int, float], bool]
DECIMALS = 4
ROOM_K = 300.0


@dataclass(frozen=True, eq=False)
class StructureJudge:
    """What answers: the model with the table of phases, and a pair of potentials."""

    predictor: Predictor
    pair: PotentialPair

    @classmethod
    def load(cls, potential: str = DEFAULT_POTENTIAL, pair: PotentialPair | None = None) -> Self:
        """Load both, or the model alone for a pair that is there.

        Raises
        ------
        PotentialNotInstalledError
            If the potential's packages are absent.
        ModelUnavailableError
            If no model of phases is served.
        """
        pair = pair or PotentialPair.load(potential)
        return cls(Predictor.load(properties=[registry.of_phases().name]), pair)

    @property
    def headers(self) -> ModelHeaders:
        """What is said of the model."""
        return self.predictor.headers([registry.of_phases().name])

    def document(self, results: list[StructureRow]) -> StructuresDocument:
        """Return the answer to a call: its rows, which models spoke, and what their intervals were calibrated on."""
        return {
            "models": self.headers,
            "potentials": self.pair.versions,
            "calibration": calibration_card(),
            "results": results,
        }

    def judge(
        self,
        request: StructureRequest,
        index: int = 0,
        *,
        limits: RelaxationLimits | None = None,
        most_atoms: int = MOST_ATOMS,
        each_step: EachStep | None = None,
    ) -> StructureRow:
        """Answer one structure; what is wrong with it is an error row.

        Raises
        ------
        CancelledError
            If `each_step` said so.
        """
        read = read_inputs([request.candidate(request.id)])[0]
        if isinstance(read, RowError):
            return failed_row(_at(read, index))
        head = cast("StructureRow", {**head_of(read, index), "status": "ok"})
        try:
            cell = ordered_representative(request.atoms(), most_atoms=most_atoms)
            _check_size(cell, most_atoms)
            _calibrated(request.coverage)
            energy = self.pair.energy(cell, limits, each_step)
            judged = self._judged(cell, energy, request)
        except RelaxationFailedError as error:
            kept = {"relaxed_cif": to_cif(error.relaxed.cell, read.formula), "relaxation": _relaxation(error.relaxed)}
            return cast("StructureRow", {**failed_row(_row_error(read, error, index)), **kept})
        except CandidateError as error:
            return failed_row(_row_error(read, error, index))
        elastic = self._elastic(energy, request, each_step)
        return cast("StructureRow", head | judged | elastic | _warned(read, cell, judged, elastic))

    def _judged(self, cell: OrderedCell, energy: StructureEnergy, request: StructureRequest) -> dict[str, Any]:
        from serving.structures.contacts import contacts_of

        phases, coverage = self.predictor.phases(), request.coverage
        value = energy.value_eV_per_atom
        first = judge_energy(phases, cell.amounts, _exactly(value))
        listed = first.listed_eV_per_atom
        apart = energy.disagreement_eV_per_atom
        interval = _calibrated(coverage).interval(value, apart, listed=listed is not None, coverage=coverage)
        given = judge_energy(phases, cell.amounts, interval)
        alone = self._formula_alone(cell.formula, coverage)
        remarks = _doubts(cell, energy)
        compared = _compared(given, alone, remarks)
        verdict, because = believe(compared)
        return {
            "basis": BASIS,
            "potential": self.pair.first.name,
            "energy_by": energy.energy_by,
            "by_potential": {name: round(said, DECIMALS) for name, said in energy.by_potential.items()},
            "disagreement_eV_per_atom": round(energy.disagreement_eV_per_atom, DECIMALS),
            **_quantities(given, coverage, self._window_error_V(coverage)),
            "listed_eV_per_atom": None if listed is None else round(listed, DECIMALS),
            "decomposition": given.reaction.text,
            "formula_alone": alone,
            "difference": difference(compared),
            "believe": verdict,
            "believe_because": because,
            "representative": _part(cell),
            "relaxation": _relaxation(energy.relaxed),
            **contacts_of(phases, cell.amounts, value, listed),
            "relaxed_cif": to_cif(energy.relaxed.cell, cell.formula),
            "warnings": warnings_of(remarks),
        }

    def _formula_alone(self, formula: str, coverage: float) -> dict[str, object] | None:
        """Return energies, limits and basis by the formula alone; None where it cannot be judged."""
        name = registry.of_phases().name
        found = self.predictor.answer([CandidateInput(formula=formula)], properties=[name], coverage=coverage)
        block = cast("Mapping[str, Any] | None", found["results"][0].get(name))
        if block is None:
            return None
        one = registry.of_phases()
        shown = [quantity.name for quantity in (*one.phase_energies, *one.window)]
        return {"formula": formula, **{key: block[key] for key in (*shown, "basis")}}

    def _window_error_V(self, coverage: float) -> tuple[float, float]:
        """Return how far computed limits are from published ones: what is uncertain of those of a listed compound."""
        alone = self._formula_alone(WARM_FORMULAS[0], coverage)
        limits = (
            []
            if alone is None
            else [cast("Mapping[str, float]", alone[one.name]) for one in registry.of_phases().window]
        )
        low, high = (limit["upper"] - limit["value"] for limit in limits)
        return low, high

    def _elastic(
        self, energy: StructureEnergy, request: StructureRequest, each_step: EachStep | None
    ) -> dict[str, Any]:
        if not request.elastic:
            return {}
        from training.structures.elastic import elasticity

        found = elasticity(self.pair.first, energy.relaxed.cell, each_step)
        if not found.is_usable:
            message = "a strained cell flew apart, or some strain costs nothing: no elastic constants"
            return {"elastic": None, "warnings": warnings_of([Remark(WarningCode.NO_ELASTIC_CONSTANTS, message)])}
        bulk, shear, youngs = (round(modulus, 2) for modulus in found.moduli_GPa)
        return {
            "elastic": {
                "bulk_GPa": bulk,
                "shear_GPa": shear,
                "youngs_GPa": youngs,
                "bulk_voigt_reuss_GPa": [round(value, 2) for value in found.bulk_GPa],
                "shear_voigt_reuss_GPa": [round(value, 2) for value in found.shear_GPa],
                "constants_GPa": found.constants_GPa.round(2).tolist(),
                "is_stable": found.is_stable,
                "converged": found.converged,
                "basis": BASIS,
            }
        }


def _check_size(cell: OrderedCell, most_atoms: int) -> None:
    if len(cell) > most_atoms:
        message = f"{len(cell)} atoms in the primitive cell; expected at most {most_atoms}"
        raise CandidateError(RowErrorCode.CELL_TOO_LARGE, message)


def _calibrated(coverage: float) -> EnergyIntervals:
    """Return the intervals; raises `CandidateError` where too few cells were computed for this coverage."""
    intervals = shipped_intervals()
    try:
        for scale in (intervals.listed, intervals.unlisted):
            scale.factor(coverage)
    except InsufficientCalibrationError as error:
        raise CandidateError(RowErrorCode.INVALID_CONDITION, f"coverage: {error}; ask for less") from error
    return intervals


def _exactly(value: float) -> Interval:
    return Interval(*[np.array([value])] * 3)


def _quantities(
    given: GivenEnergy, coverage: float, window_error_V: tuple[float, float]
) -> dict[str, ShownInterval | None]:
    one = registry.of_phases()
    energies, window = one.phase_energies, one.window
    said = {
        energies[0].name: given.formation,
        "against_other_compositions_eV_per_atom": given.decomposition,
        energies[1].name: given.above_hull,
        window[0].name: _wider(given.lower_limit_V, window_error_V[0]),
        window[1].name: _wider(given.upper_limit_V, window_error_V[1]),
    }
    return {name: _shown(interval, coverage) for name, interval in said.items()}


def _wider(limit_V: Interval, error_V: float) -> Interval:
    return Interval(limit_V.value, np.maximum(limit_V.lower - error_V, 0.0), limit_V.upper + error_V)


def _shown(interval: Interval, coverage: float) -> ShownInterval | None:
    value, lower, upper = (float(part[0]) for part in interval)
    if value != value:
        return None
    value, lower, upper = (round(part, DECIMALS) + 0.0 for part in (value, lower, upper))
    return {"value": value, "lower": lower, "upper": upper, "coverage": coverage}


def _compared(given: GivenEnergy, alone: Mapping[str, Any] | None, remarks: list[Remark]) -> SideBySide:
    hull = registry.of_phases().phase_energies[1].name
    block = None if alone is None else alone[hull]
    listed = given.listed_eV_per_atom
    value = float(given.decomposition.value[0])
    relative = None if listed is None else float(given.formation.value[0]) - listed
    return SideBySide(
        structure=value,
        structure_half_width=float(given.formation.upper[0] - given.formation.value[0]),
        formula=_by_formula(block, value, relative),
        formula_half_width=0.0 if block is None or block["upper"] is None else (block["upper"] - block["lower"]) / 2.0,
        listed=listed is not None,
        relative_to_listed=relative,
        doubts=tuple(remark.message for remark in remarks if remark.code is not WarningCode.ONE_ARRANGEMENT),
    )


def _by_formula(block: ShownInterval | None, value: float, relative: float | None) -> float | None:
    """Return the formula's energy against other compositions: where it is listed not cut at 0, as `value` is not."""
    if block is None:
        return None
    return float(block["value"]) if relative is None else value - relative


def _doubts(cell: OrderedCell, energy: StructureEnergy) -> list[Remark]:
    """Return why the energy may mean little, and what stands for a disordered crystal."""
    found: list[Remark] = []
    if cell.disordered:
        found.append(Remark(WarningCode.ONE_ARRANGEMENT, _arrangement(cell)))
    if energy.relaxed.end is not End.CONVERGED:
        force = energy.relaxed.computed.largest_force_eV_per_A
        message = f"not relaxed after {energy.relaxed.steps} steps (forces up to {force:.2f} eV/A): an upper bound"
        found.append(Remark(WarningCode.NOT_RELAXED, message))
    if bonded_dimensions(energy.relaxed.cell) == 0:
        message = "no bonds run across the cell: isolated molecules, whose packing the potentials do not know"
        found.append(Remark(WarningCode.ISOLATED_MOLECULES, message))
    apart = energy.disagreement_eV_per_atom
    if apart > shipped_intervals().largest_disagreement_eV_per_atom:
        message = f"the two potentials are {1000 * apart:.0f} meV/atom apart: neither knows this structure"
        found.append(Remark(WarningCode.POTENTIALS_DISAGREE, message))
    if cell.composition_distance > MOST_COMPOSITION_DISTANCE:
        message = f"{cell.formula} was computed, which differs from the CIF in {cell.composition_distance:.1%} of atoms"
        found.append(Remark(WarningCode.FORMULA_CONTRADICTED, message))
    return found


def _arrangement(cell: OrderedCell) -> str:
    gain = 1000 * _mixing_eV_per_atom(cell)
    return (
        f"the CIF is disordered: one ordered arrangement of {len(cell)} atoms ({cell.formula}) was computed; the mixing"
        f" that it leaves out is worth up to {gain:.0f} meV/atom at {ROOM_K:.0f} K"
    )


def _mixing_eV_per_atom(cell: OrderedCell) -> float:
    return BOLTZMANN_eV_PER_K * ROOM_K * cell.mixing_entropy_kB_per_cell / len(cell)


def _part(cell: OrderedCell) -> ShownPart:
    return {
        "formula": cell.formula,
        "atoms": len(cell),
        "disordered": cell.disordered,
        "supercell": cell.supercell,
        "composition_distance": round(cell.composition_distance, DECIMALS),
        "mixing_entropy_kB_per_cell": round(cell.mixing_entropy_kB_per_cell, DECIMALS),
        "mixing_eV_per_atom_at_300_K": round(_mixing_eV_per_atom(cell), DECIMALS),
    }


def _relaxation(relaxed: Relaxed) -> ShownRelaxation:
    return {
        "end": str(relaxed.end),
        "steps": relaxed.steps,
        "largest_force_eV_per_A": round(relaxed.computed.largest_force_eV_per_A, DECIMALS),
        "volume_change": round(relaxed.volume_change, DECIMALS),
        "bonded_dimensions": bonded_dimensions(relaxed.cell),
    }


def _warned(read: Candidate, cell: OrderedCell, *parts: Mapping[str, Any]) -> dict[str, Any]:
    remarks = dict.fromkeys((*read.remarks, *cell.remarks))
    return {"warnings": sum((part.get("warnings", []) for part in parts), start=warnings_of(remarks))}


def _row_error(read: Candidate, error: CandidateError, index: int) -> RowError:
    return RowError(index, read.id, error.code, error.message, read.formula, read)


def _at(error: RowError, index: int) -> RowError:
    return replace(error, index=index)


def failed_row(error: RowError) -> StructureRow:
    """Return the row of a structure that cannot be answered."""
    return cast("StructureRow", error_row(error))
