"""The web page: its files, with headers that allow nothing from elsewhere.

They are served as they lie in `serving/page/`, and those of a property's own as they lie beside its `page_script`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from training.properties import registry

FOLDER = Path(__file__).parents[1] / "page"
INDEX = "index.html"
# Named one by one: what else lies in the folder is not served, and the metrics know every path beforehand.
ASSETS = (
    *(f"{name}.css" for name in ("page", "question", "table", "plots", "detail", "cell", "steps", "report")),
    *(
        f"{name}.js"
        for name in ("app", "batch", "cell", "cells", "chart", "compare", "detail", "dom", "examples", "facts")
    ),
    *(
        f"{name}.js"
        for name in (
            "format",
            "generic",
            "known",
            "materials",
            "pareto",
            "properties",
            "question",
            "reading",
            "scatter",
        )
    ),
    *(f"{name}.js" for name in ("separated", "service", "structure", "table", "waterfall")),
    *(f"{name}.js" for name in ("effect", "fields", "objectives", "plans", "problem", "report", "saving", "way")),
    *(f"steps/{name}.js" for name in ("further", "generate", "make", "measure", "rank", "shop")),
    "icon.svg",
    *(f"{view}.{kind}" for view in ("coatings", "pathways", "synthesis") for kind in ("html", "js")),
    *("channels.js", "slices.js", "pathways.css"),
    *(f"views.{kind}" for kind in ("css", "js")),
)
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


def property_assets() -> dict[str, Path]:
    """Return the scripts and style sheets beside each property's own module, by their paths."""
    scripts = {one.name: one.page_script() for one in registry.properties()}
    return {
        f"/page/properties/{name}/{path.name}": path
        for name, script in scripts.items()
        if script is not None
        for path in sorted(script.parent.iterdir())
        if path.suffix in (".js", ".css")
    }


@lru_cache(maxsize=128)
def _read(path: Path, changed_ns: int) -> tuple[bytes, str]:
    """Return a file's bytes and their entity tag; `changed_ns` makes an edited file another one."""
    content = path.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def page_file(path: Path, if_none_match: str | None = None) -> Response:
    """Answer one file of the page.

    Parameters
    ----------
    path
        Where it lies.
    if_none_match
        The entity tag that the browser already holds.

    Returns
    -------
    Response
        The file with `HEADERS`, or 304 where the browser has it.
    """
    content, tag = _read(path, path.stat().st_mtime_ns)
    headers = {**HEADERS, "ETag": tag}
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[path.suffix])


def _endpoint_of(path: Path) -> PageEndpoint:
    async def answer(request: Request) -> Response:
        return page_file(path, request.headers.get("if-none-match"))

    return answer


# (path, endpoint) of the page and everything it loads, all answered to GET.
PAGE_ROUTES: tuple[tuple[str, PageEndpoint], ...] = (
    ("/", _endpoint_of(FOLDER / INDEX)),
    *((f"/page/{name}", _endpoint_of(FOLDER / name)) for name in ASSETS),
    *((path, _endpoint_of(file)) for path, file in property_assets().items()),
)
