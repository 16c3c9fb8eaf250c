"""The figures of the house: who knows which property, circles, rooms, size, habits, and the walk of one formula.

Prints one JSON line. `--check` exits 1 where a figure is beyond its limit and names it on standard error; `--verbose`
lists the places behind each figure there, `--walk` the stops of one formula. Counts are taken from the syntax trees of
`features`, `training`, `serving` and `elyte`; see `house_names`, `house_imports` and `house_walk` for what counts.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from house_imports import circles, module_edges, private_imports, room_edges, rooms_at_the_top
from house_names import naming_places, reasons_of, reasons_without_use, silent_fallthroughs, without_reason
from house_source import House, Place
from house_walk import Walk, walk

ROOT = Path(__file__).parents[1]
TOY_TESTS = "tests/test_plugin_property.py"
LINES_AT_THE_BEGINNING = 49_921  # of issue 15: commit 789bb5e, by the same count
ADDED_SINCE = (
    "training/properties/mechanics/",
    "training/properties/polymer/",
    "features/polymers/",
    "training/syntheses/",
    "serving/cells/",
    "serving/coatings/",
    "features/crystal_formats/",
    "features/structures/",
    "training/structures/",
    "serving/structures/",
    "serving/pathways/",
    "serving/agents/",
)  # folders of properties, and rooms of other questions, that came later
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Limit:
    """The bound of a figure: the most that it may be, or the least where `is_lowest`.

    Parameters
    ----------
    bound
        Beyond it `--check` fails.
    is_lowest
        Whether it is the least.
    asked
        What the design asks for, where the figure is not there yet: the bound only holds what was reached.
    """

    bound: int
    is_lowest: bool = False
    asked: int | None = None

    def is_kept(self, value: int | None) -> bool:
        """Whether a figure keeps it; one that was not measured does not."""
        return value is not None and (value >= self.bound if self.is_lowest else value <= self.bound)

    def __str__(self) -> str:
        words = f"at {'least' if self.is_lowest else 'most'} {self.bound}"
        return words if self.asked is None else f"{words} (asked for: {self.asked})"


LIMITS: Mapping[str, Limit] = {
    "files_that_name_a_property": Limit(6),
    "of_these_without_a_reason": Limit(0),
    "reasons_without_use": Limit(0),
    "toy_entrances_that_work": Limit(17, is_lowest=True),
    "toy_entrances_that_fail": Limit(0),
    "silent_fallthroughs": Limit(0),
    "lines_since_the_beginning": Limit(17_200, asked=-3_500),
    "module_circles": Limit(0),
    "room_circles": Limit(0),
    "serving_rooms": Limit(21),
    "serving_arrows": Limit(82),
    "fmt_skip": Limit(0),
    "class_names_with_two_meanings": Limit(0),
    "dict_str_any_in_serving": Limit(60),
    "private_imports": Limit(0),
    "walk_files": Limit(96, asked=35),
    "walk_changes": Limit(690, asked=200),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what is behind it.

    Parameters
    ----------
    value
        None where it was not measured.
    places
        A line each, for people.
    """

    value: int | None
    places: Sequence[str] = ()

    @classmethod
    def count(cls, places: Iterable[object]) -> Figure:
        """Return the number of places."""
        lines = [str(place) for place in places]
        return cls(len(lines), lines)


def figures_of(house: House) -> dict[str, Figure]:
    """Return every figure that is counted in the source."""
    names, edges, reasons = naming_places(house), module_edges(house), reasons_of(house)
    n_lines = sum(source.n_lines for source in house.sources)
    n_added = sum(source.n_lines for source in house.sources if source.path.startswith(ADDED_SINCE))
    by_package = Counter[str]()
    for source in house.sources:
        by_package[source.package] += source.n_lines
    arrows = room_edges(edges, "serving")
    return {
        "files_that_name_a_property": naming_figure(names, reasons),
        "of_these_without_a_reason": Figure(len(without_reason(names, reasons))),
        "reasons_without_use": Figure.count(reasons_without_use(names, reasons)),
        "silent_fallthroughs": Figure.count(silent_fallthroughs(house)),
        "lines": Figure(n_lines, [f"{package}: {count}" for package, count in by_package.items()]),
        "lines_since_the_beginning": Figure(n_lines - n_added - LINES_AT_THE_BEGINNING),
        "module_circles": Figure.count(" <-> ".join(circle) for circle in circles(edges)),
        "room_circles": Figure.count(" <-> ".join(circle) for circle in circles(room_edges(edges))),
        "serving_rooms": Figure.count(rooms_at_the_top(house.root, "serving")),
        "serving_arrows": Figure.count(" -> ".join(arrow) for arrow in sorted(arrows)),
        "fmt_skip": Figure.count(fmt_skips(house)),
        "class_names_with_two_meanings": Figure.count(
            f"{name}: {', '.join(modules)}" for name, modules in class_names_with_two_meanings(house).items()
        ),
        "dict_str_any_in_serving": Figure.count(untyped_documents(house, "serving")),
        "private_imports": Figure.count(private_imports(house)),
    }


def naming_figure(places: Sequence[Place], reasons: Mapping[str, str]) -> Figure:
    """Return the number of files that name a property; those that do most often first."""
    lines: dict[str, dict[int, list[str]]] = {}
    for place in places:
        lines.setdefault(place.path, {}).setdefault(place.line, []).append(place.text)
    told = []
    for path, of_path in sorted(lines.items(), key=lambda item: (-len(item[1]), item[0])):
        words = ", ".join(f"{line} {' '.join(dict.fromkeys(texts))}" for line, texts in sorted(of_path.items()))
        told.append(f"{path}: {len(of_path)} lines; {reasons.get(path, 'no reason')}: {words}")
    return Figure(len(lines), told)


def fmt_skips(house: House) -> list[Place]:
    """Return the comments that keep a statement from being formatted."""
    return [place for source in house.sources for place in source.comments() if "fmt: skip" in place.text]


def class_names_with_two_meanings(house: House) -> dict[str, list[str]]:
    """Return the public class names that more than one module defines, with the modules."""
    defined: dict[str, list[str]] = {}
    for source in house.sources:
        for name in sorted({node.name for node in source.tree.body if isinstance(node, ast.ClassDef)}):
            if not name.startswith("_"):
                defined.setdefault(name, []).append(source.module)
    return {name: modules for name, modules in sorted(defined.items()) if len(modules) > 1}


def untyped_documents(house: House, package: str) -> list[Place]:
    """Return where a package writes the type `dict[str, Any]`."""
    return [
        Place(source.path, node.lineno, "dict[str, Any]")
        for source in house.sources
        if source.package == package
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Subscript) and ast.unparse(node) == "dict[str, Any]"
    ]


def toy_entrances(root: Path) -> dict[str, Figure]:
    """Run the tests of the toy property, one an entrance, and return how many of them pass and how many do not.

    What is skipped does not work. A tree without these tests has no figures, and says so.
    """
    if not (root / TOY_TESTS).is_file():
        reason = [f"{NOT_MEASURED}: {root} has no {TOY_TESTS}"]
        return {"toy_entrances_that_work": Figure(None, reason), "toy_entrances_that_fail": Figure(None, reason)}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", TOY_TESTS, "-q", f"--junitxml={report}"]
        ended = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
        if not report.is_file():
            raise RuntimeError(f"{' '.join(command)} wrote no report:\n{ended.stdout[-4000:]}{ended.stderr[-4000:]}")
        cases = list(ElementTree.parse(report).iter("testcase"))
    works = {
        f"{case.get('classname')}.{case.get('name')}": not {"failure", "error", "skipped"} & {part.tag for part in case}
        for case in cases
    }
    return {
        "toy_entrances_that_work": Figure.count(name for name, passed in works.items() if passed),
        "toy_entrances_that_fail": Figure.count(name for name, passed in works.items() if not passed),
    }


def walk_figures(found: Walk) -> dict[str, Figure]:
    """Return the figures of a trace."""
    return {
        "walk_files": Figure.count(found.files),
        "walk_changes": Figure(len(found.changes)),
        "walk_calls": Figure(len(found.stops)),
    }


def left_to_the_tests() -> dict[str, Figure]:
    """Return the toy's figures where the test suite asks at its entrances in the same run."""
    names = ("toy_entrances_that_work", "toy_entrances_that_fail")
    return {name: Figure(None, [f"{NOT_MEASURED}: left to {TOY_TESTS}"]) for name in names}


def beyond(figures: Mapping[str, Figure], limits: Mapping[str, Limit] = LIMITS) -> list[str]:
    """Return a line for each figure that does not keep its limit."""
    lines = []
    for name, limit in limits.items():
        figure = figures[name]
        if not limit.is_kept(figure.value):
            received = (figure.places or [NOT_MEASURED])[0] if figure.value is None else figure.value
            lines.append(f"{name}: {received}; expected {limit}")
    return lines


def document_of(figures: Mapping[str, Figure], reasons: Mapping[str, str]) -> dict[str, object]:
    """Return what is printed: the figures, why one has no value, the limits, and the reasons for naming a property."""
    return {
        "benchmark": "house",
        **{name: figure.value for name, figure in figures.items()},
        "not_measured": {name: figure.places[0] for name, figure in figures.items() if figure.value is None},
        "reasons": dict(reasons),
        "limits": {name: str(limit) for name, limit in LIMITS.items()},
        "beyond": [line.split(":", 1)[0] for line in beyond(figures)],
        "short_of_what_is_asked": [name for name, limit in LIMITS.items() if limit.asked is not None],
    }


def main() -> int:
    """Count and print; return 1 where `--check` finds a figure beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the source tree; this one by default")
    parser.add_argument("--check", action="store_true", help="exit 1 where a figure is beyond its limit")
    parser.add_argument("--quick", action="store_true", help="leave the toy's entrances to the test suite")
    parser.add_argument("--verbose", action="store_true", help="list the places behind each figure")
    parser.add_argument("--walk", action="store_true", help="list the stops of one formula")
    options = parser.parse_args()
    house = House.at(options.root.resolve())
    found = walk(house)
    toy = left_to_the_tests() if options.quick else toy_entrances(house.root)
    figures = figures_of(house) | toy | walk_figures(found)
    if options.verbose:
        for name, figure in figures.items():
            print(f"{name}: {figure.value}", *figure.places, sep="\n  ", file=sys.stderr)
    if options.walk:
        for number, stop in enumerate(found.changes, start=1):
            print(f"{number:4d} {stop.path}: {stop.function}", file=sys.stderr)
    print(json.dumps(document_of(figures, reasons_of(house))))
    limits = {name: limit for name, limit in LIMITS.items() if not (options.quick and name in toy)}
    failures = beyond(figures, limits) if options.check else []
    for line in failures:
        print(line, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
