"""The web page: its files, served as they lie in `serving/page/`, with headers that allow nothing from elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parents[1] / "page"
INDEX = "index.html"
# Named one by one: what else lies in the folder is not served, and the metrics know every path beforehand.
ASSETS = (
    "icon.svg", "page.css", "question.css", "table.css", "plots.css", "detail.css", "app.js", "arrhenius.js",
    "batch.js", "cells.js", "chart.js", "compare.js", "contacts.js", "currents.js", "detail.js", "dom.js", "drivers.js",
    "examples.js", "facts.js", "format.js", "interlayers.js", "known.js", "pareto.js", "question.js", "reading.js",
    "scatter.js", "separated.js", "service.js", "table.js", "windows.js",
)  # fmt: skip
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Kept by the browser, but asked for each time: a new version shows at once and costs one small answer.
    "Cache-Control": "no-cache",
}

PageEndpoint = Callable[[Request], Awaitable[Response]]


@lru_cache(maxsize=2 * len(ASSETS))
def _read(name: str, changed_ns: int) -> tuple[bytes, str]:
    """Return a file's bytes and their entity tag; `changed_ns` makes an edited file another one."""
    content = (FOLDER / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def page_file(name: str, if_none_match: str | None = None) -> Response:
    """Answer one file of the page.

    Parameters
    ----------
    name
        File name inside `serving/page/`.
    if_none_match
        The entity tag that the browser already holds.

    Returns
    -------
    Response
        The file with `HEADERS`, or 304 where the browser has it.
    """
    path = FOLDER / name
    content, tag = _read(name, path.stat().st_mtime_ns)
    headers = {**HEADERS, "ETag": tag}
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[path.suffix])


def _endpoint_of(name: str) -> PageEndpoint:
    async def answer(request: Request) -> Response:
        return page_file(name, request.headers.get("if-none-match"))

    return answer


# (path, endpoint) of the page and everything it loads, all answered to GET.
PAGE_ROUTES: tuple[tuple[str, PageEndpoint], ...] = (
    ("/", _endpoint_of(INDEX)),
    *((f"/page/{name}", _endpoint_of(name)) for name in ASSETS),
)
