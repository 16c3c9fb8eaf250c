"""One way in which every command prints JSON."""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np
import pytest

from serving.commands.printing import echo_json


class Pair(NamedTuple):
    low: float
    high: float


def test_what_json_cannot_hold_is_null_or_an_array(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"a": float("nan"), "b": np.float64("inf"), "c": Pair(1.0, 2.0), "d": np.arange(2), "e": "Å"})

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    printed = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert printed == {"a": None, "b": None, "c": [1.0, 2.0], "d": [0, 1], "e": "Å"}


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(TypeError):
        echo_json({"a": object()})
