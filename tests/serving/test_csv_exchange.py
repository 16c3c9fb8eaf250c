"""Tables over HTTP: the same rows in, the same file out as with the command line and with Python."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_cifs import cif

from features.candidate import RowError
from serving.answers.conditions import Conditions
from serving.answers.input_tables import (
    InputTableError,
    read_candidate_records,
    read_candidates_csv,
    read_candidates_file,
    with_places,
)
from serving.answers.output_tables import FLAT_COLUMNS, csv_text, flat_rows, write_results
from serving.answers.request import MAX_CANDIDATES, MAX_ID_LENGTH, CandidateInput
from serving.cli import elyte
from serving.predictor import Predictor
from serving.rest.csv_exchange import chosen_media_type
from training.properties import registry

TABLE = "id,formula,temperature_C\na,Li6PS5Cl,60\nb,Xx2O3,\nc,Li3YCl6,\n"
CSV = {"Content-Type": "text/csv"}
FAMILIES = ("Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "Li3N", "NaCl", "Li1.3Al0.3Ti1.7(PO4)3", "Xx", "")


def post(app: FastAPI, path: str = "/predict/csv", headers: dict[str, str] = CSV, **more: Any) -> httpx.Response:
    """Send one request to an application in this process."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(path, headers=headers, **more)

    return asyncio.run(send())


def rows_of(text: str) -> list[dict[str, str]]:
    """Read a CSV answer."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def refusal(response: httpx.Response, status: int, code: str) -> str:
    """Check the one shape of a refusal and return its message."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    error: dict[str, str] = response.json()["error"]
    assert error.keys() == {"code", "message"}
    assert error["code"] == code
    return error["message"]


# ---------------------------------------------------------------- which of JSON and CSV


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; header=present", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv, */*", "text/csv"),
        ("text/csv, application/json", "application/json"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
        ("text/csv;q=0.4, application/json;q=0.5", "application/json"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/csv;q=nonsense", "text/csv"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
    ],
)
def test_the_accept_header_chooses(accept: str | None, wanted: str) -> None:
    """Weights first, then the more exactly named, then JSON."""
    assert chosen_media_type(accept, ("application/json", "text/csv")) == wanted


@pytest.mark.parametrize("accept", ["text/html", "image/*", "*/*;q=0", "text/csv;q=0, application/json;q=0", ";", "x"])
def test_what_cannot_be_given_is_a_406(app: FastAPI, accept: str) -> None:
    """Better no answer than one that the caller cannot read."""
    for path, body in (("/predict/csv", {"content": TABLE}), ("/predict", {"json": {"candidates": []}})):
        message = refusal(post(app, path, CSV | {"Accept": accept}, **body), 406, "not_acceptable")
        assert "application/json or text/csv" in message


def test_a_list_of_formulas_is_answered_as_csv(app: FastAPI, predictor: Predictor) -> None:
    """The route of JSON questions gives CSV answers too, in the one writer's columns."""
    body = {"candidates": [{"id": "a", "formula": "Li6PS5Cl"}, {"formula": "nonsense!"}]}
    response = post(app, "/predict", {"Accept": "text/csv"}, json=body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="elyte-predictions.csv"'
    cards = {name: card for name, card in predictor.models().items() if registry.get(name).kind == "inorganic"}
    versions = {f"{name}={card['version']}" for name, card in cards.items()}
    assert set(response.headers["x-elyte-models"].split("; ")) == versions
    good, bad = rows_of(response.text)
    assert tuple(good) == FLAT_COLUMNS
    assert (good["id"], good["status"], bad["error_code"]) == ("a", "ok", "unparseable_formula")


def test_errors_stay_json(app: FastAPI) -> None:
    """One shape of refusals, whatever was wanted."""
    response = post(app, "/predict", {"Accept": "text/csv"}, json={"candidates": []})
    refusal(response, 400, "invalid_request")


# ---------------------------------------------------------------- one answer on three ways


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
            st.sampled_from(FAMILIES),
            st.sampled_from(["", "60", "25.0", "warm", "-300"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_http_command_line_and_python_write_the_same_file(
    app: FastAPI, predictor: Predictor, tmp_path: Path, rows: list[tuple[str, str, str]]
) -> None:
    """Whoever moves from one to the other must find the same bytes, ids with line ends and quotes included."""
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    with table.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([("id", "formula", "temperature_C"), *rows])
    response = post(app, headers=CSV | {"Accept": "text/csv"}, content=table.read_bytes())
    assert response.status_code == 200
    with mock.patch.object(Predictor, "load", return_value=predictor):
        done = CliRunner().invoke(elyte, ["predict", "--input", str(table), "--output", str(out)])
    assert done.exit_code in (0, 1), done.output
    assert response.content == out.read_bytes()
    read = read_candidates_file(table)
    write_results(with_places(predictor.answer(read.rows)["results"], read.places), out)
    assert response.content == out.read_bytes()
    answered = rows_of(response.text)
    while len(rows) > 1 and not any(cell.strip() for cell in rows[-1]):  # what a spreadsheet leaves at the end
        rows.pop()
    assert [row["index"] for row in answered] == [str(i) for i in range(len(rows))]
    for row, (name, _, temperature) in zip(answered, rows, strict=True):
        assert row["id"].removeprefix("'") == (name if name.strip() else "").removeprefix("'")
        assert (row["error_code"] == "invalid_condition") == (temperature in ("warm", "-300"))


def test_an_answer_can_be_sent_back_as_a_question(app: FastAPI) -> None:
    """People sort and thin out the answer in a spreadsheet, and ask again."""
    first = post(app, headers=CSV | {"Accept": "text/csv"}, content="formula\nLi6PS5Cl\nLi3YCl6\n")
    again = post(app, headers=CSV, content=first.content)
    assert again.status_code == 200, again.text
    assert [row["status"] for row in again.json()["results"]] == ["ok", "ok"]


def test_a_bad_row_leaves_its_neighbours_alone(app: FastAPI) -> None:
    """JSON by default; conditions of a row win over those of the query."""
    response = post(app, "/predict/csv?temperature_C=100&property=conductivity&coverage=0.8", content=TABLE)
    document = response.json()
    assert [row["status"] for row in document["results"]] == ["ok", "error", "ok"]
    first, _, third = document["results"]
    assert set(first) == {
        "id",
        "index",
        "status",
        "formula",
        "read_as",
        "conductivity",
        "applicability",
        "warnings",
    }
    assert (first["conductivity"]["temperature_C"], third["conductivity"]["temperature_C"]) == (60.0, 100.0)
    assert first["conductivity"]["log10_sigma_S_per_cm"]["coverage"] == 0.8
    assert document["ignored_columns"] == []


def test_the_explanation_has_a_column_of_its_own(app: FastAPI) -> None:
    """As in the command line's file."""
    response = post(app, "/predict/csv?explain=true", CSV | {"Accept": "text/csv"}, content=TABLE)
    assert list(rows_of(response.text)[0])[-1] == "explanation"


def test_cif_in_a_cell(app: FastAPI) -> None:
    """A quoted cell may hold line ends, and more than csv takes by default (128 KiB)."""
    text = cif() + "# " + "x" * 200_000 + "\n"
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([("id", "cif"), ("cell", text)])
    (row,) = post(app, content=buffer.getvalue()).json()["results"]
    assert (row["status"], row["formula"]) == ("ok", "LiCl")


# ---------------------------------------------------------------- what spreadsheets write


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r\n"),
        "\ufeff" + TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\r"),
        TABLE.removesuffix("\n"),
        TABLE.replace("\n", "\n\n"),
        "\n\n" + TABLE,
        TABLE.replace("b,Xx2O3,", "b,Xx2O3"),
        " id , formula , temperature_C \n" + TABLE.split("\n", 1)[1],
        '"id","formula","temperature_C"\n' + TABLE.split("\n", 1)[1],
        "temperature_C,formula,id\n60,Li6PS5Cl,a\n,Xx2O3,b\n,Li3YCl6,c\n",
    ],
)
def test_the_same_table_in_all_its_spellings(text: str) -> None:
    """Byte order marks, line ends, short rows, quotes and the order of columns mean nothing."""
    assert read_candidates_csv(text.encode(), "x").rows == read_candidates_csv(TABLE.encode(), "x").rows


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "empty"),
        (b"\n\n", "holds no rows"),
        (b"id,formula\n", "holds no rows"),
        (b"id;formula\na;Li3N\n", "semicolons"),
        (b'"id";"formula"\n"a";"Li3N"\n', "semicolons"),
        (b"id\tformula\na\tLi3N\n", "tabs"),
        (b"id,formulae\na,Li3N\n", "did you mean 'formula'?"),
        (b"formula,temperature\nLi3N,3\n", "did you mean 'temperature_C'?"),
        (b"formula,Temperature_c\nLi3N,3\n", "did you mean 'temperature_C'?"),
        (b"formula,id,formula\nLi3N,3,Li2O\n", "'formula' stands in the header twice"),
        (b"id,name\na,Li3N\n", "expected a column 'formula' or 'cif' or 'structure' or 'polymer', found id, name"),
        (b'id,formula\na,"Li3N\nb,Li2O\n', "line 2: a quotation mark"),
        ("formula\nLi3N\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"sep=;\nformula;id\nLi3N;a\n", "semicolons; expected commas"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_words(app: FastAPI, body: bytes, part: str) -> None:
    """The whole request fails where the table itself is not what it seems; the message says where."""
    message = refusal(post(app, content=body), 400, "malformed_csv")
    assert part in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("path", ["in.csv", "in.jsonl"])
def test_files_are_refused_as_requests_are(tmp_path: Path, path: str) -> None:
    """The command line reads with the same reader."""
    (tmp_path / path).write_text('{"formulae": "Li3N"}\n' if path.endswith("jsonl") else "formulae\nLi3N\n")
    with pytest.raises(InputTableError, match="did you mean 'formula'"):
        read_candidates_file(tmp_path / path)


def test_a_decimal_comma_is_told_by_its_row(app: FastAPI) -> None:
    """In quotes it stays in its cell: the row fails, with the remedy, and the others stand."""
    rows = post(app, content='formula,temperature_C\nLi3N,"60,5"\nLi3N,60.5\n').json()["results"]
    assert rows[0]["error"]["code"] == "invalid_condition"
    assert "'60,5', expected a number; write decimals with a point" in rows[0]["error"]["message"]
    assert rows[1]["status"] == "ok"


def test_foreign_columns_are_named_and_left_alone(app: FastAPI) -> None:
    """A lab's own columns are no mistake; but whoever sent them must see that they changed nothing."""
    table = "formula,operator,Tiegel µ,\nLi3N,me,7,\n"
    assert post(app, content=table).json()["ignored_columns"] == ["Tiegel µ", "operator"]
    response = post(app, headers=CSV | {"Accept": "text/csv"}, content=table)
    assert response.headers["x-elyte-ignored-columns"] == "Tiegel %C2%B5, operator"


def test_a_header_cannot_be_forged(app: FastAPI) -> None:
    """Column names reach a response header: no line end may."""
    response = post(app, headers=CSV | {"Accept": "text/csv"}, content='formula,"x\r\nSet-Cookie: a"\nLi3N,\n')
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    many = "formula," + ",".join(f"{'x' * 300}{i}" for i in range(500)) + "\nLi3N\n"
    response = post(app, headers=CSV | {"Accept": "text/csv"}, content=many)
    assert len(response.headers["x-elyte-ignored-columns"]) < 2000


def test_a_million_columns_cost_no_million_cells_a_row() -> None:
    """Short rows are filled up in mind only."""
    header = "formula" + "," * 1_000_000
    table = read_candidates_csv((header + "\n" + "Li3N\n" * 1000).encode(), "x")
    assert len(table.rows) == 1000


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/csv; charset=latin-1", ""])
def test_only_csv_is_taken(app: FastAPI, content_type: str) -> None:
    """Guessing formats is how mistakes become answers."""
    response = post(app, headers={"Content-Type": content_type}, content=TABLE)
    assert "expected text/csv" in refusal(response, 415, "unsupported_media_type")


def test_too_many_rows(app: FastAPI) -> None:
    """As many as in JSON, and not one more; the reader stops there."""
    message = refusal(post(app, content="formula\n" + "?\n" * (MAX_CANDIDATES + 1)), 413, "too_many_candidates")
    assert str(MAX_CANDIDATES) in message
    response = post(app, content="formula\n" + "?\n" * MAX_CANDIDATES)
    assert len(response.json()["results"]) == MAX_CANDIDATES


def test_what_a_row_says_is_shown_short() -> None:
    """A cell of a megabyte must not come back in a message or an id."""
    long = "x" * 100_000
    table = f"id,formula,temperature_C\n{long},Li3N,\na,Li3N,{long}\nb,Li3N,1e9\n"
    for row in read_candidates_csv(table.encode(), "x").rows:
        assert isinstance(row, RowError)
        assert len(row.message) < 200
        assert len(row.id or "") <= MAX_ID_LENGTH


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: b"id,formula,cif\n" + text.encode("utf-8")))
def test_no_table_makes_a_server_error(app: FastAPI, body: bytes) -> None:
    """Whatever arrives is answered or refused."""
    response = post(app, content=body)
    assert response.status_code in (200, 400), response.text


# ---------------------------------------------------------------- spreadsheets run what looks like a formula


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "\rx", "\nx", "\uff1d1", "=cmd|'/c calc'!A0"])
def test_an_id_that_a_spreadsheet_would_run_is_marked_as_text(app: FastAPI, name: str) -> None:
    """An apostrophe in front, as spreadsheets themselves mark text; JSON keeps the id as it came."""
    body = {"candidates": [{"id": name, "formula": "Li3N"}, {"id": name, "formula": name}]}
    response = post(app, "/predict", {"Accept": "text/csv"}, json=body)
    assert [row["id"] for row in rows_of(response.text)] == ["'" + name] * 2
    for row in rows_of(response.text):
        assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row.values())
    assert [row["id"] for row in post(app, "/predict", {}, json=body).json()["results"]] == [name] * 2


@pytest.mark.parametrize("name", ["-1", "+2.5", "-0.3", "a=b", "'x", "12", "x-1"])
def test_an_id_that_harms_nobody_stays_as_it_is(app: FastAPI, name: str) -> None:
    """Numbers with a sign are numbers; tables are joined by id."""
    body = {"candidates": [{"id": name, "formula": "Li3N"}]}
    (row,) = rows_of(post(app, "/predict", {"Accept": "text/csv"}, json=body).text)
    assert row["id"] == name


def test_negative_numbers_are_no_formulas(predictor: Predictor) -> None:
    """What the models say stays a number."""
    (row,) = predictor.predict_formulas(["Li6PS5Cl"])["results"]
    (written,) = rows_of(csv_text(*flat_rows([row])))
    assert float(written["log10_sigma_S_per_cm"]) == row["conductivity"]["log10_sigma_S_per_cm"]["value"]


# ---------------------------------------------------------------- records


def test_records_are_read_as_files_are(tmp_path: Path) -> None:
    """A pandas frame, a JSON-lines file and a CSV file with the same rows are the same candidates."""
    records = [
        {"id": "a", "formula": "Li3N", "temperature_C": 60.0},
        {"id": "b", "formula": "Li2O", "temperature_C": None},
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    expected = [
        CandidateInput(id="a", formula="Li3N", conditions=Conditions(temperature_C=60.0)),
        CandidateInput(id="b", formula="Li2O"),
    ]
    assert read_candidate_records(records, "x").rows == expected
    assert read_candidates_file(tmp_path / "x.jsonl").rows == expected
    assert read_candidates_csv(b"id,formula,temperature_C\na,Li3N,60\nb,Li2O,\n", "x").rows == expected
