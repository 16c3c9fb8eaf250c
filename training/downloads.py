"""One download that survives a broken connection: pooch checks and places, this resumes.

Pooch starts over after every interruption. The downloader here appends to a `.part` file beside the target
and asks the server for the rest (HTTP Range, RFC 9110 section 14); a server that ignores the request is read
from the start.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from training.catalogue import Source

if TYPE_CHECKING:
    from requests import Response

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
ATTEMPTS = 3
_CHUNK_BYTES = 1 << 13  # what an interruption may lose


class DownloadError(Exception):
    """A file could not be had; the message says why in words."""


class _InterruptedError(Exception):
    """The connection broke with a part of the file read; asking again may go on from there."""


def download(wanted: Source, target: Path, progress: bool, unreachable: set[str]) -> None:
    """Download one file, or the rest of it, and place it once its SHA-256 is right.

    Parameters
    ----------
    wanted
        Source with an origin.
    target
        Where the file goes; `<target>.part` holds what was read before an interruption.
    progress
        Whether to draw a progress bar on standard error.
    unreachable
        Hosts that gave no connection so far; extended here, so that a machine without a network waits once.

    Raises
    ------
    DownloadError
        No connection, an HTTP error, a connection that broke `ATTEMPTS` times, or wrong content. After wrong
        content neither the target nor the part remains.
    """
    if wanted.url is None or wanted.sha256 is None or wanted.size_bytes is None:
        raise DownloadError(f"'{wanted.key}' has no origin to download from")
    host = urlsplit(wanted.url).netloc
    if host in unreachable:
        raise DownloadError(f"{wanted.url} was not tried: {host} cannot be reached")
    downloader = _ResumingDownloader(target, wanted.size_bytes, progress, unreachable)
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            _retrieve(wanted.url, wanted.sha256, target, downloader)
            return
        except _InterruptedError as error:
            if not attempts_left:
                raise DownloadError(
                    f"the connection to {wanted.url} broke {ATTEMPTS} times ({error}); the part read so far"
                    " is kept and the next fetch goes on from there"
                ) from error
        except ValueError as error:  # pooch: the hash differs; its temporary file is gone already
            # A part left by another version spoils the whole: such a file deserves a fresh start.
            if not downloader.resumed or not attempts_left:
                raise DownloadError(
                    f"{wanted.url} answered with other content than the catalogue's (expected SHA-256"
                    f" {wanted.sha256}); nothing was kept"
                ) from error


def _retrieve(url: str, sha256: str, target: Path, downloader: _ResumingDownloader) -> None:
    import logging

    try:
        import pooch
    except ImportError as error:
        raise DownloadError("downloads need pooch; install elyte with its extra: elyte[train]") from error
    pooch.get_logger().setLevel(logging.WARNING)
    pooch.retrieve(url, known_hash=f"sha256:{sha256}", fname=target.name, path=target.parent, downloader=downloader)


class _ResumingDownloader:
    """A downloader as `pooch.retrieve` calls it, which goes on from `<target>.part`."""

    def __init__(self, target: Path, size_bytes: int, progress: bool, unreachable: set[str]) -> None:
        self.part = target.with_name(target.name + ".part")
        self.size_bytes = size_bytes
        self.progress = progress
        self.unreachable = unreachable
        self.resumed = False

    def __call__(self, url: str, output_file: str, pooch: object, check_only: bool = False) -> None:
        """Complete the part and move it to `output_file`."""
        if self._held() > self.size_bytes:
            self.part.unlink()
        self.resumed = self._held() > 0
        if self._held() < self.size_bytes:
            self._read(url)
        if self._held() < self.size_bytes:
            raise _InterruptedError(f"{self._held()} of {self.size_bytes} bytes read")
        os.replace(self.part, output_file)

    def _held(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _read(self, url: str) -> None:
        from requests import exceptions, get

        held, host = self._held(), urlsplit(url).netloc
        # Without "identity" a server may compress, and a range would count compressed bytes.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={held}-"} if held else {})
        try:
            with get(url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)) as response:
                if response.status_code == 416:  # what is held is no beginning of this file
                    self.part.unlink()
                    raise _InterruptedError("the server refused to go on from the part held")
                response.raise_for_status()
                self._store(response, held)
        except (exceptions.ChunkedEncodingError, exceptions.ReadTimeout) as error:
            raise _InterruptedError(_shortened(error)) from error
        except exceptions.ConnectionError as error:
            if self._held() > held:  # it broke on the way, not at the door
                raise _InterruptedError(_shortened(error)) from error
            self.unreachable.add(host)
            raise DownloadError(f"no connection to {host} for {url} ({_shortened(error)})") from error
        except exceptions.RequestException as error:
            raise DownloadError(f"{url} could not be read ({_shortened(error)})") from error

    def _store(self, response: Response, held: int) -> None:
        """Append the body to the part, or write it anew where the server sent the whole file."""
        from tqdm import tqdm

        content_range = response.headers.get("Content-Range", "")
        self.resumed = response.status_code == 206 and content_range.startswith(f"bytes {held}-")
        if response.status_code == 206 and not self.resumed:
            raise DownloadError(f"{response.url} answered with another range than the one asked for")
        total = _announced_bytes(response)
        if total not in (None, self.size_bytes):
            self.part.unlink(missing_ok=True)
            raise DownloadError(
                f"{response.url} holds other content than the catalogue's: {total} bytes, expected"
                f" {self.size_bytes}; nothing was kept"
            )
        bar = tqdm(
            total=self.size_bytes,
            initial=held if self.resumed else 0,
            desc=self.part.stem,
            unit="B",
            unit_scale=True,
            disable=not self.progress,
            leave=False,
        )
        with bar, self.part.open("ab" if self.resumed else "wb") as handle:
            for chunk in response.iter_content(_CHUNK_BYTES):
                handle.write(chunk)
                bar.update(len(chunk))
                if handle.tell() > self.size_bytes:  # wrong content: the hash will say so, no need to read on
                    break


def _announced_bytes(response: Response) -> int | None:
    """Return the size of the whole file as the server states it, or None where it does not."""
    stated = response.headers.get("Content-Length", "")
    if response.status_code == 206:
        stated = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(stated) if stated.isdigit() and "Content-Encoding" not in response.headers else None


def _shortened(error: Exception) -> str:
    """Cut the nested messages of the HTTP libraries to their innermost reason, or to a line."""
    text = " ".join(str(error).split())
    if innermost := re.search(r"\[Errno -?\d+\] ([^)'\"]+)", text):
        return innermost.group(1)
    return text if len(text) <= 200 else text[:197] + "..."
