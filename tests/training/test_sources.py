"""The data room against a real HTTP server: resume, refusal, truncation, wrong content, no network."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from training import catalogue as catalogue_module
from training.sources import (
    FetchOutcome,
    MissingSourceError,
    Source,
    SourceStatus,
    UnknownSourceError,
    catalogue,
    check,
    fetch,
    locate,
)

CONTENT = bytes(range(256)) * 2000
OTHER = bytes(reversed(CONTENT))
CHUNK = 8192  # bytes that are written at once; an interruption loses less than this


@dataclass
class Origin:
    """A server of one file, with the bad habits that a test asks for."""

    content: bytes = CONTENT
    honours_range: bool = True
    states_length: bool = True
    status: int = 200
    breaks_after: list[int] = field(default_factory=list)  # bytes sent before it drops each connection
    ranges: list[str | None] = field(default_factory=list)  # Range header of each request received
    sent: list[int] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def origin(self) -> Origin:
        return self.server.origin  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        origin, wanted = self.origin, self.headers.get("Range")
        origin.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and origin.honours_range else 0
        body = origin.content[start:]
        if origin.status != 200:
            self.send_response(origin.status)
            body = b""
        elif start >= len(origin.content):
            self.send_response(416)
            body = b""
        elif start:
            self.send_response(206)
            last, total = len(origin.content) - 1, len(origin.content)
            self.send_header("Content-Range", f"bytes {start}-{last}/{total}")
        else:
            self.send_response(200)
        if origin.states_length:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if origin.breaks_after:
            body = body[: origin.breaks_after.pop(0)]
        origin.sent.append(len(body))
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    served = Origin(url=f"http://127.0.0.1:{server.server_address[1]}/table.csv")
    server.origin = served  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no mirror."""
    monkeypatch.setenv("ELYTE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("ELYTE_DATA_MIRROR", raising=False)
    return tmp_path / "data"


def _source(url: str | None, key: str = "table", content: bytes = CONTENT) -> Source:
    known = url is not None
    sha256 = hashlib.sha256(content).hexdigest() if known else None
    size = len(content) if known else None
    return Source(key, "a table", "CC BY 4.0", "N. N.", "10.1/x", url, f"{key}.csv", sha256, size, True)


@pytest.fixture
def use_catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def use(*sources: Source) -> None:
        monkeypatch.setattr(catalogue_module, "_CATALOGUE", sources)
        catalogue.cache_clear()

    yield use
    monkeypatch.undo()
    catalogue.cache_clear()


@pytest.fixture
def table(origin: Origin, folder: Path, use_catalogue: Callable[..., None]) -> Path:
    """The catalogue holds one source, `table`, served by the local origin; returns where it will lie."""
    use_catalogue(_source(origin.url))
    return folder / "table.csv"


def _part(table: Path) -> Path:
    return table.with_name(table.name + ".part")


def _leave_part(table: Path, content: bytes) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    _part(table).write_bytes(content)


def test_every_entry_is_pinned() -> None:
    assert len({s.filename for s in catalogue().values()}) == len(catalogue())
    for source in catalogue().values():
        assert source.licence
        assert source.attribution
        assert source.doi.startswith("10.")
        if source.url is None:
            assert not source.ships_in_bundle
            continue
        parts = urlsplit(source.url)
        assert (parts.scheme, parts.netloc) == ("https", "raw.githubusercontent.com")
        assert len(parts.path.split("/")[3]) == 40, "not pinned to a commit"
        assert len(source.sha256 or "") == 64
        assert (source.size_bytes or 0) > 0


def test_liverpool_is_neither_fetched_nor_shipped(folder: Path) -> None:
    source = catalogue()["liverpool"]
    assert source.url is None
    assert not source.ships_in_bundle
    (result,) = fetch(["liverpool"])
    assert result.outcome is FetchOutcome.USER_SUPPLIED
    assert not result.ok
    assert "liverpool_ionics.csv" in result.message
    folder.mkdir()
    (folder / "liverpool_ionics.csv").write_text("ID\n")
    assert locate("liverpool") == folder / "liverpool_ionics.csv"


def test_fetch_downloads_and_then_leaves_alone(origin: Origin, table: Path) -> None:
    (result,) = fetch(["table"])
    assert (result.outcome, result.path) == (FetchOutcome.DOWNLOADED, str(table))
    assert table.read_bytes() == CONTENT
    assert [path.name for path in table.parent.iterdir()] == ["table.csv"]
    assert fetch(["table"])[0].outcome is FetchOutcome.PRESENT
    assert len(origin.ranges) == 1
    assert locate("table") == table


def test_progress_is_drawn_on_standard_error_only(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(["table"], progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "table.csv" in captured.err


def test_fetch_goes_on_from_a_part(origin: Origin, table: Path) -> None:
    _leave_part(table, CONTENT[:200_000])
    assert fetch(["table"])[0].outcome is FetchOutcome.DOWNLOADED
    assert origin.ranges == ["bytes=200000-"]
    assert origin.sent == [len(CONTENT) - 200_000]
    assert table.read_bytes() == CONTENT


def test_a_server_that_ignores_range_is_read_from_the_start(origin: Origin, table: Path) -> None:
    origin.honours_range = False
    _leave_part(table, OTHER[:200_000])
    assert fetch(["table"])[0].outcome is FetchOutcome.DOWNLOADED
    assert table.read_bytes() == CONTENT


@pytest.mark.parametrize("states_length", [True, False])
def test_a_broken_connection_is_resumed_at_once(origin: Origin, table: Path, states_length: bool) -> None:
    origin.states_length = states_length
    origin.breaks_after = [20 * CHUNK]
    assert fetch(["table"])[0].outcome is FetchOutcome.DOWNLOADED
    assert origin.ranges == [None, f"bytes={20 * CHUNK}-"]
    assert table.read_bytes() == CONTENT


def test_a_connection_that_keeps_breaking_fails_and_keeps_its_part(origin: Origin, table: Path) -> None:
    origin.breaks_after = [CHUNK, CHUNK, CHUNK]
    (result,) = fetch(["table"])
    assert result.outcome is FetchOutcome.FAILED
    assert "broke 3 times" in result.message
    assert origin.url in result.message
    assert not table.exists()
    assert _part(table).stat().st_size == 3 * CHUNK
    assert fetch(["table"])[0].outcome is FetchOutcome.DOWNLOADED
    assert origin.ranges[-1] == f"bytes={3 * CHUNK}-"
    assert table.read_bytes() == CONTENT


def test_a_spoilt_part_is_thrown_away(origin: Origin, table: Path) -> None:
    _leave_part(table, OTHER[:200_000])
    assert fetch(["table"])[0].outcome is FetchOutcome.DOWNLOADED
    assert origin.ranges == ["bytes=200000-", None]
    assert table.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(origin: Origin, table: Path) -> None:
    _leave_part(table, CONTENT + b"more")
    assert fetch(["table"])[0].outcome is FetchOutcome.DOWNLOADED
    assert table.read_bytes() == CONTENT


def test_a_complete_part_needs_no_request(origin: Origin, table: Path) -> None:
    _leave_part(table, CONTENT)
    assert fetch(["table"])[0].outcome is FetchOutcome.DOWNLOADED
    assert origin.ranges == []


@pytest.mark.parametrize("content", [OTHER, CONTENT[:-1], CONTENT + b"x"], ids=["other", "shorter", "longer"])
@pytest.mark.parametrize("states_length", [True, False])
def test_wrong_content_is_refused_and_not_left(
    origin: Origin, table: Path, content: bytes, states_length: bool
) -> None:
    origin.content, origin.states_length = content, states_length
    (result,) = fetch(["table"])
    assert result.outcome is FetchOutcome.FAILED
    assert "elyte data fetch table" in result.message
    assert str(table) in result.message
    assert not table.exists()
    with pytest.raises(MissingSourceError):
        locate("table")


def test_wrong_content_does_not_replace_what_is_there(origin: Origin, table: Path) -> None:
    origin.content = OTHER
    table.parent.mkdir()
    table.write_bytes(b"an older edition")
    assert not fetch(["table"])[0].ok
    assert table.read_bytes() == b"an older edition"
    origin.content = CONTENT
    assert fetch(["table"])[0].ok
    assert table.read_bytes() == CONTENT


def test_an_http_error_is_named(origin: Origin, table: Path) -> None:
    origin.status = 404
    (result,) = fetch(["table"])
    assert result.outcome is FetchOutcome.FAILED
    assert "404" in result.message


def test_offline_says_what_from_where_and_where_to(folder: Path, use_catalogue: Callable[..., None]) -> None:
    nobody = "http://127.0.0.1:9/table.csv"  # the discard port: nothing listens
    use_catalogue(_source(nobody), _source(nobody, key="second"))
    first, second = fetch()
    for result in (first, second):
        assert result.outcome is FetchOutcome.FAILED
        assert nobody in result.message
        assert str(folder / f"{result.key}.csv") in result.message
    assert "was not tried" in second.message, "an unreachable host is waited for once"


def test_unknown_keys_stop_before_anything_is_fetched(origin: Origin, table: Path) -> None:
    with pytest.raises(UnknownSourceError, match=r"nonsense.*known are: table"):
        fetch(["table", "nonsense"])
    assert origin.ranges == []


def test_mirror_wins_over_the_origin_whatever_the_name(
    origin: Origin, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "deep").mkdir(parents=True)
    (mirror / "table.csv").write_bytes(OTHER)  # right name and size, wrong content
    (mirror / "deep" / "renamed.bin").write_bytes(CONTENT)
    monkeypatch.setenv("ELYTE_DATA_MIRROR", str(mirror))
    assert locate("table") == mirror / "deep" / "renamed.bin"
    assert check()[0].status is SourceStatus.MIRRORED
    assert fetch(["table"])[0].outcome is FetchOutcome.COPIED
    assert origin.ranges == []
    assert locate("table") == table
    assert table.read_bytes() == CONTENT


def test_mirror_without_the_file_falls_back_to_the_origin(table: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert fetch(["table"], mirror=tmp_path / "empty")[0].outcome is FetchOutcome.DOWNLOADED


def test_a_mirror_that_is_no_folder_is_an_error(table: Path, tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="nowhere"):
        fetch(["table"], mirror=tmp_path / "nowhere")


def test_missing_and_damaged_are_told_apart(table: Path) -> None:
    assert check()[0].status is SourceStatus.MISSING
    with pytest.raises(MissingSourceError, match="elyte data fetch table"):
        locate("table")
    table.parent.mkdir()
    table.write_bytes(CONTENT[:-1])
    row = check()[0]
    assert row.status is SourceStatus.CORRUPT
    assert not row.ok
    with pytest.raises(MissingSourceError, match="not the expected file"):
        locate("table")
    table.write_bytes(CONTENT)
    assert check()[0].status is SourceStatus.PRESENT


def test_a_folder_that_cannot_be_written_is_a_failure_not_a_crash(origin: Origin, table: Path) -> None:
    table.parent.parent.joinpath("data").write_text("a file where the folder should be")
    (result,) = fetch(["table"])
    assert result.outcome is FetchOutcome.FAILED
    assert "cannot write" in result.message
