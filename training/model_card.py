"""A bundle's card as the `README.md` of a repository of models: YAML front matter and Markdown, as Hugging Face has it.

The front matter holds JSON's notation of texts and numbers, which is YAML, too: nothing in a card can leave its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from training.bundle import Bundle, Card

LICENCE, TASK = "mit", "tabular-regression"
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#"})


def model_card(bundle: Bundle, label: str) -> str:
    """Return the card of a bundle as Markdown with front matter.

    Parameters
    ----------
    bundle
        The fitted model.
    label
        What its property is called.
    """
    card = bundle.card
    front = "\n".join(_yaml(_front_matter(card)))
    body = "\n\n".join(_sections(card, bundle.digest, label))
    return f"---\n{front}\n---\n\n{body}\n"


def _front_matter(card: Card) -> dict[str, Any]:
    name = f"elyte-{card.property}"
    metrics = [{"type": _kind_of(metric), "name": metric, "value": value} for metric, value in card.metrics.items()]
    dataset = {"type": "held-out", "name": f"held-out data, as printed by `{card.metrics_command}`"}
    return {
        "license": LICENCE,
        "library_name": "elyte",
        "pipeline_tag": TASK,
        "tags": ["materials-science", "batteries", "solid-electrolytes", card.property],
        "model_name": name,
        "datasets": sorted({source.name for source in card.data}),
        "model-index": [{"name": name, "results": [{"task": {"type": TASK}, "dataset": dataset, "metrics": metrics}]}],
    }


def _kind_of(metric: str) -> str:
    """Return the common name of a metric, itself where it has none."""
    known = ("mae", "rmse", "accuracy", "f1", "spearman", "auc", "coverage")
    return next((kind for kind in known if kind in metric.split("_")), metric)


def _yaml(told: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield the lines of a mapping; texts and numbers in JSON's notation."""
    for key, value in told.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _yaml(value, f"{indent}  ")
        elif isinstance(value, list):
            yield f"{indent}{key}:" if value else f"{indent}{key}: []"
            for one in value:
                if isinstance(one, dict):
                    first, *rest = _yaml(one, f"{indent}  ")
                    yield f"{indent}- {first.strip()}"
                    yield from rest
                else:
                    yield f"{indent}- {json.dumps(one)}"
        else:
            yield f"{indent}{key}: {json.dumps(value)}"


def _sections(card: Card, digest: str, label: str) -> Iterator[str]:
    yield f"# {_text(label)}: elyte-{card.property} {_text(card.version)}"
    yield _text(card.summary)
    yield f"## Intended use\n\n{_text(card.intended_use)}"
    yield "## Limitations\n\n" + "\n".join(f"- {_text(line)}" for line in card.limitations)
    header = "| table | rows | licence | attribution | sha256 |\n| --- | --- | --- | --- | --- |\n"
    yield (
        "## Data\n\n"
        + header
        + "\n".join(
            f"| {_text(s.name)} | {s.rows} | {_text(s.licence)} | {_text(s.attribution)} | `{s.sha256}` |"
            for s in card.data
        )
    )
    lines = "\n".join(f"| {_text(name)} | {value:.6g} |" for name, value in card.metrics.items())
    yield f"## Metrics\n\nPrinted by `{card.metrics_command}`.\n\n| metric | value |\n| --- | --- |\n{lines}"
    yield (
        "## How to ask it\n\n```python\nfrom elyte import Predictor\n\n"
        f'Predictor.load("shipped").predict_formulas([{json.dumps(card.golden[0].formula)}])\n```'
    )
    versions = ", ".join(f"{_text(name)} {_text(version)}" for name, version in card.libraries.items())
    files = "\n".join(f"| {_text(name)} | `{digest}` |" for name, digest in card.files.items())
    yield (
        f"## Provenance\n\nTrained on {card.trained_on} by elyte {_text(card.elyte_version)} ({versions})."
        f" Digest of the bundle: `{digest}`.\n\n| file | sha256 |\n| --- | --- |\n{files}"
    )


def _text(words: str) -> str:
    """Return words that Markdown shows as they are, on one line."""
    return " ".join(words.split()).translate(_SPECIAL)
