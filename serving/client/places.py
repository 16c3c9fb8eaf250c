"""Answers back in the places of the question: not every candidate was sent, and long lists were sent in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from features.candidate import RowError
from serving.answers.input_tables import with_places
from serving.answers.rows import ResultRow, error_row

if TYPE_CHECKING:
    from serving.client.sent import SentCandidate
    from serving.ranking.document import RankingDocument


def moved_to(row: ResultRow, place: int) -> ResultRow:
    """Return a row of an answer with its place in the whole list."""
    moved = row | {"index": place}
    return moved | {"error": row["error"] | {"index": place}} if "error" in row else moved


def ranking_in_places(
    document: RankingDocument,
    rows: Sequence[SentCandidate | RowError],
    places: Sequence[int],
    in_table: Sequence[str],
) -> RankingDocument:
    """Return a ranking of what was sent as one of all rows, with those that could not be read here among the failed.

    Parameters
    ----------
    document
        The service's answer.
    rows
        All of them.
    places
        Where among them those stand that were sent.
    in_table
        Where each stands in its table, "" where there is none.
    """
    picks = [] if document["batch"] is None else document["batch"]["picks"]
    for entry in (*document["ranking"], *document["excluded"], *picks):
        entry["index"] = places[entry["index"]]
    failed = [moved_to(row, places[row["index"]]) for row in document["failed"]]
    unread = [(i, row) for i, row in enumerate(rows) if isinstance(row, RowError)]
    failed += [error_row(replace(row, index=i)) for i, row in unread]
    document["counts"]["given"] = len(rows)
    document["counts"]["failed"] = len(failed)
    return document | {"failed": with_places(sorted(failed, key=lambda row: int(row["index"])), in_table)}
