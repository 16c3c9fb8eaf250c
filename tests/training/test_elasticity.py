"""What moduli say of a cell: formulas against hand calculation, literature and their own limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.candidate import MaterialBatch
from training.elasticity import (
    USUAL_VOLUME_PER_ATOM_A3,
    fracture_toughness_MPa_m05,
    overpotential_into_flaw_mV,
    poisson_of_pugh,
    volume_per_atom_A3,
    youngs_modulus,
)
from training.properties.mechanics.glasses import usually_glass

modulus = st.floats(0.5, 500.0)


@given(shear=modulus, bulk=modulus)
def test_isotropic_constants_agree_with_each_other(shear: float, bulk: float) -> None:
    """E = 2G(1 + nu) = 3K(1 - 2nu), from formulas that were written down apart."""
    young = float(youngs_modulus(np.array(shear), np.array(bulk)))
    poisson = float(poisson_of_pugh(np.array(bulk / shear)))
    assert young == pytest.approx(2.0 * shear * (1.0 + poisson))
    assert young == pytest.approx(3.0 * bulk * (1.0 - 2.0 * poisson), abs=1e-6 * bulk)
    assert -1.0 <= poisson < 0.5


@pytest.mark.parametrize(
    ("shear_GPa", "bulk_GPa", "volume_A3", "measured"),
    [
        (58.1, 99.2, 10.8, (0.86, 1.63)),  # Al-doped LLZO by indentation, doi 10.1149/2.0331803jes and others
        (11.0, 21.0, 20.0, (0.18, 0.28)),  # 75Li2S-25P2S5 glass, doi 10.1002/aenm.201602011
    ],
)
def test_fracture_toughness_is_near_what_was_measured(
    shear_GPa: float, bulk_GPa: float, volume_A3: float, measured: tuple[float, float]
) -> None:
    found = fracture_toughness_MPa_m05(np.array(shear_GPa), np.array(bulk_GPa), np.array(volume_A3))
    assert measured[0] <= float(found) <= measured[1]


def test_overpotential_of_a_flaw_by_hand() -> None:
    """1 MPa m^0.5 and 1 um: 0.504 GPa on the walls, times 13.02 cm3/mol over the Faraday constant."""
    found = float(overpotential_into_flaw_mV(np.array(1.0), np.array(1.0)))
    assert found == pytest.approx(68.0, abs=0.1)


@given(toughness=st.floats(0.05, 5.0), flaw=st.floats(0.01, 100.0), factor=st.floats(1.1, 10.0))
def test_larger_flaws_and_brittle_crystals_give_way_earlier(toughness: float, flaw: float, factor: float) -> None:
    def at(one: float, size: float) -> float:
        return float(overpotential_into_flaw_mV(np.array(one), np.array(size)))

    assert at(toughness, flaw * factor) == pytest.approx(at(toughness, flaw) / np.sqrt(factor))
    assert at(toughness * factor, flaw) == pytest.approx(at(toughness, flaw) * factor)


def test_the_volume_of_an_atom_is_that_of_the_cell_where_one_is_known() -> None:
    cell = np.array([[10.0, 10.0, 10.0, 90.0, 90.0, 90.0, 225.0, 50.0], [np.nan] * 8])
    assert volume_per_atom_A3(cell).tolist() == pytest.approx([20.0, USUAL_VOLUME_PER_ATOM_A3])


@pytest.mark.parametrize("formula", ["Li2.9PO3.3N0.46", "Li2.88PO3.73N0.14", "Na3.1PO3.3N0.5"])
def test_lipon_is_a_glass(formula: str) -> None:
    assert usually_glass(MaterialBatch.from_formulas([formula])).tolist() == [True]


@pytest.mark.parametrize(
    "formula", ["Li2PO2N", "Li3PO4", "Li3PS4", "Li7La3Zr2O12", "LiTaO3", "Li3N", "Li2O", "Si2N2O", "LiPN2"]
)
def test_crystals_are_not_called_glasses(formula: str) -> None:
    assert usually_glass(MaterialBatch.from_formulas([formula])).tolist() == [False]
