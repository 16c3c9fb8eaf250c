"""Universal interatomic potentials behind one small interface: energy, forces and stress of a periodic cell.

`sevenn-0` and `sevenn-l3i5` are SevenNet (Park et al., J. Chem. Theory Comput. 20, 4857 (2024), doi
10.1021/acs.jctc.4c00190; MIT, weights in the wheel of `sevenn`), `chgnet` is CHGNet (Deng et al., Nat. Mach. Intell. 5,
1031 (2023), doi 10.1038/s42256-023-00716-3), where its user installed it. All were fitted to MPtrj: relaxations of
some 150,000 crystals of Materials Project, of which nearly every known lithium compound is one.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from features.elements import SYMBOLS
from features.structures.cells import OrderedCell

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]
GPa_PER_eV_PER_A3 = 160.21766208
EXTRA = "structure"


class Scale(StrEnum):
    """What a potential's energies contain of Materials Project's corrections."""

    UNCORRECTED = "uncorrected"
    MP2020 = "MP2020"


class Computed(NamedTuple):
    """What a potential says of a cell.

    Attributes
    ----------
    energy_eV
        Of the whole cell.
    forces_eV_per_A
        Shape (n, 3).
    stress_eV_per_A3
        Derivative of the energy by strain over the volume, shape (3, 3): negative under pressure.
    """

    energy_eV: float
    forces_eV_per_A: Array
    stress_eV_per_A3: Array

    @property
    def largest_force_eV_per_A(self) -> float:
        """Length of the largest force."""
        return float(np.linalg.norm(self.forces_eV_per_A, axis=1).max())

    @property
    def is_finite(self) -> bool:
        """Whether every number is one."""
        whole = np.concatenate([[self.energy_eV], self.forces_eV_per_A.ravel(), self.stress_eV_per_A3.ravel()])
        return bool(np.isfinite(whole).all())


class Potential(Protocol):
    """What a potential has to be; `training.structures.conformance.check_potential` says whether it is."""

    @property
    def name(self) -> str:
        """By which it is asked for."""

    @property
    def version(self) -> str:
        """Package and version."""

    @property
    def scale(self) -> Scale:
        """What its energies contain."""

    @property
    def elements(self) -> frozenset[str]:
        """The elements that it knows."""

    def compute(self, cell: OrderedCell) -> Computed:
        """Return energy, forces and stress of a cell of elements that the potential knows."""


class PotentialNotInstalledError(Exception):
    """The packages of a potential are absent; the message says how to install them."""


class UnknownPotentialError(ValueError):
    """No potential of this name is known."""


@dataclass(frozen=True, eq=False)
class SevenNet:
    """A SevenNet checkpoint of the wheel, on the CPU and in one thread."""

    name: str
    version: str
    elements: frozenset[str]
    calculate: Callable[[Atoms], Computed]
    scale: Scale = Scale.UNCORRECTED

    def compute(self, cell: OrderedCell) -> Computed:
        """See `Potential`."""
        return self.calculate(as_atoms(cell))

    @classmethod
    def load(cls, name: str, checkpoint: str) -> SevenNet:
        """Load one of the checkpoints that the wheel of `sevenn` carries; takes 600 MB and some seconds."""
        import torch

        # or the first calls compile for half a minute
        torch._C._jit_set_profiling_executor(False)
        torch.set_num_threads(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an accelerator for graphics cards
            import sevenn
            from sevenn.calculator import SevenNetCalculator

            calculator = SevenNetCalculator(checkpoint, device="cpu")

        def calculate(atoms: Atoms) -> Computed:
            calculator.calculate(atoms)
            found = calculator.results
            return Computed(float(found["energy"]), np.array(found["forces"], float), _full(found["stress"]))

        known = frozenset(SYMBOLS[int(number) - 1] for number in calculator.type_map if 0 < int(number) <= len(SYMBOLS))
        return cls(name, f"sevenn {sevenn.__version__}", known, calculate)


@dataclass(frozen=True, eq=False)
class ChgNet:
    """CHGNet 0.3.0 of the package `chgnet`, which elyte does not install (see `docs/use/relax.md`)."""

    predict: Callable[[OrderedCell], Computed]
    version: str
    name: str = "chgnet"
    scale: Scale = Scale.MP2020
    elements: frozenset[str] = frozenset(SYMBOLS[:94]) - {"Po", "At", "Rn", "Fr", "Ra"}

    def compute(self, cell: OrderedCell) -> Computed:
        """See `Potential`."""
        return self.predict(cell)

    @classmethod
    def load(cls) -> ChgNet:
        """Load the weights of the wheel."""
        if importlib.util.find_spec("nvidia_smi") is None:
            # imported by chgnet for graphics cards alone; the package that has it overwrites a module of bentoml
            sys.modules.setdefault("nvidia_smi", ModuleType("nvidia_smi"))
        import torch

        torch.set_num_threads(1)
        import chgnet
        from chgnet.model import CHGNet
        from pymatgen.core import Structure  # type: ignore[attr-defined]

        model = CHGNet.load(use_device="cpu", verbose=False)

        def predict(cell: OrderedCell) -> Computed:
            said = model.predict_structure(Structure(cell.lattice_A, list(cell.symbols), cell.fractional_coordinates))
            stress = np.asarray(said["s"], float) / GPa_PER_eV_PER_A3
            return Computed(float(said["e"]) * len(cell), np.asarray(said["f"], float), stress)

        return cls(predict, f"chgnet {chgnet.__version__}")


class _Known(NamedTuple):
    load: Callable[[], Potential]
    packages: tuple[str, ...]
    how: str


_ELYTES = f"pip install 'elyte[{EXTRA}]'"
POTENTIALS: Mapping[str, _Known] = {
    "sevenn-0": _Known(lambda: SevenNet.load("sevenn-0", "7net-0"), ("sevenn", "ase"), _ELYTES),
    "sevenn-l3i5": _Known(lambda: SevenNet.load("sevenn-l3i5", "7net-l3i5"), ("sevenn", "ase"), _ELYTES),
    "chgnet": _Known(ChgNet.load, ("chgnet", "pymatgen", "ase"), "pip install --no-deps chgnet pymatgen"),
}
DEFAULT_POTENTIAL = "sevenn-0"
SECOND_POTENTIAL: Mapping[str, str] = {
    "sevenn-0": "sevenn-l3i5",
    "sevenn-l3i5": "sevenn-0",
    "chgnet": "sevenn-0",
}
"""Which other potential judges the cells that a potential relaxed: their disagreement scales the interval."""


def is_installed(name: str = DEFAULT_POTENTIAL) -> bool:
    """Return whether the packages of a potential are there, without importing them."""
    return all(importlib.util.find_spec(package) is not None for package in _known(name).packages)


def installed_versions(name: str = DEFAULT_POTENTIAL) -> dict[str, str]:
    """Return package to version of what a potential and its second opinion need here, without importing them."""
    packages = {*_known(name).packages, *_known(SECOND_POTENTIAL[name]).packages}
    there = sorted(package for package in packages if importlib.util.find_spec(package) is not None)
    return {package: importlib.metadata.version(package) for package in there}


def load_potential(name: str = DEFAULT_POTENTIAL) -> Potential:
    """Load a potential.

    Raises
    ------
    UnknownPotentialError
        If the name is none of `POTENTIALS`.
    PotentialNotInstalledError
        If its packages are absent.
    """
    known = _known(name)
    if not is_installed(name):
        raise PotentialNotInstalledError(
            f"the potential {name} needs {' and '.join(known.packages)}, not installed here: {known.how}"
        )
    return known.load()


def _known(name: str) -> _Known:
    if name not in POTENTIALS:
        raise UnknownPotentialError(f"potential: received {name!r}, expected one of {', '.join(POTENTIALS)}")
    return POTENTIALS[name]


def as_atoms(cell: OrderedCell) -> Atoms:
    """Return a cell as ase's periodic atoms."""
    from ase import Atoms

    return Atoms(list(cell.symbols), scaled_positions=cell.fractional_coordinates, cell=cell.lattice_A, pbc=True)


def _full(voigt: Array) -> Array:
    """Return a stress in ase's order (xx, yy, zz, yz, xz, xy) as a matrix."""
    xx, yy, zz, yz, xz, xy = np.asarray(voigt, float)
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
