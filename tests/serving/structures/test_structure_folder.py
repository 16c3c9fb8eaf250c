"""A folder of CIFs that was killed goes on where it stopped, and ends as one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import cast

import pytest

from features.candidate import RowError
from features.errors import RowErrorCode
from serving.structures.answer import failed_row
from serving.structures.document import StructureRow
from serving.structures.folder import PARTS, RESULTS, FolderRun
from serving.structures.request import StructureRequest

FILES = [f"{name}.cif" for name in "cabde"]


def asked(folder: Path) -> list[tuple[Path, StructureRequest]]:
    return [(folder / name, StructureRequest(cif=f"data_{name}")) for name in FILES]


def judge(request: StructureRequest) -> StructureRow:
    return cast("StructureRow", {"status": "ok", "read_as": request.cif, "relaxed_cif": f"{request.cif} relaxed"})


def finish(target: Path, source: Path) -> tuple[bytes, list[bool]]:
    known: list[bool] = []
    FolderRun(target, 100).run(asked(source), judge, lambda count, was_known: known.append(was_known))
    return (target / RESULTS).read_bytes(), known


def test_results_stand_in_the_order_of_names(tmp_path: Path) -> None:
    content, known = finish(tmp_path / "out", tmp_path)
    rows = [json.loads(line) for line in content.splitlines()]
    assert [row["file"] for row in rows] == sorted(FILES)
    assert [row["index"] for row in rows] == [0, 1, 2, 3, 4]
    assert known == [False] * 5
    assert "relaxed_cif" not in rows[0]
    assert (tmp_path / "out" / rows[0]["relaxed_file"]).read_text() == "data_a.cif relaxed"


def test_the_error_of_a_file_names_its_place_among_the_files(tmp_path: Path) -> None:
    failed = failed_row(RowError(0, None, RowErrorCode.UNREADABLE_ROW, "no file"))
    FolderRun(tmp_path, 100).run([*asked(tmp_path), (tmp_path / "z.cif", failed)], judge, lambda *_: None)
    last = json.loads((tmp_path / RESULTS).read_bytes().splitlines()[-1])
    assert (last["file"], last["index"], last["error"]["index"]) == ("z.cif", 5, 5)


def test_a_run_that_raised_goes_on(tmp_path: Path) -> None:
    whole, _ = finish(tmp_path / "whole", tmp_path)
    left = 2

    def until_it_breaks(request: StructureRequest) -> StructureRow:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return judge(request)

    with pytest.raises(KeyboardInterrupt):
        FolderRun(tmp_path / "broken", 100).run(asked(tmp_path), until_it_breaks, lambda *_: None)
    assert not (tmp_path / "broken" / RESULTS).exists()
    content, known = finish(tmp_path / "broken", tmp_path)
    assert content == whole
    assert known == [True, True, False, False, False]


def test_other_settings_and_other_potentials_are_other_answers(tmp_path: Path) -> None:
    finish(tmp_path, tmp_path)
    known: list[bool] = []
    FolderRun(tmp_path, 50).run(asked(tmp_path), judge, lambda _, was: known.append(was))
    FolderRun(tmp_path, 100, "sevenn 1").run(asked(tmp_path), judge, lambda _, was: known.append(was))
    assert known == [False] * 10


def test_half_a_part_is_made_again(tmp_path: Path) -> None:
    whole, _ = finish(tmp_path, tmp_path)
    part = sorted((tmp_path / PARTS).glob("*.json"))[0]
    part.write_bytes(part.read_bytes()[:10])
    content, known = finish(tmp_path, tmp_path)
    assert content == whole
    assert known.count(False) == 1


SLOW = """
import sys, time
from pathlib import Path
from test_structure_folder import asked, judge
from serving.structures.folder import FolderRun

def slowly(request):
    time.sleep(0.2)
    return judge(request)

target = Path(sys.argv[1])
FolderRun(target, 100).run(asked(target), slowly, lambda count, known: print(count, known, flush=True))
"""


def test_a_process_killed_three_times_ends_the_same(tmp_path: Path) -> None:
    whole, _ = finish(tmp_path / "whole", tmp_path)
    target = tmp_path / "killed"
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{textwrap.dedent(SLOW)}"
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith("False\n"):
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    content, known = finish(target, tmp_path)
    assert content == whole
    assert known.count(True) >= 3
