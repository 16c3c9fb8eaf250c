"""The conductivity table: what is read, what is refused, what would leak."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from training.properties.conductivity.laskowski import DropReason, RecordError, assemble_records, read_formula
from training.properties.conductivity.repeats import without_repeats
from training.properties.conductivity.schema import LATTICE_COLUMNS, TableColumn, normalise_family
from training.properties.conductivity.table import (
    LITERATURE_PATH,
    assemble_training_table,
    laskowski_report,
    leaks_into_test,
    load_laskowski,
    load_literature,
    load_obelix,
    load_training_table,
    papers,
)
from training.sources import missing
from training.splits import composition_key, paper_keys
from training.tables import TableError

if TYPE_CHECKING:
    import pandas as pd

PUBLIC_TABLES = ("obelix_train", "obelix_test", "laskowski", "laskowski_dois")


@pytest.fixture
def public_tables() -> None:
    if absent := missing(PUBLIC_TABLES):
        pytest.skip(f"public tables are absent: {', '.join(absent)}; run `elyte data fetch` or set a mirror")


# ---------------------------------------------------------------- the embedded literature


def test_embedded_literature_obeys_its_schema() -> None:
    table = load_literature()
    assert len(table) >= 575
    assert list(table.columns) == [str(column) for column in TableColumn]
    assert table["activation_energy_eV"].notna().sum() > 100
    assert set(table["provenance"]) == {"primary", "second-hand", "review"}
    assert table["is_doubtful"].sum() >= 93
    assert all(paper_keys(row.doi, row.reference) for row in table.itertuples())
    assert all(normalise_family(family) == family for family in table["family"])


def _literature_with(tmp_path: Path, **changes: str) -> Path:
    """Write a table of three good rows, of which the second is changed."""
    header, *rows = LITERATURE_PATH.read_text().splitlines()[:4]
    names = header.split(",")
    cells = rows[1].split(",")
    for name, value in changes.items():
        cells[names.index(name)] = value
    path = tmp_path / "measurements.csv"
    path.write_text("\n".join([header, rows[0], ",".join(cells), rows[2]]) + "\n")
    return path


@pytest.mark.parametrize(
    ("column", "value", "expectation"),
    [
        ("sigma_S_per_cm", "12", "1e-20 to 1 S/cm"),
        ("sigma_S_per_cm", "-0.001", "1e-20 to 1 S/cm"),
        ("sigma_S_per_cm", "<1e-9", "a number"),
        ("temperature_C", "2000", "-200 to 1000 C"),
        ("temperature_C", "room", "a number"),
        ("temperature_C", "", "a value"),
        ("activation_energy_eV", "25", "0 to 3 eV"),
        ("bound", "about", "one of: nothing, upper, lower"),
        ("contribution", "grain", "one of: nothing, bulk, total"),
        ("relative_density", "93", "0.2 to 1 of the crystal's density"),
        ("formula", "Na3PS4", "a formula with lithium"),
        ("formula", "Li6PS5Xx", "a formula that can be read, such as Li6PS5Cl"),
        ("doi", "https://doi.org/10.1/x", "DOIs (10.x/y), several joined by |"),
        ("provenance", "hearsay", "one of: primary, second-hand, review, database"),
        ("doubtful", "maybe", "a number"),
        ("id", "lit001", "a value that no other row has"),
    ],
)
def test_every_rule_names_line_column_value_and_expectation(
    tmp_path: Path, column: str, value: str, expectation: str
) -> None:
    with pytest.raises(TableError) as caught:
        load_literature(_literature_with(tmp_path, **{column: value}))
    found = [v for v in caught.value.violations if v.column == column and v.line == 3]
    assert [v.expectation for v in found] == [expectation]
    assert "line 3" in str(caught.value)
    assert expectation in str(caught.value)


def test_all_violations_are_reported_at_once(tmp_path: Path) -> None:
    path = _literature_with(
        tmp_path, sigma_S_per_cm="", activation_energy_eV="", formula="NaCl", doi="", temperature_C="x"
    )
    with pytest.raises(TableError) as caught:
        load_literature(path)
    violations = caught.value.violations
    assert {v.line for v in violations} == {3}
    assert {v.row_id for v in violations} == {"lit002"}
    assert sorted(v.expectation for v in violations) == [
        "a formula with lithium",
        "a number",
        "a value in one of doi, reference",
        "a value in one of sigma_S_per_cm, activation_energy_eV",
    ]


def test_missing_and_unknown_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("id,formula,conductivity\nx,Li3PS4,1\n")
    with pytest.raises(TableError) as caught:
        load_literature(path)
    named = {(v.column, v.expectation) for v in caught.value.violations}
    assert ("conductivity", "no such column") in named
    assert ("sigma_S_per_cm", "this column") in named


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00bad", b'a,b\n"1,2\n', b"a,b\n1,2,3\n", b"a,b\n1,2,\n3,4,\n"])
def test_what_is_no_csv_is_a_table_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(TableError):
        load_literature(path)


def test_lines_are_those_of_the_file_despite_blank_ones(tmp_path: Path) -> None:
    path = _literature_with(tmp_path, sigma_S_per_cm="7")
    path.write_text(path.read_text().replace("\nlit002", "\n\n\nlit002") + "\n")
    with pytest.raises(TableError) as caught:
        load_literature(path)
    assert [(v.line, v.row_id) for v in caught.value.violations] == [(5, "lit002")]


def test_blank_lines_change_nothing(tmp_path: Path) -> None:
    path = _literature_with(tmp_path)
    plain = load_literature(path)
    path.write_text(path.read_text().replace("\n", "\n\n"))
    assert load_literature(path).equals(plain)
    assert list(plain["row_id"]) == ["lit001", "lit002", "lit003"]


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(LITERATURE_PATH.read_text().splitlines()[0] + "\n")
    assert load_literature(path).empty


def test_bounds_of_a_laboratory_are_kept_as_bounds(tmp_path: Path) -> None:
    table = load_literature(_literature_with(tmp_path, bound="upper", sigma_S_per_cm="1e-9"))
    assert list(table["is_upper_bound"]) == [False, True, False]
    assert table["log10_sigma_S_per_cm"][1] == pytest.approx(-9)


def test_density_is_a_share_and_a_table_without_the_column_is_read(tmp_path: Path) -> None:
    table = load_literature().set_index("row_id")
    assert table.loc["lit376", "relative_density"] == 0.66
    assert table.loc["lit375", "log10_sigma_S_per_cm"] - table.loc["lit376", "log10_sigma_S_per_cm"] > 4
    stated = table["relative_density"].dropna()
    assert len(stated) >= 56
    assert stated.between(0.6, 1.0).all()
    path = _literature_with(tmp_path)
    header, *rows = (line.split(",") for line in path.read_text().splitlines())
    place = header.index("relative_density")
    path.write_text("\n".join(",".join(cells[:place] + cells[place + 1 :]) for cells in (header, *rows)) + "\n")
    assert load_literature(path)["relative_density"].isna().all()


# ---------------------------------------------------------------- the Laskowski extraction


@pytest.mark.parametrize(
    ("pieces", "formula"),
    [
        (["LiYO  2"], "LiYO2"),
        (["Li 3.425 Si0.425P0.575S4"], "Li3.425Si0.425P0.575S4"),
        (["(La 0.6 Li 0.4 )(Ti 0.8 Al 0.2 )O  3"], "(La0.6Li0.4)(Ti0.8Al0.2)O3"),
        (["Li6.4La3Zr1.4Ta0.5Nb0.1O1", "2"], "Li6.4La3Zr1.4Ta0.5Nb0.1O12"),
        (["(Li0.39La0.54)1.01Al0.02Ti0.9", "8O3"], "(Li0.39La0.54)1.01Al0.02Ti0.98O3"),
        (["β-Li8GeP4"], "Li8GeP4"),
        (["0.95(0.6Li2S-0.4SiS2)-", "0.05Li4SiO4"], "Li1.34Si0.43S1.33O0.2"),
        (["LiTi2(PO4)3-0.5LiF"], "Li1.5Ti2P3O12F0.5"),
        (["LiCl*H2O"], "LiClH2O"),
    ],
)
def test_formulas_that_can_be_read_in_one_way(pieces: list[str], formula: str) -> None:
    assert composition_key(read_formula(pieces)[0]) == composition_key(formula)


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        (["Li SiS  4 4"], DropReason.SHATTERED),
        (["Li OCl 3"], DropReason.SHATTERED),  # Li3OCl, not LiOCl3
        (["Li 10 SiP S 2 12"], DropReason.SHATTERED),
        (["Li0.91Hf2.022(PO )  4 3"], DropReason.SHATTERED),
        (["0.35 LiBr-0.33 SiS -2", "0.33 Li2S"], DropReason.SHATTERED),  # SiS2, not -20.33 Li2S
        (["Li3.5Si0.5P05S4"], DropReason.UNREADABLE),
        (["LiHf2(P04)3"], DropReason.UNREADABLE),
        (["Li3PS4 - 10 wt% Al2O3"], DropReason.WEIGHT_PERCENT),
        (["Li2S*P2S5"], DropReason.UNSPECIFIED_MIXTURE),
        (["SiS2-Li2S"], DropReason.UNSPECIFIED_MIXTURE),
        (["0.2(Li2S) 0.8(GeS2)"], DropReason.UNSPECIFIED_MIXTURE),
        (["0.3 LiBr-0.3 SiS2-0.35", "Li2S"], DropReason.AMOUNTS),
        (["Li7La3Zr2O12-0.3Ga"], DropReason.DOPANT),
        (["0.45Li2-0.55SiS2"], DropReason.DOPANT),
        (["0.3Li2S-0.7P2S5"], DropReason.MISPRINT),
        (["Li5.5K0.25La2.75Nb2O12"], DropReason.TIMES_TEMPERATURE),
        (["Li5.5La3Nb1.75In0.25O12"], DropReason.TIMES_TEMPERATURE),
    ],
)
def test_formulas_that_cannot(pieces: list[str], reason: DropReason) -> None:
    with pytest.raises(RecordError) as caught:
        read_formula(pieces)
    assert caught.value.reason is reason


def test_records_on_three_lines_are_joined_and_remarks_passed_over() -> None:
    rows = [
        ["Li3N", "1.2E-3", "0.25", "P6/mmm", "191", "", "26540", "154"],
        ["", "", "", "", "", "α-", "", ""],
        ["Li6.4La3Zr1.4Ta0.5Nb0.1O1", "", "0.27", "", "", "", "", "239"],
        ["", "4.44E-4", "", "Ia3d", "230", "", "", ""],
        ["2", "", "", "", "", "", "", ""],
    ]
    first, second = assemble_records(rows)
    assert (first.line, first.conductivity, first.references) == (1, "1.2E-3", "154")
    assert (second.line, second.pieces) == (3, ("Li6.4La3Zr1.4Ta0.5Nb0.1O1", "2"))
    assert (second.conductivity, second.activation_energy) == ("4.44E-4", "0.27")
    assert (second.space_group_number, second.references) == ("230", "239")


@pytest.mark.usefixtures("public_tables")
def test_laskowski_counts_everything_it_drops() -> None:
    table, report = load_laskowski(), laskowski_report()
    assert report.records == report.accepted + report.dropped.total()
    assert len(table) == report.accepted == 616
    assert report.dropped[DropReason.TIMES_TEMPERATURE] == 2
    assert not set(table["row_id"]) & {"las0483", "las0484"}
    assert report.dropped[DropReason.SHATTERED] == 110
    assert table["activation_energy_eV"].between(0.03, 2.5).all()
    by_id = table.set_index("row_id")
    assert by_id.loc["las0003", "formula"] == "Li7BiO6"
    assert by_id.loc["las0003", "activation_energy_eV"] == 0.58  # printed with an overline
    assert by_id.loc["las0011", "is_upper_bound"]
    assert by_id.loc["las0011", "log10_sigma_S_per_cm"] == -10
    assert by_id.loc["las0049", "log10_sigma_S_per_cm"] == pytest.approx(np.log10(1.2e-4))  # unicode minus
    assert not table["doi"].str.contains(r"\.s\d{3}$").any(), "supplements count as their paper"


# ---------------------------------------------------------------- OBELiX


@pytest.mark.usefixtures("public_tables")
def test_obelix_is_read_as_published() -> None:
    train, test, both = load_obelix("train"), load_obelix("test"), load_obelix()
    assert (len(train), len(test), len(both)) == (478, 121, 599)
    assert both["row_id"].is_unique
    assert both["row_id"].str.fullmatch(r"\w{3}").all()
    assert (int(train["is_upper_bound"].sum()), int(test["is_upper_bound"].sum())) == (29, 8)
    bounds = both.loc[both["is_upper_bound"], "log10_sigma_S_per_cm"].round(6)
    assert bounds.value_counts().to_dict() == {-10.0: 36, -8.0: 1}
    assert (both.loc[~both["is_upper_bound"], "log10_sigma_S_per_cm"] < -15).sum() == 4
    assert both[list(LATTICE_COLUMNS)].notna().all(axis=None)
    by_id = both.set_index("row_id")
    assert by_id.loc["r5y", "atoms_per_cell"] == pytest.approx(56)
    assert "*" not in by_id.loc["na5", "formula"]
    assert not set(both["family"]) & {"Halide", "halides", "argyrodites", "cholorides", "LGPS-type"}


@pytest.mark.usefixtures("public_tables")
def test_official_split_shares_no_paper() -> None:
    train, test = load_obelix("train"), load_obelix("test")
    ours = frozenset().union(*(paper_keys(doi) for doi in train["doi"]))
    theirs = frozenset().union(*(paper_keys(doi) for doi in test["doi"]))
    assert not ours & theirs


# ---------------------------------------------------------------- leakage and repeats


def _rows(*rows: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    blank: dict[str, Any] = (
        {str(column): "" for column in TableColumn}
        | {
            "log10_sigma_S_per_cm": -3.0,
            "is_upper_bound": False,
            "temperature_C": 25.0,
            "activation_energy_eV": np.nan,
            "provenance": "database",
            "is_doubtful": False,
            "year": np.nan,
        }
        | {str(column): np.nan for column in LATTICE_COLUMNS}
    )
    return pd.DataFrame([blank | row for row in rows])


@pytest.mark.parametrize(
    ("row", "leaks"),
    [
        ({"formula": "Cl2S10P2Li12"}, True),  # the same composition, spelled otherwise
        ({"formula": "Li6.05PS5.05Cl0.95"}, True),  # a near-duplicate
        ({"formula": "Li7La3Zr2O12"}, False),
        ({"formula": "Li7La3Zr2O12", "doi": "https://doi.org/10.1/B"}, True),
        ({"formula": "Li7La3Zr2O12", "doi": "10.1/c|10.1/A.s001"}, True),
        ({"formula": "Li7La3Zr2O12", "reference": "a thesis"}, False),
    ],
)
def test_leaks_by_composition_paper_or_nearness(row: dict[str, str], leaks: bool) -> None:
    test = _rows({"formula": "Li6PS5Cl", "doi": "10.1/a|10.1/b"}, {"formula": "Li3N", "doi": "10.1/z"})
    assert list(leaks_into_test(_rows(row), test)) == [leaks]
    assert leaks_into_test(_rows(row).iloc[:0], test).shape == (0,)


def test_a_repeated_conductivity_counts_once() -> None:
    earlier = _rows({"row_id": "o", "formula": "Li3N", "doi": "10.1/a", "a": 3.6, "space_group_number": 191})
    new = {"formula": "Li6N2", "log10_sigma_S_per_cm": -3.01}
    later = _rows(
        new | {"row_id": "brings an energy", "activation_energy_eV": 0.25},
        new | {"row_id": "brings nothing"},
        new | {"row_id": "another value", "log10_sigma_S_per_cm": -3.1},
        new | {"row_id": "another temperature", "temperature_C": 60.0},
        new | {"row_id": "another laboratory", "provenance": "primary", "doi": "10.1/b"},
        new | {"row_id": "another laboratory, second-hand", "provenance": "second-hand", "doi": "10.1/b"},
        new | {"row_id": "the same, second-hand", "provenance": "second-hand", "doi": "10.1/a"},
        new | {"row_id": "second-hand, of no paper", "provenance": "second-hand"},
        new | {"row_id": "corrected since", "log10_sigma_S_per_cm": -5.0, "doi": "10.1/A", "activation_energy_eV": 0.3},
    )
    left = without_repeats(later, earlier).set_index("row_id")
    assert list(left.index) == [
        "brings an energy",
        "another value",
        "another temperature",
        "another laboratory",
        "another laboratory, second-hand",
        "corrected since",
    ]
    for name in ("brings an energy", "corrected since"):
        assert np.isnan(left.loc[name, "log10_sigma_S_per_cm"])
        assert (left.loc[name, "repeats"], left.loc[name, "a"]) == ("o", 3.6)
    assert left.loc["another laboratory", "log10_sigma_S_per_cm"] == -3.01
    assert later["log10_sigma_S_per_cm"].notna().all(), "the argument is left as it was"


def test_an_energy_quoted_again_counts_once() -> None:
    first = _rows({"row_id": "o", "formula": "Li3N"})
    second = without_repeats(_rows({"row_id": "l", "formula": "Li3N", "activation_energy_eV": 0.25}), first)
    quoted = _rows({"row_id": "r", "formula": "Li3N", "activation_energy_eV": 0.255, "provenance": "review"})
    import pandas as pd

    assert without_repeats(quoted, pd.concat([first, second], ignore_index=True)).empty


def test_reviews_tie_no_rows_together() -> None:
    table = _rows(
        {"row_id": "a", "doi": "10.1/x"},
        {"row_id": "b", "reference": "a thesis"},
        {"row_id": "c", "doi": "10.1/review", "provenance": "review"},
    )
    assert papers(table) == ["10.1/x", "a thesis", "row c"]


@pytest.mark.usefixtures("public_tables")
@pytest.mark.parametrize("with_obelix_test", [True, False])
def test_the_assembled_table(with_obelix_test: bool) -> None:
    assembled = assemble_training_table(with_obelix_test=with_obelix_test)
    table = assembled.rows
    assert assembled.steps[-1].rows == len(table)
    assert table["source"].value_counts()["obelix"] == (599 if with_obelix_test else 478)
    assert list(table.columns) == [str(column) for column in TableColumn]
    assert (table["log10_sigma_S_per_cm"].notna() | table["activation_energy_eV"].notna()).all()
    repeats = table[table["repeats"] != ""]
    assert repeats["log10_sigma_S_per_cm"].isna().all()
    assert set(repeats["repeats"]) <= set(table["row_id"])
    auxiliary = table[table["source"] != "obelix"]
    leaks = leaks_into_test(auxiliary, load_obelix("test"))
    assert bool(leaks.any()) is with_obelix_test
    assert ("test" in set(table["obelix_split"])) is with_obelix_test


@pytest.mark.usefixtures("public_tables")
def test_auxiliary_tables_can_be_left_out() -> None:
    obelix = load_training_table(with_obelix_test=False, literature=False, laskowski=False)
    assert set(obelix["source"]) == {"obelix"}
    assert len(obelix) == 478
    trusted = load_training_table(with_obelix_test=False, laskowski=False, doubtful=False)
    assert set(trusted["source"]) == {"obelix", "literature"}
    assert not trusted["is_doubtful"].any()


def test_a_row_of_one_review_does_not_carry_the_doi_of_the_other() -> None:
    table = load_literature().set_index("row_id")
    assert table.loc["rev10", "doi"] == ""
    assert table.loc["rev10", "reference"].startswith("Wu et al.")
    assert table.loc["rev20", "doi"] == "10.1002/adma.202417796"
