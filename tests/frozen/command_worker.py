"""Runs commands of `elyte` in one process, so that models are loaded once.

The only place of the net that imports the code under test; where these two things move, change the names here.
A request is one line of JSON on standard input, `{"words": [...], "folder": ...}`, its answer one line on standard
output, `{"exit": ..., "stdout": ..., "stderr": ...}`. `tests/running_service.py` starts the service.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import os
import sys
import traceback
from pathlib import Path

COMMAND = "serving.cli:main"
SHIPPED_MODEL_LOADER = "serving.models.store:load_shipped"


def named(place: str) -> tuple[object, str]:
    """Return a module and the name in it."""
    module, _, name = place.partition(":")
    found = importlib.import_module(module)
    if not hasattr(found, name):
        raise SystemExit(f"{place} is not there; name what it is called now in {__file__}")
    return found, name


def remember_loaded_models() -> None:
    """Load each shipped model once: loading takes 1.5 s, and a hundred commands ask for it."""
    module, name = named(SHIPPED_MODEL_LOADER)
    setattr(module, name, functools.cache(getattr(module, name)))


def run(words: list[str], folder: str) -> dict[str, object]:
    """Run one command in a folder."""
    module, name = named(COMMAND)
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    sys.argv = ["elyte", *words]
    status: object = None
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            getattr(module, name)()
        except SystemExit as end:
            status = end.code
        except Exception:  # noqa: BLE001  # a command that crashes is an answer too, and differs from the frozen one
            status = traceback.format_exc().splitlines()[-1]
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return {"exit": status, "stdout": texts[0], "stderr": texts[1]}


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    remember_loaded_models()
    for line in sys.stdin:
        answers.write(json.dumps(run(**json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])
    main()
