"""Constants of physics, CODATA 2018: Tiesinga et al., Rev. Mod. Phys. 93, 025010 (2021)."""

from __future__ import annotations

GAS_J_PER_mol_K = 8.314462618
FARADAY_C_PER_mol = 96485.33212
BOLTZMANN_eV_PER_K = 8.617333262e-5
ZERO_C_IN_K = 273.15
