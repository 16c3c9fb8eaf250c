"""Small requests answered together: the same answers as alone, whatever company they are in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.answers.conditions import Conditions
from serving.answers.request import CandidateInput, PredictRequest
from serving.predictor import Predictor
from serving.rest.batching import MOST_ROWS_OF_ONE, MOST_ROWS_TOGETHER, Batcher, is_small, predict_together

FORMULAS = ("Li6PS5Cl", "Li7La3Zr2O12", "Li5.5PS4.5Cl1.5", "NaCl", "Xx2", "", "Li3YCl6", "UO2", "Li3(PO4")


def requests_of(draw_conditions: bool = True) -> st.SearchStrategy[PredictRequest]:
    """Return small requests of good and bad rows, with conditions of the request, of rows, or none."""
    temperature = st.none() | st.sampled_from([-20.0, 25.0, 60.0])
    conditions = st.builds(Conditions, temperature_C=temperature, interlayer_type=st.sampled_from([None, "oxide", "?"]))
    row = st.builds(
        CandidateInput,
        id=st.none() | st.text(max_size=3),
        formula=st.sampled_from(FORMULAS),
        conditions=conditions if draw_conditions else st.just(Conditions()),
    )
    return st.builds(PredictRequest, candidates=st.lists(row, min_size=1, max_size=4), conditions=conditions)


def written(document: dict[str, Any]) -> bytes:
    """Return a document as the service sends it."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def assert_same(one: Any, other: Any) -> None:
    """Compare two parts of answers; numbers may differ in the last digit shown."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=2e-4, rel=2e-3)
    else:
        assert one == other


@settings(max_examples=25, deadline=None)
@given(requests=st.lists(requests_of(), min_size=1, max_size=5))
def test_company_changes_no_answer(predictor: Predictor, requests: list[PredictRequest]) -> None:
    together = predict_together(predictor, requests)
    assert len(together) == len(requests)
    for request, document in zip(requests, together, strict=True):
        assert_same(orjson.loads(written(document)), orjson.loads(written(predictor.predict(request))))


def test_only_small_requests_without_explanations_gain_from_company() -> None:
    row = CandidateInput(formula="Li3N")
    assert is_small(PredictRequest(candidates=[row] * MOST_ROWS_OF_ONE))
    assert not is_small(PredictRequest(candidates=[row] * (MOST_ROWS_OF_ONE + 1)))
    assert not is_small(PredictRequest(candidates=[row], explain=True))


class Recording:
    """A predictor that notes how many rows each pass had; it fails on a formula named `!`."""

    def __init__(self) -> None:
        self.passes: list[list[str | None]] = []

    def predict(self, request: PredictRequest) -> dict[str, Any]:
        """Answer one request."""
        return self.answer(request.candidates)

    def answer(self, rows: list[CandidateInput], **_: Any) -> dict[str, Any]:
        """Answer rows with their formulas."""
        self.passes.append([row.formula for row in rows])
        if any(row.formula == "!" for row in rows):
            raise ValueError("a defect")
        return {"models": {}, "results": [{"formula": row.formula, "index": i} for i, row in enumerate(rows)]}


def request_of(*formulas: str, **more: Any) -> PredictRequest:
    """Return a request."""
    return PredictRequest(candidates=[CandidateInput(formula=formula) for formula in formulas], **more)


def run(work: Callable[[Batcher, Predictor], Awaitable[Any]]) -> tuple[Any, list[list[str | None]]]:
    """Run work with a batcher of one lane; returns what it returns, and the passes that were made."""
    recording = Recording()

    async def main() -> Any:
        with ThreadPoolExecutor(1) as lane:
            return await work(Batcher(lane, 1), cast("Predictor", recording))

    return asyncio.run(main()), recording.passes


def formulas_of(document: Any) -> list[str]:
    """Return the formulas of a document."""
    return [row["formula"] for row in document["results"]]


def test_what_waits_goes_together_in_order_and_each_gets_its_own() -> None:
    async def work(batcher: Batcher, predictor: Predictor) -> Any:
        asked = [request_of("a"), request_of("b", "c"), request_of("d")]
        return await asyncio.gather(*(batcher.answer(predictor, request, formulas_of) for request in asked))

    answers, passes = run(work)
    assert answers == [["a"], ["b", "c"], ["d"]]
    assert passes == [["a"], ["b", "c", "d"]]  # the first waits for nobody


def test_other_questions_are_other_passes() -> None:
    async def work(batcher: Batcher, predictor: Predictor) -> Any:
        asked = [
            request_of("first"),
            request_of("a"),
            request_of("b", coverage=0.8),
            request_of("c"),
            request_of("d", properties=["ccd"]),
        ]
        return await asyncio.gather(*(batcher.answer(predictor, request, formulas_of) for request in asked))

    answers, passes = run(work)
    assert answers == [["first"], ["a"], ["b"], ["c"], ["d"]]
    assert passes == [["first"], ["a", "c"], ["b"], ["d"]]


def test_a_pass_has_a_largest_size() -> None:
    lists = [request_of(*["x"] * MOST_ROWS_OF_ONE) for _ in range(9)]

    async def work(batcher: Batcher, predictor: Predictor) -> Any:
        return await asyncio.gather(*(batcher.answer(predictor, request, formulas_of) for request in lists))

    _, passes = run(work)
    assert sum(map(len, passes)) == 9 * MOST_ROWS_OF_ONE
    assert max(map(len, passes)) == MOST_ROWS_TOGETHER


def test_a_defect_hits_only_the_request_that_meets_it() -> None:
    async def work(batcher: Batcher, predictor: Predictor) -> Any:
        asked = [request_of("first"), request_of("a"), request_of("!"), request_of("b")]
        answers = (batcher.answer(predictor, request, formulas_of) for request in asked)
        return await asyncio.gather(*answers, return_exceptions=True)

    answers, passes = run(work)
    assert [answers[0], answers[1], answers[3]] == [["first"], ["a"], ["b"]]
    assert isinstance(answers[2], ValueError)
    assert passes == [["first"], ["a", "!", "b"], ["a"], ["!"], ["b"]]


def test_a_request_that_was_given_up_costs_nothing_and_harms_nobody() -> None:
    async def work(batcher: Batcher, predictor: Predictor) -> Any:
        first = asyncio.ensure_future(batcher.answer(predictor, request_of("first"), formulas_of))
        await asyncio.sleep(0)
        gone = asyncio.ensure_future(batcher.answer(predictor, request_of("gone"), formulas_of))
        last = asyncio.ensure_future(batcher.answer(predictor, request_of("last"), formulas_of))
        await asyncio.sleep(0)
        gone.cancel()
        return await first, await last, gone.cancelled()

    answers, passes = run(work)
    assert answers == (["first"], ["last"], True)
    assert passes == [["first"], ["last"]]


def test_a_new_model_does_not_answer_with_an_old_one() -> None:
    """After a swap, requests that started with the old predictor keep it."""
    old, new = Recording(), Recording()

    async def work(batcher: Batcher, first: Predictor) -> Any:
        pairs = [(first, "first"), (old, "a"), (new, "b"), (old, "c")]
        asked = (batcher.answer(cast("Predictor", who), request_of(name), formulas_of) for who, name in pairs)
        return await asyncio.gather(*asked)

    run(work)
    assert old.passes == [["a", "c"]]
    assert new.passes == [["b"]]
