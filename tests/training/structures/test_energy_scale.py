"""The scale of the table: its numbers are those of pymatgen's files, its rules those of Materials Project."""

from __future__ import annotations

import gzip
import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from features.structures.cells import OrderedCell
from training.sources import MissingSourceError, require
from training.structures.build_energy_scale import COMPOUNDS, _folder, _key, _table, build
from training.structures.energy_scale import (
    SCALE_TABLE,
    Kind,
    OffScaleError,
    correction_2019_eV,
    correction_2020_eV,
    holds_sulfate,
    oxide_kind,
    reference_energy_eV_per_atom,
    scale_table,
    table_energy_eV_per_atom,
)
from training.structures.potentials import Scale


def in_a_box(*atoms: tuple[str, float, float, float], edge_A: float = 9.0) -> OrderedCell:
    """Return atoms at Cartesian places (angstrom) in a cube."""
    places = np.array([place for _, *place in atoms]) / edge_A
    return OrderedCell(edge_A * np.eye(3), places, tuple(symbol for symbol, *_ in atoms))


OXIDE = in_a_box(("Li", 0, 0, 0), ("Li", 4, 0, 0), ("O", 2, 0, 0))
PEROXIDE = in_a_box(("Li", 0, 2, 0), ("Li", 1.5, 2, 0), ("O", 0, 0, 0), ("O", 1.5, 0, 0))
SUPEROXIDE = in_a_box(("Li", 0, 2, 0), ("O", 0, 0, 0), ("O", 1.34, 0, 0))
HYDROXIDE = in_a_box(("Li", 0, 2, 0), ("O", 0, 0, 0), ("H", 0.96, 0, 0))
SULFIDE = in_a_box(("Li", 0, 0, 0), ("Li", 4.8, 0, 0), ("S", 2.4, 0, 0))
SULFATE = in_a_box(
    ("Li", 4, 4, 4), ("S", 0, 0, 0), ("O", 1.5, 0, 0), ("O", 0, 1.5, 0), ("O", 0, 0, 1.5), ("O", -0.9, -0.9, -0.9)
)


def test_the_file_is_what_the_script_writes(tmp_path: Path) -> None:
    try:
        require(["critexam_ef_train"], "comparing vintages")
    except MissingSourceError as error:
        pytest.skip(str(error))
    build(tmp_path / "scale.csv")
    assert (tmp_path / "scale.csv").read_bytes() == SCALE_TABLE.read_bytes()


@pytest.mark.parametrize(
    ("cell", "kind", "bonded"),
    [(OXIDE, "oxide", 1), (PEROXIDE, "peroxide", 2), (SUPEROXIDE, "superoxide", 2), (HYDROXIDE, "oxide", 1)],
)
def test_oxygens_are_told_apart_by_their_bonds(cell: OrderedCell, kind: str, bonded: int) -> None:
    assert oxide_kind(cell) == (kind, bonded)
    table = scale_table()
    assert correction_2019_eV(cell, vintage=False) == pytest.approx(bonded * table[Kind.ANION_2019, kind, ""])
    assert correction_2020_eV(cell) == pytest.approx(bonded * table[Kind.ANION_2020, kind, ""])


def test_sulfur_counts_where_it_is_an_anion() -> None:
    assert not holds_sulfate(SULFIDE)
    assert holds_sulfate(SULFATE)
    assert correction_2019_eV(SULFIDE, vintage=False) == pytest.approx(-0.66346)
    assert correction_2019_eV(SULFATE, vintage=False) == pytest.approx(-4 * 0.70229)
    assert correction_2020_eV(SULFIDE) == pytest.approx(-0.503)


def test_metals_computed_with_u_are_corrected_in_oxides_only() -> None:
    oxide = in_a_box(("Fe", 0, 0, 0), ("O", 2, 0, 0))
    sulfide = in_a_box(("Fe", 0, 0, 0), ("S", 2.3, 0, 0))
    assert correction_2019_eV(oxide) == pytest.approx(-2.733 - 0.70229)  # no vintage beside U
    assert correction_2019_eV(sulfide, vintage=False) == pytest.approx(-0.66346)


def test_elements_are_the_zero() -> None:
    """Of both scales, gases included: an element is not corrected, but gases have the reference of 2019."""
    lithium = in_a_box(("Li", 0, 0, 0), ("Li", 3, 0, 0))
    raw = 2.0 * scale_table()[Kind.ELEMENT, "Li", ""]
    for scale in Scale:
        assert table_energy_eV_per_atom(lithium, raw, scale) == pytest.approx(0.0, abs=1e-9)
    assert reference_energy_eV_per_atom("Cl") > scale_table()[Kind.ELEMENT, "Cl", ""]


def test_the_two_scales_agree_on_what_they_mean() -> None:
    """The same compound, its energy given on either scale, has one formation energy."""
    raw = -30.0
    for cell in (OXIDE, PEROXIDE, SULFIDE, SULFATE):
        corrected = raw + correction_2020_eV(cell)
        assert table_energy_eV_per_atom(cell, corrected, Scale.MP2020) == pytest.approx(
            table_energy_eV_per_atom(cell, raw, Scale.UNCORRECTED)
        )


def test_an_element_without_a_reference_is_named() -> None:
    with pytest.raises(OffScaleError, match="Po"):
        table_energy_eV_per_atom(in_a_box(("Po", 0, 0, 0), ("Li", 3, 0, 0)), 0.0, Scale.UNCORRECTED)


def test_binaries_computed_by_dft_come_out_at_the_tables_energies() -> None:
    """No potential is involved: pymatgen's energies of halides and oxides, by these rules, against the table."""
    try:
        table = _table()
    except MissingSourceError as error:
        pytest.skip(str(error))
    with gzip.open(_folder() / COMPOUNDS, "rt", encoding="utf-8") as handle:
        entries = json.load(handle).values()
    off = []
    for entry in entries:
        amounts = entry["composition"]
        oxide = entry["parameters"].get("oxide_type") == "oxide"
        plain = len(amounts) == 2 and not entry["parameters"].get("is_hubbard")
        if not plain or _key(amounts) not in table or not (("O" in amounts and oxide) or "F" in amounts):
            continue
        atoms = sum(amounts.values())
        shift = scale_table()[Kind.ANION_2019, "oxide", ""] + scale_table()[Kind.VINTAGE, "oxide", ""]
        corrected = amounts.get("O", 0.0) * shift + amounts.get("F", 0.0) * scale_table()[Kind.VINTAGE, "F", ""]
        references = sum(reference_energy_eV_per_atom(symbol) * amount for symbol, amount in amounts.items())
        off.append(abs((entry["energy"] + corrected - references) / atoms - table[_key(amounts)]))
    assert len(off) > 20
    assert statistics.median(off) < 0.003
