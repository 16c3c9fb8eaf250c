"""The promotion log's hash chain: lines that are changed, taken out or put in are noticed, old logs go on."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.commands.data import data
from training.hash_chain import ChainFault, NotedHead
from training.retraining.promotion_log import Move, MoveKind, PromotionLog, State

Lines = list[bytes]


def move(version: str, **evidence: object) -> Move:
    state, action = State.DONE, MoveKind.PROMOTE
    return Move(f"m{version}", state, action, "toy", version, "d" * 64, None, "JD", "better", evidence=dict(evidence))


@pytest.fixture
def log(tmp_path: Path) -> PromotionLog:
    """A log of four moves; metrics may be anything that JSON of Python holds."""
    found = PromotionLog(tmp_path)
    for number in range(4):
        found.append(move(str(number), mae=0.1 * number, nested={"b": [1, None], "a": float("inf")}, who="Müller"))
    return found


def put_in(lines: Lines) -> None:
    told = json.loads(lines[1]) | {"version": "9"}
    del told["chain"]
    lines.insert(2, json.dumps(told).encode())


def take_out(lines: Lines) -> None:
    del lines[1]


def change(lines: Lines) -> None:
    lines[1] = lines[1].replace(b'"who": "JD"', b'"who": "XY"')


def spoil(lines: Lines) -> None:
    """Make a line unreadable, as a crash does: the next one does not follow on what is left."""
    lines[1] = lines[1][:40]


def swap(lines: Lines) -> None:
    lines[1], lines[2] = lines[2], lines[1]


@pytest.mark.parametrize(
    ("tamper", "code", "record"),
    [
        (put_in, ChainFault.NOT_CHAINED, 3),
        (take_out, ChainFault.CHAIN_BROKEN, 2),
        (change, ChainFault.CHAIN_BROKEN, 2),
        (spoil, ChainFault.CHAIN_BROKEN, 2),
        (swap, ChainFault.CHAIN_BROKEN, 2),
    ],
)
def test_the_first_line_that_is_not_what_was_written_is_named(
    log: PromotionLog, tamper: Callable[[Lines], None], code: ChainFault, record: int
) -> None:
    assert (log.audit().records, log.audit().fault) == (4, None)
    lines = log.path.read_bytes().splitlines()
    tamper(lines)
    log.path.write_bytes(b"\n".join(lines) + b"\n")
    fault = log.audit().fault
    assert fault is not None
    assert (fault.code, fault.record) == (code, record)


def test_lines_that_were_cut_off_are_noticed_by_a_head_that_was_noted(log: PromotionLog) -> None:
    noted = log.audit().head
    assert noted is not None
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:2]))
    assert log.audit().fault is None
    fault = log.audit([noted]).fault
    assert fault is not None
    assert (fault.code, fault.record) == (ChainFault.HEAD_MISSING, 4)
    log.append(move("8"))
    log.append(move("9"))
    fault = log.audit([noted]).fault
    assert fault is not None
    assert (fault.code, fault.record) == (ChainFault.HEAD_DIFFERS, 4)


def test_a_line_torn_by_a_crash_breaks_nothing_and_is_counted(log: PromotionLog) -> None:
    with log.path.open("ab") as file:
        file.write(b'{"move": "torn", "sta')
    log.append(move("5"))
    found = log.audit()
    assert (found.records, found.torn, found.fault) == (5, 1, None)
    assert [one.version for one in log.read()] == ["0", "1", "2", "3", "5"]


def test_what_an_earlier_elyte_wrote_is_covered_from_the_next_line_on(log: PromotionLog) -> None:
    lines = log.path.read_bytes().splitlines()
    old = [{name: value for name, value in json.loads(line).items() if name != "chain"} for line in lines]
    log.path.write_bytes(b"".join(json.dumps(told, sort_keys=True).encode() + b"\n" for told in old))
    before = log.audit()
    assert (before.records, before.fault) == (4, None)
    log.append(move("7"))
    after = log.audit([before.head] if before.head else [])
    assert (after.records, after.fault) == (5, None)
    log.path.write_bytes(log.path.read_bytes().replace(b'"version": "0"', b'"version": "X"'))
    fault = log.audit().fault
    assert fault is not None
    assert (fault.code, fault.record) == (ChainFault.CHAIN_BROKEN, 5)  # the link that covers the old lines


def _append(folder: str, number: int) -> None:
    for turn in range(10):
        PromotionLog(Path(folder)).append(move(f"{number}.{turn}"))


def test_writers_at_once_keep_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append, args=(str(tmp_path), number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    found = PromotionLog(tmp_path).audit()
    assert (found.records, found.fault, found.torn) == (30, None, 0)


def test_the_command_walks_along_it(log: PromotionLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("ELYTE_LEDGER_URL", str(tmp_path / "ledger.db"))
    head = log.audit().head
    whole = CliRunner().invoke(data, ["verify", "--promotions-head", str(head)])
    assert (whole.exit_code, whole.stderr) == (0, "")
    assert f"promotions head: {head}" in whole.stdout
    other = str(NotedHead(2, "0" * 64))
    broken = CliRunner().invoke(data, ["verify", "--promotions-head", str(head), "--promotions-head", other])
    assert broken.exit_code == 1
    assert "promotions: record 2: " in broken.stderr
    assert "[head_differs]" in broken.stderr
