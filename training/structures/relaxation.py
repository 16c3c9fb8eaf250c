"""Relaxation of atoms and cell together, watched at every step: what explodes is stopped, not answered.

FIRE, Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006), doi 10.1103/PhysRevLett.97.170201, as ase has it, on atoms and
the logarithm of the cell's deformation.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.structures.cells import OrderedCell
from training.structures.potentials import Computed, Potential, as_atoms

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]
FORCE_eV_PER_A = 0.05
MOST_STEPS = 300
LARGEST_FORCE_eV_PER_A = 50.0
LARGEST_VOLUME_CHANGE = 0.4


class End(StrEnum):
    """Why a relaxation ended."""

    CONVERGED = "converged"
    STEPS = "steps"
    SECONDS = "seconds"
    FORCES = "forces"
    VOLUME = "volume"

    @property
    def is_usable(self) -> bool:
        """Whether the energy at the end means something: an upper bound where it did not converge."""
        return self not in (End.FORCES, End.VOLUME)


class CancelledError(Exception):
    """Whoever asked for the relaxation does not want it any more."""


@dataclass(frozen=True, slots=True)
class RelaxationLimits:
    """How far a relaxation goes.

    Attributes
    ----------
    force_eV_per_A
        It has converged when no force on an atom, and none on the cell, is larger.
    most_steps, most_seconds
        After which it ends as it is; None for no bound of time.
    """

    force_eV_per_A: float = FORCE_eV_PER_A
    most_steps: int = MOST_STEPS
    most_seconds: float | None = None


class Relaxed(NamedTuple):
    """The end of a relaxation.

    Attributes
    ----------
    cell
        As it was left.
    computed
        What the potential says of it.
    end
        Why it ended.
    steps, seconds
        What it took.
    volume_change
        Relative to the cell that was given.
    start_energy_eV
        Of the cell that was given.
    """

    cell: OrderedCell
    computed: Computed
    end: End
    steps: int
    seconds: float
    volume_change: float
    start_energy_eV: float


def relax(
    potential: Potential,
    cell: OrderedCell,
    limits: RelaxationLimits | None = None,
    *,
    fixed_cell: bool = False,
    each_step: Callable[[int, float], bool] | None = None,
) -> Relaxed:
    """Relax a cell.

    Parameters
    ----------
    potential
        Of whose elements the cell is made.
    cell
        Stays as it is.
    limits
        None for the usual ones.
    fixed_cell
        Relax the atoms alone.
    each_step
        Takes the number of a step and the largest force; False cancels.

    Raises
    ------
    CancelledError
        If `each_step` said so.
    """
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    limits, started = limits or RelaxationLimits(), time.monotonic()
    atoms, last = _watched(potential, cell)
    optimiser = FIRE(atoms if fixed_cell else FrechetCellFilter(atoms), logfile=None)
    end, start_energy, step = End.STEPS, None, 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*logm")  # scipy's, of how exactly ase measures a step of the cell
        for converged in optimiser.irun(fmax=limits.force_eV_per_A, steps=limits.most_steps):
            said, step = last(), optimiser.nsteps
            start_energy = said.energy_eV if start_energy is None else start_energy
            if each_step is not None and not each_step(step, said.largest_force_eV_per_A):
                raise CancelledError
            stopped = _fault(said, atoms.get_volume() / cell.volume_A3 - 1.0)
            if stopped is not None:
                end = stopped
            elif converged:
                end = End.CONVERGED
            elif limits.most_seconds is not None and time.monotonic() - started > limits.most_seconds:
                end = End.SECONDS
            else:
                continue
            break
    left = replace(cell, lattice_A=np.array(atoms.cell), fractional_coordinates=atoms.get_scaled_positions())
    return Relaxed(
        cell=left,
        computed=last(),
        end=end,
        steps=step,
        seconds=time.monotonic() - started,
        volume_change=left.volume_A3 / cell.volume_A3 - 1.0,
        start_energy_eV=last().energy_eV if start_energy is None else start_energy,
    )


def _fault(said: Computed, volume_change: float) -> End | None:
    if not said.is_finite or said.largest_force_eV_per_A > LARGEST_FORCE_eV_PER_A:
        return End.FORCES
    if abs(volume_change) > LARGEST_VOLUME_CHANGE:
        return End.VOLUME
    return None


def _watched(potential: Potential, cell: OrderedCell) -> tuple[Atoms, Callable[[], Computed]]:
    """Return atoms whose energies are the potential's, and a way to what it said last."""
    from ase.calculators.calculator import Calculator, all_changes
    from ase.stress import full_3x3_to_voigt_6_stress

    said: list[Computed] = []

    class Adapter(Calculator):  # type: ignore[misc]
        implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012  # as ase declares it

        def calculate(
            self, atoms: Atoms | None = None, properties: object = None, system_changes: object = all_changes
        ) -> None:
            super().calculate(atoms, properties, system_changes)
            places = self.atoms.get_scaled_positions(wrap=False)
            found = potential.compute(replace(cell, lattice_A=np.array(self.atoms.cell), fractional_coordinates=places))
            said[:] = [found]
            self.results = {
                "energy": found.energy_eV,
                "forces": found.forces_eV_per_A,
                "stress": full_3x3_to_voigt_6_stress(found.stress_eV_per_A3),
            }

    atoms = as_atoms(cell)
    atoms.calc = Adapter()
    return atoms, lambda: said[0]
