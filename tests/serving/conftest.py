"""A registry, variants of a small model in it, and an application that only remembers its predictor."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from champions import Registry, World
from fastapi import FastAPI

from serving.models import store as model_store
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from serving.rest.observability import LOGGER_NAME
from training.tracking import TRACKING_URI_VARIABLE


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """The shipped models."""
    return Predictor.load("shipped")


@pytest.fixture(scope="module")
def app(predictor: Predictor) -> FastAPI:
    """The application with the shipped models and its usual limits."""
    return create_app(predictor)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of an empty registry, which takes seconds to make and none to copy."""
    folder = tmp_path_factory.mktemp("empty")
    Registry.at(folder)
    return folder / "mlflow.db"


@pytest.fixture
def world(tmp_path: Path, empty_store: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    registry = Registry(f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}")
    monkeypatch.setenv(TRACKING_URI_VARIABLE, registry.uri)
    monkeypatch.setattr(model_store, "SHIPPED", bundles)
    return World(registry, tmp_path / "versions", bundles, [])


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Return what the service logs from here on: event and fields."""
    seen: list[dict[str, Any]] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append({"event": record.getMessage(), **getattr(record, "fields", {})})

    logger = logging.getLogger(LOGGER_NAME)
    monkeypatch.setattr(logger, "handlers", [Collect()])
    monkeypatch.setattr(logger, "disabled", False)
    before = logger.level
    logger.setLevel(logging.INFO)  # an attribute that is set would leave what the logger remembers of the old level
    yield seen
    logger.setLevel(before)
