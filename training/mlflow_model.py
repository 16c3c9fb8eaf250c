"""What `mlflow.pyfunc.load_model` gives for a registered bundle of any property; nothing is unpickled.

Every registered version names this module as its loader, so it keeps its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import INORGANIC, Candidate, RowError
from features.errors import RowErrorCode
from features.kinds import KINDS, read_materials
from training.bundle import BundleError
from training.properties import registry
from training.properties.conditions import ConditionColumns
from training.properties.contract import Array, Content, Property, Query
from training.signing import require_signature

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec

COVERAGE = 0.9


class FrameModel:
    """A property's model behind MLflow's DataFrame interface."""

    def __init__(self, about: Property, model: Any) -> None:  # noqa: ANN401
        self._about, self._model = about, model

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict from the columns of a material and, where there, columns of conditions; the index is kept.

        A row that cannot be judged holds NaN, and a column `error`, which there is only then, says why.
        """
        import pandas as pd

        conditions = _conditions(frame)
        rows = read_materials(_materials(frame, self._about), [None] * len(frame))
        errors: dict[int, str] = _out_of_range(conditions)
        fine: list[tuple[int, Candidate]] = []
        for place, row in enumerate(rows):
            if isinstance(row, RowError):
                errors[place] = f"{row.code}: {row.message}"
            elif row.kind != self._about.kind:
                words = f"{self._about.name} cannot be said of {KINDS[row.kind].label}"
                errors[place] = f"{RowErrorCode.WRONG_KIND}: {words}"
            elif place not in errors:
                fine.append((place, row))
        columns, places = self._judged(fine, conditions, errors)
        said = {name: np.full(len(frame), np.nan) for name in columns or self._about.frame_columns()}
        for name, values in columns.items():
            said[name][places] = values
        told = {"error": [errors.get(place, "") for place in range(len(frame))]} if errors else {}
        return pd.DataFrame(said | told, index=frame.index)

    def _judged(
        self, fine: list[tuple[int, Candidate]], conditions: ConditionColumns, errors: dict[int, str]
    ) -> tuple[Mapping[str, Array], NDArray[np.int64]]:
        """Return the columns of the rows that can be judged, and where these stand; note why the others cannot."""
        places = np.array([place for place, _ in fine], dtype=np.int64)
        if not fine:
            return {}, places
        candidates = [candidate for _, candidate in fine]
        batch = KINDS[self._about.kind].lay_out(candidates)
        query = Query(batch, [one.amounts for one in candidates], conditions.take(places), COVERAGE, {})
        refused = self._about.refused(self._model, query)
        errors |= {int(places[row]): f"{error.code}: {error.message}" for row, error in refused.items()}
        kept = np.array([row for row in range(len(fine)) if row not in refused], dtype=np.int64)
        if not len(kept):
            return {}, kept
        return dict(self._about.frame(self._model, query.take(kept) if refused else query)), places[kept]


def _material_columns(about: Property) -> tuple[str, ...]:
    """Return the columns that name a material of a property's kind: the formula, or all fields of another kind."""
    fields = tuple(field.name for field in KINDS[about.kind].fields)
    return fields[:1] if about.kind == INORGANIC else fields


def _materials(frame: pd.DataFrame, about: Property) -> list[dict[str, str | float]]:
    """Return the fields of each row that are given; an empty cell of a table is NaN or None."""
    columns = {name: list(frame[name]) for name in _material_columns(about) if name in frame}
    cells = zip(*columns.values(), strict=True) if columns else ((),) * len(frame)
    return [
        {name: cell for name, cell in zip(columns, row, strict=True) if cell is not None and cell == cell}
        for row in cells
    ]


def _conditions(frame: pd.DataFrame) -> ConditionColumns:
    numbers, texts = {}, {}
    for name, condition in registry.conditions().items():
        if condition.content is Content.NUMBER:
            numbers[name] = frame[name].to_numpy(dtype=float) if name in frame else np.full(len(frame), np.nan)
        else:
            told = frame[name] if name in frame else [None] * len(frame)
            texts[name] = np.array([word if isinstance(word, str) else None for word in told], dtype=object)
    return ConditionColumns(numbers, texts)


def _out_of_range(conditions: ConditionColumns) -> dict[int, str]:
    """Return the rows with a number that its condition cannot be, and why."""
    errors: dict[int, str] = {}
    for name, condition in registry.conditions().items():
        if condition.content is not Content.NUMBER:
            continue
        column = conditions.numbers[name]
        wrong = np.isinf(column)
        expected = ["finite"]
        for bound, words, breaks in (
            (condition.above, "above", np.less_equal),
            (condition.at_least, "at least", np.less),
            (condition.at_most, "at most", np.greater),
        ):
            if bound is not None:
                wrong |= breaks(column, bound)
                expected.append(f"{words} {bound:g}")
        for place in np.flatnonzero(wrong).tolist():
            words = f"{name}: received {column[place]:g}, expected a number {', '.join(expected)}"
            errors.setdefault(place, f"{RowErrorCode.INVALID_CONDITION}: {words}")
    return errors


def signature_of(property_name: str) -> ModelSignature:
    """Return the columns that a property's model takes and answers with."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    about = registry.get(property_name)
    kinds = {Content.NUMBER: "double", Content.TEXT: "string", Content.FLAG: "boolean"}
    conditions = [ColSpec(kinds[one.content], one.name, required=False) for one in about.conditions]
    return ModelSignature(
        inputs=Schema([*_material_specs(about), *conditions]),
        outputs=Schema([ColSpec("double", column) for column in about.frame_columns()]),
    )


def _material_specs(about: Property) -> list[ColSpec]:
    from mlflow.types import ColSpec

    names = _material_columns(about)
    fields = {field.name: field for field in KINDS[about.kind].fields}
    return [
        ColSpec("double" if fields[name].is_number else "string", name, required=name == names[0]) for name in names
    ]


def _load_pyfunc(path: str) -> FrameModel:
    card = next(Path(path).rglob("card.json")) if Path(path).is_dir() else Path(path)
    try:
        about = registry.get(str(json.loads(card.read_text(encoding="utf-8"))["property"]))
    except registry.UnknownPropertyError as error:
        raise BundleError(f"{card}: {error}") from error
    return FrameModel(about, about.load(card.parent, require_signature(card.parent))[0])
