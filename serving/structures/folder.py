"""Many CIFs, one after the other: what is done is kept, so that a run that was killed goes on and ends the same.

Each answer lies in `parts/` under the hash of what was asked; when all are there, `results.jsonl` is written from them
in the order of the files' names, with the relaxed cells beside it. Files are put in place by renaming, whole or not
at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from serving.structures.request import StructureRequest
from training.whole_files import write_whole

if TYPE_CHECKING:
    from serving.structures.document import StructureRow

PARTS, RESULTS, RELAXED = "parts", "results.jsonl", "relaxed"

Judge = Callable[[StructureRequest], "StructureRow"]


@dataclass(frozen=True, slots=True)
class FolderRun:
    """One run over files into a folder.

    Attributes
    ----------
    target
        Folder of the results; made where it does not exist.
    most_atoms
        Of the judge, part of what names an answer.
    versions
        Of potentials and models: an answer by others is not taken over.
    """

    target: Path
    most_atoms: int
    versions: str = ""

    def run(
        self,
        files: Sequence[tuple[Path, StructureRequest | StructureRow]],
        judge: Judge,
        done: Callable[[int, bool], None],
    ) -> list[StructureRow]:
        """Answer all files and write the results.

        Parameters
        ----------
        files
            Paths and what is asked of each; of one that could not be read its row.
        judge
            Answers one.
        done
            Takes how many files are answered, and whether the last of them was found from an earlier run.
        """
        (self.target / PARTS).mkdir(parents=True, exist_ok=True)
        (self.target / RELAXED).mkdir(exist_ok=True)
        rows = []
        for count, (path, request) in enumerate(sorted(files, key=lambda pair: pair[0].name), start=1):
            row, known = self._answered(request, judge)
            rows.append(placed(row, path, count - 1))
            done(count, known)
        write_whole(self.target / RESULTS, b"".join(orjson.dumps(row) + b"\n" for row in self._kept(rows)))
        return rows

    def _answered(self, request: StructureRequest | StructureRow, judge: Judge) -> tuple[StructureRow, bool]:
        """Return the answer, and whether it was found from an earlier run."""
        if not isinstance(request, StructureRequest):
            return request, False
        part = self.target / PARTS / f"{request.digest(self.most_atoms, self.versions)}.json"
        known = _read(part)
        if known is not None:
            return known, True
        row = judge(request)
        write_whole(part, orjson.dumps(row))
        return row, False

    def _kept(self, rows: Sequence[StructureRow]) -> Iterator[dict[str, Any]]:
        """Yield the rows with the name of the relaxed cell in place of its text, which lies beside them."""
        for row in rows:
            said = dict(row)
            text = said.pop("relaxed_cif", None)
            if isinstance(text, str):
                name = relaxed_name(row["file"])
                write_whole(self.target / RELAXED / name, text.encode())
                said["relaxed_file"] = f"{RELAXED}/{name}"
            yield said


def placed(row: StructureRow, path: Path, index: int) -> StructureRow:
    """Return a row with the name of its file and its place among the files; an error names the place, too."""
    error = {"error": {**row["error"], "index": index}} if "error" in row else {}
    return cast("StructureRow", {**row, **error, "file": path.name, "index": index})


def relaxed_name(name: str) -> str:
    """Return under which name the relaxed cell of a file is kept."""
    return name if name.endswith(".cif") else f"{name}.cif"


def _read(part: Path) -> StructureRow | None:
    try:
        return cast("StructureRow", orjson.loads(part.read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
