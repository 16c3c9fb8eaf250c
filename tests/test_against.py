"""How another commit is compared with this one: ratios within a round, their median, a checkout that goes away."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import against
from against import OTHER, THIS, checked_out, compare, differing_pins, of_this_to_other, over_trivial, service_of

ROOT = Path(__file__).parents[1]


def test_ratios_are_taken_within_a_round() -> None:
    """The machine became four times slower from one round to the next: both did."""
    found = {OTHER: [{"s": 1.0}, {"s": 4.0}, {"s": 1.0}], THIS: [{"s": 0.5, "new": 1.0}, {"s": 2.0}, {"s": 0.4}]}
    assert of_this_to_other(found) == {"s_ratio": 0.5}


def test_a_service_is_measured_in_units_of_the_trivial_endpoint_of_its_round() -> None:
    figures = {"list_rows_per_s": 900.0, "single_p50_ms": 8.0, "single_8_clients_per_s": 60.0}
    half = {name: value * (0.5 if name != "single_p50_ms" else 2.0) for name, value in figures.items()}
    trivial = [{"trivial_p50_ms": 2.0, "trivial_8_clients_per_s": 100.0}]
    slower = [{"trivial_p50_ms": 4.0, "trivial_8_clients_per_s": 50.0}]
    wanted = {"list_rows_over_trivial": 9.0, "single_p50_over_trivial": 4.0, "throughput_over_trivial": 0.6}
    assert over_trivial([figures, half], trivial + slower) == pytest.approx(wanted)


def test_the_checkouts_are_measured_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def measure(tree: Path, quick: bool) -> dict[str, float]:
        asked.append(tree.name)
        return {"s": {"old": 2.0, "new": 1.0}[tree.name] * (1.0 if quick else 3.0)}

    monkeypatch.setitem(against.MEASURES, "command", measure)
    found = compare({OTHER: tmp_path / "old", THIS: tmp_path / "new"}, "command", 2, quick=True)
    assert asked == ["old", "new", "old", "new"]
    assert found == {"ratios": {"s_ratio": 0.5}, OTHER: {"s": 2.0}, THIS: {"s": 1.0}}


def test_pins_that_differ_are_named() -> None:
    assert differing_pins("# of then\nnumpy==1\nscipy==2\n", "numpy==1\nscipy==3\nnew==1\n") == ["scipy==2"]


def test_a_commit_is_checked_out_and_leaves_nothing_behind() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no repository here")
    with checked_out("HEAD") as tree:
        assert service_of(tree) == service_of(ROOT)
        assert (tree / "constraints.txt").is_file()
    assert not tree.exists()
    assert str(tree) not in against._git("worktree", "list")
    with pytest.raises(SystemExit, match="git worktree"), checked_out("no-such-commit"):
        pass
