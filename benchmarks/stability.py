"""The phase-equilibrium engine: how right and how fast, with pymatgen and scipy's HiGHS in the same run.

Prints one JSON line; exits 1 where a window is more than 2 mV off or fewer than 99 % of the published decomposition
energies are met within 1 meV. Needs the public tables (`elyte data fetch`). `--what families` scores differences that
the shipped nets predict among alike compositions of the test split instead (a look at it: enter it in
docs/science/test-looks.md; with `--quick`, part of the validation split), and what the hull filter of notebook 03
keeps. `--what prototypes` fits two small nets, one without families of prototypes (`stability_prototypes.py`).
"""

from __future__ import annotations

import os

# before numpy is imported: no side may use more than one thread
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import json
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stability_prototypes import prototype_board

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER, SYMBOLS
from features.formula import parse_formula
from training.correlation import spearman
from training.distributions import ScoreDistribution
from training.properties.stability.bundling import load_stability
from training.properties.stability.distributions import ResidualEnergy
from training.properties.stability.evaluation import differences, predict_rows
from training.properties.stability.inputs import Surroundings
from training.properties.stability.literature import literature_hydrolysis, literature_windows, reference_windows
from training.properties.stability.model import StabilityModel
from training.properties.stability.nasicon import not_listed, read_nasicons
from training.properties.stability.table import EnergyTable, read_energies
from training.properties.stability.unlisted import EnergyOpinion, reach_of
from training.thermodynamics.hull import equilibria
from training.thermodynamics.hydrolysis import hydrolyse
from training.thermodynamics.interface import interface
from training.thermodynamics.moist_air import Air
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import layout, phase_amounts
from training.thermodynamics.window import windows

BUNDLE = Path(__file__).parents[1] / "serving" / "bundles" / "stability"
MEASURED = Path(__file__).parents[1] / "notebooks" / "data" / "left_out_materials.json"
CATIONS = "{Na,Mg,Ca,Sr,Ba,Al,Ga,In,Sc,Y,La,Gd,Er,Yb,Ti,Zr,Hf,Nb,Ta,B,Si,Ge,Sn,P,Sb,Zn}"
FILTER_eV = 0.05
TOLERANCE_eV = 0.025
WITHIN_eV = 1e-3
REQUIRED_SHARE, LARGEST_DIFFERENCE_mV = 0.99, 2.0
PPM_eV = 0.357  # kT ln(1e6) at 300 K
# HCl per water in the published chloride reactions, where it is not 2
HCL_PER_WATER = {"Li4Mn3Cl10": 1.0, "Li2ZnCl4": 1.0, "Li2CdCl4": 1.0, "Li3InCl6": 1.25}
NOT_NEUTRAL = "Li0.33La0.56TiO3"  # as printed; its window has no width
Array = NDArray[np.float64]


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median processor time of one call."""
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def decomposition_energies(energies: EnergyTable, rows: NDArray[np.int64]) -> dict[str, float]:
    """Compare decomposition energies with the published ones, each against all other phases."""

    def work() -> Array:
        found = equilibria(
            energies.phases,
            energies.atomic_number[rows],
            energies.fraction[rows],
            excluded=energies.phases.row_of_input[rows],
        )
        return energies.formation_energy_eV_per_atom[rows] - found.energy_eV_per_atom

    taken = seconds(work, 1)
    difference = np.abs(work() - energies.decomposition_energy_eV_per_atom[rows])
    return {
        "rows": len(rows),
        "share_within_1_meV": float((difference <= WITHIN_eV).mean()),
        "largest_meV": 1e3 * float(difference.max()),
        "ms_each": 1e3 * taken / len(rows),
    }


def window_errors(table: PhaseTable) -> dict[str, float]:
    """Compare windows with the reference and with the literature."""
    rows = reference_windows()
    found = windows(table, *layout([parse_formula(row.formula) for row in rows]))
    expected = np.array([(row.reduction_V, row.oxidation_V) for row in rows])
    difference = np.abs(np.column_stack([found.lower_V, found.upper_V]) - expected)
    published = [row for row in literature_windows() if row.comparable != "no"]
    ours = windows(table, *layout([parse_formula(row.formula) for row in published]))
    both = np.array([row.comparable == "yes" for row in published])
    neutral = np.array([row.formula != NOT_NEUTRAL for row in published])
    reduction = np.abs(ours.lower_V - [row.reduction_V for row in published])
    oxidation = np.abs(ours.upper_V - [row.oxidation_V for row in published])
    return {
        "reference_rows": len(rows),
        "reference_largest_mV": 1e3 * float(difference.max()),
        "literature_rows": len(published),
        "reduction_mae_V": float(np.nanmean(reduction[neutral])),
        "oxidation_mae_V": float(np.nanmean(oxidation[both & neutral])),
        "oxidation_median_V": float(np.nanmedian(oxidation[both & neutral])),
        "oxidation_mae_V_with_unbalanced_formula": float(np.nanmean(oxidation[both])),
    }


def hydrolysis_errors(table: PhaseTable) -> dict[str, dict[str, float]]:
    """Compare hydrolysis energies with the published ones, by family and by what stands for the gas pressure."""
    rows = literature_hydrolysis()
    published = np.array([row.energy_eV_per_H2O for row in rows])
    sulfide = np.array([row.gas == "H2S" for row in rows])
    # chlorides as published seem to leave the 1 ppm term out: see the table's README
    at_ppm = published - np.array(
        [0.0 if row.gas == "H2S" else PPM_eV * HCL_PER_WATER.get(row.formula, 2.0) for row in rows]
    )
    out = {}
    for name, gas_bar, expected in (("at_1_ppm", 1e-6, at_ppm), ("at_1_bar", 1.0, published)):
        found = [hydrolyse(table, parse_formula(row.formula), air=Air(gas_bar=gas_bar)) for row in rows]
        difference = np.array([each.energy_eV_per_H2O for each in found]) - expected
        for family, kept in (("sulfides", sulfide), ("chlorides", ~sulfide)):
            part = difference[kept]
            out[f"{family}_{name}"] = {
                "n": float(kept.sum()),
                "mae_eV": float(np.abs(part).mean()),
                "median_difference_eV": float(np.median(part)),
                "mae_after_shift_eV": float(np.abs(part - np.median(part)).mean()),
                "spearman": spearman(part + expected[kept], expected[kept]),
            }
    return out


def speed(table: PhaseTable, quick: bool) -> dict[str, float]:
    """Time windows against pymatgen's element profile and one HiGHS solution each way, on the same compositions."""
    amounts = [parse_formula(row.formula) for row in reference_windows()]
    atomic_number, fraction = layout(amounts)
    ours = seconds(lambda: windows(table, atomic_number, fraction), 5) / len(amounts)
    wide = [dict(phase_amounts(table, int(row))) for row in _lithium_phases(table, 500 if quick else 5000)]
    random = layout(wide)
    windows(table, *random)
    sample = amounts[:: 40 if quick else 8]
    pymatgen = seconds(lambda: [_by_pymatgen(table, each) for each in sample], 1) / len(sample)
    highs = seconds(lambda: [_by_highs(table, each) for each in sample], 1) / len(sample)
    charged = parse_formula("Li6PS5Cl")
    interface(table, charged, voltage_V=4.2)
    return {
        "ms_per_window": 1e3 * ours,
        "ms_per_window_of_random_phases": 1e3 * seconds(lambda: windows(table, *random), 3) / len(wide),
        "pymatgen_ms": 1e3 * pymatgen,
        "highs_ms": 1e3 * highs,
        "ratio_to_pymatgen": pymatgen / ours,
        "ratio_to_highs": highs / ours,
        "ms_per_interface_call_of_17_partners": 1e3 * seconds(lambda: interface(table, charged), 5),
    }


def _lithium_phases(table: PhaseTable, n: int) -> NDArray[np.int64]:
    row = np.repeat(np.arange(len(table)), np.diff(table.start))
    holders = row[table.element == ATOMIC_NUMBER["Li"]]
    return np.random.default_rng(0).choice(holders, min(n, len(holders)), replace=False)


def _within(table: PhaseTable, amounts: dict[str, float]) -> list[dict[str, float]]:
    """Return the phases of a chemical system with their energies under the key `energy`."""
    wanted = {ATOMIC_NUMBER[symbol] for symbol in amounts}
    out = []
    for row in range(len(table)):
        held = table.element[table.start[row] : table.start[row + 1]]
        if wanted.issuperset(held.tolist()):
            shares = {SYMBOLS[z - 1]: x for z, x in table.composition(row).items()}
            out.append(shares | {"energy": float(table.energy_eV_per_atom[row])})
    return out


_SYSTEMS: dict[frozenset[str], list[dict[str, float]]] = {}


def _system(table: PhaseTable, amounts: dict[str, float]) -> list[dict[str, float]]:
    """Return the phases of a system; kept, so that neither side pays for looking them up."""
    key = frozenset(amounts)
    if key not in _SYSTEMS:
        _SYSTEMS[key] = _within(table, amounts)
    return _SYSTEMS[key]


def _by_pymatgen(table: PhaseTable, amounts: dict[str, float]) -> object:
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition, Element

    entries = []
    for phase in _system(table, amounts):
        shares = {symbol: x for symbol, x in phase.items() if symbol != "energy"}
        entries.append(PDEntry(Composition(shares), phase["energy"]))
    return PhaseDiagram(entries).get_element_profile(Element("Li"), Composition(amounts))


def _by_highs(table: PhaseTable, amounts: dict[str, float]) -> tuple[float, float]:
    from scipy.optimize import linprog

    phases, symbols = _system(table, amounts), list(amounts)
    matrix = np.array([[phase.get(symbol, 0.0) for phase in phases] for symbol in symbols])
    energy = np.array([phase["energy"] for phase in phases])
    fraction = np.array(list(amounts.values())) / sum(amounts.values())
    lithium = symbols.index("Li")
    limits = []
    for step in (1e-5, -1e-5):
        target = fraction.copy()
        target[lithium] += step
        limits.append(-linprog(energy, A_eq=matrix, b_eq=target, method="highs").eqlin.marginals[lithium])
    return limits[0], limits[1]


def unknown_formulas(count: int) -> dict[str, float]:
    """Answer solid solutions that no table holds, everything included, as the Python entrance does on all cores."""
    from serving.predictor import Predictor

    half = np.arange(1, count // 2 + 1) / count
    formulas = [f"Li{6 - x:.6f}PS{5 - x:.6f}Cl{1 + x:.6f}" for x in half]
    formulas += [f"Li{3 + x:.6f}Y{1 - x:.6f}Zr{x:.6f}Cl6" for x in half]
    predictor = Predictor.load("shipped", ["stability"])
    predictor.warm()
    clock, used = time.perf_counter(), time.process_time()
    rows = predictor.predict_formulas(formulas)["results"]
    taken = {"wall_s": time.perf_counter() - clock, "processor_s": time.process_time() - used}
    by_model = sum(row["stability"]["basis"] == "model" for row in rows)
    return {"formulas": float(len(rows)), "answered_by_model": float(by_model)} | taken


def shipped(pool: bool) -> StabilityModel:
    """Return the shipped model, on the pool of nets or on its student."""
    model = load_stability(BUNDLE)[0]
    return model.of_pool if pool else model


def family_boards(model: StabilityModel, energies: EnergyTable, quick: bool) -> dict[str, Any]:
    """Score differences among alike compositions, as `elyte evaluate stability` does."""
    if quick:
        energies = energies.take(np.sort(np.random.default_rng(0).choice(len(energies), 20_000, replace=False)))
    return differences(model, energies, predict_rows(model, energies, ("train",), "val" if quick else "test"))


def hull_filter(model: StabilityModel, quick: bool) -> dict[str, Any]:
    """Say what passes "at most 50 meV/atom above the hull" of random stoichiometries and of measured compounds.

    Random are the balanced ones enumerated in notebook 03 that no table holds; measured are those of its calibration.
    """
    from elyte import NEUTRALITY_TOLERANCE, GenerationRequest, Predictor, Selection, generate, read_variable

    asked = GenerationRequest(
        patterns=(f"Li{{a}}{CATIONS}{{b}}{{O,S,Cl,Br,F}}{{c}}", f"Li{{a}}{CATIONS}{{O,S}}{{d}}{{Cl,Br,I}}{{e}}"),
        variables=dict(read_variable(text) for text in ("a=1:8:1", "b=1:3:1", "c=3:12:1", "d=1:6:1", "e=1:6:1")),
    )
    made = generate(asked, Selection(), Predictor.load("shipped", ["stability"]).known_materials())
    new = (np.abs(made.charge_imbalance) <= NEUTRALITY_TOLERANCE) & np.array([not word for word in made.marks.known])
    formulas = [made.formula[row] for row in np.flatnonzero(new)[:: 20 if quick else 1]]
    stored = json.loads(MEASURED.read_text())
    of_measured = {name: [row[at] for row in stored["rows"]] for at, name in enumerate(stored["columns"])}
    sigma = np.array(of_measured["log10_sigma"])
    out: dict[str, Any] = {}
    for name, each in (("random", formulas), ("measured", of_measured["formula"])):
        said = model.predict(MaterialBatch.from_formulas(each))
        nets = said.opinion.residual - said.opinion.raised
        out[name] = {
            "n": len(each),
            "listed": int(said.is_reference.sum()),
            "pass": float((said.decomposition_energy_eV_per_atom.value <= FILTER_eV).mean()),
            "pass_by_nets": float((nets <= FILTER_eV).mean()),
            "chance_stable": float(said.probability_stable.mean()),
        }
    failing = said.decomposition_energy_eV_per_atom.value > FILTER_eV
    families = Counter(of_measured["family"]), Counter(np.array(of_measured["family"])[failing].tolist())
    out["measured"] |= {
        "pass_above_1_mS_per_cm": float(1.0 - failing[sigma >= -3.0].mean()),
        "pass_below_0.01_mS_per_cm": float(1.0 - failing[sigma < -5.0].mean()),
        "failing_of": {family or "others": [n, families[0][family]] for family, n in families[1].most_common()},
    }
    return out


def as_if_unlisted(model: StabilityModel, energies: EnergyTable, quick: bool) -> dict[str, float]:
    """Say what the prior of unlisted compositions costs compounds of the validation split, were they not listed."""
    model = replace(model, surroundings=Surroundings.of(energies, energies.rows_of("train")))
    rows = energies.rows_of("val")[:: 20 if quick else 1]
    batch = energies.batch(rows)
    said, (nets, hull) = model.opinion(batch), model.nets_opinion(batch)
    true = energies.formation_energy_eV_per_atom[rows] - hull
    near = true <= FILTER_eV
    return {
        "n": len(rows),
        "pass_of_near_the_hull": float((said.residual <= FILTER_eV)[near].mean()),
        "pass_of_near_the_hull_by_nets": float((nets.residual <= FILTER_eV)[near].mean()),
        "bias": float((said.residual - true).mean()),
        "bias_by_nets": float((nets.residual - true).mean()),
        "chance_stable": float(said.probability_stable.mean()),
        "share_stable": float((true <= 0).mean()),
    } | chance_within(model, said, true)


def nasicon_chances(model: StabilityModel) -> dict[str, float]:
    """Say how often NASICONs that no table lists lie within the tolerance, by nets and prior without the regression."""
    table = read_nasicons()
    table = table.take(not_listed(model.phases, table))
    assert model.unlisted is not None
    said = model.unlisted.prior.apply(reach_of(model.surroundings, table.batch), model.nets_opinion(table.batch)[0])
    return chance_within(model, said, table.decomposition_energy_eV_per_atom)


def chance_within(model: StabilityModel, said: EnergyOpinion, true: Array) -> dict[str, float]:
    """Compare the stated chance of lying within the tolerance above the hull with the share that does."""
    scores = ScoreDistribution(model.calibration.residual)
    chance = ResidualEnergy(said.residual, said.scale, said.probability_stable, scores).at_most(TOLERANCE_eV)
    within = true <= TOLERANCE_eV
    thirds = np.array_split(np.argsort(chance), 3)
    return {
        "chance_within_25_meV": float(chance.mean()),
        "share_within_25_meV": float(within.mean()),
        **{f"chance_third_{i}": float(chance[rows].mean()) for i, rows in enumerate(thirds, 1)},
        **{f"share_third_{i}": float(within[rows].mean()) for i, rows in enumerate(thirds, 1)},
    }


def show(result: dict[str, Any], quick: bool) -> None:
    """Print a result with four digits."""
    short = json.loads(json.dumps(result), parse_float=lambda text: float(f"{float(text):.4g}"))
    print(json.dumps({"benchmark": "stability", "quick": quick} | short))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a sample of the rows and of the compositions")
    parser.add_argument("--what", choices=("engine", "families", "prototypes"), default="engine")
    parser.add_argument("--nets", choices=("student", "pool"), default="student", help="of --what families")
    asked = parser.parse_args()
    quick = asked.quick
    warnings.simplefilter("ignore")
    energies = read_energies()
    if asked.what == "families":
        model = shipped(asked.nets == "pool")
        boards = {"families": family_boards(model, energies, quick), "hull_filter": hull_filter(model, quick)}
        boards |= {"as_if_unlisted": as_if_unlisted(model, energies, quick), "nasicon_chances": nasicon_chances(model)}
        show({"nets": asked.nets} | boards, quick)
        return 0
    if asked.what == "prototypes":
        show({"prototypes": prototype_board(energies, quick)}, quick)
        return 0
    rows = np.arange(len(energies))
    if quick:
        rows = np.random.default_rng(0).choice(rows, 3000, replace=False)
    started = time.process_time()
    equilibria(energies.phases, energies.atomic_number[:1], energies.fraction[:1])
    windows(energies.phases, energies.atomic_number[:1], energies.fraction[:1])
    compiled = time.process_time() - started
    result: dict[str, Any] = {
        "decomposition_energy": decomposition_energies(energies, rows),
        "windows": window_errors(energies.phases),
        "hydrolysis": hydrolysis_errors(energies.phases),
        "speed": speed(energies.phases, quick) | {"s_to_load_or_compile": compiled},
        "unknown_formulas": unknown_formulas(200 if quick else 10_000),
    }
    show(result, quick)
    good = result["decomposition_energy"]["share_within_1_meV"] >= REQUIRED_SHARE
    return 0 if good and result["windows"]["reference_largest_mV"] <= LARGEST_DIFFERENCE_mV else 1


if __name__ == "__main__":
    sys.exit(main())
