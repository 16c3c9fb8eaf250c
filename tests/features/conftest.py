"""The public tables and structures, where they are; tests that need them skip, saying so, where they are not."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest


def located(key: str) -> Path:
    from training import sources

    if sources.missing([key]):
        pytest.skip(
            f"public table '{key}' is absent: run `elyte data fetch` or set {sources.MIRROR_VARIABLE} to a copy"
        )
    return sources.locate(key)


@pytest.fixture(scope="session")
def find_table() -> Callable[[str], Path]:
    """Return a function that finds a public table by its key, and skips where it is absent."""
    return located


@pytest.fixture(scope="session")
def obelix_rows() -> dict[str, dict[str, str]]:
    text = located("obelix_all").read_text(encoding="utf-8")
    return {row["ID"]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.fixture(scope="session")
def obelix_formulas(obelix_rows: dict[str, dict[str, str]]) -> list[str]:
    return [row["Reduced Composition"] for row in obelix_rows.values()]


@pytest.fixture(scope="session")
def obelix_cifs() -> dict[str, str]:
    from training.sources import texts_of_archive

    located("obelix_cifs")
    return texts_of_archive("obelix_cifs")


@pytest.fixture(scope="session")
def diverse_formulas() -> list[str]:
    return Path(__file__).with_name("diverse_formulas.txt").read_text(encoding="utf-8").split()
