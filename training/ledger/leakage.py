"""Which measurements no model may learn from, because the frozen evaluation sets hold the same material or paper.

The frozen sets are the test split of OBELiX (conductivities), and, for stability, the CritExam test split (energies)
and the published windows that computed ones are scored by. CCD is scored by leaving out one source at a time: nothing
is frozen.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from training.ledger.schema import Column, Kind, Value
from training.sources import MIRROR_VARIABLE, MissingSourceError, data_dir, locate
from training.splits import composition_key, paper_keys

if TYPE_CHECKING:
    import pandas as pd

    from training.properties.stability.literature import LiteratureWindow

LEAKS = "leaks into the frozen evaluation set"
NOT_CHECKED = "not checked against the frozen evaluation set"
_ENERGIES = (Column.FORMATION_ENERGY, Column.ENERGY_ABOVE_HULL)
_LIMITS = (Column.REDUCTION, Column.OXIDATION)

Contents = Sequence[Mapping[Column, Value]]


def reasons_to_exclude(kind: Kind, contents: Contents) -> list[str]:
    """Return, per measurement, why no model may learn from it, "" where one may.

    Where a frozen set is not on this machine its reason says so: what was not checked is not learned from.

    Parameters
    ----------
    contents
        Checked measurements of one kind.
    """
    match kind:
        case Kind.CONDUCTIVITY:
            return _leaks_into_obelix(contents)
        case Kind.STABILITY:
            return [_leaks_into_stability(content) for content in contents]
        case _:
            return [""] * len(contents)


def _leaks_into_obelix(contents: Contents) -> list[str]:
    import pandas as pd

    from training.properties.conductivity.table import leaks_into_test

    try:
        test = _obelix_test(_place())
    except MissingSourceError:
        return [f"{NOT_CHECKED} (OBELiX test split: `elyte data fetch obelix_test`)"] * len(contents)
    sources = [tuple(str(content.get(c, "")) for c in _IDENTITY) for content in contents]
    unique = sorted(set(sources))
    frame = pd.DataFrame(unique, columns=[str(column) for column in _IDENTITY])
    verdict = dict(zip(unique, leaks_into_test(frame, test), strict=True)) if unique else {}
    reason = f"{LEAKS} (OBELiX test split: same paper, or a composition within 0.01 of a test row)"
    return [reason if verdict[source] else "" for source in sources]


_IDENTITY = (Column.FORMULA, Column.DOI, Column.REFERENCE)


def _place() -> tuple[str, str]:
    return str(data_dir()), os.environ.get(MIRROR_VARIABLE, "")


@lru_cache(maxsize=2)
def _obelix_test(_where: tuple[str, str]) -> pd.DataFrame:
    from training.properties.conductivity.table import load_obelix

    return load_obelix("test")


def _leaks_into_stability(content: Mapping[Column, Value]) -> str:
    composition = composition_key(str(content[Column.FORMULA]))
    if any(column in content for column in _ENERGIES):
        try:
            frozen = _critexam_test(_place())
        except MissingSourceError:
            return f"{NOT_CHECKED} (CritExam test split: `elyte data fetch critexam_ef_test`)"
        if composition in frozen:
            return f"{LEAKS} (CritExam test split: same composition)"
    if any(column in content for column in _LIMITS):
        published = published_windows().get(composition, ())
        papers = paper_keys(str(content.get(Column.DOI, "")))
        if published or any(papers & paper_keys(window.url) for window in _scored_windows()):
            return f"{LEAKS} (published windows: same composition or paper)"
    return ""


@lru_cache(maxsize=2)
def _critexam_test(_where: tuple[str, str]) -> frozenset[str]:
    from training.tables import read_csv_as_text

    table = read_csv_as_text(locate("critexam_ef_test"))
    return frozenset(composition_key(formula) for formula in table.iloc[:, 0])


def _scored_windows() -> tuple[LiteratureWindow, ...]:
    from training.properties.stability.literature import literature_windows

    return tuple(window for window in literature_windows() if window.comparable != "no")


@lru_cache(maxsize=1)
def published_windows() -> dict[str, tuple[LiteratureWindow, ...]]:
    """Return the published windows that computed ones are scored by, by composition."""
    found: dict[str, tuple[LiteratureWindow, ...]] = {}
    for window in _scored_windows():
        key = composition_key(window.formula)
        found[key] = (*found.get(key, ()), window)
    return found
