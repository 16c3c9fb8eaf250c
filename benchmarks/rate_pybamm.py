"""Charge cells in PyBaMM's Doyle-Fuller-Newman half cell; runs in an environment that has PyBaMM, without elyte.

Reads a JSON list of cells on standard input, in the units of `serving.cells.losses.CellArrays` and with the volume
fractions of the cathode, and prints for each the overpotential along the charge, and the rate at which it reaches
what is allowed. The electrolyte is a single-ion conductor (transference number 1).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

os.environ["PYBAMM_DISABLE_TELEMETRY"] = "true"

import numpy as np
import pybamm

DISCHARGED, CHARGED = 0.9, 0.25
"""Lithium per formula unit of the active material at both ends of the charge."""
GAS, FARADAY = 8.314462618, 96485.33212
SHARES = np.linspace(0.1, 0.8, 15)
Curve = Callable[[pybamm.Symbol], pybamm.Symbol]
TOLERANCE, MOST_SOLVES = 0.003, 5


def equilibrium_V(curve: str, slope_V: float) -> Curve:
    """Return the equilibrium potential against the share of lithium: a line, or NMC811 of Chen et al. (2020)."""
    if curve == "linear":
        return lambda share: 4.2 - slope_V * (share - CHARGED) / (DISCHARGED - CHARGED)
    curve_V: Curve = pybamm.ParameterValues("Chen2020")["Positive electrode OCP [V]"]
    return curve_V


def parameters(cell: dict[str, float], curve: str) -> tuple[pybamm.ParameterValues, Curve]:
    """Return what PyBaMM is told of a cell of one square metre, and its equilibrium potential."""
    cathode_m, active = cell["cathode_cm"] * 1e-2, cell["active_fraction"]
    capacity_C = cell["capacity_mAh_per_cm2"] * 10.0 * 3600.0
    most = capacity_C / (FARADAY * (DISCHARGED - CHARGED) * active * cathode_m)
    radius_m = cell["particle_cm"] * 1e-2
    kelvin = cell["temperature_C"] + 273.15
    surface = 3.0 * active / radius_m * cathode_m
    exchange = GAS * kelvin / (FARADAY * surface * cell["charge_transfer_ohm_cm2"] * 1e-4)
    curve_V = equilibrium_V(curve, cell["equilibrium_slope_V"])
    ratio = cell["anolyte_S_per_cm"] / cell["catholyte_S_per_cm"]
    pores = cell["electrolyte_fraction"]
    values = pybamm.ParameterValues("Xu2019")
    values.update(
        {
            "Electrode height [m]": 1.0,
            "Electrode width [m]": 1.0,
            "Ambient temperature [K]": kelvin,
            "Initial temperature [K]": kelvin,
            "Reference temperature [K]": kelvin,
            "Cation transference number": 1.0,
            "Electrolyte conductivity [S.m-1]": cell["catholyte_S_per_cm"] * 100.0,
            "Separator thickness [m]": cell["separator_cm"] * 1e-2,
            "Separator porosity": 0.5,
            "Separator Bruggeman coefficient (electrolyte)": float(np.log(ratio) / np.log(0.5)),
            "Positive electrode thickness [m]": cathode_m,
            "Positive electrode porosity": pores,
            "Positive electrode Bruggeman coefficient (electrolyte)": float(
                np.log(cell["cathode_ion_factor"]) / np.log(pores)
            ),
            "Positive electrode Bruggeman coefficient (electrode)": 0.0,
            "Positive electrode conductivity [S.m-1]": cell["cathode_electronic_S_per_cm"] * 100.0,
            "Positive electrode active material volume fraction": active,
            "Positive electrode OCP [V]": curve_V,
            "Positive electrode exchange-current density [A.m-2]": lambda c_e, c_s, c_max, T: exchange + 0.0 * c_s,
            "Positive particle radius [m]": radius_m,
            "Positive particle diffusivity [m2.s-1]": cell["particle_cm2_per_s"] * 1e-4,
            "Maximum concentration in positive electrode [mol.m-3]": most,
            "Initial concentration in positive electrode [mol.m-3]": DISCHARGED * most,
            "Exchange-current density for lithium metal electrode [A.m-2]": lambda c_e, c_li, T: 1e9 + 0.0 * c_e,
            "Contact resistance [Ohm]": cell["anode_ohm_cm2"] * 1e-4,
            "Nominal cell capacity [A.h]": cell["capacity_mAh_per_cm2"] * 10.0,
            "Lower voltage cut-off [V]": 0.0,
            "Upper voltage cut-off [V]": 50.0,
            "Current function [A]": "[input]",
        },
        check_already_exists=False,
    )
    return values, curve_V


def charge(simulation: pybamm.Simulation, cell: dict[str, float], curve_V: Curve, c_rate: float) -> np.ndarray:
    """Return the overpotential in V at `SHARES` of the capacity, charged at a rate."""
    seconds = np.concatenate([[0.0], SHARES * 3600.0 / c_rate])
    solution = simulation.solve(
        [0.0, float(seconds[-1])],
        t_interp=seconds,
        inputs={"Current function [A]": -c_rate * cell["capacity_mAh_per_cm2"] * 10.0},
    )
    lithium = DISCHARGED - SHARES * (DISCHARGED - CHARGED)
    voltage = solution["Voltage [V]"].entries[1:]
    rest = np.array([float(curve_V(pybamm.Scalar(share)).evaluate()) for share in lithium])
    return np.asarray(voltage - rest)


def rate_at(simulation: pybamm.Simulation, cell: dict[str, float], curve_V: Curve, guess: float) -> float:
    """Return the rate at which the overpotential at the end of the charge is what is allowed, by secants in logs."""
    rates, losses = [guess], [float(charge(simulation, cell, curve_V, guess)[-1])]
    while abs(losses[-1] / cell["allowed_V"] - 1.0) > TOLERANCE and len(rates) < MOST_SOLVES:
        steepness = 1.0
        if len(rates) > 1 and rates[-1] != rates[-2]:
            steepness = np.log(losses[-1] / losses[-2]) / np.log(rates[-1] / rates[-2])
        rates.append(rates[-1] * float((cell["allowed_V"] / losses[-1]) ** (1.0 / max(steepness, 0.3))))
        losses.append(float(charge(simulation, cell, curve_V, rates[-1])[-1]))
    return rates[-1]


def main() -> None:
    """Answer the cells on standard input."""
    asked = json.load(sys.stdin)
    options = {"working electrode": "positive", "contact resistance": "true"}
    out = []
    for cell in asked["cells"]:
        began = time.perf_counter()
        try:
            values, curve_V = parameters(cell, asked["curve"])
            model = pybamm.lithium_ion.DFN(options)
            simulation = pybamm.Simulation(model, parameter_values=values, solver=pybamm.IDAKLUSolver())
            found = {"overpotential_V": charge(simulation, cell, curve_V, cell["c_rate"]).tolist()}
            found["seconds"] = time.perf_counter() - began
            found["c_rate"] = rate_at(simulation, cell, curve_V, cell["guess"])
        except pybamm.SolverError as error:
            found = {"failed": str(error).splitlines()[0]}
        out.append(found)
        print(len(out), end="\r", file=sys.stderr)
    json.dump({"version": pybamm.__version__, "shares": SHARES.tolist(), "cells": out}, sys.stdout)


if __name__ == "__main__":
    main()
