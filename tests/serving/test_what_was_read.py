"""Every entrance says which text was typed and which composition was read from it, and which row is a bad one."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
from click.testing import CliRunner, Result
from screening_world import here, rows_of, run

from features.candidate import Candidate, MaterialBatch, RowError
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode
from features.lattice import CrystalRecord
from serving import Client
from serving.answers.columns import predict_columns
from serving.answers.condition_grid import ConditionGridRequest
from serving.answers.interface_request import InterfaceRequest
from serving.answers.nearest_request import NearestRequest
from serving.answers.output_tables import flat_row, terminal_lines, write_results
from serving.answers.request import CandidateInput
from serving.answers.rows import MATERIAL_COLUMNS, error_row, head_of
from serving.answers.terminal_tables import name_of, reading_of
from serving.cli import elyte
from serving.predictor import Predictor
from serving.ranking.request import RankRequest
from serving.ranking.tables import flat_rows, write_ranking
from serving.rest.http_api import create_app
from serving.screening import processes
from serving.suggestions.answer import SuggestOptions
from serving.synthesis.plan import SynthesisRequest

OTHERWISE, PLAIN = "Li₆PS₅Cl", "Li3YCl6"
READ_AS = {OTHERWISE: "Li6PS5Cl", PLAIN: "Li3YCl6"}
SAID = "read as Li6PS5Cl"
BAD = "Li6PS5Cl)"
CRYSTAL = CrystalRecord("argyrodite", "F -4 3 m", "Li24P4S20Cl4")
OF_A_CIF = "read as Li6PS5Cl, F -4 3 m, Li24P4S20Cl4 in the cell, block argyrodite"


@dataclass(frozen=True)
class Place:
    """What entrances need: loaded models, a service with them, bundles for screening, and a folder of one's own."""

    predictor: Predictor
    url: str
    bundles: Path
    folder: Path

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.post(self.url + path, json=body, timeout=60.0).raise_for_status().json()
        return answer


@pytest.fixture(scope="module")
def url(predictor: Predictor) -> Iterator[str]:
    """Serve the application on a free port."""
    server = uvicorn.Server(uvicorn.Config(create_app(predictor), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def place(predictor: Predictor, url: str, bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(processes, "run_on_processes", here)
    return Place(predictor, url, bundles, tmp_path)


def command(*words: str) -> Result:
    """Run a command of elyte; a failed row is no surprise here."""
    result = CliRunner().invoke(elyte, words, catch_exceptions=False)
    assert result.exit_code in (0, 1), result.output
    return result


def table_of(path: Path) -> list[dict[str, Any]]:
    match path.suffix:
        case ".csv":
            return [*csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))]
        case ".jsonl":
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        case _:
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return rows


# ---------------------------------------------------------------- every entrance, as data


def _predict_json(place: Place) -> list[dict[str, Any]]:
    return json.loads(command("predict", *READ_AS, "--property", "stability", "--json").stdout)["results"]


def _predict_output(place: Place) -> list[dict[str, Any]]:
    path = place.folder / "answers.csv"
    command("predict", *READ_AS, "--property", "stability", "--output", str(path))
    return table_of(path)


def _files(place: Place) -> list[dict[str, Any]]:
    results, found = place.predictor.predict_formulas([*READ_AS])["results"], []
    for ending in ("csv", "jsonl", "parquet"):
        write_results(results, place.folder / f"answers.{ending}")
        found += table_of(place.folder / f"answers.{ending}")
    return found


def _rest(path: str) -> Callable[[Place], list[dict[str, Any]]]:
    return lambda place: place.post(path, candidates=[{"formula": formula} for formula in READ_AS])["results"]


def _rest_csv(place: Place) -> list[dict[str, Any]]:
    body, found = "\n".join(["formula", *READ_AS, ""]).encode(), []
    for accept in ("application/json", "text/csv"):
        headers = {"Content-Type": "text/csv", "Accept": accept}
        answer = httpx.post(f"{place.url}/predict/csv", content=body, headers=headers, timeout=60.0).raise_for_status()
        is_table = accept == "text/csv"
        found += [*csv.DictReader(io.StringIO(answer.text))] if is_table else answer.json()["results"]
    return found


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["index"]))


def _rank_rest(place: Place) -> list[dict[str, Any]]:
    asked = {"candidates": [{"formula": text} for text in READ_AS], "objectives": ["sigma>=1e-6", "minimise cost"]}
    answer = place.post("/rank", **asked, batch={"size": 2, "method": "ucb"})
    excluded = place.post("/rank", **asked, constraints={"avoid": ["Cl"]})
    return [*_in_order(answer["ranking"]), *_in_order(answer["batch"]["picks"]), *excluded["excluded"]]


def _rank_output(place: Place) -> list[dict[str, Any]]:
    asked = {"candidates": [{"formula": text} for text in READ_AS], "objectives": ["sigma>=1e-6"]}
    write_ranking(place.predictor.rank(RankRequest.model_validate(asked)), place.folder / "ranking.csv")
    return _in_order(table_of(place.folder / "ranking.csv"))


def _client(place: Place) -> list[dict[str, Any]]:
    with Client(place.url) as client:
        answers = client.predict([*READ_AS])
        ranked = client.rank([*READ_AS], objectives=["sigma>=1e-6"])["ranking"]
        near = client.nearest([*READ_AS])["results"]
        return [*answers.results, *answers.to_frame().to_dict("records"), *_in_order(ranked), *near]


def _columns(place: Place) -> list[dict[str, Any]]:
    columns = predict_columns(place.predictor._models, [*READ_AS])
    return [{name: columns[name][i] for name in MATERIAL_COLUMNS} for i in range(len(READ_AS))]


def _interface(place: Place) -> list[dict[str, Any]]:
    answers = [place.post("/interface", formula=text, against=[text]) for text in READ_AS]
    return [*(answer["electrolyte"] for answer in answers), *(answer["contacts"][0] for answer in answers)]


def _coatings(place: Place) -> list[dict[str, Any]]:
    answers = [place.post("/coatings", electrolyte=text, cathode="LCO", candidates=[text]) for text in READ_AS]
    return [*(answer["electrolyte"] for answer in answers), *(answer["asked"][-1] for answer in answers)]


def _screening(place: Place) -> list[dict[str, Any]]:
    pq.write_table(pa.table({"formula": [*READ_AS]}), place.folder / "in.parquet")
    run(place.folder / "in.parquet", place.folder / "out", place.bundles)
    return rows_of(place.folder / "out")


def _suggest(place: Place) -> list[dict[str, Any]]:
    rows = [CandidateInput(formula=formula) for formula in READ_AS]
    return _in_order(place.predictor.suggest(rows, SuggestOptions(count=2))["suggestions"])


def _ledger(place: Place) -> list[dict[str, Any]]:
    path = place.folder / "measured.csv"
    lines = [f"{formula},1.7,41" for formula in READ_AS]
    path.write_text("\n".join(["formula,sigma_mS_per_cm,temperature_C", *lines, ""]), encoding="utf-8")
    words = ("--source", "lab:1", "--json", "--dry-run", "--ledger", f"sqlite:///{place.folder / 'ledger.db'}")
    return json.loads(command("data", "add", "--input", str(path), *words).stdout)["rows"]


ENTRANCES: dict[str, Callable[[Place], list[dict[str, Any]]]] = {
    "predict --json": _predict_json,
    "predict --output": _predict_output,
    "files": _files,
    "POST /predict": _rest("/predict"),
    "POST /predict/csv": _rest_csv,
    "POST /nearest": _rest("/nearest"),
    "POST /rank": _rank_rest,
    "rank --output": _rank_output,
    "POST /interface": _interface,
    "POST /coatings": _coatings,
    "POST /ccd/grid": lambda place: [place.post("/ccd/grid", formula=text, temperatures_C=[25]) for text in READ_AS],
    "client": _client,
    "predict_columns": _columns,
    "screening": _screening,
    "suggest": _suggest,
    "synthesis": lambda place: [place.predictor.synthesis(SynthesisRequest(text))["target"] for text in READ_AS],
    "ledger": _ledger,
}


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_every_entrance_carries_the_text_as_typed_and_as_read(entrance: str, place: Place) -> None:
    """Where both are the same, too: whoever reads the answers of a machine looks for one key."""
    rows = ENTRANCES[entrance](place)
    assert rows
    assert [(row["formula"], row["read_as"]) for row in rows] == [*READ_AS.items()] * (len(rows) // len(READ_AS))


# ---------------------------------------------------------------- every entrance, for people

TERMINALS: dict[str, list[str]] = {
    "predict": ["predict", OTHERWISE, PLAIN, "--property", "conductivity", "--property", "stability"],
    "predict stability": ["predict", OTHERWISE, PLAIN, "--property", "stability"],
    "predict ccd": ["predict", OTHERWISE, PLAIN, "--property", "ccd"],
    "rank": ["rank", "--input", "in.csv", "--objective", "sigma>=1e-6"],
    "rank, excluded": ["rank", "--input", "in.csv", "--objective", "sigma>=1e-6", "--avoid", "P"],
    "suggest": ["suggest", "--input", "in.csv", "--count", "2"],
    "interface": ["interface", OTHERWISE, "--against", PLAIN, "--against", "NMC811"],
    "coatings": ["coatings", "--electrolyte", OTHERWISE, "--cathode", "LCO", "--top", "1"],
    "interface, partner": ["interface", PLAIN, "--against", OTHERWISE],
    "ccd-grid": ["ccd-grid", OTHERWISE, "--temperature-c", "25"],
    "synthesis": ["synthesis", OTHERWISE, "--top", "1"],
    "generate": ["generate", "--parent", OTHERWISE, "--parent", PLAIN, "--anions", "--no-known"],
    "data add": ["data", "add", "--input", "measured.csv", "--source", "lab:1", "--dry-run", "--ledger", "sqlite:///l"],
}


@pytest.mark.parametrize("name", TERMINALS)
def test_people_read_what_was_read_once_and_only_where_it_was_typed_otherwise(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note stands beside or beneath the text as typed; the same text is not said twice."""
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text(f"formula\n{OTHERWISE}\n{PLAIN}\n", encoding="utf-8")
    measured = f"formula,sigma_mS_per_cm,temperature_C\n{OTHERWISE},1.7,41\n{PLAIN},0.3,41\n"
    Path("measured.csv").write_text(measured, encoding="utf-8")
    told = command(*TERMINALS[name]).output
    assert OTHERWISE in told
    assert told.count(SAID) == told.count("read as") == 1


def test_the_note_stands_in_the_first_lines_of_the_answer(place: Place) -> None:
    """Whoever mistypes learns it before anything else, also where an id stands in the place of the formula."""
    table = place.folder / "in.csv"
    table.write_text(f"id,formula\n,{OTHERWISE}\npellet 3,{OTHERWISE}\n", encoding="utf-8")
    told = command("predict", "--input", str(table), "--property", "conductivity").stdout
    lines = [line for line in told.splitlines() if not line.startswith("    measured:")]
    header, first, note, second, other_note, *_ = lines
    assert header.startswith("material")
    assert first.startswith(OTHERWISE)
    assert note == f"    {SAID}"
    assert second.startswith("pellet 3 ")
    assert other_note == f"    {OTHERWISE} {SAID}"


# ---------------------------------------------------------------- rows that fail


def test_a_row_that_fails_keeps_its_text(place: Place) -> None:
    """In JSON, in columns, in flat tables and in rankings, cut and printable where it is not fit to be shown."""
    typed = [BAD, "=cmd|' /C calc'!A0", "Li6\x1b[31mPS5Cl", "Xx" * 100, "", None]
    shown = [BAD, "=cmd|' /C calc'!A0", "Li6\N{REPLACEMENT CHARACTER}[31mPS5Cl", "Xx" * 28 + "X...", "", None]
    rows = [CandidateInput(formula=text) for text in typed]
    results = place.predictor.answer(rows)["results"]
    assert [row["status"] for row in results] == ["error"] * 6
    assert [row["formula"] for row in results] == shown
    assert [row["read_as"] for row in results] == [None] * 6
    assert [flat_row(row)["formula"] for row in results] == shown
    columns = predict_columns(place.predictor._models, [row.formula for row in rows])
    assert columns["formula"].tolist() == shown
    ranked = place.predictor.rank(RankRequest(candidates=rows, objectives=["sigma>=1e-6"]))  # type: ignore[arg-type]
    assert [row["formula"] for row in ranked["failed"]] == shown
    assert [row["formula"] for row in flat_rows(ranked)[1]] == shown
    with Client(place.url) as client:
        assert [row["formula"] for row in client.predict([BAD, "Li3N"]).results] == [BAD, "Li3N"]


def test_a_row_that_was_read_but_cannot_be_judged_says_what_was_read(place: Place) -> None:
    """Xenon stands in no compound of the table; the text could be read nevertheless."""
    (row,) = place.predictor.answer([CandidateInput(formula="LiXe₂F")])["results"]
    assert row["error"]["code"] == "element_without_energies"
    assert (row["formula"], row["read_as"]) == ("LiXe₂F", "LiXe2F")
    columns = predict_columns(place.predictor._models, ["LiXe₂F"])
    assert (columns["formula"][0], columns["read_as"][0]) == ("LiXe₂F", "LiXe2F")
    found = place.predictor.interface(InterfaceRequest(formula="LiXe₂F"))
    assert (found["status"], found["formula"], found["read_as"]) == ("error", "LiXe₂F", "LiXe2F")


def test_rows_without_usable_conditions_keep_their_text(place: Place) -> None:
    """The formula may be the only thing by which a laboratory knows its row."""
    table = place.folder / "in.csv"
    table.write_text(f"formula,temperature_C\n{OTHERWISE},warm\n{PLAIN},25\n", encoding="utf-8")
    document = json.loads(command("predict", "--input", str(table), "--property", "stability", "--json").stdout)
    assert [row["formula"] for row in document["results"]] == [OTHERWISE, PLAIN]
    pq.write_table(pa.table({"formula": [OTHERWISE], "temperature_C": ["warm"]}), place.folder / "in.parquet")
    run(place.folder / "in.parquet", place.folder / "out", place.bundles)
    (row,) = rows_of(place.folder / "out")
    assert (row["status"], row["formula"], row["read_as"]) == ("error", OTHERWISE, "Li6PS5Cl")


@pytest.mark.parametrize("name", ["predict", "rank", "suggest"])
def test_bad_rows_are_called_by_their_number_their_id_and_their_text(name: str, place: Place) -> None:
    """Counted as people do, and what is counted is said."""
    table = place.folder / "in.csv"
    table.write_text(f"id,formula\na,{PLAIN}\nb,{BAD}\n,{BAD}\n", encoding="utf-8")
    more = {
        "predict": ["--property", "stability"],
        "rank": ["--objective", "sigma>=1e-6"],
        "suggest": ["--count", "1"],
    }[name]
    told = command(name, "--input", str(table), *more).output
    assert f"row 2, b, '{BAD}'" in told
    assert f"row 3, '{BAD}'" in told
    assert "row 0" not in told
    assert told.count("the first is 1") == 1


# ---------------------------------------------------------------- crystals


def _crystal(**more: Any) -> Candidate:
    amounts = {"Li": 6.0, "P": 1.0, "S": 5.0, "Cl": 1.0}
    return Candidate("Li6PS5Cl", amounts, id="a.cif", crystal=CRYSTAL, **more)


def test_a_crystal_says_which_block_group_and_cell_were_read(place: Place) -> None:
    """In JSON, flat tables and columns; the words say it even where the formula is written alike."""
    head = {**head_of(_crystal(), 0), "status": "ok"}
    assert {name: head[name] for name in CrystalRecord._fields} == CRYSTAL._asdict()
    assert reading_of(head) == OF_A_CIF
    columns = predict_columns(place.predictor._models, [_crystal(), Candidate.from_formula(PLAIN)])
    assert columns["space_group"].tolist() == ["F -4 3 m", None]
    assert columns["cell_content"].tolist() == ["Li24P4S20Cl4", None]
    assert columns["block"].tolist() == ["argyrodite", None]
    failed = error_row(RowError.of(_crystal(), 3, CandidateError(RowErrorCode.INVALID_CONDITION, "too warm")))
    flat = flat_row(failed)
    assert (flat["formula"], flat["read_as"], flat["block"]) == ("Li6PS5Cl", "Li6PS5Cl", "argyrodite")
    assert (name_of(failed), reading_of(failed)) == ("row 4, a.cif, 'Li6PS5Cl'", OF_A_CIF)
    assert any(OF_A_CIF in line for line in terminal_lines([failed]))


def test_the_words_of_a_crystal_are_fit_for_a_terminal() -> None:
    """A file may call its block as it likes, or give no group."""
    odd = Candidate("Li3N", {"Li": 3.0, "N": 1.0}, crystal=CrystalRecord("x\x1b[2J", "", "Li3N"))
    assert reading_of(head_of(odd, 0)) == "read as Li3N, Li3N in the cell, block x\N{REPLACEMENT CHARACTER}[2J"


# ---------------------------------------------------------------- warnings


def test_what_reading_warns_of_stands_in_every_kind_of_answer(place: Place) -> None:
    """A name that was taken as a composition is the most dangerous thing to keep quiet about."""
    rows = [CandidateInput(formula="name:LLZO"), CandidateInput(formula=PLAIN)]
    answered = place.predictor.answer(rows)["results"]
    near = place.predictor.nearest(NearestRequest(candidates=rows))["results"]
    suggested = place.predictor.suggest(rows, SuggestOptions(count=2))["suggestions"]
    wanted = {"candidates": rows, "constraints": {"avoid": ["Zr"]}}
    ranked = place.predictor.rank(RankRequest.model_validate({"candidates": rows, "objectives": ["minimise cost"]}))
    left_out = place.predictor.rank(RankRequest.model_validate(wanted | {"objectives": ["minimise cost"]}))
    grid = place.predictor.ccd_grid(ConditionGridRequest(formula="name:LLZO", temperatures_C=[25.0]))
    contact = place.predictor.interface(InterfaceRequest(formula=PLAIN, against=["name:LLZO"]))["contacts"]
    target = place.predictor.synthesis(SynthesisRequest("name:LLZO"))
    of_name = [answered[0], near[0], left_out["excluded"][0], grid["points"][0], contact[0], target]
    of_name += [row for row in (*ranked["ranking"], *suggested) if row["formula"] == "name:LLZO"]
    assert len(of_name) == 8
    for row in of_name:
        assert [warning["code"] for warning in row["warnings"]].count("name_taken") == 1, row
    for row in (*answered, *near, *ranked["ranking"], *suggested):
        assert all(warning.keys() == {"code", "message"} for warning in row["warnings"])


def test_the_codes_of_flat_tables_are_those_of_the_rows(place: Place) -> None:
    """Errors and quiet rows too; the words of a crystal's reading come with its row, whatever the medium."""
    formulas = ["name:LLZO", PLAIN, "Na3PS4", BAD, "Li2(H2O)", "6Li3N"]
    results = place.predictor.answer([CandidateInput(formula=text) for text in formulas])["results"]
    expected = ["; ".join(warning["code"] for warning in row["warnings"]) for row in results]
    assert expected[0].startswith("name_taken")
    assert expected[3] == ""
    assert [flat_row(row)["warnings"] for row in results] == expected
    assert predict_columns(place.predictor._models, formulas)["warnings"].tolist() == expected
    write_results(results, place.folder / "a.csv")
    assert [row["warnings"] for row in table_of(place.folder / "a.csv")] == expected
    remark = Remark(WarningCode.NO_LITHIUM, "made up")
    columns = predict_columns(place.predictor._models, [_crystal(remarks=(remark,))], properties=["stability"])
    assert columns["warnings"].tolist() == ["no_lithium"]


def test_a_batch_is_called_by_what_is_written_from_its_fractions(place: Place) -> None:
    """Nothing was typed: both columns say the same, in the order of chemists."""
    columns = predict_columns(place.predictor._models, MaterialBatch.from_formulas(["ClS5PLi6", "Na3PS4"]))
    assert columns["formula"].tolist() == columns["read_as"].tolist()
    assert columns["formula"][0].startswith("Li0.4615")
    assert ["no_lithium" in codes for codes in columns["warnings"]] == [False, True]
