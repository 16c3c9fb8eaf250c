"""The conditions of candidates, made from what the properties declare: of one, and of many as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, create_model

from training.properties import registry
from training.properties.conditions import ConditionColumns
from training.properties.contract import Condition, Content

LONGEST_TEXT = 100

CONDITION_COLUMNS = tuple(registry.conditions())
TEXT_CONDITIONS = tuple(name for name, one in registry.conditions().items() if one.content is Content.TEXT)
NUMBER_CONDITIONS = tuple(name for name in CONDITION_COLUMNS if name not in TEXT_CONDITIONS)


def _field(condition: Condition) -> Any:  # noqa: ANN401
    if condition.content is Content.TEXT:
        return Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)] | None, None
    bounds = {"gt": condition.above, "ge": condition.at_least, "le": condition.at_most}
    stated: Any = {name: bound for name, bound in bounds.items() if bound is not None}
    return Annotated[float, Field(**stated)] | None, None


_Declared: Any = create_model(
    "Conditions",
    __config__=ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True),
    **{name: _field(condition) for name, condition in registry.conditions().items()},
)


class Conditions(_Declared):  # type: ignore[misc]
    """What a value depends on besides the material; absent means unknown, never zero."""

    def over(self, general: Conditions) -> Conditions:
        """Return these conditions, with what they leave open taken from `general`."""
        merged: Conditions = general.model_copy(update=self.model_dump(exclude_none=True))
        return merged


def condition_columns(rows: Sequence[Conditions]) -> ConditionColumns:
    """Return the conditions of many candidates as columns; a set that all share is laid out quickly."""
    n = len(rows)
    if n and all(row is rows[0] for row in rows):
        return shared_conditions(n, rows[0])
    cells = {name: [getattr(row, name) for row in rows] for name in CONDITION_COLUMNS}
    columns = ConditionColumns({name: np.array(cells[name], dtype=float) for name in NUMBER_CONDITIONS}, {})
    for name in TEXT_CONDITIONS:
        columns.texts[name] = np.empty(n, dtype=object)
        columns.texts[name][:] = cells[name]
    return columns


def shared_conditions(n: int, conditions: Conditions | None = None) -> ConditionColumns:
    """Give n candidates the same conditions."""
    stated = conditions or Conditions()
    known = {name: getattr(stated, name) for name in CONDITION_COLUMNS}
    return ConditionColumns(
        {name: np.full(n, np.nan if known[name] is None else known[name]) for name in NUMBER_CONDITIONS},
        {name: np.full(n, known[name], dtype=object) for name in TEXT_CONDITIONS},
    )
