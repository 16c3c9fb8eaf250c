"""What an agent can read besides: a guide to the answers, the cards of the models, and the documentation.

The guide is part of every installation, cards are those of the models that answer. Pages of the documentation are
served where they lie beside the code, in a checkout; a wheel holds none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from serving.agents.quoting import clean, one_line

if TYPE_CHECKING:
    from serving.predictor import Predictor

GUIDE = "elyte://guide"
CARD_PREFIX, PAGE_PREFIX = "elyte://cards/", "elyte://docs/"
MARKDOWN, JSON = "text/markdown", "application/json"
_FOLDERS = ("start", "use", "science", "operate")
_PAGE = re.compile(r"[a-z]+/[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Page:
    """Something to read: its address, title, media type, and what it is about."""

    uri: str
    title: str
    media_type: str
    description: str


def listed(properties: list[str]) -> list[Page]:
    """Return what there is to read; cards of these properties."""
    guide = Page(GUIDE, "How to read elyte's answers", MARKDOWN, "Units, intervals, domains, warnings, quoted data.")
    cards = [
        Page(CARD_PREFIX + name, f"Card of the {name} model", JSON, "Data and licences, metrics, limitations.")
        for name in properties
    ]
    return [guide, *cards, *(_as_page(name) for name in pages())]


def read(uri: str, predictor_of: Callable[[], Predictor]) -> tuple[str, str] | None:
    """Return media type and text of an address of `listed`; None for any other."""
    if uri == GUIDE:
        return MARKDOWN, (Path(__file__).parent / "guide.md").read_text(encoding="utf-8")
    if uri.startswith(CARD_PREFIX):
        card = predictor_of().models().get(uri.removeprefix(CARD_PREFIX))
        return None if card is None else (JSON, json.dumps(clean(card), ensure_ascii=False, indent=1))
    path = pages().get(uri.removeprefix(PAGE_PREFIX)) if uri.startswith(PAGE_PREFIX) else None
    return None if path is None else (MARKDOWN, path.read_text(encoding="utf-8"))


@cache
def pages() -> dict[str, Path]:
    """Return the pages of the documentation that lie beside the code, by `folder/name`; none in a wheel."""
    root = Path(__file__).parents[2]
    if not (root / "mkdocs.yml").is_file():
        return {}
    found = {
        f"{folder}/{path.stem}": path for folder in _FOLDERS for path in sorted((root / "docs" / folder).glob("*.md"))
    }
    return {name: path for name, path in found.items() if _PAGE.fullmatch(name)}


def _as_page(name: str) -> Page:
    first = pages()[name].read_text(encoding="utf-8").partition("\n")[0]
    title = one_line(first.lstrip("# "), 100)
    return Page(PAGE_PREFIX + name, title, MARKDOWN, f"Documentation: {title}")
