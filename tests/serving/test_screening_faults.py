"""Killed at any moment, damaged files, a full disk: nothing is lost, nothing comes twice, and words say what to do."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from screening_world import SCRIPT, command, digests, here, rows_of, run, write_input

from serving.screening import parts, processes
from serving.screening.run import ScreeningError, _alone

KILLS = 4


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "run_on_processes", here)


def wait_until(found: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.01)


def test_killed_again_and_again_it_ends_as_if_undisturbed(tmp_path: Path, bundles: Path) -> None:
    source = write_input(tmp_path / "in.parquet", 1200, rows_per_group=4)
    process = command(source, tmp_path / "calm", bundles)
    assert process.wait(120) == 0
    chance = random.Random(3)
    disturbed = 0
    for kill in range(KILLS):
        process = command(source, tmp_path / "killed", bundles)
        before = len(list((tmp_path / "killed").glob("part-*")))
        wait_until(lambda: len(list((tmp_path / "killed").glob("part-*"))) > before or process.poll() is not None)  # noqa: B023
        time.sleep(chance.uniform(0.0, 0.25))
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        disturbed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not any(c.is_running() and c.status() != "zombie" for c in children), 20.0)  # noqa: B023
        assert kill or disturbed, "the first run was over before it could be killed"
    process = command(source, tmp_path / "killed", bundles)
    assert process.wait(120) == 0
    assert digests(tmp_path / "killed") == digests(tmp_path / "calm")
    assert [row["index"] for row in rows_of(tmp_path / "killed")] == list(range(1200))
    assert not list((tmp_path / "killed").glob("*.tmp"))


@pytest.mark.usefixtures("in_process")
def test_half_written_and_damaged_parts_are_made_again(tmp_path: Path, bundles: Path) -> None:
    source = write_input(tmp_path / "in.parquet", 64)
    out = tmp_path / "out"
    run(source, out, bundles)
    whole = digests(out)
    first, second, third, fourth = sorted(out.glob("part-*.parquet"))
    first.write_bytes(first.read_bytes()[:-100])
    second.write_bytes(b"")
    third.write_bytes(fourth.read_bytes())  # another unit's
    (out / "part-00000-000003.parquet.77.tmp").write_bytes(b"PAR1")
    outcome = run(source, out, bundles)
    assert (outcome.parts_before, outcome.parts) == (1, 4)
    assert digests(out) == whole
    assert not list(out.glob("*.tmp"))


@pytest.mark.usefixtures("in_process")
def test_a_half_written_input_file_is_named_and_the_others_are_screened(tmp_path: Path, bundles: Path) -> None:
    write_input(tmp_path / "in" / "a.parquet", 20)
    broken = write_input(tmp_path / "in" / "b.parquet", 20, first=20)
    write_input(tmp_path / "in" / "c.parquet", 20, first=40)
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    outcome = run(tmp_path / "in", tmp_path / "out", bundles)
    (fault,) = outcome.faults
    assert "b.parquet is no whole Parquet file" in fault
    assert outcome.rows == 40
    assert not outcome.is_clean
    broken.write_bytes(content)  # repaired: only what is missing is done
    outcome = run(tmp_path / "in", tmp_path / "out", bundles)
    assert (outcome.rows, outcome.faults, outcome.parts_before) == (60, [], 4)
    assert [row["id"] for row in rows_of(tmp_path / "out")] == [f"c{i}" for i in range(60)]


@pytest.mark.usefixtures("in_process")
def test_a_damaged_row_group_is_named_and_the_others_are_screened(tmp_path: Path, bundles: Path) -> None:
    source = write_input(tmp_path / "in.parquet", 64)
    content = bytearray(source.read_bytes())
    column = pq.read_metadata(source).row_group(2).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    source.write_bytes(content)
    outcome = run(source, tmp_path / "out", bundles)
    (fault,) = outcome.faults
    assert "in.parquet, row group 2 cannot be read" in fault
    assert (outcome.rows, outcome.parts, outcome.parts_planned) == (48, 3, 4)
    assert not outcome.stopped


@pytest.mark.usefixtures("in_process")
def test_a_full_disk_stops_cleanly_and_the_rest_follows_when_there_is_room(
    tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_input(tmp_path / "in.parquet", 64)
    run(source, tmp_path / "calm", bundles)
    written: list[str] = []
    write = pq.write_table

    def full(table: object, path: Path, **more: object) -> None:
        is_part = "part-" in path.name
        if is_part and len(written) >= 2:
            path.write_bytes(b"PAR1")
            raise OSError(28, "No space left on device")
        written.extend([path.name] * is_part)
        write(table, path, **more)

    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", full)
        outcome = run(source, tmp_path / "out", bundles)
    assert "No space left on device" in outcome.stopped
    assert "2 of 4 parts are finished and safe" in outcome.stopped
    assert not list((tmp_path / "out").glob("*.tmp"))
    assert run(source, tmp_path / "out", bundles).parts_before == 2
    assert digests(tmp_path / "out") == digests(tmp_path / "calm")


def test_a_real_limit_on_file_size_stops_cleanly(tmp_path: Path, bundles: Path) -> None:
    source = write_input(tmp_path / "in.parquet", 32)
    run(source, tmp_path / "calm", bundles)
    sizes = sorted(path.stat().st_size for path in (tmp_path / "calm").glob("*.parquet"))
    limit = (sizes[0] + sizes[1]) // 2  # the manifest, which has no rows, is the smallest
    limited = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limited += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    arguments = [sys.executable, "-c", limited + SCRIPT, str(source), str(tmp_path / "out"), str(bundles)]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    done = subprocess.run(arguments, capture_output=True, timeout=120, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 3, done.stderr.decode()
    assert not list((tmp_path / "out").glob("part-*"))
    outcome = run(source, tmp_path / "out", bundles)
    assert (outcome.parts, outcome.stopped) == (2, "")


def test_two_screenings_do_not_write_into_one_folder(tmp_path: Path, bundles: Path) -> None:
    source = write_input(tmp_path / "in.parquet", 8)
    (tmp_path / "out").mkdir()
    with _alone(tmp_path / "out"), pytest.raises(ScreeningError, match="another screening is writing"):
        run(source, tmp_path / "out", bundles)


def test_a_part_that_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        parts.write_table(tmp_path / "nowhere" / "part.parquet", __import__("pyarrow").table({"a": [1]}))
