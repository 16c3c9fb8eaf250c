"""Services that answer a client as a test wants it, without a network."""

from __future__ import annotations

import json
from typing import Any

import httpx

from serving import Client


def answering(*answers: httpx.Response | Exception, **more: Any) -> tuple[Client, list[httpx.Request]]:
    """Return a client whose service gives these answers in turn, the last for ever, and the requests that it gets."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        given = answers[min(len(requests), len(answers)) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    return Client("http://127.0.0.1:1", transport=httpx.MockTransport(answer), **more), requests


def echoing(**more: Any) -> tuple[Client, list[int]]:
    """Return a client whose service answers each formula with itself, and the lengths of the lists that it gets."""
    lengths: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.content)["candidates"]
        lengths.append(len(rows))
        results = [
            {"id": None, "index": i, "status": "error", "error": {"code": "x", "message": row["formula"], "index": i}}
            for i, row in enumerate(rows)
        ]
        return httpx.Response(200, json={"models": {"ccd": {"version": "1"}}, "results": results})

    return Client("http://127.0.0.1:1", transport=httpx.MockTransport(answer), **more), lengths


def refused(status: int, **headers: str) -> httpx.Response:
    """A refusal in the service's shape."""
    body = {"error": {"code": "some_code", "message": "some words"}}
    return httpx.Response(status, json=body, headers={"X-Request-ID": "5f0c"} | headers)
