"""What is sent, candidates of any form as rows of JSON, in parts; and answers back in the places of the question."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from features.candidate import RowError
from features.crystal_formats.objects import fields_of, stands_for_one
from features.errors import CandidateError
from serving.answers.input_tables import CandidateTable, check_columns, read_candidate_records, with_places
from serving.answers.request import MAX_BODY_BYTES
from serving.answers.rows import ResultRow, error_row

if TYPE_CHECKING:
    import pandas as pd

    from features.crystal_formats.objects import Material
    from serving.ranking.document import RankingDocument

# Smaller than what the service takes at most: each request stays far from its deadline, on a slow machine too.
BYTES_PER_REQUEST = MAX_BODY_BYTES // 4

Candidates: TypeAlias = "Material | Iterable[Material] | pd.DataFrame"
SentCandidate = dict[str, object]
Rows = tuple[list[SentCandidate | RowError], list[str]]  # and where each stands in its table, "" where there is none
Part = tuple[int, list[SentCandidate]]  # where it begins, and its candidates


def parts_of(rows: Sequence[SentCandidate], most_rows: int) -> Iterator[Part]:
    """Cut a list so that no part is too long or, CIFs being large, too big; a row is never cut."""
    import orjson

    start, size = 0, 0
    for i, row in enumerate(rows):
        own = len(orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY))
        if i > start and (i - start >= most_rows or size + own > BYTES_PER_REQUEST):
            yield start, [*rows[start:i]]
            start, size = i, 0
        size += own
    if rows:
        yield start, [*rows[start:]]


def rows_of(candidates: Candidates) -> Rows:
    """Return candidates as they are sent; one that cannot be read is an error row."""
    if stands_for_one(candidates):
        return [_row_of(candidates, 0)], [""]
    if hasattr(candidates, "columns"):
        frame = cast("pd.DataFrame", candidates).rename(columns=str).astype(object)
        if not len(frame):
            return [], []
        check_columns([*frame.columns], "the frame")
        records = cast("list[Mapping[str, Any]]", frame.where(frame.notna(), None).to_dict("records"))
        return table_rows(read_candidate_records(records, "the frame"))
    rows = [_row_of(row, place) for place, row in enumerate(cast("Iterable[Any]", candidates))]
    return rows, [""] * len(rows)


def _row_of(material: Material, place: int) -> SentCandidate | RowError:
    try:
        return fields_of(material)
    except CandidateError as error:
        return RowError(place, None, error.code, error.message)


def table_rows(table: CandidateTable) -> Rows:
    """Return the rows of a table as they are sent, and where each stands."""
    if table.ignored:
        warnings.warn(f"columns not used: {', '.join(table.ignored)}", stacklevel=4)
    rows = [row if isinstance(row, RowError) else row.model_dump(exclude_defaults=True) for row in table.rows]
    return rows, table.places


def filled(**values: object) -> dict[str, object]:
    """Return the fields that were given."""
    return {name: value for name, value in values.items() if value is not None and value != {}}


def listed(values: Iterable[Any] | None) -> list[Any] | None:
    """Return a list of names, None for none; a text is refused, whose letters would be sent."""
    if isinstance(values, str):
        raise TypeError(f"expected a list of names, received the text '{values[:60]}'")
    return None if values is None else [*values]


def moved(row: ResultRow, place: int) -> ResultRow:
    """Return a row of an answer with its place in the whole list."""
    there = row | {"index": place}
    return there | {"error": row["error"] | {"index": place}} if "error" in row else there


def whole_ranking(
    document: RankingDocument,
    rows: Sequence[SentCandidate | RowError],
    places: Sequence[int],
    in_table: Sequence[str],
) -> RankingDocument:
    """Return a ranking of what was sent as one of all rows, with those that could not be read here among the failed.

    `places` are those of the rows that were sent, `in_table` says where each stands in its table.
    """
    picks = [] if document["batch"] is None else document["batch"]["picks"]
    for entry in (*document["ranking"], *document["excluded"], *picks):
        entry["index"] = places[entry["index"]]
    failed = [moved(row, places[row["index"]]) for row in document["failed"]]
    unread = [(i, row) for i, row in enumerate(rows) if isinstance(row, RowError)]
    failed += [error_row(replace(row, index=i)) for i, row in unread]
    document["counts"]["given"] = len(rows)
    document["counts"]["failed"] = len(failed)
    return document | {"failed": with_places(sorted(failed, key=lambda row: int(row["index"])), in_table)}
