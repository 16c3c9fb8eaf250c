"""`elyte monitor`: torn and rotated logs, the ledger against the served model, exit statuses, the page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.cli import elyte
from serving.models import store as model_store
from serving.models.store import load_models, load_shipped
from serving.monitoring.answer import monitor, new_measurements
from serving.predictor import Predictor
from serving.rest.request_file import RequestFile
from serving.rest.request_history import read_requests
from serving.rest.request_record import RequestRecord
from training.ledger.store import Ledger
from training.measurements.entries import NewRow

FORMULAS = [f"Li{x:.2f}PS{x - 1:.2f}Cl{7 - x:.2f}" for x in (5.3 + 0.05 * i for i in range(26))]


def line(bins: dict[str, list[int]], when: float | None = None, version: str = "1", **more: object) -> str:
    stamp = datetime.fromtimestamp(time.time() if when is None else when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    models = dict.fromkeys(bins, version)
    return json.dumps({"time": stamp, "models": models, "rows": 1, "errors": {}, "bins": bins, **more}) + "\n"


def histogram(near: int, far: int = 0) -> list[int]:
    return [near, 0, 0, 0, 0, 0, far, 0, 0, 0]


@pytest.fixture
def shipped(bundles: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Serve the small synthetic model, without a registry; the ledger and the log of the environment are ours."""
    monkeypatch.setattr(model_store, "SHIPPED", bundles)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ELYTE_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    monkeypatch.delenv("ELYTE_REQUEST_LOG", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(elyte, ["monitor", *arguments])


def document_of(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


# ---------------------------------------------------------------- the log

rubbish = st.one_of(
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"") + b"\n"),
    st.sampled_from(
        [b"{}\n", b"[]\n", b"null\n", b'{"time": "yesterday", "models": {}, "bins": {}}\n', b"\n", b"\x00\x00\n"]
    ),
    st.sampled_from([[0] * 9, [-1] * 10, ["1"] * 10, [1.5] * 10, [True] * 10, None, {}]).map(
        lambda bins: line({"conductivity": bins}).encode()  # type: ignore[dict-item]
    ),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.one_of(st.just(None), rubbish), max_size=20), cut=st.integers(0, 40))
def test_whole_lines_are_read_whatever_lies_between(tmp_path: Path, parts: list[bytes | None], cut: int) -> None:
    good = line({"conductivity": histogram(2, 1)}, tomorrow="unknown", bins_of_rows=3).encode()
    torn = good[: -1 - cut]
    data = b"".join(good if part is None else part for part in parts) + torn
    (tmp_path / "log").write_bytes(data)
    history = read_requests(tmp_path / "log")
    n = sum(part is None for part in parts) + (cut == 0)  # without its end of line, a whole document is still whole
    assert history.n_lines == n
    assert sum(len(seen) for seen in history.traffic.values()) == n


def test_former_files_are_read_and_one_renamed_meanwhile_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    for name, version in (("log.2", "1"), ("log.1", "1"), ("log", "2")):
        (tmp_path / name).write_text(line({"conductivity": histogram(1)}, version=version))
    history = read_requests(path)
    assert {key: len(seen) for key, seen in history.traffic.items()} == {
        ("conductivity", "1"): 2,
        ("conductivity", "2"): 1,
    }
    (tmp_path / "log.2").unlink()
    (tmp_path / "log.2").hardlink_to(tmp_path / "log.1")  # what a rename between two openings looks like
    assert read_requests(path).n_lines == 2
    path.unlink()
    assert read_requests(path).n_lines == 1  # between renaming and the first new line
    with pytest.raises(FileNotFoundError):
        read_requests(tmp_path / "none")


def test_what_the_service_writes_is_read(tmp_path: Path) -> None:
    file = RequestFile(tmp_path / "log", max_bytes=400)
    record = RequestRecord("id", "POST", "/predict")
    record.name_models({"conductivity": {"version": "7"}})
    rows = [
        {"status": "ok", "applicability": {"conductivity": {"in_domain": ratio < 1, "distance": ratio}}}
        for ratio in (0.1, 0.1, 1.5)
    ]
    record.count_rows(rows)
    for _ in range(6):  # some of them into former files
        file.append(record)
    history = read_requests(tmp_path / "log")
    assert history.n_unreadable == 0
    assert 1 < history.n_lines <= 6
    assert (tmp_path / "log.1").exists()
    told = history.of("conductivity", "7", 0.0)
    assert told.bins.sum(axis=0).tolist() == [n * history.n_lines for n in [*histogram(2)[:7], 1, 0, 0]]


def test_a_line_without_end_is_no_danger(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 3_000_000 + b"\n" + line({"ccd": histogram(1)}).encode())
    history = read_requests(tmp_path / "log")
    assert history.n_lines == 1
    assert history.n_unreadable >= 1


# ---------------------------------------------------------------- exit statuses


def test_nothing_to_judge_is_fine_and_makes_no_ledger(shipped: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert "none are logged" in result.stdout
    assert "no ledger" in result.stdout
    assert list(shipped.iterdir()) == []


@pytest.mark.parametrize(("far", "status", "word"), [(2, 0, "fine"), (17, 3, "retrain"), (28, 4, "distrust")])
def test_requests_decide_the_exit_status(shipped: Path, far: int, status: int, word: str) -> None:
    log = shipped / "requests.log"
    log.write_text("".join(line({"conductivity": histogram(int(i >= far), int(i < far))}) for i in range(30)))
    result = run("--log", str(log), "--json")
    assert result.exit_code == status
    document = document_of(result)
    assert (document["verdict"], document["exit_status"]) == (word, status)
    (told,) = document["requests"]["properties"]
    assert told["outside"]["value"] == pytest.approx(far / 30)
    assert told["words"][0].startswith(word)


def test_a_former_version_is_told_and_decides_nothing(shipped: Path) -> None:
    log, day = shipped / "requests.log", 86400
    old = [line({"conductivity": histogram(0, 1)}, time.time() - 5 * day, "1") for _ in range(40)]
    new = [line({"conductivity": histogram(1)}, version="2") for _ in range(40)]
    log.write_text("".join(old + new))
    result = run("--log", str(log))
    assert result.exit_code == 0, result.stdout
    assert "(a former version): distrust" in result.stdout
    recent = document_of(run("--log", str(log), "--since", "1", "--json"))
    assert [told["outside"]["n_clusters"] for told in recent["requests"]["properties"]] == [0, 40]


def test_unusable_calls_end_with_2(shipped: Path) -> None:
    for arguments in (("--log", "none"), ("--log", str(shipped)), ("--since", "0"), ("--ledger", "none.db")):
        assert run(*arguments).exit_code == 2
    (shipped / "ledger.db").write_text("no database at all, and long enough to be looked at as one")
    assert run().exit_code == 2


# ---------------------------------------------------------------- measurements


def predicted(formulas: list[str]) -> list[float]:
    served = load_shipped("conductivity")
    assert served is not None
    rows = Predictor({"conductivity": served}).predict_formulas(formulas)["results"]
    return [row["conductivity"]["log10_sigma_S_per_cm"]["value"] for row in rows]


@pytest.fixture
def add(shipped: Path) -> Callable[..., list[int]]:
    """Return what adds conductivities, log10 of S/cm, each from a laboratory of its own."""
    ledger = Ledger.open()

    def of(formulas: list[str], values: list[float], **more: Any) -> list[int]:
        rows = []
        for i, (formula, value) in enumerate(zip(formulas, values, strict=True)):
            cells = {
                "formula": formula,
                "sigma_S_per_cm": 10**value,
                "temperature_C": 25.0,
                "reference": f"lab:2025-01-02:{i}",
            }
            rows.append(NewRow("conductivity", cells | more.get("cells", {}), warnings=more.get("warnings", ())))
        return [recorded.entry for recorded in ledger.add(rows, who="test")]

    return of


def test_measurements_where_they_were_predicted_are_fine(add: Callable[..., list[int]]) -> None:
    formulas = FORMULAS[:12]
    add(formulas, predicted(formulas))
    result = run("--json")
    assert result.exit_code == 0, result.output
    told = document_of(result)["measurements"]["conductivity"]
    (sigma,) = told["quantities"]
    assert (sigma["quantity"], sigma["n_rows"], sigma["n_sources"]) == ("log10_sigma_S_per_cm", 12, 12)
    assert [level["value"] for level in sigma["levels"]] == [1.0, 1.0, 1.0]
    assert sigma["mae"] < 1e-3
    assert set(sigma["groups"]) == {"argyrodite"}


def test_measurements_beyond_the_intervals_distrust_and_the_page_says_so(
    add: Callable[..., list[int]], shipped: Path
) -> None:
    formulas = FORMULAS[:12]
    add(formulas, [value - 8.0 for value in predicted(formulas)])
    page = shipped / "report.html"
    result = run("--report", str(page))
    assert result.exit_code == 4, result.output
    assert "intervals too narrow" in result.stdout
    assert "below the predicted" in result.stdout
    text = page.read_text()
    assert 'class="distrust"' in text
    assert "log10_sigma_S_per_cm" in text
    assert "<script" not in text
    assert "http" not in text


def test_many_new_materials_pay_for_a_retraining(add: Callable[..., list[int]]) -> None:
    add(FORMULAS, predicted(FORMULAS))
    result = run()
    assert result.exit_code == 3, result.output
    assert "retrain would pay: 26 new materials of 26 sources" in result.stdout


def test_what_the_model_may_know_is_not_judged(add: Callable[..., list[int]], shipped: Path) -> None:
    served = load_shipped("conductivity")
    assert served is not None
    doi = next(doi for doi in served.model.domain.dois if doi.startswith("10."))
    values = predicted(FORMULAS[:4])
    add(FORMULAS[:1], values[:1])
    add(FORMULAS[1:2], values[1:2], cells={"doi": doi})
    add(FORMULAS[2:3], values[2:3], warnings=("repeats_known",))
    ledger = Ledger.open()
    new = new_measurements(served, ledger)
    assert len(new.entries) == 1
    assert sorted(new.left_out.values()) == [1, 1]
    card = served.bundle.card.model_copy(update={"trained_on": "2999-01-01T00:00:00Z"})
    later = replace(served, bundle=replace(served.bundle, card=card))
    assert new_measurements(later, ledger).left_out == {"recorded before the model was trained": 3}


def test_a_paper_of_the_tables_that_this_model_was_fitted_without_is_judged(add: Callable[..., list[int]]) -> None:
    served = load_shipped("conductivity")
    assert served is not None
    flags = ("paper_already_known", "repeats_known")
    add(FORMULAS[:1], [-3.0], cells={"doi": "10.1000/left.out"}, warnings=flags)
    learnt = next(doi for doi in served.model.domain.dois if doi.startswith("10."))
    add(FORMULAS[1:2], [-3.0], cells={"doi": learnt}, warnings=flags)
    new = new_measurements(served, Ledger.open())
    assert [str((entry.content or {})["doi"]) for entry in new.entries] == ["10.1000/left.out"]
    assert new.left_out == {"of a paper that the model has learned from": 1}


def test_a_correction_after_training_does_not_make_an_old_measurement_new(add: Callable[..., list[int]]) -> None:
    served = load_shipped("conductivity")
    assert served is not None
    (entry,) = add(FORMULAS[:1], [-3.0])
    trained_on = datetime.now(UTC) + timedelta(seconds=1)  # cards know whole seconds
    time.sleep(1.1)
    cells = {"formula": FORMULAS[0], "sigma_S_per_cm": 2e-3, "reference": "lab:2025-01-02:0"}
    ledger = Ledger.open()
    ledger.correct(entry, NewRow("conductivity", cells), who="test", reason="typing error")
    card = served.bundle.card.model_copy(update={"trained_on": f"{trained_on:%Y-%m-%dT%H:%M:%SZ}"})
    seen = new_measurements(replace(served, bundle=replace(served.bundle, card=card)), ledger)
    assert seen.left_out == {"recorded before the model was trained": 1}


def test_windows_energies_and_currents_are_compared_with_the_shipped_models(tmp_path: Path) -> None:
    ledger = Ledger.open(str(tmp_path / "ledger.db"))
    at = {"reference": "lab:2025-01-02:x"}
    novel = {"formula": "Li5.35PS4.3Se0.05Cl1.65"} | at
    ledger.add(
        [
            NewRow("stability", novel | {"formation_energy_eV_per_atom": -1.0, "energy_above_hull_eV_per_atom": 0.02}),
            NewRow("stability", novel | {"reduction_V": 1.7, "oxidation_V": 2.2}),
            NewRow("stability", at | {"formula": "Li3PS4", "formation_energy_eV_per_atom": -1.0}),
            NewRow("stability", novel | {"observation": "decomposes"}),
            NewRow("ccd", novel | {"ccd_mA_per_cm2": 1.2, "interlayer_type": "none", "temperature_C": 60.0}),
            NewRow("ccd", novel | {"ccd_mA_per_cm2": 50.0, "interlayer_type": "none", "temperature_C": 200.0}),
            NewRow("ccd", at | {"material": "LLZO", "ccd_mA_per_cm2": 0.5, "interlayer_type": "none"}),
        ],
        who="test",
    )
    models = load_models("shipped")
    found = monitor(models, None, ledger, 0.0)
    stability, ccd = (found.document["measurements"][name] for name in ("stability", "ccd"))
    rows = {one["quantity"]: one["n_rows"] for name in (stability, ccd) for one in name["quantities"]}
    assert rows == {
        "formation_energy_eV_per_atom": 1,
        "energy_above_hull_eV_per_atom": 1,
        "reduction_V": 1,
        "oxidation_V": 1,
        "log10_ccd_mA_per_cm2": 1,
    }
    assert stability["not_judged"] == {"answered from the reference table, without an interval": 1}
    assert ccd["not_judged"] == {"where the model gives no number": 1, "without a formula": 1}
    assert found.verdict == 0
    json.dumps(found.document)


def test_help_needs_no_model(shipped: Path) -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "3 retrain, 4 distrust" in " ".join(result.stdout.split())
