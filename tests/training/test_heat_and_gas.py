"""Heat and gas per gram against numbers that can be done by hand."""

from __future__ import annotations

import pytest

from features.elements import molar_mass_g_per_mol
from training.thermodynamics.heat_and_gas import MILLILITRES_PER_MOL, heat_and_gas
from training.thermodynamics.reactions import Reaction


def test_a_mole_of_gas_is_what_an_ideal_one_is() -> None:
    """24.79 L at 25 C and 1 bar (not 24.47, which is at 1 atm)."""
    assert pytest.approx(24789.6, abs=0.1) == MILLILITRES_PER_MOL


def test_burning_lithium() -> None:
    """2 Li + 1/2 O2 -> Li2O, 598 kJ/mol of 29.88 g: 20.0 kJ/g, no gas."""
    found = heat_and_gas(Reaction({"Li": 2.0, "O2": 0.5}, {"Li2O": 1.0}, energy_eV=-597.9e3 / 96485.33))
    assert found is not None
    assert found.heat_J_per_g == pytest.approx(597.9e3 / 29.88, rel=1e-3)
    assert (found.gas_mL_per_g, found.gases) == (0.0, ())


@pytest.mark.parametrize(
    ("product", "amount", "moles"),
    [
        *[("O2", 1.0, 1.0), ("H3N", 2.0, 2.0), ("H2S", 0.5, 0.5), ("CO2", 1.0, 1.0), ("S", 3.0, 0.0)],
        *[
            ("PCl3O", 1.0, 0.0),
            ("NF2", 2.0, 1.0),
            ("BH3", 1.0, 0.5),
            ("NClO", 1.0, 1.0),
            ("H2C", 2.0, 0.0),
            ("HC", 6.0, 0.0),
        ],
    ],
)
def test_gases_are_counted_by_molecules(product: str, amount: float, moles: float) -> None:
    """In whatever order the table writes them; what is condensed at 25 C is none."""
    found = heat_and_gas(Reaction({"Li2O": 1.0}, {product: amount}, energy_eV=0.0))
    assert found is not None
    grams = molar_mass_g_per_mol({"Li": 2.0, "O": 1.0})
    assert found.gas_mL_per_g == pytest.approx(moles * MILLILITRES_PER_MOL / grams)


def test_sulfuryl_fluoride_is_a_gas() -> None:
    """Li2SO4 + SF6 -> 2 SO2F2 + 2 LiF: 2 mol of gas, 255.99 g."""
    reaction = Reaction({"Li2SO4": 1.0, "SF6": 1.0}, {"SO2F2": 2.0, "LiF": 2.0}, energy_eV=-1.0)
    found = heat_and_gas(reaction)
    assert found is not None
    assert found.gases == ("SO2F2",)
    assert found.gas_mL_per_g == pytest.approx(2.0 * MILLILITRES_PER_MOL / 255.99, rel=1e-4)


def test_no_reaction_and_no_energy_give_nothing() -> None:
    assert heat_and_gas(Reaction({}, {}, 0.0)) is None
    assert heat_and_gas(Reaction({"Li": 1.0}, {"LiF": 1.0})) is None


def test_scaling_a_reaction_changes_nothing_per_gram() -> None:
    one = heat_and_gas(Reaction({"Li2O2": 1.0}, {"Li2O": 1.0, "O2": 0.5}, energy_eV=0.4))
    two = heat_and_gas(Reaction({"Li2O2": 3.0}, {"Li2O": 3.0, "O2": 1.5}, energy_eV=1.2))
    assert one is not None
    assert two is not None
    assert one.heat_J_per_g == pytest.approx(two.heat_J_per_g)
    assert one.gas_mL_per_g == pytest.approx(two.gas_mL_per_g)
