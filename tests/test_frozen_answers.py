"""What the outside doors answer is what they answered when the answers were frozen.

One area alone: `pytest tests/test_frozen_answers.py -k rank/`. Wanted differences are frozen by
`python tests/frozen/freeze.py`, which prints them, and named in the commit that makes them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from frozen.comparison import differences, load_answers, report
from frozen.doors import Doors
from frozen.freeze import ANSWERS
from frozen.request_list import REQUESTS, Request


@pytest.fixture(scope="module")
def frozen() -> dict[str, dict[str, str]]:
    return load_answers(ANSWERS)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    opened = Doors(tmp_path_factory.mktemp("frozen"))
    yield opened
    opened.close()


@pytest.mark.parametrize("asked", REQUESTS, ids=lambda asked: asked.id)
def test_the_answer_is_the_frozen_one(asked: Request, frozen: dict[str, dict[str, str]], doors: Doors) -> None:
    assert asked.id in frozen, f"no frozen answer: python tests/frozen/freeze.py --only {asked.id}"
    lines = differences(frozen[asked.id], doors.answer(asked))
    if lines:
        pytest.fail(report(asked.id, lines), pytrace=False)


def test_every_frozen_answer_has_its_request(frozen: dict[str, dict[str, str]]) -> None:
    assert set(frozen) == {asked.id for asked in REQUESTS}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{"a": 0.5}', '{"a": 0.5000000001}'),
        ("sigma 2.6e-03 S/cm", "sigma 2.6000000001e-03 S/cm"),
        ("1000000.0,x", "1000000.0005,x"),
    ],
)
def test_the_last_digits_of_floats_may_differ(old: str, new: str) -> None:
    assert differences({"body": old}, {"body": new}) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('{"a": {"b": [1, 0.5]}}', '{"a": {"b": [1, 0.50001]}}', "body.a.b[1]: 0.5 -> 0.50001"),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', "body: keys in another order: b, a"),
        ('{"a": 1}', "{}", "body.a: no longer there, was 1"),
        ("{}", '{"a": null}', "body.a: new: null"),
        ('{"a": 1}', '{"a": 1.0}', "body.a: 1 -> 1.0"),
        ('{"a": 0.0}', '{"a": null}', "body.a: 0.0 -> null"),
        ('{"a":1}', '{"a": 1}', "body: the same values, written otherwise (blanks, escapes or numbers)"),
        ("x 1.5 S\nLi6.0001", "x 1.5 S\nLi6.0002", "body line 2: 'Li6.0001' -> 'Li6.0002'"),
        ("10.1021/a", "10.10210/a", "body line 1: '10.1021/a' -> '10.10210/a'"),
        ("a\nb", "a", "body: 2 lines became 1"),
    ],
)
def test_every_other_difference_is_told_with_its_place(old: str, new: str, told: str) -> None:
    assert differences({"body": old}, {"body": new}) == [told]


def test_parts_that_appear_or_go_are_told() -> None:
    told = differences({"file a.csv": "x"}, {"file b.csv": "y"})
    assert told == ["file a.csv: no longer there", "file b.csv: new: 'y'"]
