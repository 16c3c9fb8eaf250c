"""The real service, started once as a user would start it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running_service import RunningService, running_service

__all__ = ["RunningService"]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Start the service with its defaults (no host given, no telemetry setting) on a free port."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running
