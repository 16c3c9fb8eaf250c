"""Errors planted on purpose: all of the impossible refused with row and reason, all of the suspicious flagged."""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from features.errors import RowErrorCode
from training.ledger.intake import Wishes, add_table
from training.ledger.reading import read_measurements_file
from training.ledger.report import Report
from training.ledger.store import Ledger
from training.measurements.problems import AnyCode, Code, Level, UnusableTableError
from training.sources import missing

LAB = "lab:2026-01-05:JD"
GOOD = "Li5.7PS4.7Cl1.3,2.0e-3,25,lab:2026-01-05:AB"
HEADER = "formula,sigma_S_per_cm,temperature_C,reference"
KNOWN_PAPER = "10.1016/j.jallcom.2022.166731"  # of the embedded literature table


@dataclass(frozen=True)
class Planted:
    """One planted row, which is row 2 of its file, and what must be said about it."""

    what: str
    row: str
    code: AnyCode
    level: Level = Level.REFUSED
    header: str = HEADER
    good: str = GOOD
    says: str = ""
    kind: str | None = None

    def __str__(self) -> str:
        return self.what


S = Level.SUSPICIOUS
CCD_HEADER = "formula,ccd_mA_per_cm2,interlayer_type,anode,temperature_C,reference"
CCD_GOOD = "Li6PS5Cl,1.13,none,Li,25,lab:2026-01-05:AB"
CCD = {"header": CCD_HEADER, "good": CCD_GOOD}
WINDOW_HEADER = "formula,reduction_V,oxidation_V,energy_above_hull_eV_per_atom,reference"
WINDOW_GOOD = "Li5.7PS4.7Cl1.3,0.5,2.1,0.01,lab:2026-01-05:AB"
WINDOW = {"header": WINDOW_HEADER, "good": WINDOW_GOOD}
FUTURE = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=3)

PLANTED = [
    # wrong unit
    Planted(
        "mS/cm in a column of S/cm, above 1", f"Li6PS5Cl,2.1,25,{LAB}", Code.OUT_OF_RANGE, says="mS/cm given as S/cm"
    ),
    Planted("mS/cm in a column of S/cm, below 1", f"Li6PS5Cl,0.9,25,{LAB}", Code.FACTOR_1000, S, says="mS/cm"),
    Planted("S/cm in a column of mS/cm", f"Li6PS5Cl,2.1e-6,25,{LAB}", Code.FACTOR_1000, S, says="1/1000 of"),
    Planted("the same at 60 C", f"Li6PS5Cl,6.1e-6,60,{LAB}", Code.FACTOR_1000, S, says="Arrhenius"),
    Planted("kelvin in a column of Celsius", f"Li6PS5Cl,2e-3,298.15,{LAB}", Code.TEMPERATURE_IN_KELVIN, S, says="25 C"),
    Planted(
        "Celsius in a column of kelvin",
        f"Li6PS5Cl,2e-3,25,{LAB}",
        Code.OUT_OF_RANGE,
        header=HEADER.replace("_C,", "_K,"),
        good=GOOD.replace(",25,", ",298,"),
        says="-248.15 C",
    ),
    Planted(
        "zero kelvin",
        f"Li6PS5Cl,2e-3,0,{LAB}",
        Code.OUT_OF_RANGE,
        header=HEADER.replace("_C,", "_K,"),
        good=GOOD.replace(",25,", ",298,"),
        says="0 K",
    ),
    Planted(
        "kJ/mol in a column of eV",
        f"Li6PS5Cl,30,25,{LAB}",
        Code.OUT_OF_RANGE,
        good=GOOD.replace("2.0e-3", "0.3"),
        header=HEADER.replace("sigma_S_per_cm", "activation_energy_eV"),
        says="kJ/mol",
    ),
    Planted(
        "meV in a column of eV",
        f"Li6PS5Cl,0.0003,25,{LAB}",
        Code.UNUSUAL_VALUE,
        S,
        good=GOOD.replace("2.0e-3", "0.3"),
        header=HEADER.replace("sigma_S_per_cm", "activation_energy_eV"),
    ),
    Planted(
        "a unit cell that names no unit",
        f"Li6PS5Cl,2,furlong,25,{LAB}",
        Code.UNKNOWN_UNIT,
        header="formula,sigma,sigma_unit,temperature_C,reference",
        good=GOOD.replace("2.0e-3", "2,mS/cm"),
    ),
    Planted(
        "two columns of one quantity disagree",
        f"Li6PS5Cl,2e-3,25,{LAB},0.3",
        Code.COLUMNS_DISAGREE,
        header=HEADER + ",sigma_mS_per_cm",
        good=GOOD + ",2.0",
    ),
    Planted(
        "temperatures disagree",
        f"Li6PS5Cl,2e-3,25,{LAB},323",
        Code.COLUMNS_DISAGREE,
        header=HEADER + ",temperature_K",
        good=GOOD + ",298.15",
    ),
    Planted("meV/atom above the hull as eV", f"Li6PS5Cl,1.7,2.1,25,{LAB}", Code.OUT_OF_RANGE, **WINDOW, says="meV"),
    Planted("mV as V", f"Li6PS5Cl,1700,2.1,0.02,{LAB}", Code.OUT_OF_RANGE, **WINDOW, says="mV"),
    Planted(
        "per cent as fraction",
        f"Li6PS5Cl,1,none,Li,25,{LAB},95",
        Code.OUT_OF_RANGE,
        header=CCD_HEADER + ",relative_density",
        good=CCD_GOOD + ",0.9",
        says="relative_density_pct",
    ),
    Planted("A/m2 as mA/cm2", f"Li6PS5Cl,25,none,Li,25,{LAB}", Code.FAR_ABOVE_KNOWN, S, **CCD, says="A/m2"),
    Planted("uA/cm2 as mA/cm2", f"Li6PS5Cl,1100,none,Li,25,{LAB}", Code.FACTOR_1000, S, **CCD),
    # swapped columns
    Planted("sigma and temperature swapped", f"Li6PS5Cl,25,2e-3,{LAB}", Code.SWAPPED_COLUMNS, says="swapped"),
    Planted(
        "swapped, in mS/cm and kelvin",
        f"Li6PS5Cl,298.15,2,{LAB}",
        Code.SWAPPED_COLUMNS,
        header="formula,sigma_mS_per_cm,temperature_K,reference",
        good=GOOD.replace("2.0e-3,25", "2,298"),
        says="swapped",
    ),
    Planted("formula and sigma swapped", f"2e-3,Li6PS5Cl,25,{LAB}", Code.SWAPPED_COLUMNS, says="swapped"),
    Planted("formula and reference swapped", f"{LAB},2e-3,25,Li6PS5Cl", RowErrorCode.UNPARSEABLE_FORMULA),
    Planted("limits swapped", f"Li6PS5Cl,2.1,1.7,0.02,{LAB}", Code.SWAPPED_COLUMNS, **WINDOW, says="swapped"),
    Planted(
        "CCD and temperature swapped", f"Li6PS5Cl,25,none,Li,1.2,{LAB}", Code.FAR_ABOVE_KNOWN, S, **CCD, says="swapped"
    ),
    # impossible values
    Planted("negative sigma", f"Li6PS5Cl,-2e-3,25,{LAB}", Code.NOT_POSITIVE, says="above 0"),
    Planted("sigma zero", f"Li6PS5Cl,0,25,{LAB}", Code.NOT_POSITIVE),
    Planted("sigma underflows", f"Li6PS5Cl,1e-400,25,{LAB}", Code.NOT_POSITIVE),
    Planted("sigma overflows", f"Li6PS5Cl,1e400,25,{LAB}", Code.NOT_FINITE),
    Planted(
        "log10 sigma overflows",
        f"Li6PS5Cl,400,25,{LAB}",
        Code.OUT_OF_RANGE,
        header=HEADER.replace("sigma", "log10_sigma"),
        good=GOOD.replace("2.0e-3", "-2.7"),
    ),
    Planted("NaN", f"Li6PS5Cl,NaN,25,{LAB}", Code.MISSING_VALUE),
    Planted("inf", f"Li6PS5Cl,inf,25,{LAB}", Code.NOT_FINITE),
    Planted("no number", f"Li6PS5Cl,high,25,{LAB}", Code.NOT_A_NUMBER),
    Planted("below absolute zero", f"Li6PS5Cl,2e-3,-300,{LAB}", Code.OUT_OF_RANGE),
    Planted("nothing measured", f"Li6PS5Cl,,25,{LAB}", Code.MISSING_VALUE),
    Planted("no formula", f",2e-3,25,{LAB}", Code.MISSING_VALUE),
    Planted("unknown element", f"Li6PQ5Cl,2e-3,25,{LAB}", RowErrorCode.UNKNOWN_ELEMENT),
    Planted("unreadable formula", f"Li6PS5Cl),2e-3,25,{LAB}", RowErrorCode.UNPARSEABLE_FORMULA),
    Planted("no lithium", f"Na3PS4,2e-3,25,{LAB}", Code.NO_LITHIUM),
    Planted("no source", "Li6PS5Cl,2e-3,25,", Code.MISSING_SOURCE),
    Planted(
        "no DOI",
        "Li6PS5Cl,2e-3,25,see the book",
        Code.BAD_DOI,
        header=HEADER.replace("reference", "doi"),
        good=GOOD.replace("lab:2026-01-05:AB", "10.1234/abc"),
    ),
    Planted("a lab book of the future", f"Li6PS5Cl,2e-3,25,lab:{FUTURE}:JD", Code.FUTURE_DATE, says="future"),
    Planted(
        "measured in the future",
        f"Li6PS5Cl,2e-3,25,{LAB},{FUTURE}",
        Code.FUTURE_DATE,
        header=HEADER + ",measured_on",
        good=GOOD + ",2026-01-05",
    ),
    Planted(
        "year of the future",
        f"Li6PS5Cl,2e-3,25,{LAB},2090",
        Code.FUTURE_DATE,
        header=HEADER + ",year",
        good=GOOD + ",2020",
    ),
    Planted("CCD of zero", f"Li6PS5Cl,0,none,Li,25,{LAB}", Code.NOT_POSITIVE, **CCD),
    Planted("CCD out of range", f"Li6PS5Cl,2e5,none,Li,25,{LAB}", Code.OUT_OF_RANGE, **CCD),
    Planted(
        "unknown interlayer",
        f"Li6PS5Cl,1,flouride,Li,25,{LAB}",
        Code.UNKNOWN_WORD,
        **CCD,
        says="did you mean 'fluoride/halide'",
    ),
    Planted(
        "unknown anode", f"Li6PS5Cl,1,none,moltn Li,25,{LAB}", Code.UNKNOWN_WORD, **CCD, says="did you mean 'molten Li'"
    ),
    Planted("interlayer not stated", f"Li6PS5Cl,1,,Li,25,{LAB}", Code.MISSING_VALUE, **CCD),
    Planted("CCD as upper bound", f"Li6PS5Cl,<1,none,Li,25,{LAB}", Code.UNKNOWN_WORD, **CCD),
    Planted("temperature as bound", f"Li6PS5Cl,1e-3,<25,{LAB}", Code.BOUND_NOT_ALLOWED),
    Planted("negative energy above the hull", f"Li6PS5Cl,1.7,2.1,-0.02,{LAB}", Code.OUT_OF_RANGE, **WINDOW),
    # a spreadsheet was here
    Planted("formula as date", f"Mar-09,2e-3,25,{LAB}", Code.EXCEL_DATE, says="spreadsheet"),
    Planted("formula as date and time", f"2019-03-01 00:00:00,2e-3,25,{LAB}", Code.EXCEL_DATE),
    Planted("formula as number", f"1E+05,2e-3,25,{LAB}", Code.NUMBER_FOR_TEXT, says="number"),
    Planted("formula as error", f"#NAME?,2e-3,25,{LAB}", Code.EXCEL_ERROR, says="spreadsheet"),
    Planted("sigma as date", f"Li6PS5Cl,01-Mar,25,{LAB}", Code.EXCEL_DATE),
    Planted("sigma as date, German", f"Li6PS5Cl,01. Mrz,25,{LAB}", Code.EXCEL_DATE),
    Planted("sigma as error", f"Li6PS5Cl,#VALUE!,25,{LAB}", Code.EXCEL_ERROR),
    Planted("temperature as overflow", f"Li6PS5Cl,2e-3,#####,{LAB}", Code.EXCEL_ERROR),
    Planted(
        "DOI as number",
        "Li6PS5Cl,2e-3,25,1E+05",
        Code.NUMBER_FOR_TEXT,
        header=HEADER.replace("reference", "doi"),
        good=GOOD.replace("lab:2026-01-05:AB", "10.1234/abc"),
    ),
    Planted("reference as number", "Li6PS5Cl,2e-3,25,45292", Code.NUMBER_FOR_TEXT),
    Planted(
        "day as number",
        f"Li6PS5Cl,2e-3,25,{LAB},45292",
        Code.BAD_DATE,
        header=HEADER + ",measured_on",
        good=GOOD + ",2026-01-05",
        says="spreadsheet",
    ),
    Planted(
        "day in another order",
        f"Li6PS5Cl,2e-3,25,{LAB},05/01/2026",
        Code.BAD_DATE,
        header=HEADER + ",measured_on",
        good=GOOD + ",2026-01-05",
    ),
    # commas
    Planted("decimal comma in quotes", f'Li6PS5Cl,"0,002",25,{LAB}', Code.DECIMAL_COMMA, says="decimal point"),
    Planted("decimal comma without quotes", f"Li6PS5Cl,0,002,25,{LAB}", Code.CELL_COUNT, says="decimal comma"),
    Planted("comma between thousands", f'Li6PS5Cl,2e-3,"1,000",{LAB}', Code.DECIMAL_COMMA),
    # rows against each other
    Planted("the row before again", GOOD, Code.DUPLICATE_ROW, says="row 1"),
    Planted("the row before, written otherwise", GOOD.replace("2.0e-3", "0.002"), Code.DUPLICATE_ROW, says="row 1"),
    Planted(
        "the row before with another value", GOOD.replace("2.0e-3", "2.3e-3"), Code.CONFLICTING_ROWS, S, says="row 1"
    ),
    # against what is known
    Planted(
        "a known paper",
        f"Li5.1PS4.1Cl1.9,2e-3,25,https://doi.org/{KNOWN_PAPER.upper()}",
        Code.PAPER_ALREADY_KNOWN,
        S,
        header=HEADER.replace("reference", "doi"),
        good=GOOD.replace("lab:2026-01-05:AB", "10.1234/abc"),
    ),
    Planted(
        "a known measurement", f"Li10Sn0.95P2S11.4O0.5,3.96e-3,25,{LAB}", Code.REPEATS_KNOWN, S, says="known already"
    ),
    Planted("far from what others measured", f"Li6PS5Cl,3e-5,25,{LAB}", Code.DEVIATES_FROM_KNOWN, S, says="decades"),
    Planted("far above any conductor", f"Li9.9Sn1.1P2S12Cl2,0.06,25,{LAB}", Code.FAR_ABOVE_KNOWN, S),
    Planted("a published window", f"Li10GeP2S12,1.71,2.14,0.02,{LAB}", Code.REPEATS_KNOWN, S, **WINDOW),
    Planted("far from the published window", f"Li10GeP2S12,0.1,2.14,0.02,{LAB}", Code.DEVIATES_FROM_KNOWN, S, **WINDOW),
    Planted("impossibly unstable", f"Li10GeP2S12,1.71,2.14,0.9,{LAB}", Code.UNUSUAL_VALUE, S, **WINDOW, says="meV"),
    Planted(
        "solid lithium above its melting point", f"Li6PS5Cl,1,none,Li,200,{LAB}", Code.TEMPERATURE_IN_KELVIN, S, **CCD
    ),
    # what would have to be assumed
    Planted("no temperature", f"Li6PS5Cl,2e-3,,{LAB}", Code.TEMPERATURE_ASSUMED, S, says="25 C"),
    Planted("no anode", f"Li6PS5Cl,1,none,,25,{LAB}", Code.ANODE_ASSUMED, S, **CCD),
]


@cache
def empty_ledger() -> bytes:
    """Return a SQLite file with tables and no rows, made once."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "ledger.db"
        Ledger.open(str(place)).close()
        return place.read_bytes()


def add(path: Path, text: str, **wishes: object) -> tuple[Report, Ledger]:
    path.write_text(text, encoding="utf-8")
    place = path.with_suffix(".db")
    if not place.exists():
        place.write_bytes(empty_ledger())
    ledger = Ledger.open(str(place))
    report = add_table(read_measurements_file(path), who="test", wishes=Wishes(**wishes), ledger=ledger)  # type: ignore[arg-type]
    return report, ledger


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_every_planted_error_is_named(planted: Planted, tmp_path: Path) -> None:
    if missing(["obelix_train"]):
        pytest.skip("needs the public tables (elyte data fetch)")
    text = f"{planted.header}\n{planted.good}\n{planted.row}\n"
    report, ledger = add(tmp_path / "new.csv", text, kind=planted.kind)
    mine = [problem for problem in report.problems if problem.row == 2]
    found = {(problem.code, problem.level) for problem in mine}
    assert (planted.code, planted.level) in found, report.problems
    told = next(str(problem) for problem in mine if problem.code == planted.code)
    assert told.startswith("row 2 (line 3), ")
    assert planted.says in told
    assert ledger.history() == []  # all or nothing
    assert report.rows[1].outcome == ("refused" if planted.level is Level.REFUSED else "held")
    wishes = {"kind": planted.kind, "accept_warnings": report.accept_warnings, "keep_good": True}
    accepted, ledger = add(tmp_path / "new.csv", text, **wishes)
    assert len(ledger.history()) == (1 if planted.level is Level.REFUSED else 2), accepted.problems


@pytest.mark.parametrize(
    ("header", "good"),
    [(HEADER, GOOD), (CCD_HEADER, CCD_GOOD), (WINDOW_HEADER, WINDOW_GOOD)],
    ids=["conductivity", "ccd", "stability"],
)
def test_good_rows_pass_without_a_word(header: str, good: str, tmp_path: Path) -> None:
    report, _ = add(tmp_path / "new.csv", f"{header}\n{good}\n")
    told = [problem for problem in report.problems if problem.level is not Level.NOTE]
    assert (told, str(report.status)) == ([], "stored")


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    rows = [planted.row for planted in PLANTED if planted.header == HEADER]
    report, ledger = add(tmp_path / "new.csv", "\n".join([HEADER, GOOD, *rows]) + "\n")
    assert {problem.row for problem in report.problems} >= set(range(3, len(rows) + 2))
    assert report.counts["rows"] == len(rows) + 1
    assert ledger.history() == []


# ---------------------------------------------------------------- whole files


WHOLE_FILES = [
    (
        "semicolons",
        "formula;sigma_S_per_cm;temperature_C;reference\nLi6PS5Cl;0,002;25;lab:1\n",
        "semicolons.*--decimal-comma",
    ),
    ("tabs", "formula\tsigma_S_per_cm\nLi6PS5Cl\t1\n", "tabs"),
    (
        "no unit",
        "formula,sigma,temperature_C,reference\nLi6PS5Cl,1,25,lab:1\n",
        "'sigma' names no unit.*sigma_S_per_cm",
    ),
    ("unknown unit", "formula,sigma (ms/cm),temperature_C\nLi6PS5Cl,1,25\n", r"unit 'ms/cm' is not known.*mS/cm"),
    ("a unit of nowhere", "formula,sigma_furlong,reference\nLi6PS5Cl,1,lab:1\n", "unit 'furlong' is not known"),
    ("nearly a name", "formula,sigma_S_per_cm,temprature_C\nLi6PS5Cl,1,25\n", "did you mean 'temperature_C'"),
    ("twice", "formula,formula,sigma_S_per_cm\nLi6PS5Cl,Li3PS4,1\n", "header twice: formula"),
    ("nothing measured", "formula,colour\nLi6PS5Cl,red\n", "no measured column found"),
    ("two kinds", "formula,sigma_S_per_cm,oxidation_V\nLi6PS5Cl,1,2\n", "say which with --kind"),
    ("no rows", HEADER + "\n", "holds no rows"),
    ("empty", "", "holds no rows"),
    ("quotation mark", HEADER + '\nLi6PS5Cl,"1e-3,25,lab:1\n' + GOOD, "line 2: a quotation mark"),
]


@pytest.mark.parametrize(("what", "text", "message"), WHOLE_FILES, ids=[case[0] for case in WHOLE_FILES])
def test_unusable_files_are_refused_with_the_remedy(what: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableTableError, match=message):
        add(tmp_path / "new.csv", text)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04...", "Excel workbook"),
        ("formula,sigma_S_per_cm\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"\x1f\x8b\x08...", "compressed with gzip"),
        (b"PAR1...", "is a Parquet file"),
    ],
)
def test_files_that_are_no_text(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes(data)
    with pytest.raises(UnusableTableError, match=message):
        read_measurements_file(path)


def test_a_byte_order_mark_windows_lines_and_blank_lines_are_no_problem(tmp_path: Path) -> None:
    text = f"\ufeff{HEADER}\r\n\r\n{GOOD}\r\n,,,\r\n"
    report, ledger = add(tmp_path / "new.csv", text)
    assert report.entries == (1,)
    assert ledger.current("conductivity")["sigma_S_per_cm"].tolist() == [2e-3]


def test_semicolons_and_decimal_commas_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text(
        "formula;sigma_mS_per_cm;temperature_C;reference\nLi5.7PS4.7Cl1.3;2,5;25,0;lab:1\nLi3PS4;0.5;25;lab:1\n"
    )
    with pytest.raises(UnusableTableError, match="semicolons"):
        read_measurements_file(path)
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'l.db'}")
    table = read_measurements_file(path, decimal_comma=True)
    report = add_table(table, who="x", wishes=Wishes(keep_good=True), ledger=ledger)
    assert [(p.row, p.code) for p in report.problems if p.level is Level.REFUSED] == [(2, Code.DECIMAL_COMMA)]
    assert ledger.current("conductivity")["sigma_S_per_cm"].tolist() == [2.5e-3]
    path.write_text(HEADER + "\n" + GOOD)
    with pytest.raises(UnusableTableError, match="expects semicolons"):
        read_measurements_file(path, decimal_comma=True)


def refusals(path: Path, tmp_path: Path) -> list[tuple[int, int | None, AnyCode]]:
    """Add a file, good rows of it at least, and return what was refused: row, line, code."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'l.db'}")
    report = add_table(read_measurements_file(path), who="x", wishes=Wishes(keep_good=True), ledger=ledger)
    assert len(ledger.current("conductivity")) == 1
    return [(p.row, p.line, p.code) for p in report.problems if p.level is Level.REFUSED]


def test_one_bad_line_spoils_one_row(tmp_path: Path) -> None:
    good = '{"formula": "Li5.7PS4.7Cl1.3", "sigma_S_per_cm": 0.002, "temperature_C": 25, "reference": "lab:1"}'
    bad = good.replace("0.002", "NaN"), good.replace("0.002", "2,1"), '["Li3N"]'
    path = tmp_path / "new.jsonl"
    path.write_text("\n".join((bad[0], "", good, bad[1], bad[2])) + "\n")
    assert refusals(path, tmp_path) == [(n, line, Code.UNREADABLE_ROW) for n, line in ((1, 1), (3, 4), (4, 5))]


def test_a_byte_of_a_code_page_spoils_the_row_where_it_matters(tmp_path: Path) -> None:
    rows = f"{HEADER},remark\n{GOOD},90° – fine\nLi5.5PS4.5Cl1.5,2e-3,25,lab:Müller,\n"
    path = tmp_path / "new.csv"
    path.write_bytes(rows.encode("cp1252"))
    assert refusals(path, tmp_path) == [(2, 3, Code.UNREADABLE_ROW)]


@pytest.mark.parametrize("word", ["NaN", "No", "None", "-", "TRUE"])
def test_a_word_for_nothing_is_no_formula(word: str, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n{word},2e-3,25,lab:1\n", encoding="utf-16")
    assert refusals(path, tmp_path) == [(2, 3, RowErrorCode.EMPTY_FORMULA)]
