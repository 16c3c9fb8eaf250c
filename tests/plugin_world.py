"""A home in which the toy property of another package is registered and its model is champion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from running_service import ELYTE_SERVE, ROOT, RunningService, running_service

PLUGIN = ROOT / "tests" / "plugin_property"


@dataclass(frozen=True)
class World:
    """A home with a registry in which the toy's model is champion."""

    home: Path
    environment: dict[str, str]

    def python(self, *words: str | Path, status: int = 0) -> str:
        """Run Python; return what it printed."""
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=self.home,
            env=self.environment,
            check=False,
        )
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def elyte(self, *words: str | Path, status: int = 0) -> str:
        """Run a command of elyte; return what it printed."""
        return self.python("-c", "from serving.cli import main; main()", *words, status=status)

    def answer(self, *words: str | Path) -> dict[str, object]:
        """Run a command with `--json`."""
        document: dict[str, object] = json.loads(self.elyte(*words, "--json"))
        return document


@contextmanager
def service_of(world: World) -> Iterator[RunningService]:
    """Start the real service on the world's registry and ledger."""
    names = ("PYTHONPATH", "MLFLOW_TRACKING_URI", "ELYTE_LEDGER_URL", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    own = {name: world.environment[name] for name in names}
    with running_service(world.home, arguments=ELYTE_SERVE, **own) as started:
        yield started


def world_in(home: Path) -> World:
    """Fit the toy and make its model champion."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ELYTE", "MLFLOW"))}
    settings = {
        "PYTHONPATH": f"{ROOT}:{PLUGIN}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
        "ELYTE_LEDGER_URL": f"sqlite:///{home / 'ledger.db'}",
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    made = World(home, plain | settings)
    made.elyte("train", "toy")
    made.python(
        "-c",
        "import mlflow; mlflow.MlflowClient().set_registered_model_alias('elyte-toy', 'champion', '1')",
    )
    return made
