"""Parquet in, Parquet out: the rows of `elyte predict`, errors among them, the same parts for any number of workers."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pyarrow.dataset import dataset
from screening_world import digests, formulas, here, rows_of, run, write_input

from serving.answers.conditions import Conditions
from serving.answers.input_tables import InputTableError
from serving.answers.output_tables import flat_row
from serving.answers.request import CandidateInput
from serving.cli import elyte
from serving.predictor import Predictor
from serving.screening import plan, processes
from serving.screening.filters import SortedColumn, parse_objectives
from serving.screening.manifest import MANIFEST, ManifestError, load_manifest
from serving.screening.progress import Progress
from serving.screening.run import ScreeningError

SIGMA, ENERGY = "log10_sigma_S_per_cm", "activation_energy_eV"


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "run_on_processes", here)


def assert_rows_are_those_of_predict(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        for name, value in row.items():
            if name in ("source", "index"):
                continue
            if isinstance(value, float):
                assert math.isclose(value, wanted[name], abs_tol=1.01e-4), name
            else:
                assert value == wanted[name], (name, value, wanted[name])


@pytest.mark.usefixtures("in_process")
def test_every_row_is_answered_as_predict_answers_it(tmp_path: Path, bundles: Path) -> None:
    write_input(tmp_path / "in" / "a.parquet", 40)
    write_input(tmp_path / "in" / "deep" / "b.parquet", 25, first=40)
    outcome = run(tmp_path / "in", tmp_path / "out", bundles)
    assert (outcome.rows, outcome.written, outcome.parts, outcome.errors) == (65, 65, 5, 16)
    rows = rows_of(tmp_path / "out")
    assert [row["id"] for row in rows] == [f"c{i}" for i in range(65)]
    assert [(row["source"], row["index"]) for row in rows[38:42]] == [
        ("a.parquet", 38),
        ("a.parquet", 39),
        ("deep/b.parquet", 0),
        ("deep/b.parquet", 1),
    ]
    given = [CandidateInput(id=f"c{i}", formula=formula) for i, formula in enumerate(formulas(65))]
    document = Predictor.load(str(bundles)).answer(given, Conditions())
    assert_rows_are_those_of_predict(rows, [flat_row(result) for result in document["results"]])


@pytest.mark.usefixtures("in_process")
def test_conditions_of_a_row_win_and_wrong_ones_fail_that_row_alone(tmp_path: Path, bundles: Path) -> None:
    degrees = [60.0, None, 5000.0, float("nan")]
    write_input(tmp_path / "in.parquet", 4, temperature_C=degrees)
    run(tmp_path / "in.parquet", tmp_path / "out", bundles, conditions=Conditions(temperature_C=80.0))
    rows = rows_of(tmp_path / "out")
    assert [row["temperature_C"] for row in rows] == [60.0, 80.0, None, None]
    assert [row["error_code"] for row in rows] == [None, None, "invalid_condition", "unparseable_formula"]


@pytest.mark.usefixtures("in_process")
def test_amounts_by_element_are_read_as_formulas_are(tmp_path: Path, bundles: Path) -> None:
    table = {
        "Li": [6.0, 7.0, 5.7, -1.0, 0.0, 1e-7],
        "P": [1, None, 1, 1, 0, 1],
        "S": [5.0, 0.0, 4.7, 4.0, 0.0, 4.0],
        "Cl": [1.0, None, 1.3, 0.0, None, 0.0],
        "La": [0, 3, 0, 0, 0, 0],
        "Zr": [0, 2, 0, 0, 0, 0],
        "O": [0, 12, 0, 0, 0, 0],
        "remark": list("abcdef"),
    }
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    outcome = run(tmp_path / "in.parquet", tmp_path / "out", bundles)
    rows = rows_of(tmp_path / "out")
    assert outcome.ignored == ["remark"]
    assert [row["formula"] for row in rows[:3]] == ["Li6PS5Cl", "Li7La3Zr2O12", "Li5.7PS4.7Cl1.3"]
    codes = [row["error_code"] for row in rows[3:]]
    assert codes == ["non_positive_amount", "empty_formula", "amount_out_of_range"]
    single = Predictor.load(str(bundles)).predict_formulas(["Li5.7PS4.7Cl1.3"])["results"][0]
    assert abs(rows[2][SIGMA] - single["conductivity"][SIGMA]["value"]) < 1e-4


@pytest.mark.usefixtures("in_process")
def test_chosen_rows_are_those_of_the_whole_table(tmp_path: Path, bundles: Path) -> None:
    write_input(tmp_path / "in.parquet", 120)
    more: dict[str, Any] = {
        "top": (SortedColumn.parse(SIGMA), 10),
        "pareto": parse_objectives(f"{SIGMA}:max,{ENERGY}:min"),
    }
    run(tmp_path / "in.parquet", tmp_path / "out", bundles, **more)
    rows = [row for row in rows_of(tmp_path / "out") if row[SIGMA] is not None]
    best = sorted(rows, key=lambda row: (-row[SIGMA], row["index"]))[:10]
    assert pq.read_table(tmp_path / "out_top.parquet").to_pylist() == best
    front = [
        row
        for row in rows
        if not any(
            o[SIGMA] >= row[SIGMA] and o[ENERGY] <= row[ENERGY] and (o[SIGMA], o[ENERGY]) != (row[SIGMA], row[ENERGY])
            for o in rows
        )
    ]
    found = pq.read_table(tmp_path / "out_pareto.parquet").to_pylist()
    assert sorted(row["index"] for row in found) == sorted(row["index"] for row in front)
    before = digests(tmp_path / "out")
    again = run(tmp_path / "in.parquet", tmp_path / "out", bundles, **more)
    assert again.parts_before == again.parts == 8
    assert digests(tmp_path / "out") == before


@pytest.mark.usefixtures("in_process")
def test_the_folder_is_a_data_set_to_all_that_read_parquet(tmp_path: Path, bundles: Path) -> None:
    out = tmp_path / "out"
    write_input(tmp_path / "in.parquet", 40)
    run(tmp_path / "in.parquet", out, bundles, top=(SortedColumn.parse(SIGMA), 5))
    expected = [(row["id"], row["index"], row[SIGMA]) for row in rows_of(out)]
    assert len(expected) == 40
    columns = ["id", "index", SIGMA]
    by_row = f'SELECT id, "index", {SIGMA} FROM \'{{}}\' ORDER BY "index"'
    for found in (
        pd.read_parquet(out)[columns].itertuples(index=False, name=None),
        pa.Table.to_pylist(dataset(out).to_table(columns)),
        polars.read_parquet(out, columns=columns).rows(),
        polars.scan_parquet(f"{out}/").select(columns).collect().rows(),
        duckdb.sql(by_row.format(f"{out}/*.parquet")).fetchall(),
        duckdb.sql(by_row.format(f"{out}/**/*.parquet")).fetchall(),
    ):
        rows = [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in found]
        rows = [(name, int(place), None if value is None or value != value else value) for name, place, value in rows]
        assert sorted(rows, key=lambda row: row[1]) == expected
    (out / ".part-00000-000009.parquet.77.tmp").write_bytes(b"PAR1")  # of a run that is under way, or was killed
    assert len(pd.read_parquet(out)) == dataset(out).count_rows() == 40
    assert len(polars.read_parquet(f"{out}/*.parquet")) == 40
    assert duckdb.sql(f"SELECT count(*) FROM '{out}/*.parquet'").fetchall() == [(40,)]
    assert run(tmp_path / "in.parquet", out, bundles).parts_before == 3
    assert not list(out.glob(".*.tmp"))


@pytest.mark.usefixtures("in_process")
def test_a_folder_of_an_earlier_version_is_left_as_it_is(tmp_path: Path, bundles: Path) -> None:
    out = tmp_path / "out"
    write_input(tmp_path / "in.parquet", 40)
    run(tmp_path / "in.parquet", out, bundles)
    (out / MANIFEST).rename(out / "manifest.json")
    before = digests(out)
    with pytest.raises(ManifestError, match="another version of elyte; choose another output folder"):
        run(tmp_path / "in.parquet", out, bundles)
    assert digests(out) == before


@pytest.mark.usefixtures("in_process")
def test_one_odd_cell_spoils_one_row(tmp_path: Path, bundles: Path) -> None:
    cells = [b"Li6PS5Cl", b"Li3PS4\xb7NH3", b"NaN", None, b"Li3N"]
    table = {"formula": pa.array(cells, pa.binary()), "temperature_C": ["60", "NA", "[]", "warm", None]}
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    run(tmp_path / "in.parquet", tmp_path / "out", bundles)
    rows = rows_of(tmp_path / "out")
    codes = [row["error_code"] for row in rows]
    assert codes == [None, "unreadable_row", "invalid_condition", "invalid_condition", None]
    assert "byte 0xb7" in rows[1]["error_message"]
    lists = {"formula": [["Li3N"], ["Li3N", "Li2O"]], "temperature_C": [[60.0], None]}
    pq.write_table(pa.table(lists), tmp_path / "lists.parquet")
    run(tmp_path / "lists.parquet", tmp_path / "other", bundles)
    assert [row["error_code"] for row in rows_of(tmp_path / "other")] == ["unreadable_row"] * 2


@pytest.mark.usefixtures("in_process")
def test_rows_that_do_not_meet_a_condition_are_left_out_errors_are_not(tmp_path: Path, bundles: Path) -> None:
    write_input(tmp_path / "in.parquet", 64)
    run(tmp_path / "in.parquet", tmp_path / "all", bundles)
    everything = rows_of(tmp_path / "all")
    middle = sorted(row[SIGMA] for row in everything if row[SIGMA] is not None)[20]
    outcome = run(tmp_path / "in.parquet", tmp_path / "some", bundles, where=(f"{SIGMA}>={middle}",))
    expected = [row for row in everything if row["status"] == "error" or row[SIGMA] >= middle]
    assert rows_of(tmp_path / "some") == expected
    assert (outcome.rows, outcome.written, outcome.errors) == (64, len(expected), 16)


@pytest.mark.usefixtures("in_process")
def test_a_unit_is_at_most_so_many_rows(tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_input(tmp_path / "in.parquet", 30, rows_per_group=12)
    run(tmp_path / "in.parquet", tmp_path / "whole", bundles)
    monkeypatch.setattr(plan, "ROWS_PER_UNIT", 5)
    outcome = run(tmp_path / "in.parquet", tmp_path / "cut", bundles)
    assert outcome.parts == 3 + 3 + 2
    assert rows_of(tmp_path / "cut") == rows_of(tmp_path / "whole")


def test_two_processes_write_the_bytes_of_one(tmp_path: Path, bundles: Path) -> None:
    write_input(tmp_path / "in.parquet", 96)
    top: dict[str, Any] = {"top": (SortedColumn.parse(f"{SIGMA}:min"), 5)}
    for n in (1, 2):
        assert run(tmp_path / "in.parquet", tmp_path / str(n), bundles, n_processes=n, **top).parts == 6
    assert digests(tmp_path / "1") == digests(tmp_path / "2")


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"coverage": 0.8}, "coverage: 0.9 then, 0.8 now"),
        ({"conditions": Conditions(temperature_C=60.0)}, "conditions"),
        ({"where": (f"{SIGMA}>=-3",)}, "where"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, bundles: Path, change: dict[str, Any], words: str) -> None:
    write_input(tmp_path / "in.parquet", 20)
    run(tmp_path / "in.parquet", tmp_path / "out", bundles)
    before = digests(tmp_path / "out")
    with pytest.raises(ManifestError, match=words):
        run(tmp_path / "in.parquet", tmp_path / "out", bundles, **change)
    assert digests(tmp_path / "out") == before


@pytest.mark.usefixtures("in_process")
def test_other_models_and_other_input_are_refused(tmp_path: Path, bundles: Path) -> None:
    source = write_input(tmp_path / "in" / "a.parquet", 20)
    run(tmp_path / "in", tmp_path / "out", bundles)
    manifest = load_manifest(tmp_path / "out")
    assert manifest is not None
    replace(manifest, models={"conductivity": "0" * 64}).save(tmp_path / "out")
    with pytest.raises(ManifestError, match="other models are served now"):
        run(tmp_path / "in", tmp_path / "out", bundles)
    manifest.save(tmp_path / "out")
    extra = write_input(tmp_path / "in" / "b.parquet", 20)
    with pytest.raises(ManifestError, match=r"b\.parquet was added"):
        run(tmp_path / "in", tmp_path / "out", bundles)
    extra.unlink()
    write_input(source, 20, first=5)
    with pytest.raises(ManifestError, match=r"a\.parquet has changed"):
        run(tmp_path / "in", tmp_path / "out", bundles)
    source.unlink()
    with pytest.raises(InputTableError, match="holds no file"):
        run(tmp_path / "in", tmp_path / "out", bundles)


@pytest.mark.usefixtures("in_process")
def test_unusable_inputs_are_refused_in_words(tmp_path: Path, bundles: Path) -> None:
    pq.write_table(pa.table({"formla": ["Li3N"]}), tmp_path / "typo.parquet")
    with pytest.raises(InputTableError, match="did you mean 'formula'"):
        run(tmp_path / "typo.parquet", tmp_path / "out", bundles)
    pq.write_table(pa.table({"name": ["Li3N"]}), tmp_path / "none.parquet")
    with pytest.raises(InputTableError, match="expected a column 'formula' or 'cif'"):
        run(tmp_path / "none.parquet", tmp_path / "out", bundles)
    write_input(tmp_path / "empty.parquet", 0)
    with pytest.raises(InputTableError, match="holds no rows"):
        run(tmp_path / "empty.parquet", tmp_path / "out", bundles)
    (tmp_path / "table.csv").write_text("formula\nLi3N\n")
    with pytest.raises(InputTableError, match="screening reads Parquet only"):
        run(tmp_path / "table.csv", tmp_path / "out", bundles)
    assert not (tmp_path / "out").exists()
    write_input(tmp_path / "in" / "a.parquet", 3)
    with pytest.raises(ScreeningError, match="holds the input"):
        run(tmp_path / "in", tmp_path / "in", bundles)


def test_the_command_says_what_was_done_and_what_failed(
    tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "run_on_processes", here)
    monkeypatch.setattr("serving.models.store.SHIPPED", bundles)
    write_input(tmp_path / "in.parquet", 16)
    arguments = ["screen", "--input", str(tmp_path / "in.parquet"), "--output", str(tmp_path / "out"), "--json"]
    answer = CliRunner().invoke(elyte, [*arguments, "--top-k", "3", "--by", SIGMA])
    assert answer.exit_code == 1  # formulas that cannot be read
    summary = json.loads(answer.stdout)
    assert (summary["rows"], summary["errors"], summary["parts"]) == (16, 4, 1)
    assert "16 of 16 rows" in answer.stderr
    assert pq.read_metadata(tmp_path / "out_top.parquet").num_rows == 3
    for extra, words in (
        (["--top-k", "3"], "go together"),
        (["--by", "sigma", "--top-k", "3"], "no column of numbers"),
        (["--where", "x"], "expected a column"),
        (["--coverage", "0.8"], "the settings differ"),
        (["--property", "ccd"], "no model of ccd"),
    ):
        answer = CliRunner().invoke(elyte, [*arguments, *extra])
        assert answer.exit_code == 2, extra
        assert words in answer.stderr, extra


def test_progress_says_rate_and_time_left() -> None:
    stream = io.StringIO()
    progress = Progress(1000, 200, stream)
    progress.advance(300)
    progress.close()
    assert "50.0%" in stream.getvalue()
    assert "500 of 1,000 rows" in stream.getvalue()
    assert " left" in stream.getvalue()
