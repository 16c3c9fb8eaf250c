"""The report of `elyte monitor` as one page without scripts, links or anything from elsewhere."""

from __future__ import annotations

from pathlib import Path

from serving.monitoring.answer import Monitoring
from training.pages import filled_in


def page_of(found: Monitoring) -> str:
    """Return the page of a monitoring."""
    return filled_in(Path(__file__).with_name("page.html"), **found.document, lines=found.lines)
