"""What `mlflow.pyfunc.load_model` gives for a registered bundle of any property; nothing is unpickled.

Every registered version names this module as its loader, so it keeps its name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.candidate import MaterialBatch
from features.formula import parse_formula
from training.bundle import BundleError
from training.properties import registry
from training.properties.conditions import ConditionColumns
from training.properties.contract import Content, Property, Query
from training.signing import require_signature

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

COVERAGE = 0.9


class FrameModel:
    """A property's model behind MLflow's DataFrame interface."""

    def __init__(self, about: Property, model: Any) -> None:  # noqa: ANN401
        self._about, self._model = about, model

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict from the column `formula` and, where there, columns of conditions; the index is kept."""
        import pandas as pd

        formulas = [str(formula) for formula in frame["formula"]]
        query = Query(
            MaterialBatch.from_formulas(formulas),
            [parse_formula(formula) for formula in formulas],
            _conditions(frame),
            COVERAGE,
            {},
        )
        return pd.DataFrame(dict(self._about.frame(self._model, query)), index=frame.index)


def _conditions(frame: pd.DataFrame) -> ConditionColumns:
    numbers, texts = {}, {}
    for name, condition in registry.conditions().items():
        if condition.content is Content.NUMBER:
            numbers[name] = frame[name].to_numpy(dtype=float) if name in frame else np.full(len(frame), np.nan)
        else:
            told = frame[name] if name in frame else [None] * len(frame)
            texts[name] = np.array([word if isinstance(word, str) else None for word in told], dtype=object)
    return ConditionColumns(numbers, texts)


def signature_of(property_name: str) -> ModelSignature:
    """Return the columns that a property's model takes and answers with."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    about = registry.get(property_name)
    kinds = {Content.NUMBER: "double", Content.TEXT: "string", Content.FLAG: "boolean"}
    conditions = [ColSpec(kinds[one.content], one.name, required=False) for one in about.conditions]
    return ModelSignature(
        inputs=Schema([ColSpec("string", "formula"), *conditions]),
        outputs=Schema([ColSpec("double", column) for column in about.frame_columns()]),
    )


def _load_pyfunc(path: str) -> FrameModel:
    card = next(Path(path).rglob("card.json")) if Path(path).is_dir() else Path(path)
    try:
        about = registry.get(str(json.loads(card.read_text(encoding="utf-8"))["property"]))
    except registry.UnknownPropertyError as error:
        raise BundleError(f"{card}: {error}") from error
    return FrameModel(about, about.load(card.parent, require_signature(card.parent))[0])
