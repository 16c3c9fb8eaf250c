"""Polymer electrolytes are read the same however they are spelled, and refused in words."""

from __future__ import annotations

import csv
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import CandidateError, RowErrorCode
from features.kinds import read_material

pytest.importorskip("rdkit", reason="the extra `polymer` is not installed")

from features.polymers import salts
from features.polymers.candidate import PolymerBatch, PolymerFields, read_polymer
from features.polymers.descriptors import LABELS, SUMS, chain_sums, descriptors
from features.polymers.names import known_polymers, known_salts
from features.polymers.repeat_unit import MOST_HEAVY_ATOMS, read_repeat_unit
from features.polymers.salts import read_salt

SEGMENTS = ("O", "C", "CC", "C(C)", "OC(=O)O", "OC(=O)", "N(C)", "[Si](C)(C)O", "C(C#N)", "c1ccc(cc1)", "S", "C(COC)")


def sums_of(text: str) -> np.ndarray:
    return chain_sums([text], [1.0], MOST_HEAVY_ATOMS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=6), st.integers(0, 5), st.integers(1, 3))
def test_a_chain_has_no_first_atom(parts: list[str], turn: int, repeats: int) -> None:
    plain = "*" + "".join(parts) + "*"
    turned = parts[turn % len(parts) :] + parts[: turn % len(parts)]
    longer = "*" + "".join(turned) * repeats + "*"
    assert read_repeat_unit(longer).key == read_repeat_unit(plain).key
    assert np.allclose(descriptors(sums_of(longer)[None]), descriptors(sums_of(plain)[None]), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["PEO", "PPO", "PTMC", "PCL", "PAN"]), min_size=2, max_size=4, unique=True),
    st.permutations(range(4)),
)
def test_the_order_of_units_does_not_matter(names: list[str], order: list[int]) -> None:
    pairs = [(name, 1.0 + place) for place, name in enumerate(names)]
    other = [pairs[place] for place in order if place < len(pairs)]
    one, two = (read_polymer(PolymerFields(each, "LiTFSI", molality=1.0)) for each in (pairs, other))
    assert one.key == two.key
    assert one.sums == pytest.approx(two.sums)


@settings(max_examples=40, deadline=None)
@given(st.floats(1.0, 60.0), st.sampled_from(["LiTFSI", "LiClO4", "LiBF4"]))
def test_ratio_molality_and_weight_are_one_amount(ratio: float, salt: str) -> None:
    by_ratio = read_polymer(PolymerFields("PEO", salt, li_per_O=1.0 / ratio)) if ratio >= 1.0 else None
    assert by_ratio is not None
    assert by_ratio.molality == pytest.approx(1.0 / ratio / 0.044053, rel=1e-4)
    mass = by_ratio.molality * by_ratio.salt.mass / 1000.0
    by_weight = read_polymer(PolymerFields("PEO", salt, salt_wt_percent=100.0 * mass / (1.0 + mass)))
    by_text = read_polymer(PolymerFields(f"PEO:{salt} {ratio:.6f}:1"))
    assert by_weight.molality == pytest.approx(by_ratio.molality, rel=1e-6)
    assert by_text.molality == pytest.approx(by_ratio.molality, rel=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "PEO20-LiTFSI", "PEO:LiTFSI 20:1", "P(EO)20LiTFSI", "PEO–LiTFSI (EO:Li = 20)", "PEO-LiTFSI (20:1)",
        "poly(ethylene oxide)-LiTFSI 20:1", "PEO20LiN(SO2CF3)2", "peo20-litfsi", "PEO-LiTFSI [EO]:[Li]=20",
        "PEO (LiTFSI, O:Li 20)", "PEO-LiTFSI (EO:Li = 20:1)",
    ],
)  # fmt: off
def test_text_forms(text: str) -> None:
    expected = read_polymer(PolymerFields("*OCC*", "LiTFSI", li_per_O=0.05))
    assert read_polymer(PolymerFields(text)).key == expected.key


def test_a_ratio_counts_what_it_names() -> None:
    """O:Li all oxygens, a bare number repeat units; EO:Li is taken where a repeat unit is one ethylene oxide."""
    by_oxygen = read_polymer(PolymerFields("PTMC-LiTFSI (O:Li = 20)"))
    assert by_oxygen.key == read_polymer(PolymerFields("PTMC", "LiTFSI", li_per_O=0.05)).key
    copolymer = read_polymer(PolymerFields("PEO 80; PPO 20 LiTFSI 20:1"))
    assert copolymer.key == read_polymer(PolymerFields("PPO 20; PEO 80", "LiTFSI", li_per_O=0.05)).key


def test_a_polymer_with_a_salt_is_no_formula_with_an_organic_part() -> None:
    with pytest.raises(CandidateError) as raised:
        read_material({"formula": "PEO-LiTFSI"})
    assert raised.value.code == RowErrorCode.MISSING_CONCENTRATION
    with pytest.raises(CandidateError) as raised:
        read_material({"formula": "Li6PS5Cl-PEO"})
    assert raised.value.code == RowErrorCode.ORGANIC_PART


def test_copolymer_in_a_cell_and_as_pairs() -> None:
    cell = read_polymer(PolymerFields("PPO 20; PEO 80", "LiClO4", molality=1.0))
    pairs = read_polymer(PolymerFields([("PEO", 0.8), ("PPO", 0.2)], "LiClO4", molality=1.0))
    assert cell.key == pairs.key
    merged = read_polymer(PolymerFields("*OCC* 1; *CCO* 3", "LiClO4", molality=1.0))
    assert merged.units == ("*COC*",)


def test_single_ion_conductors_hold_the_lithium_of_their_anions() -> None:
    read = read_polymer(PolymerFields("PLiSTFSI"))
    assert read.molality == 0.0
    assert read.lithium_molality == pytest.approx(3.18, abs=0.01)


@pytest.mark.parametrize("smiles", ["[Li+].[O-]Cl(=O)(=O)=O", "[Li+].[O-][Cl+3]([O-])([O-])[O-]", "LiClO4"])
def test_perchlorate_is_one_salt(smiles: str) -> None:
    assert read_salt(smiles) == read_salt("LiClO4")


def test_salts_by_name_are_lithium_salts() -> None:
    for known in known_salts():
        read = read_salt(known.name)
        assert read is not None
        assert read.name == known.name
        assert len(read.descriptors) == len(salts.LABELS)


def test_names_have_repeat_units_and_sources() -> None:
    keys = [read_repeat_unit(known.smiles).key for known in known_polymers()]
    assert len(set(keys)) == len(keys)
    assert all(known.source for known in known_polymers())


REFUSED = [
    (PolymerFields("CCO", "LiTFSI", molality=1), RowErrorCode.OPEN_ENDS_NOT_TWO, "small molecule"),
    (PolymerFields("*CCO", "LiTFSI", molality=1), RowErrorCode.OPEN_ENDS_NOT_TWO, "1 open end"),
    (PolymerFields("*CC(*)C*", "LiTFSI", molality=1), RowErrorCode.OPEN_ENDS_NOT_TWO, "3 open ends"),
    (PolymerFields("*" + "CCO" * 170 + "*", "LiTFSI", molality=1), RowErrorCode.POLYMER_TOO_LARGE, "510 heavy atoms"),
    (PolymerFields("*" + "C" * 3000 + "*", "LiTFSI", molality=1), RowErrorCode.POLYMER_TOO_LARGE, "letters"),
    (PolymerFields("*C[CH]C*", "LiTFSI", molality=1), RowErrorCode.UNPARSEABLE_POLYMER, "unpaired electron"),
    (PolymerFields("*C[Fe]C*", "LiTFSI", molality=1), RowErrorCode.UNKNOWN_ELEMENT, "Fe"),
    (PolymerFields("**", "LiTFSI", molality=1), RowErrorCode.UNPARSEABLE_POLYMER, "no atom"),
    (PolymerFields("*.C*C", "LiTFSI", molality=1), RowErrorCode.OPEN_ENDS_NOT_TWO, "single bond"),
    (PolymerFields("PEO", "[Li+].[H-]", molality=1), RowErrorCode.UNPARSEABLE_POLYMER, "no neutral salt"),
    (PolymerFields("*C(", "LiTFSI", molality=1), RowErrorCode.UNPARSEABLE_POLYMER, "SMILES"),
    (PolymerFields("PE0", "LiTFSI", molality=1), RowErrorCode.UNKNOWN_NAME, "PEO"),
    (PolymerFields("PEO", "LiTFSX", molality=1), RowErrorCode.UNKNOWN_NAME, "LiTFSI"),
    (PolymerFields("PEO", "NaTFSI", molality=1), RowErrorCode.NOT_LITHIUM, "lithium"),
    (PolymerFields("PEO", "[Na+].[Cl-]", molality=1), RowErrorCode.NOT_LITHIUM, "lithium"),
    (PolymerFields("PEO12-NaClO4"), RowErrorCode.NOT_LITHIUM, "lithium"),
    (PolymerFields("PEO gel", "LiTFSI", molality=1), RowErrorCode.LIQUID_COMPONENT, "not this gel"),
    (PolymerFields("PEO-succinonitrile-LiTFSI"), RowErrorCode.LIQUID_COMPONENT, "succinonitrile"),
    (PolymerFields("PEO", "CCN1C=C[N+](C)=C1.[Cl-]", molality=1), RowErrorCode.LIQUID_COMPONENT, "ionic liquid"),
    (PolymerFields("PEO-LiTFSI-LLZO"), RowErrorCode.FILLER_UNSUPPORTED, "LLZO"),
    (PolymerFields("PEO/PVDF", "LiTFSI", molality=1), RowErrorCode.BLEND_UNSUPPORTED, "blend"),
    (PolymerFields("PEO-SN-LiTFSI"), RowErrorCode.LIQUID_COMPONENT, "SN"),
    (PolymerFields("PEO/PVDF LiTFSI 30 wt%"), RowErrorCode.BLEND_UNSUPPORTED, "blend"),
    (PolymerFields("P(EO-co-PO)", "LiTFSI", molality=1), RowErrorCode.UNPARSEABLE_POLYMER, "PEO 80; PPO 20"),
    (PolymerFields("PE020-LiTFSI"), RowErrorCode.UNPARSEABLE_POLYMER, "letter O"),
    (PolymerFields("POEGMA-LiTFSI (EO:Li = 20)"), RowErrorCode.UNPARSEABLE_POLYMER, "O:Li"),
    (PolymerFields("PEO"), RowErrorCode.MISSING_CONCENTRATION, "salt"),
    (PolymerFields("PEO", "LiTFSI"), RowErrorCode.MISSING_CONCENTRATION, "molality"),
    (PolymerFields("PAN", "LiTFSI", li_per_O=0.1), RowErrorCode.MISSING_CONCENTRATION, "no oxygen"),
    (PolymerFields("PEO", "LiTFSI", 1.0, 0.2), RowErrorCode.CONTRADICTING_CONCENTRATION, "contradict"),
    (PolymerFields("PEO20-LiTFSI", "LiFSI"), RowErrorCode.CONTRADICTING_CONCENTRATION, "LiFSI"),
    (PolymerFields("PEO20-LiTFSI 30 wt%"), RowErrorCode.CONTRADICTING_CONCENTRATION, "twice"),
    (PolymerFields("PEO", "LiTFSI", molality=-1), RowErrorCode.CONCENTRATION_OUT_OF_RANGE, "-1"),
    (PolymerFields("PEO", "LiTFSI", molality=31), RowErrorCode.CONCENTRATION_OUT_OF_RANGE, "30"),
    (PolymerFields("PEO", "LiTFSI", li_per_O=20), RowErrorCode.CONCENTRATION_OUT_OF_RANGE, "0.05"),
    (PolymerFields("PEO", "LiTFSI", molality=float("nan")), RowErrorCode.CONCENTRATION_OUT_OF_RANGE, "nan"),
    (PolymerFields(None), RowErrorCode.MISSING_MATERIAL, "no polymer"),
]


@pytest.mark.parametrize(("fields", "code", "words"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_refusals_say_what_was_expected(fields: PolymerFields, code: RowErrorCode, words: str) -> None:
    with pytest.raises(CandidateError) as raised:
        read_polymer(fields)
    assert raised.value.code == code
    assert words in raised.value.message


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40), st.one_of(st.none(), st.text(max_size=20)))
def test_any_text_is_read_or_refused(polymer: str, salt: str | None) -> None:
    with suppress(CandidateError):  # and nothing else
        assert read_polymer(PolymerFields(polymer, salt, molality=1.0)).key


def test_batch_takes_rows() -> None:
    batch = PolymerBatch.from_candidates(
        [read_polymer(PolymerFields(f"PEO{n}-LiTFSI")) for n in (10, 20)] + [read_polymer(PolymerFields("PLiSTFSI"))]
    )
    assert batch.sums.shape == (3, len(SUMS))
    assert descriptors(batch.sums).shape == (3, len(LABELS))
    assert batch.take(np.array([2])).salt_keys.tolist() == ["none"]
    assert len(PolymerBatch.from_candidates([])) == 0


def test_reading_modules_load_no_toolkit() -> None:
    code = "import sys, features.polymers.candidate; print(any(name.split('.')[0] == 'rdkit' for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_the_toolkit_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['rdkit'] = None\n"
        "from features.polymers.candidate import PolymerFields, read_polymer\n"
        "from features.polymers.toolkit import MissingToolkitError\n"
        "try: read_polymer(PolymerFields('PEO20-LiTFSI'))\n"
        "except MissingToolkitError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "elyte[polymer]" in done.stdout


def test_lists_are_whole() -> None:
    from importlib.resources import files

    for name in ("polymers.csv", "salts.csv"):
        with (files("features") / "data" / name).open(encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
        assert all(None not in row and None not in row.values() for row in rows)
