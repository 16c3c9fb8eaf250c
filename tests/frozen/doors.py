"""The outside doors: the REST service, really started, and the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from running_service import ELYTE_SERVE, ROOT, RunningService, running_service

from frozen.request_list import Call, Command, Request

KEY = "frozen key"
KEPT_HEADERS = ("content-type", "content-disposition", "allow", "www-authenticate", "retry-after", "vary")
# The same digits whatever kernels the processor would choose.
ARITHMETIC = {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# What may differ from run to run, and what stands in its place; everything else is compared.
VARYING = (
    (re.compile(r"\btoday is \d{4}-\d{2}-\d{2}"), "today is <day>"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|\+00:00)?"), "<time>"),
    (re.compile(r"(?:\r?\[[# .-]*\] +\d+\.\d% [^\r\n]*[\r\n]*)+"), "<progress>\n"),
    (re.compile(r'("(?:seconds|rows_per_s)": ?)[\d.]+(?:e-?\d+)?'), r'\1"<duration>"'),
    (re.compile(r"\bin \d+(\.\d+)? s\b"), "in <duration> s"),
    (re.compile(r'("chain_hash": ?")[0-9a-f]{64}'), r"\1<link>"),  # covers when it was recorded
    (re.compile(r"\bHEAD, GET\b"), "GET, HEAD"),  # starlette names them from a set
)
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
AREAS_WITH_DIGESTS = ("models", "ledger", "measurements")


class Doors:
    """Starts what a request needs when it is first needed.

    Parameters
    ----------
    folder
        Takes everything that is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._ends = ExitStack()
        self._asked = 0

    def close(self) -> None:
        """End the processes."""
        self._ends.close()

    def answer(self, request: Request) -> dict[str, str]:
        """Return the parts of an answer as texts, without what varies."""
        parts = self._call(request) if isinstance(request, Call) else self._command(request)
        return {name: self._settled(text, request.area) for name, text in parts.items()}

    def _settled(self, text: str, area: str) -> str:
        text = text.replace(str(self._folder), "<folder>").replace(str(ROOT), "<root>")
        for pattern, word in VARYING:
            text = pattern.sub(word, text)
        return text if area in AREAS_WITH_DIGESTS else DIGEST.sub("<sha256>", text)

    def _settings(self, place: Path) -> dict[str, str]:
        """Return an environment without tables, registry and ledger of whoever runs this."""
        named = {"ELYTE_DATA_DIR": place / "tables", "XDG_DATA_HOME": place / "account", "XDG_CACHE_HOME": place}
        ledger = {"ELYTE_LEDGER_URL": f"sqlite:///{place / 'ledger.db'}", "ELYTE_MODELS": "shipped"}
        return ARITHMETIC | ledger | {name: str(path) for name, path in named.items()}

    @cached_property
    def _service(self) -> RunningService:
        place = self._folder / "service"
        place.mkdir(exist_ok=True)
        settings = self._settings(place) | {"ELYTE_API_KEY": KEY}
        return self._ends.enter_context(running_service(place, arguments=ELYTE_SERVE, **settings))

    @cached_property
    def _worker(self) -> subprocess.Popen[str]:
        place = self._folder / "commands"
        place.mkdir()
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("ELYTE", "MLFLOW"))}
        settings = plain | self._settings(place) | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "PYTHONUTF8": "1"}
        worker = self._ends.enter_context(
            subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("command_worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env=settings,
            )
        )
        assert worker.stdin is not None
        self._ends.callback(worker.stdin.close)
        return worker

    def _call(self, request: Call) -> dict[str, str]:
        headers = {name: value.replace("<key>", KEY) for name, value in request.headers}
        response = self._service.client.request(request.method, request.path, content=request.body, headers=headers)
        kept = [
            f"{name}: {value}"
            for name, value in response.headers.items()
            if name in KEPT_HEADERS or name.startswith("x-elyte")
        ]
        return {"status": str(response.status_code), "headers": "\n".join(sorted(kept)), "body": response.text}

    def _command(self, request: Command) -> dict[str, str]:
        self._asked += 1
        folder = self._folder / "commands" / f"request-{self._asked}"
        worker = self._worker
        folder.mkdir()
        for name, content in request.files:
            write_file(folder / name, content)
        parts: dict[str, str] = {}
        assert worker.stdin is not None
        assert worker.stdout is not None
        for number, words in enumerate(request.steps, 1):
            worker.stdin.write(json.dumps({"words": words, "folder": str(folder)}) + "\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
            if not line:
                raise RuntimeError(f"the process that runs commands ended at {request.id}: elyte {' '.join(words)}")
            parts |= {f"step {number} {name}": str(text) for name, text in json.loads(line).items()}
        for pattern in request.outputs:
            for path in sorted(folder.glob(pattern)):
                parts[f"file {path.relative_to(folder)}"] = read_file(path)
        shutil.rmtree(folder)
        return {name: text.replace(str(folder), "<folder>") for name, text in parts.items()}


def write_file(path: Path, content: str | bytes | dict[str, list[Any]]) -> None:
    """Write a text, bytes, or the columns of a Parquet table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, dict):
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(content), path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def read_file(path: Path) -> str:
    """Return a file as text; a Parquet table as its columns' types and its rows."""
    if path.suffix != ".parquet":
        return path.read_bytes().decode()
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    columns = {field.name: str(field.type) for field in table.schema}
    return json.dumps({"columns": columns, "rows": table.to_pylist()}, indent=1, ensure_ascii=False, default=str)
