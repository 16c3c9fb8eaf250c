"""What is written down of a request: distances and counts, compositions only when asked; and the limits' variables."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.environment import ConfigurationError
from serving.rest import request_record
from serving.rest.admission import AdmissionLimits
from serving.rest.observability import LOGGER_NAME
from serving.rest.request_file import RequestFile
from serving.rest.request_record import N_BINS, RequestRecord, candidates_are_logged, distance_bins


def row(distance: float | None, radius: float | None = 1.0, name: str = "conductivity") -> dict[str, Any]:
    applicability = {"in_domain": True, "distance": distance} | ({} if radius is None else {"domain_radius": radius})
    return {"status": "ok", "formula": "Li3N", "applicability": {name: applicability}}


def record_of(*rows: dict[str, Any]) -> RequestRecord:
    record = RequestRecord("id", "POST", "/predict", status=200)
    record.count_rows(list(rows))
    record.name_models({"conductivity": {"version": "7"}})
    return record


@pytest.mark.parametrize(
    ("distance", "radius", "place"),
    [
        (0.0, 1.0, 0),
        (0.19, 1.0, 0),
        (0.2, 1.0, 1),
        (0.6, 1.0, 3),
        (0.3, 0.5, 3),
        (0.999, 1.0, 4),
        (0.5, 0.5, 4),
        (1.01, 1.0, 5),
        (1.79, 1.0, 8),
        (1.8, 1.0, 9),
        (99.0, 1.0, 9),
        (0.5, None, 2),
    ],
)
def test_a_distance_falls_into_its_bin(distance: float, radius: float | None, place: int) -> None:
    """A material exactly at the radius is inside the domain, thus below bin 5."""
    assert distance_bins([row(distance, radius)]) == {"conductivity": [int(i == place) for i in range(N_BINS)]}


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_every_distance_is_counted_once(distances: list[float]) -> None:
    bins = distance_bins([row(distance, 0.7) for distance in distances] + [row(None), {"status": "error"}])
    assert sum(bins.get("conductivity", [])) == len(distances)


def test_formulas_stay_out_of_the_log_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, logged in (("", False), ("false", False), ("true", True)):
        monkeypatch.setenv("ELYTE_LOG_CANDIDATES", value)
        candidates_are_logged.cache_clear()
        line = record_of(row(0.3), row(0.4)).as_log(0.01)
        assert ("Li3N" in json.dumps(line)) == logged
        assert line["distance_bins"]["conductivity"][:3] == [0, 1, 1]
    candidates_are_logged.cache_clear()
    monkeypatch.setattr(request_record, "candidates_are_logged", lambda: True)
    assert len(record_of(*[row(0.1)] * 300).as_log(0.01)["formulas"]) == request_record.MOST_LOGGED_FORMULAS


def test_one_line_a_request_without_compositions(tmp_path: Path) -> None:
    file = RequestFile(tmp_path / "requests.jsonl")
    for _ in range(3):
        file.append(record_of(row(0.3)))
    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert len(lines) == 3
    assert lines[0].keys() == {"time", "models", "rows", "errors", "bins"}
    assert (lines[0]["models"], lines[0]["rows"]) == ({"conductivity": "7"}, 1)
    assert "Li3N" not in json.dumps(lines)


def test_a_large_file_is_begun_anew_and_two_old_ones_are_kept(tmp_path: Path) -> None:
    file = RequestFile(tmp_path / "requests.jsonl", max_bytes=500)
    for _ in range(40):
        file.append(record_of(row(0.3)))
    names = {path.name for path in tmp_path.iterdir()}
    assert names <= {"requests.jsonl", "requests.jsonl.1", "requests.jsonl.2"}
    assert "requests.jsonl.2" in names
    assert max(path.stat().st_size for path in tmp_path.iterdir()) < 1000


def _write_many(path: str) -> None:
    file = RequestFile(Path(path), max_bytes=20_000)
    for _ in range(100):
        file.append(record_of(row(0.3)))


def test_workers_share_a_file_without_losing_or_mixing_lines(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    workers = [multiprocessing.get_context("spawn").Process(target=_write_many, args=(str(path),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    lines = [line for part in tmp_path.iterdir() for line in part.read_text().splitlines()]
    assert len(lines) == 200
    assert all(json.loads(line)["rows"] == 1 for line in lines)


def test_a_file_that_cannot_be_written_fails_no_request_and_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(LOGGER_NAME), "propagate", True)
    monkeypatch.setattr(logging.getLogger(LOGGER_NAME), "disabled", False)
    file = RequestFile(tmp_path / "no such folder" / "requests.jsonl")
    for _ in range(3):
        file.append(record_of(row(0.3)))
    # a record may come by two handlers, depending on what ran before
    assert [record.message for record in dict.fromkeys(caplog.records)] == ["request_file_failed"]
    (tmp_path / "no such folder").mkdir()
    file.append(record_of(row(0.3)))
    assert (tmp_path / "no such folder" / "requests.jsonl").exists()


def test_the_gauges_of_killed_workers_are_forgotten(tmp_path: Path) -> None:
    """A worker that was killed leaves its file behind, and its model version would show for ever."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid in (ended.pid, os.getpid()):
        (tmp_path / f"gauge_livemax_{pid}.db").touch()
        (tmp_path / f"counter_{pid}.db").touch()
    code = "from serving.rest.observability import forget_dead_workers as f; f()"
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"gauge_livemax_{os.getpid()}.db", f"counter_{os.getpid()}.db", f"counter_{ended.pid}.db"}


# ---------------------------------------------------------------- limits


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("MAX_BODY_BYTES", "BODY_SECONDS", "ANSWER_SECONDS", "MAX_IN_FLIGHT", "MAX_BUFFERED_BYTES"):
        monkeypatch.delenv(f"ELYTE_{name}", raising=False)
    return monkeypatch


def test_limits_come_from_the_environment(no_limits: pytest.MonkeyPatch) -> None:
    assert AdmissionLimits.from_environment() == AdmissionLimits()
    no_limits.setenv("ELYTE_MAX_IN_FLIGHT", "4")
    no_limits.setenv("ELYTE_MAX_BODY_BYTES", "1e6")
    no_limits.setenv("ELYTE_ANSWER_SECONDS", "2.5")
    limits = AdmissionLimits.from_environment()
    assert (limits.in_flight, limits.body_bytes, limits.buffered_bytes) == (4, 1_000_000, 8_000_000)
    assert (limits.answer_seconds, limits.body_seconds) == (2.5, 30.0)


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({"MAX_IN_FLIGHT": "0"}, "expected a number from 1 to"),
        ({"MAX_IN_FLIGHT": "2.5"}, "expected a whole number"),
        ({"MAX_IN_FLIGHT": "nan"}, "received 'nan'"),
        ({"ANSWER_SECONDS": "inf"}, "expected a number"),
        ({"ANSWER_SECONDS": "60 s"}, "received '60 s'"),
        ({"ANSWER_SECONDS": "90"}, "expected at most 110 together"),
        ({"MAX_BUFFERED_BYTES": "5000"}, "expected at least the 16777216"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_named(
    no_limits: pytest.MonkeyPatch, variables: dict[str, str], part: str
) -> None:
    for name, value in variables.items():
        no_limits.setenv(f"ELYTE_{name}", value)
    with pytest.raises(ConfigurationError, match=part) as caught:
        AdmissionLimits.from_environment()
    assert all(f"ELYTE_{name}" in str(caught.value) for name in variables)
