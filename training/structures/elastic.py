"""Elastic constants from strained relaxations, and the moduli of a polycrystal by Voigt, Reuss and Hill.

Six strains, each in both signs, of the relaxed cell; the atoms relax, the cell does not, and the stress is read:
C_ij is its slope. Averages: Hill, Proc. Phys. Soc. A 65, 349 (1952), doi 10.1088/0370-1298/65/5/307. Stable against
small strain where all eigenvalues are positive: Mouhat and Coudert, Phys. Rev. B 90, 224104 (2014), doi
10.1103/PhysRevB.90.224104.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.structures.cells import OrderedCell
from training.elasticity import youngs_modulus
from training.structures.conformance import strained, unit_strain
from training.structures.potentials import GPa_PER_eV_PER_A3, Potential
from training.structures.relaxation import RelaxationLimits, relax

Array = NDArray[np.float64]
STRAIN = 0.005
FORCE_eV_PER_A = 0.02
MOST_STEPS = 60
_LARGEST_CONDITION = 1e9
VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True, eq=False)
class Elasticity:
    """Elastic constants of a crystal.

    Attributes
    ----------
    constants_GPa
        Symmetric, in Voigt's order (xx, yy, zz, yz, xz, xy), shape (6, 6).
    converged
        Whether all twelve relaxations did.
    """

    constants_GPa: Array
    converged: bool

    @property
    def is_usable(self) -> bool:
        """Whether moduli follow: every constant is a number, and every strain is resisted or sped by something."""
        return bool(np.isfinite(self.constants_GPa).all() and np.linalg.cond(self.constants_GPa) < _LARGEST_CONDITION)

    @property
    def is_stable(self) -> bool:
        """Whether no small strain lowers the energy."""
        return bool(np.linalg.eigvalsh(self.constants_GPa).min() > 0.0)

    @property
    def bulk_GPa(self) -> tuple[float, float]:
        """Voigt's and Reuss's bulk modulus."""
        voigt = float(self.constants_GPa[:3, :3].sum()) / 9.0
        return voigt, 1.0 / float(self._compliance[:3, :3].sum())

    @property
    def shear_GPa(self) -> tuple[float, float]:
        """Voigt's and Reuss's shear modulus."""
        stiff, soft = self.constants_GPa, self._compliance
        voigt = (np.trace(stiff[:3, :3]) - _off(stiff) + 3.0 * np.trace(stiff[3:, 3:])) / 15.0
        reuss = 15.0 / (4.0 * np.trace(soft[:3, :3]) - 4.0 * _off(soft) + 3.0 * np.trace(soft[3:, 3:]))
        return float(voigt), float(reuss)

    @property
    def moduli_GPa(self) -> tuple[float, float, float]:
        """Bulk, shear and Young's modulus after Hill."""
        bulk, shear = (sum(pair) / 2.0 for pair in (self.bulk_GPa, self.shear_GPa))
        return bulk, shear, float(youngs_modulus(np.array(shear), np.array(bulk)))

    @property
    def _compliance(self) -> Array:
        soft: Array = np.asarray(np.linalg.inv(self.constants_GPa), dtype=np.float64)
        return soft


def elasticity(
    potential: Potential, cell: OrderedCell, each_step: Callable[[int, float], bool] | None = None
) -> Elasticity:
    """Return the elastic constants of a relaxed cell.

    Parameters
    ----------
    potential
        With which it was relaxed.
    cell
        Relaxed: what stress is left cancels between the two signs of a strain.
    each_step
        As of `relaxation.relax`.

    Raises
    ------
    CancelledError
        If `each_step` said so.
    """
    limits, converged = RelaxationLimits(FORCE_eV_PER_A, MOST_STEPS), True
    constants = np.zeros((6, 6))
    for column, (i, j) in enumerate(VOIGT):
        stress = []
        for sign in (1.0, -1.0):
            # Voigt's shear strain is twice the tensor's component, which `unit_strain` gives as half
            start = strained(cell, sign * STRAIN * unit_strain(i, j))
            found = relax(potential, start, limits, fixed_cell=True, each_step=each_step)
            converged = converged and found.end.is_usable and found.steps < limits.most_steps
            stress.append(np.array([found.computed.stress_eV_per_A3[a, b] for a, b in VOIGT]))
        constants[:, column] = (stress[0] - stress[1]) / (2.0 * STRAIN) * GPa_PER_eV_PER_A3
    return Elasticity(0.5 * (constants + constants.T), converged)


def _off(matrix: Array) -> float:
    """Return the sum of the three off-diagonal constants of normal strains."""
    return float(matrix[0, 1] + matrix[0, 2] + matrix[1, 2])
