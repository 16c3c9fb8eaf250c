"""Pages from templates: what is filled in cannot become markup, and nothing is left out in silence."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from jinja2 import UndefinedError

from training.pages import filled_in
from training.refitting.comparison import Comparison, ComparisonReport, GoldenMaterial
from training.refitting.held_out import HeldOutPredictions
from training.refitting.training_set import TrainingSet
from training.retraining.gates import Decision, Gate, GateOutcome, Verdict
from training.retraining.report import Pictured, write_report
from training.retraining.rules import load_rules

HOSTILE = "<script>alert('x')</script>"


def test_text_is_escaped_and_a_missing_name_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('{% from "table.html" import table %}{{ table((name,), ((name,),)) }}')
    text = filled_in(page, name=HOSTILE)
    assert text.count("&lt;script&gt;") == 2
    assert "<script" not in text
    with pytest.raises(UndefinedError, match="name"):
        filled_in(page)


def judged(seed: int) -> HeldOutPredictions:
    rng, n = np.random.default_rng(seed), 12
    value, bound = rng.normal(size=n), np.zeros(n, dtype=bool)
    names = np.array([f"{HOSTILE}{i}" for i in range(n)])
    return HeldOutPredictions(
        names, names, np.full(n, HOSTILE), value + 0.5, value, value - 1.0, value + 1.0, bound, bound
    )


@pytest.mark.parametrize(("unit", "scale"), [("decades", "log10"), ("g/cm3", "g/cm3")])
def test_a_report_speaks_in_the_unit_of_its_values(unit: str, scale: str) -> None:
    golden, harmless = (GoldenMaterial("LiF", -3.0, -3.1, -3.2),), Comparison(9, 3, 0.9, 0.9, 0.0, -0.1, 0.1)
    evidence = ComparisonReport(
        "conductivity", "a", "b", "c", 1, 1, 0, cross_validation=harmless, golden=golden, unit=unit
    )
    table = pd.DataFrame({"family": ["fluoride"]})
    training_set = TrainingSet("a", table, np.ones(1, dtype=bool), table, table, "b", (), (), 0, ())
    pictured, decision = Pictured(judged(0), judged(1), judged(2)), Decision(Verdict.PROMOTE, ())
    with mpl.rc_context({"svg.fonttype": "none"}):  # letters stay letters
        text = write_report(evidence, decision, load_rules("conductivity"), pictured, training_set, "1")
    for words in (
        f"challenger minus champion ({unit})",
        f"of left-out papers ({unit})",
        f"predicted ({scale})",
        f"<th>measured ({scale})</th>",
        f"<th>accepted ({scale})</th>",
    ):
        assert words in text
    assert ("decade" in text) == (unit == "decades")


def test_a_report_shows_hostile_names_as_text() -> None:
    golden = (GoldenMaterial(HOSTILE, -3.0, -3.1, -3.2),)
    evidence = ComparisonReport("conductivity", "a", "b", "c", 1, 1, 0, golden=golden, licences={HOSTILE: HOSTILE})
    decision = Decision(Verdict.KEEP, (Gate(HOSTILE, GateOutcome.FAILED, HOSTILE),))
    table = pd.DataFrame({"family": [HOSTILE]})
    training_set = TrainingSet("a", table, np.ones(1, dtype=bool), table, table, "b", (), (), 0, (HOSTILE,))
    pictured = Pictured(judged(0), judged(1), judged(2))
    text = write_report(evidence, decision, load_rules("conductivity"), pictured, training_set, HOSTILE)
    assert "<script" not in text
    assert text.count("<svg") == 3
    # gate and reason, version, remark, chemistry of new rows and of coverage, golden, source and licence, moved rows
    assert text.count("&lt;script&gt;alert") >= 9 + 2 * 12
