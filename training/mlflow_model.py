"""The loader that `mlflow.pyfunc.load_model` calls for a registered bundle of any property.

Each property says in `training/properties/<property>/frames.py` which columns it answers with (`OUTPUT_COLUMNS`)
and how to load a bundle (`load_frame_model`); nothing is unpickled.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

from training.properties import registry

if TYPE_CHECKING:
    import pandas as pd


class FrameModel(Protocol):
    """A model behind MLflow's DataFrame interface."""

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict from a column `formula` and columns of conditions; the index is kept."""


def output_columns(property_name: str) -> tuple[str, ...]:
    """Return the columns with which a property answers."""
    return cast("tuple[str, ...]", _frames(property_name).OUTPUT_COLUMNS)


def _frames(property_name: str) -> ModuleType:
    folder = type(registry.get(property_name)).__module__.rpartition(".")[0]
    return importlib.import_module(f"{folder}.frames")


def _load_pyfunc(path: str) -> FrameModel:
    card = next(Path(path).rglob("card.json")) if Path(path).is_dir() else Path(path)
    property_name = str(json.loads(card.read_text(encoding="utf-8"))["property"])
    return cast("FrameModel", _frames(property_name).load_frame_model(card.parent))
