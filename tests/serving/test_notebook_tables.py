"""What notebooks show of an answer: a table with units, intervals and warnings, in which nothing is executed."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest

from serving.answers.notebook import MOST_ROWS, answer_html
from serving.client.client import Predictions
from serving.predictor import Predictor


class Cells(HTMLParser):
    """The texts of a table's cells, the tags that there are, and whether each was closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.titles: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.titles += [value or "" for name, value in attrs if name == "title"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def html_of(document: Any) -> str:
    html: str = document._repr_html_()
    return html


def test_the_table_says_values_units_intervals_and_warnings(predictor: Predictor) -> None:
    document = predictor.predict_formulas(["Li6PS5Cl", "75Li2S-25P2S5", "NaCl", "Li6PS5Cl)"], coverage=0.8)
    table = Cells(html_of(document))
    assert table.open == []
    assert table.rows[0] == ["material", "quantity", "value", "interval", "unit", "to know"]
    said = document["results"][0]["conductivity"]["log10_sigma_S_per_cm"]  # type: ignore[typeddict-item]
    name, label, value, interval, unit, notes = table.rows[1]
    assert (name, value, unit) == ("Li6PS5Cl", f"{said['value']:.4g}", "log10 of S/cm")
    assert label
    assert interval == f"{said['lower']:.4g} to {said['upper']:.4g} (80%)"
    texts = [text for row in table.rows for text in row]
    assert "75Li2S-25P2S5 (read as Li3PS4)" in texts
    assert any("no_lithium" in text and "ccd: no lithium" in text for text in texts)
    assert any(text.startswith("unparseable_formula: ") for text in texts)
    assert any("unfamiliar chemistry" in title for title in table.titles)
    assert notes == "".join(warning["code"] for warning in document["results"][0]["warnings"])


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "Li<img src=x onerror=alert(1)>", '"><b>Li3N'])
def test_what_was_typed_is_text_and_never_markup(predictor: Predictor, evil: str) -> None:
    html = html_of(predictor.predict_formulas([evil]))
    assert evil not in html
    table = Cells(html)
    assert {"script", "img"}.isdisjoint(table.tags)
    assert any(evil[:10] in text for row in table.rows for text in row)
    row = predictor.predict_formulas(["NaCl"])["results"][0]
    hostile: Any = row | {"warnings": [{"code": evil, "message": f"'{evil}\""}], "reasons": {evil: evil}}
    assert {"script", "img"}.isdisjoint(Cells(answer_html({}, [hostile])).tags)


def test_long_lists_are_cut_and_counted(predictor: Predictor) -> None:
    document = predictor.predict_formulas(["Li3N"] * (MOST_ROWS + 3))
    assert Cells(html_of(document)).rows[-1] == ["and 3 more"]
    assert "more" not in html_of(predictor.predict_formulas(["Li3N"]))


def test_the_document_stays_a_dict_for_everything_else(predictor: Predictor) -> None:
    document = predictor.predict_formulas(["Li3N"])
    plain = json.loads(json.dumps(document))
    assert document == plain == json.loads(orjson.dumps(document))
    assert isinstance(document, dict)
    assert html_of(Predictions(plain["results"], plain["models"])) == html_of(document)
