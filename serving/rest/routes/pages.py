"""The web page, the OpenAPI document, and the page that shows it."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse, HTMLResponse

from serving.rest.answer_writers import json_response
from serving.rest.errors import DOCS_PATH, AnsweringRoute
from serving.rest.openapi import docs_page
from serving.rest.page_files import PAGE_ROUTES

router = APIRouter(route_class=AnsweringRoute, include_in_schema=False)

for path, answer in PAGE_ROUTES:
    router.add_api_route(path, answer)


# BentoML's clients look for docs.json, everyone else for openapi.json.
@router.get("/openapi.json")
@router.get("/docs.json")
async def openapi(request: Request) -> Response:
    """Answer the OpenAPI document."""
    return json_response(request.app.openapi())


@router.get(DOCS_PATH)
async def docs() -> Response:
    """Answer the page that shows the OpenAPI document."""
    return HTMLResponse(docs_page())


@lru_cache(maxsize=1)
def _swagger_folder() -> Path:
    bentoml = find_spec("bentoml")
    assert bentoml is not None
    assert bentoml.origin is not None
    return Path(bentoml.origin).parent / "_internal" / "server" / "static_content"


@router.get(f"{DOCS_PATH}/swagger-ui.css")
@router.get(f"{DOCS_PATH}/swagger-ui-bundle.js")
async def docs_asset(request: Request) -> Response:
    """Answer a Swagger file; BentoML carries them, so that the page works without the internet."""
    return FileResponse(_swagger_folder() / Path(request.url.path).name)
