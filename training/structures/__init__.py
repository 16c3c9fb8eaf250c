"""Energies of crystals by universal interatomic potentials, on the energy scale of the table of phases.

A potential gives energy, forces and stress of a cell (`potentials`); a cell is relaxed with it (`relaxation`), its
energy is brought to the scale of the table (`energy_scale`), and how far it may be wrong is calibrated (`intervals`).
`elastic` strains the relaxed cell. Nothing here imports torch or ase before a potential is loaded: both are of the
extra `structure`.
"""
