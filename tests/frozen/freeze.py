"""Freeze wanted differences: `python tests/frozen/freeze.py [--only ID...]`, an id or the beginning of ids.

Prints each difference, how many answers changed and which. Without differences nothing is written.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[1]
ANSWERS = Path(__file__).with_name("answers.jsonl.xz")
FAILURE = '"internal_error"'


def main(only: tuple[str, ...], *, dry_run: bool) -> int:
    """Ask everything that is meant, and keep the answers."""
    from frozen.comparison import differences, load_answers, report, save_answers
    from frozen.doors import Doors
    from frozen.request_list import REQUESTS

    frozen = load_answers(ANSWERS) if ANSWERS.exists() else {}
    meant = [request for request in REQUESTS if not only or request.id.startswith(only)]
    if not meant:
        raise SystemExit(f"no request begins with any of {', '.join(only)}")
    answers = {request.id: frozen[request.id] for request in REQUESTS if request.id in frozen}
    gone = [name for name in frozen if name not in answers]
    changed, new = [], []
    with tempfile.TemporaryDirectory() as folder:
        doors = Doors(Path(folder))
        try:
            for request in meant:
                found = doors.answer(request)
                if found["status"].startswith("5") if "status" in found else FAILURE in str(found):
                    raise SystemExit(f"{request.id}: the service failed; a failure is not frozen")
                if request.id not in frozen:
                    new.append(request.id)
                elif lines := differences(frozen[request.id], found):
                    changed.append(request.id)
                    print(report(request.id, lines), flush=True)  # noqa: T201
                else:
                    continue
                answers[request.id] = found
        finally:
            doors.close()
    for word, names in (("changed", changed), ("new", new), ("gone", gone)):
        print(f"{len(names)} {word}{': ' if names else ''}{', '.join(names)}")  # noqa: T201
    if (changed or new or gone) and not dry_run:
        save_answers(ANSWERS, {r.id: answers[r.id] for r in REQUESTS if r.id in answers})
        print(f"{ANSWERS.relative_to(TESTS.parent)}: {len(answers)} answers, {ANSWERS.stat().st_size:,} bytes")  # noqa: T201
    return 0


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="ids, or beginnings such as rank/")
    parser.add_argument("--dry-run", action="store_true", help="compare and print, write nothing")
    given = parser.parse_args()
    sys.path[:1] = [str(TESTS), str(TESTS.parent)]
    sys.exit(main(tuple(given.only), dry_run=given.dry_run))
