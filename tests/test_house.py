"""The counters of `benchmarks/house.py`, each on a small tree in which it finds what is there and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import house
from house_imports import circles, module_edges, private_imports, room_edges, rooms_at_the_top
from house_names import naming_places, reasons_without_use, silent_fallthroughs, without_reason
from house_source import House, Source
from house_walk import traced

BENCHMARKS = Path(house.__file__).parent
OLD_HOMES = {f"training/{name}/__init__.py": "" for name in ("conductivity", "stability", "ccd")}
NEW_HOMES = {f"training/properties/{name}/__init__.py": "" for name in ("conductivity", "elastic")}


def tree(folder: Path, files: dict[str, str]) -> House:
    """Write a source tree and read it."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return House.at(folder)


def named(folder: Path, text: str, path: str = "serving/answers.py") -> list[str]:
    """Return what a file names."""
    return [place.text for place in naming_places(tree(folder, OLD_HOMES | {path: text}))]


def fallthroughs(folder: Path, text: str) -> list[int]:
    """Return the lines of a file on which another property is silently meant."""
    return [place.line for place in silent_fallthroughs(tree(folder, OLD_HOMES | {"serving/answers.py": text}))]


def imports(folder: Path, files: dict[str, str]) -> set[tuple[str, str]]:
    """Return which module imports which."""
    return module_edges(tree(folder, files))


def test_properties_are_found_in_their_old_and_in_their_new_home(tmp_path: Path) -> None:
    old, new = tree(tmp_path / "old", OLD_HOMES), tree(tmp_path / "new", NEW_HOMES)
    assert old.property_folders["ccd"] == "training/ccd"
    assert new.property_folders == {name: f"training/properties/{name}" for name in ("conductivity", "elastic")}


def test_a_folder_without_python_is_no_source_tree(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected Python files in one of features"):
        House.at(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "x = Property.CCD",
        "x = 'stability'",
        "x = 'training.ccd.bundling'",
        "def answer_conductivity(): ...",
        "class CcdModel: ...",
        "from training.stability.hull import Hull",
        "import training.ccd.model",
        "f(ccd=1)",
        "x.reduction_V",
        "x = 'reduction_V_lower'",
        "x = 'at least log10_sigma_S_per_cm>=-3, say'",
        "match x:\n    case Property.CCD: ...",
    ],
)
def test_a_file_that_names_a_property_is_found(text: str, tmp_path: Path) -> None:
    assert named(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        '"""The conductivity, `reduction_V` and CCD."""',
        "# the ccd of stability",
        "x = 'the conductivity of a pellet'",
        "x = 'reduction_Volume'",
        "x = unstability_accda",
        "class A:\n    '''Of stability.'''\n    def f(self):\n        '''ccd'''",
    ],
)
def test_prose_and_other_words_name_no_property(text: str, tmp_path: Path) -> None:
    assert named(tmp_path, text) == []


def test_a_property_may_name_itself_and_the_registry_every_one(tmp_path: Path) -> None:
    registry = (
        "from types import SimpleNamespace\nelastic = 'training.properties.elastic'\n"
        "modulus = SimpleNamespace(name='modulus_GPa', columns=('modulus_GPa', 'modulus_lower_GPa'))\n"
        "def quantities(): return {'modulus_GPa': ('elastic', modulus)}\n"
    )
    files = NEW_HOMES | {
        "training/__init__.py": "",
        "training/properties/__init__.py": "",
        "training/properties/elastic/judge.py": "x = 'modulus_GPa'",
        "training/properties/registry.py": registry,
        "training/properties/contract.py": "x = 'modulus_GPa'",
        "serving/answers.py": "x = modulus_lower_GPa",
        "serving/other.py": "x = reduction_V, modulus",
    }
    places = naming_places(tree(tmp_path, files))
    assert [place.path for place in places] == ["serving/answers.py", "training/properties/contract.py"]


def test_a_registry_that_cannot_be_asked_is_no_empty_one(tmp_path: Path) -> None:
    broken = tree(tmp_path, NEW_HOMES | {"training/properties/registry.py": "def quantities(): return {'a': None}"})
    with pytest.raises(RuntimeError, match="does not say the quantities"):
        naming_places(broken)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("serving/page/a.js", 'if (kind === "ccd") f();', ["ccd"]),
        ("serving/page/a.js", "row.stability.x;", ["stability"]),
        ("serving/page/a.js", "/* ccd */ // stability\nf();", []),
        ("serving/page/a.js", 'f("see https://a.b//ccd");', []),
        ("serving/page/a.js", 'f("critical ccd of a cell");', []),
        ("serving/page/a.js", "f(`the ccd of ${row.conductivity} cells`);", ["conductivity"]),
        ("serving/page/a.html", '<p class="wide ccd" title="ccd">ccd</p>', ["class=wide ccd"]),
        ("serving/page/a.html", "<!-- reduction_V --><p>reduction_V</p>", ["reduction_V"]),
        ("serving/page/a.css", ".ccd {}", []),
    ],
)
def test_the_page_is_read_without_its_prose(path: str, text: str, expected: list[str], tmp_path: Path) -> None:
    assert named(tmp_path, text, path) == expected


def test_places_of_a_script_keep_their_lines(tmp_path: Path) -> None:
    script = "/* one\ntwo */\nf(`three\nfour ${a}`);\nccd();"
    places = naming_places(tree(tmp_path, OLD_HOMES | {"serving/page/a.js": script}))
    assert [place.line for place in places] == [5]


def test_a_reason_must_be_given_and_must_be_needed(tmp_path: Path) -> None:
    places = naming_places(tree(tmp_path, OLD_HOMES | {"serving/a.py": "ccd", "serving/b.py": "ccd"}))
    reasons = {"serving/b.py": "shows one", "serving/c.py": "did so once"}
    assert without_reason(places, reasons) == ["serving/a.py"]
    assert reasons_without_use(places, reasons) == ["serving/c.py"]


def test_files_are_listed_by_the_lines_that_name_a_property(tmp_path: Path) -> None:
    places = naming_places(tree(tmp_path, OLD_HOMES | {"serving/a.py": "ccd, ccd", "serving/b.py": "ccd\nccd"}))
    figure = house.naming_figure(places, {})
    assert figure.value == 2
    assert [line.split(";")[0] for line in figure.places] == ["serving/b.py: 2 lines", "serving/a.py: 1 lines"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1 if kind is Kind.CCD else 2", 1),
        ("if name == 'ccd':\n    f()\nelse:\n    g()", 4),
        ("if a is P.CCD:\n    f()\nelif a is P.STABILITY:\n    g()\nelse:\n    h()", 6),
        ("def f(a):\n    if a in ('ccd', 'stability'):\n        return 1\n    return 2", 4),
        (
            "def f(a):\n    if P.CCD in a:\n        return 1\n    if P.STABILITY in a:\n        return 2\n    return 3",
            6,
        ),
        (
            "def f(a):\n    if a is P.CCD:\n        return 1\n    elif 'ccd' == a:\n        return 2\n    return 0",
            6,
        ),
        ("if name is not Property.CCD:\n    f()", 2),
        ("if name != 'ccd' and more:\n    f()", 2),
        ("if not (name == 'ccd'):\n    f()", 2),
        ("match kind:\n    case Kind.CCD:\n        f()\n    case _:\n        g()", 4),
        ("match kind:\n    case 'ccd' | 'stability':\n        f()\n    case other:\n        g()", 4),
    ],
)
def test_a_branch_for_the_other_properties_is_found_once(text: str, line: int, tmp_path: Path) -> None:
    assert fallthroughs(tmp_path, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1 if kind is Kind.OTHER else 2",
        "x = 1 if kind is None else 2",
        "x = 1 if ready else 2",
        "if name == 'ccd':\n    f()",
        "if name == 'ccd':\n    f()\nelse:\n    raise ValueError(name)",
        "def f(a):\n    if a is P.CCD:\n        return 1\n    raise KeyError(a)",
        "if name not in ('ccd', 'stability'):\n    raise KeyError(name)\nf()",
        "match kind:\n    case Kind.CCD:\n        f()\n    case _:\n        raise ValueError",
        "match kind:\n    case Kind.CCD:\n        f()",
        "match kind:\n    case 1:\n        f()\n    case _:\n        g()",
    ],
)
def test_what_raises_or_compares_with_no_property_is_no_fallthrough(text: str, tmp_path: Path) -> None:
    assert fallthroughs(tmp_path, text) == []


def test_a_property_may_treat_its_own_name_specially(tmp_path: Path) -> None:
    text = "x = 1 if name == 'ccd' else 2"
    assert silent_fallthroughs(tree(tmp_path, OLD_HOMES | {"training/ccd/a.py": text})) == []


def test_imports_in_functions_and_for_types_close_a_circle(tmp_path: Path) -> None:
    edges = imports(
        tmp_path,
        {
            "serving/__init__.py": "",
            "serving/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from serving.b import B",
            "serving/b.py": "def f():\n    from serving import a\n    import serving.c",
            "serving/c.py": "import os",
        },
    )
    assert edges == {
        ("serving.a", "serving.b"),
        ("serving.b", "serving.a"),
        ("serving.b", "serving.c"),
    }
    assert circles(edges) == [["serving.a", "serving.b"]]
    assert circles(edges - {("serving.b", "serving.a")}) == circles([]) == []


def test_relative_imports_count_as_absolute_ones(tmp_path: Path) -> None:
    edges = imports(
        tmp_path,
        {
            "serving/rest/__init__.py": "from . import app\nfrom .app import run",
            "serving/rest/app.py": "from ..answers import rows\nfrom .routes import one",
            "serving/rest/routes.py": "",
            "serving/answers.py": "",
        },
    )
    assert edges == {
        ("serving.rest", "serving.rest.app"),
        ("serving.rest.app", "serving.answers"),
        ("serving.rest.app", "serving.rest.routes"),
    }


def test_rooms_may_form_a_circle_where_modules_form_none(tmp_path: Path) -> None:
    edges = imports(
        tmp_path,
        {
            "serving/__init__.py": "from serving.rest import a",
            "serving/rest/a.py": "import serving.answers.a",
            "serving/rest/b.py": "import training.trees",
            "serving/answers/a.py": "",
            "serving/answers/b.py": "import serving.rest.b\nimport serving.rest.a\nimport serving.answers.a",
            "training/trees.py": "",
        },
    )
    assert circles(edges) == []
    assert circles(room_edges(edges)) == [["serving.answers", "serving.rest"]]
    assert room_edges(edges, "serving") == {("serving.rest", "serving.answers"), ("serving.answers", "serving.rest")}


def test_rooms_are_folders_and_files_at_the_top(tmp_path: Path) -> None:
    files = ("serving/__init__.py", "serving/py.typed", "serving/cli.py", "serving/rest/app.py", "serving/page/a.css")
    assert rooms_at_the_top(tree(tmp_path, dict.fromkeys(files, "")).root, "serving") == ["cli.py", "page", "rest"]


def test_only_private_names_of_third_parties_are_private_imports(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom bentoml._internal.utils import a\nimport _bentoml_sdk\n"
        "from numpy import _core\nfrom numpy import __version__\nfrom os import _exit\nfrom training.a import _own\n"
        "def f():\n    import scipy._lib\n    import scipy.linalg"
    )
    assert [place.line for place in private_imports(tree(tmp_path, {"serving/a.py": text}))] == [2, 3, 4, 9]


def test_habits_are_counted_in_code_alone(tmp_path: Path) -> None:
    skip = "# fmt: " + "skip"
    habit = f"y: dict[str, Any] = {{}}  {skip}\n"
    text = f'"""dict[str, Any] {skip}"""\nx = "{skip}"\n{habit}def f(a: list[dict[str, Any]]) -> dict[str, int]: ...\n'
    found = tree(tmp_path, {"serving/a.py": text, "training/a.py": habit})
    assert [(place.path, place.line) for place in house.fmt_skips(found)] == [
        ("serving/a.py", 3),
        ("training/a.py", 1),
    ]
    assert [place.line for place in house.untyped_documents(found, "serving")] == [3, 4]


def test_a_public_class_name_has_one_meaning(tmp_path: Path) -> None:
    text = "class Unit: ...\nclass _Row: ...\nclass Other:\n    class Inner: ..."
    found = tree(
        tmp_path, {"serving/a.py": text, "training/b.py": "class Unit: ...\nclass _Row: ...\nclass Inner: ..."}
    )
    assert house.class_names_with_two_meanings(found) == {"Unit": ["serving.a", "training.b"]}


def test_lines_are_those_that_wc_counts(tmp_path: Path) -> None:
    assert [Source("a.py", text).n_lines for text in ("", "x\n", "x\n\n# y\n")] == [0, 1, 3]
    lines = house.figures_of(tree(tmp_path, {"features/a.py": "x\n", "elyte/__init__.py": "y\n\n"}))["lines"]
    assert (lines.value, list(lines.places)) == (3, ["elyte: 2", "features: 1"])


def test_a_walk_counts_calls_of_own_functions_and_changes_of_file(tmp_path: Path) -> None:
    space: dict[str, object] = {}
    files = {
        "features/a.py": "def one(): return [n for n in (1, 2)]",
        "serving/b.py": "def two(): one(); one(); sorted([2, 1], key=lambda n: n); return three()",
        "elsewhere/c.py": "def three(): return one()",
    }
    for path, text in files.items():
        exec(compile(text, str(tmp_path / path), "exec"), space)
    found = traced(tmp_path, space["two"])  # type: ignore[arg-type]
    assert [(stop.path, stop.function) for stop in found.stops] == [
        ("serving/b.py", "two"),
        *[("features/a.py", "one")] * 3,
    ]
    assert (found.files, len(found.changes)) == (["features/a.py", "serving/b.py"], 1)
    assert sys.getprofile() is None or "on_event" not in repr(sys.getprofile())


def test_entrances_of_the_toy_property_are_counted_from_its_tests(tmp_path: Path) -> None:
    tests = (
        "import pytest\n@pytest.mark.parametrize('way', ['json', 'csv'])\ndef test_entrance(way):\n"
        "    assert way == 'json', way\ndef test_page():\n    pytest.skip('no browser')\n"
    )
    assert house.toy_entrances(tmp_path)["toy_entrances_that_work"].value is None
    tree(tmp_path, {"serving/a.py": "", house.TOY_TESTS: tests})
    found = house.toy_entrances(tmp_path)
    assert found["toy_entrances_that_work"].value == 1
    assert len(found["toy_entrances_that_fail"].places) == 2


def test_a_figure_beyond_its_limit_or_not_measured_is_named() -> None:
    limits = {"most": house.Limit(3), "least": house.Limit(3, is_lowest=True)}
    for value, expected in ((2, ["least"]), (3, []), (4, ["most"]), (None, ["most", "least"])):
        lines = house.beyond(dict.fromkeys(limits, house.Figure(value)), limits)
        assert [line.split(":")[0] for line in lines] == expected
    assert house.beyond({"most": house.Figure(4)}, {"most": limits["most"]}) == ["most: 4; expected at most 3"]


PREDICTOR = """
from features.names import plain
class Predictor:
    @classmethod
    def load(cls): return cls()
    def predict_formulas(self, formulas):
        return {"results": [{"status": "ok", "formula": plain(one)} for one in formulas]}
"""


def run(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command on a tree."""
    command = [sys.executable, str(BENCHMARKS / "house.py"), "--root", str(root), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_one_line_is_printed_and_the_check_names_what_is_beyond(tmp_path: Path) -> None:
    files = {
        "features/__init__.py": "",
        "features/names.py": "def plain(x): return x",
        "serving/__init__.py": "",
        "serving/predictor.py": PREDICTOR,
        house.TOY_TESTS: "import pytest\n@pytest.mark.parametrize('way', range(17))\ndef test_entrance(way): ...\n",
    }
    tree(tmp_path, OLD_HOMES | files)
    good = run(tmp_path, "--check", "--walk", "--verbose")
    assert (good.returncode, good.stdout.count("\n")) == (0, 1), good.stderr
    document = json.loads(good.stdout)
    assert (document["walk_files"], document["walk_changes"], document["beyond"]) == (2, 1, [])
    assert "   1 features/names.py: plain" in good.stderr
    assert "serving_rooms: 1\n  predictor.py" in good.stderr
    (tmp_path / "serving" / "loose.py").write_text("x = 1 if a == 'ccd' else 2\n")
    bad = run(tmp_path, "--check")
    assert bad.returncode == 1
    assert "silent_fallthroughs: 1; expected at most 0" in bad.stderr
    assert json.loads(bad.stdout)["beyond"] == ["of_these_without_a_reason", "silent_fallthroughs"]
