"""Requests to an application in this process, without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI


def call(app: FastAPI, method: str, path: str, *, host: str = "test", **more: Any) -> httpx.Response:
    """Send one request."""

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:
            return await client.request(method, path, **more)

    return asyncio.run(send())
