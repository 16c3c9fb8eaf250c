"""Model cards in Hugging Face's form: front matter that YAML reads, with the keys that a hub asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from serving.commands.models import models
from serving.models.store import SHIPPED
from training.bundle import Bundle, load_bundle
from training.model_card import model_card
from training.properties import registry

NAMES = registry.names()


def parts(text: str) -> tuple[dict[str, Any], str]:
    """Return front matter and body, as a hub splits them: between the first two lines of three dashes."""
    before, front, body = text.split("---\n", 2)
    assert before == ""
    return yaml.safe_load(front), body


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_the_bundle_says(name: str) -> None:
    done = CliRunner().invoke(models, ["card", name])
    assert done.exit_code == 0, done.output
    front, body = parts(done.stdout)
    card = json.loads((SHIPPED / name / "card.json").read_text())
    assert (front["license"], front["library_name"], front["pipeline_tag"]) == ("mit", "elyte", "tabular-regression")
    assert front["datasets"] == sorted({source["name"] for source in card["data"]})
    assert all(isinstance(tag, str) for tag in front["tags"])
    (entry,) = front["model-index"]
    (result,) = entry["results"]  # the keys that a hub's evaluation results must have
    assert entry["name"]
    assert result["task"]["type"]
    assert result["dataset"]["type"]
    assert result["dataset"]["name"]
    assert {metric["name"]: metric["value"] for metric in result["metrics"]} == pytest.approx(card["metrics"])
    assert all(metric["type"] for metric in result["metrics"])
    titles = [line for line in body.splitlines() if line.startswith("## ")]
    assert titles == [
        f"## {t}" for t in ("Intended use", "Limitations", "Data", "Metrics", "How to ask it", "Provenance")
    ]
    assert body.count("\n- ") == len(card["limitations"])
    for source in card["data"]:
        assert f"`{source['sha256']}`" in body
    assert card["files"]["arrays.npz"] in body


def hostile(bundle: Bundle) -> Bundle:
    words = 'a: b\n---\n# <script>"|` [x](javascript:1)'
    changes = {"summary": words, "limitations": [words], "metrics": {words: 1.0}, "metrics_command": "c\n---\n"}
    return Bundle(bundle.card.model_copy(update=changes), {}, bundle.digest)


def test_nothing_in_a_card_leaves_its_place() -> None:
    bundle = load_bundle(SHIPPED / NAMES[0], expected_property=NAMES[0])
    front, body = parts(model_card(hostile(bundle), "A label"))
    (metric,) = front["model-index"][0]["results"][0]["metrics"]
    assert metric["name"] == hostile(bundle).card.summary
    assert "<script>" not in body
    assert "](javascript" not in body.replace("\\]", "")


def test_a_card_of_a_folder_is_written_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "README.md"
    name = NAMES[-1]
    done = CliRunner().invoke(models, ["card", name, "--folder", str(SHIPPED / name), "--output", str(target)])
    assert done.exit_code == 0
    assert parts(target.read_text())[0]["model_name"] == f"elyte-{name}"
    assert CliRunner().invoke(models, ["card", name, "--folder", str(tmp_path)]).exit_code == 2
