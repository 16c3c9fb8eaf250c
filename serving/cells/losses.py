"""What a cell loses under current, in closed form: lithium | separator | composite cathode; no loop over space or time.

Each loss is a difference of potential at a current density i, once the reaction has spread evenly over the cathode:

- separator and interface with lithium: Ohm's law;
- salt that is pushed aside in the separator where anions move (a binary salt, ideal and diluted): both surfaces move
  away from the mean by a share x, the smaller of i / i_limit (steady, Brissot et al., J. Power Sources 81-82, 925
  (1999), doi 10.1016/S0378-7753(98)00242-0) and (t / tau)^0.5 (Sand's time tau; Bard and Faulkner, Electrochemical
  Methods). With D of Nernst and Einstein, i_limit = 4 t+ sigma RT / (F L) and
  tau = pi t+ sigma RT c / (2 i^2 (1 - t+)); x = 1 is an empty surface. The loss beyond Ohm's is
  4 RT/F (artanh x - t+ x) at steady state, which is used for all x;
- ions and electrons in the cathode: i L / 3 over their effective conductivity, the limit of even reaction of Newman and
  Tobias, J. Electrochem. Soc. 109, 1183 (1962), doi 10.1149/1.2425269. A catholyte of mobile anions counts with t+
  times its conductivity (Evans, Vincent and Bruce, Polymer 28, 2324 (1987), doi 10.1016/0032-3861(87)90394-6);
- charge transfer: Butler and Volmer's law with equal coefficients, 2 RT/F arsinh(i R F / (2 RT)), of a resistance R at
  small currents;
- diffusion inside active particles: the surface of a sphere leads its mean by C r^2 / (15 D) of the capacity at a rate
  C, once the profile is there; times the slope of the equilibrium potential.

Left out: heat, ageing, contact loss, the spread of particles, and the time until profiles are there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.constants import ZERO_C_IN_K, FARADAY_C_PER_mol, GAS_J_PER_mol_K

Array = NDArray[np.float64]

SECONDS_PER_HOUR = 3600.0
SALT = "salt_polarisation"
LOSSES = (
    "separator",
    SALT,
    "anode_interface",
    "cathode_ions",
    "cathode_electrons",
    "charge_transfer",
    "particle_diffusion",
)
"""Names of the losses, from lithium to the cathode's particles."""
_NOT_LINEAR = (SALT, "charge_transfer")
_STEPS = 18


@dataclass(frozen=True, slots=True, eq=False)
class CellArrays:
    """Numbers of cells; scalars or arrays that broadcast against each other, here to the shape (...).

    Attributes
    ----------
    anolyte_S_per_cm, catholyte_S_per_cm
        Conductivities.
    anolyte_transference, catholyte_transference
        Transference numbers of lithium, 1 where nothing else moves.
    temperature_C
        Of the whole cell.
    separator_cm, cathode_cm
        Thicknesses.
    cathode_ion_factor
        Effective ionic conductivity of the cathode over that of the catholyte.
    cathode_electronic_S_per_cm
        Effective electronic conductivity of the cathode.
    anode_ohm_cm2, charge_transfer_ohm_cm2
        Resistances of the interface with lithium, and of charge transfer in the cathode, by cell area.
    capacity_mAh_per_cm2
        Areal capacity.
    salt_mol_per_L
        Of an anolyte with mobile anions.
    charged_share
        Share of the capacity that is charged without a break.
    particle_cm, particle_cm2_per_s
        Radius of the active particles, and diffusion coefficient of lithium in them.
    equilibrium_slope_V
        By how much the equilibrium potential rises per whole capacity.
    """

    anolyte_S_per_cm: Array
    catholyte_S_per_cm: Array
    anolyte_transference: Array
    catholyte_transference: Array
    temperature_C: Array
    separator_cm: Array
    cathode_cm: Array
    cathode_ion_factor: Array
    cathode_electronic_S_per_cm: Array
    anode_ohm_cm2: Array
    charge_transfer_ohm_cm2: Array
    capacity_mAh_per_cm2: Array
    salt_mol_per_L: Array
    charged_share: Array
    particle_cm: Array
    particle_cm2_per_s: Array
    equilibrium_slope_V: Array

    @property
    def thermal_V(self) -> Array:
        """RT/F in V."""
        return GAS_J_PER_mol_K * (self.temperature_C + ZERO_C_IN_K) / FARADAY_C_PER_mol

    def current_A_per_cm2(self, c_rate: Array) -> Array:
        """Return the current density at a rate."""
        return c_rate * self.capacity_mAh_per_cm2 * 1e-3

    def with_sigma(self, anolyte: Array, catholyte: Array) -> CellArrays:
        """Return the same cells with other conductivities in S/cm."""
        return replace(self, anolyte_S_per_cm=anolyte, catholyte_S_per_cm=catholyte)


def losses_V(cells: CellArrays, c_rate: Array) -> dict[str, Array]:
    """Return each loss at a rate in V, by its name; infinite where salt runs out.

    Parameters
    ----------
    cells, c_rate
        Of shapes that broadcast to (...), as the losses are.
    """
    current, thermal = cells.current_A_per_cm2(c_rate), cells.thermal_V
    ions = cells.catholyte_S_per_cm * cells.catholyte_transference * cells.cathode_ion_factor
    slow = cells.particle_cm**2 / (15.0 * cells.particle_cm2_per_s) / SECONDS_PER_HOUR
    found = (
        current * cells.separator_cm / cells.anolyte_S_per_cm,
        salt_polarisation_V(cells, c_rate),
        current * cells.anode_ohm_cm2,
        current * cells.cathode_cm / (3.0 * ions),
        current * cells.cathode_cm / (3.0 * cells.cathode_electronic_S_per_cm),
        2.0 * thermal * np.arcsinh(current * cells.charge_transfer_ohm_cm2 / (2.0 * thermal)),
        c_rate * slow * cells.equilibrium_slope_V,
    )
    return dict(zip(LOSSES, found, strict=True))


def total_V(cells: CellArrays, c_rate: Array) -> Array:
    """Return the sum of `losses_V`."""
    total: Array = np.add.reduce(np.broadcast_arrays(*losses_V(cells, c_rate).values()))
    return total


def salt_polarisation_V(cells: CellArrays, c_rate: Array) -> Array:
    """Return what salt that is pushed aside in the separator costs beyond Ohm's law, infinite where it runs out."""
    x, t = surface_depletion(cells, c_rate), cells.anolyte_transference
    inside = np.minimum(x, 1.0 - 1e-12)
    loss = np.where(x < 1.0, 4.0 * cells.thermal_V * (np.arctanh(inside) - t * inside), np.inf)
    return np.where(t < 1.0, loss, 0.0)


def surface_depletion(cells: CellArrays, c_rate: Array) -> Array:
    """Return by which share salt at the surfaces of the separator leaves its mean until the end of the charge."""
    current = cells.current_A_per_cm2(c_rate)
    seconds = SECONDS_PER_HOUR * cells.charged_share / c_rate
    steady = current / limiting_current_A_per_cm2(cells)
    return np.minimum(steady, np.sqrt(seconds / sand_time_s(cells, current)))


def limiting_current_A_per_cm2(cells: CellArrays) -> Array:
    """Return the current density that a binary salt carries through the separator for ever."""
    return 4.0 * cells.anolyte_transference * cells.anolyte_S_per_cm * cells.thermal_V / cells.separator_cm


def sand_time_s(cells: CellArrays, current_A_per_cm2: Array) -> Array:
    """Return the time after which salt at the surface of a thick separator is used up; infinite at t+ = 1."""
    t, volume = cells.anolyte_transference, 1e-3 * FARADAY_C_PER_mol  # C per cm3 and mol/L
    with np.errstate(divide="ignore"):
        return (
            np.pi
            * t
            * cells.anolyte_S_per_cm
            * cells.thermal_V
            * cells.salt_mol_per_L
            * volume
            / (2.0 * current_A_per_cm2**2 * (1.0 - t))
        )


def rate_at_loss(cells: CellArrays, allowed_V: Array) -> Array:
    """Return the C-rate at which all losses together reach what is allowed, shape (...).

    The sum is a C + 2 RT/F arsinh(b C) and what salt adds, all of which rise with C. The root lies below that of a C
    alone, and above that of a line over all three, which salt stays under while its share x is at most a half. Between
    the two it is found by halving.
    """
    one = np.asarray(1.0)
    unit, thermal = losses_V(cells, one), cells.thermal_V
    slope = np.add.reduce(np.broadcast_arrays(*(unit[name] for name in LOSSES if name not in _NOT_LINEAR)))
    kinetic = cells.current_A_per_cm2(one) * cells.charge_transfer_ohm_cm2
    has_salt = bool(np.any(cells.anolyte_transference < 1.0))
    share = cells.current_A_per_cm2(one) / limiting_current_A_per_cm2(cells) * (cells.anolyte_transference < 1.0)
    with np.errstate(divide="ignore"):
        under_half = np.minimum(allowed_V / (slope + kinetic + 4.4 * thermal * share), 0.5 / share)
    low, high = np.broadcast_arrays(np.log(under_half), np.log(allowed_V / slope))
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        rate = np.exp(middle)
        total = slope * rate + 2.0 * thermal * np.arcsinh(kinetic * rate / (2.0 * thermal))
        above = total + (salt_polarisation_V(cells, rate) if has_salt else 0.0) > allowed_V
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    found: Array = np.exp(low)
    return found


def sigma_needed_S_per_cm(cells: CellArrays, c_rate: Array, allowed_V: Array, layers: tuple[str, ...]) -> Array:
    """Return the least conductivity of layers at which a rate is reached, NaN where no conductivity is enough.

    Parameters
    ----------
    cells, c_rate, allowed_V
        As for `losses_V`; conductivities of the other layer stay.
    layers
        `anolyte`, `catholyte` or both, which are then given the same conductivity.
    """

    def total(sigma: Array) -> Array:
        own = {"anolyte": cells.anolyte_S_per_cm, "catholyte": cells.catholyte_S_per_cm} | dict.fromkeys(layers, sigma)
        return total_V(cells.with_sigma(**own), c_rate)

    shape = np.broadcast_shapes(*(np.shape(part) for part in (total(np.asarray(1.0)), allowed_V)))
    low, high = np.full(shape, np.log(1e-12)), np.full(shape, np.log(1e6))
    reachable = total(np.exp(high)) <= allowed_V
    for _ in range(3 * _STEPS):
        middle = 0.5 * (low + high)
        enough = total(np.exp(middle)) <= allowed_V
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reachable, np.exp(high), np.nan)
