"""What follows from an energy of its own is what the table says of a compound, where it is the table's."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import CandidateError
from features.formula import parse_formula
from serving.models.store import load_shipped
from serving.predictor import Predictor
from training.properties import registry
from training.thermodynamics.given_energy import judge_energy
from training.thermodynamics.hull import equilibria
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import layout
from training.uncertainty import Interval


@pytest.fixture(scope="module")
def phases() -> PhaseTable:
    one = registry.of_phases()
    served = load_shipped(one.name)
    assert served is not None
    return one.phases(served.model).phases


def around(value: float, half: float) -> Interval:
    return Interval(*(np.array([value + shift]) for shift in (0.0, -half, half)))


@pytest.mark.parametrize("formula", ["Li3PS4", "Li6PS5Cl", "Li2O", "LiCoO2"])
def test_the_tables_energy_gives_the_tables_answer(phases: PhaseTable, formula: str) -> None:
    parsed = parse_formula(formula)
    listed = judge_energy(phases, parsed, around(0.0, 0.0)).listed_eV_per_atom
    assert listed is not None
    found = judge_energy(phases, parsed, around(listed, 0.01))
    row = Predictor.load("shipped", [registry.of_phases().name]).predict_formulas([formula])["results"][0]
    block = row[registry.of_phases().name]  # type: ignore[literal-required]
    formation, hull = registry.of_phases().phase_energies
    assert found.formation.value[0] == pytest.approx(block[formation.name]["value"], abs=1e-4)
    assert found.above_hull.value[0] == pytest.approx(block[hull.name]["value"], abs=1e-4)
    for limit, quantity in zip((found.lower_limit_V, found.upper_limit_V), registry.of_phases().window, strict=True):
        assert limit.value[0] == pytest.approx(block[quantity.name]["value"], abs=1e-3)
    assert found.decomposition.upper[0] - found.decomposition.lower[0] == pytest.approx(0.02)


def test_a_lower_energy_widens_the_window_and_is_stable(phases: PhaseTable) -> None:
    parsed = parse_formula("Li6PS5Cl")
    numbers, fraction = layout([parsed])
    hull = float(equilibria(phases, numbers, fraction).energy_eV_per_atom[0])
    above, below = (judge_energy(phases, parsed, around(hull + shift, 0.005)) for shift in (0.05, -0.05))
    assert above.above_hull.value[0] > 0.0 == below.above_hull.value[0]
    assert below.lower_limit_V.value[0] < above.lower_limit_V.value[0]
    assert below.upper_limit_V.value[0] > above.upper_limit_V.value[0]
    assert below.upper_limit_V.lower[0] <= below.upper_limit_V.value[0] <= below.upper_limit_V.upper[0]


def test_elements_without_phases_are_named(phases: PhaseTable) -> None:
    with pytest.raises(CandidateError, match="Xe"):
        judge_energy(phases, {"Li": 1.0, "Xe": 1.0}, around(0.0, 0.01))
