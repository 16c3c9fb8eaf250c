"""One structure: relaxed by one potential, judged by two, on the scale of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.errors import CandidateError, RowErrorCode
from features.structures.cells import OrderedCell
from training.structures.energy_scale import OffScaleError, table_energy_eV_per_atom
from training.structures.potentials import (
    SECOND_POTENTIAL,
    Potential,
    PotentialNotInstalledError,
    load_potential,
)
from training.structures.relaxation import (
    LARGEST_VOLUME_CHANGE,
    End,
    LARGEST_FORCE_eV_PER_A,
    RelaxationLimits,
    Relaxed,
    relax,
)

MOST_TRUSTED = ("sevenn-l3i5", "sevenn-0", "chgnet")
"""Of two potentials the first of these gives the energy: by their errors on the compounds of the table."""


class RelaxationFailedError(CandidateError):
    """A relaxation exploded; `relaxed` is what was left of the cell."""

    def __init__(self, code: RowErrorCode, message: str, relaxed: Relaxed) -> None:
        super().__init__(code, message)
        self.relaxed = relaxed


@dataclass(frozen=True, eq=False)
class StructureEnergy:
    """The energy of a relaxed structure.

    Attributes
    ----------
    relaxed
        Cell and how it came there.
    by_potential
        Formation energy in eV/atom on the scale of the table by each potential, of the same cell.
    energy_by
        Whose is the value.
    """

    relaxed: Relaxed
    by_potential: Mapping[str, float]
    energy_by: str

    @property
    def value_eV_per_atom(self) -> float:
        """Formation energy."""
        return self.by_potential[self.energy_by]

    @property
    def disagreement_eV_per_atom(self) -> float:
        """How far the potentials are apart."""
        return max(self.by_potential.values()) - min(self.by_potential.values())


@dataclass(frozen=True, eq=False)
class PotentialPair:
    """A potential that relaxes, and a second opinion of its cells."""

    first: Potential
    second: Potential | None

    @classmethod
    def load(cls, name: str) -> PotentialPair:
        """Load a potential and, where it is installed, its second opinion; errors as `load_potential`."""
        first = load_potential(name)
        try:
            return cls(first, load_potential(SECOND_POTENTIAL[name]))
        except PotentialNotInstalledError:
            return cls(first, None)

    @property
    def versions(self) -> dict[str, str]:
        """Name to package and version."""
        return {one.name: one.version for one in (self.first, self.second) if one is not None}

    def energy(
        self,
        cell: OrderedCell,
        limits: RelaxationLimits | None = None,
        each_step: Callable[[int, float], bool] | None = None,
    ) -> StructureEnergy:
        """Relax a cell and judge it.

        Raises
        ------
        CandidateError
            `one_atom`, `element_without_potential`, `element_without_energies`; as `RelaxationFailedError`
            `forces_too_large` or `volume_changed`, with what was left of the cell.
        CancelledError
            If `each_step` said so.
        """
        self._check(cell)
        relaxed = relax(self.first, cell, limits, each_step=each_step)
        if not relaxed.end.is_usable:
            raise _failed(relaxed)
        said = {self.first.name: relaxed.computed.energy_eV}
        if self.second is not None:
            said[self.second.name] = self.second.compute(relaxed.cell).energy_eV
        scales = {one.name: one.scale for one in (self.first, self.second) if one is not None}
        by_potential = {
            name: table_energy_eV_per_atom(relaxed.cell, energy, scales[name]) for name, energy in said.items()
        }
        return StructureEnergy(relaxed, by_potential, min(by_potential, key=MOST_TRUSTED.index))

    def _check(self, cell: OrderedCell) -> None:
        if len(cell) == 1:
            message = "one atom in the primitive cell: an element has no energy of formation; expected a compound"
            raise CandidateError(RowErrorCode.ONE_ATOM, message)
        for one in (self.first, self.second):
            unknown = sorted(set(cell.symbols) - one.elements) if one is not None else []
            if unknown:
                message = f"the potential {one.name} knows no {', '.join(unknown)}" if one is not None else ""
                raise CandidateError(RowErrorCode.ELEMENT_WITHOUT_POTENTIAL, message)
        try:
            table_energy_eV_per_atom(cell, 0.0, self.first.scale)
        except OffScaleError as error:
            raise CandidateError(RowErrorCode.ELEMENT_WITHOUT_ENERGIES, str(error)) from error


def _failed(relaxed: Relaxed) -> RelaxationFailedError:
    if relaxed.end is End.FORCES:
        force = relaxed.computed.largest_force_eV_per_A
        message = (
            f"a force of {force:.0f} eV/A after {relaxed.steps} steps, above {LARGEST_FORCE_eV_PER_A:g}: atoms lie on"
            " one another; expected a cell near a minimum"
        )
        return RelaxationFailedError(RowErrorCode.FORCES_TOO_LARGE, message, relaxed)
    message = (
        f"the volume changed by {relaxed.volume_change:+.0%} in {relaxed.steps} steps, more than"
        f" {LARGEST_VOLUME_CHANGE:.0%}: this is not the structure that was given"
    )
    return RelaxationFailedError(RowErrorCode.VOLUME_CHANGED, message, relaxed)
