"""What elastic moduli say of a battery: ductile or brittle, lithium stopped by stiffness, and the pressure in a flaw.

Each criterion is a formula of the field with the reason why it may mislead; none is a model of dendrites.

- Isotropic elasticity: E = 9KG/(3K + G), nu = (3K - 2G)/(2(3K + G)).
- Ductile above K/G = 1.75: Pugh, Phil. Mag. 45, 823 (1954), doi 10.1080/14786440808520496.
- A flat interface with lithium is stable where the shear modulus exceeds about twice that of lithium: Monroe and
  Newman, J. Electrochem. Soc. 152, A396 (2005), doi 10.1149/1.1850854; a perfect one, without grain boundaries.
- Fracture toughness of ionic and covalent crystals, K_Ic = V^(1/6) G (K/G)^(1/2) with the volume V of an atom: Niu, Niu
  and Oganov, J. Appl. Phys. 125, 065105 (2019), doi 10.1063/1.5066311.
- Lithium that is plated into a flaw of depth a presses on its walls by F eta/V_Li at an overpotential eta, and the flaw
  grows where that is more than K_Ic/(1.12 (pi a)^(1/2)): Porz et al., Adv. Energy Mater. 7, 1701003 (2017), doi
  10.1002/aenm.201701003; the factor is that of a surface crack under even pressure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.lattice import cell_volume_A3

Array = NDArray[np.float64]

DUCTILE_FROM = 1.75
"""Pugh ratio K/G."""
SHEAR_MODULUS_OF_LITHIUM_GPa = 4.25
MONROE_NEWMAN_GPa = 2.0 * SHEAR_MODULUS_OF_LITHIUM_GPa
COLD_PRESSED_BELOW_GPa = 30.0
"""Young's modulus of sulfides that densify at room temperature under some hundred MPa: 18 to 25 GPa for Li2S-P2S5
glasses, Sakuda, Hayashi and Tatsumisago, Sci. Rep. 3, 2261 (2013), doi 10.1038/srep02261."""
MOLAR_VOLUME_OF_LITHIUM_m3 = 13.02e-6
FARADAY_C_PER_MOL = 96485.33
SURFACE_CRACK = 1.12
USUAL_VOLUME_PER_ATOM_A3 = 15.0
"""Where no cell is known: of most electrolytes it is 10 to 25 cubic angstrom, and the sixth root counts."""


def youngs_modulus(shear: Array, bulk: Array) -> Array:
    """Return Young's modulus in the unit of the moduli."""
    return 9.0 * bulk * shear / (3.0 * bulk + shear)


def poisson_of_pugh(bulk_over_shear: Array) -> Array:
    """Return the Poisson ratio that belongs to K/G; it rises with it."""
    return (3.0 * bulk_over_shear - 2.0) / (6.0 * bulk_over_shear + 2.0)


def fracture_toughness_MPa_m05(shear_GPa: Array, bulk_GPa: Array, volume_per_atom_A3: Array) -> Array:
    """Return K_Ic in MPa m^0.5.

    Examples
    --------
    >>> round(float(fracture_toughness_MPa_m05(np.array(59.0), np.array(106.0), np.array(11.0))), 2)
    1.18
    """
    return (volume_per_atom_A3 * 1e-30) ** (1.0 / 6.0) * np.sqrt(shear_GPa * bulk_GPa) * 1e3


def overpotential_into_flaw_mV(toughness_MPa_m05: Array, flaw_size_um: Array) -> Array:
    """Return the overpotential at which plated lithium makes a surface flaw grow, in mV."""
    pressure_Pa = toughness_MPa_m05 * 1e6 / (SURFACE_CRACK * np.sqrt(np.pi * flaw_size_um * 1e-6))
    return pressure_Pa * MOLAR_VOLUME_OF_LITHIUM_m3 / FARADAY_C_PER_MOL * 1e3


def volume_per_atom_A3(lattice: Array) -> Array:
    """Return the volume of an atom from lattice rows of shape (n, 8), the usual one where no cell is known."""
    volume = cell_volume_A3(lattice) / lattice[:, 7]
    known: Array = np.where(np.isnan(volume), USUAL_VOLUME_PER_ATOM_A3, volume)
    return known
