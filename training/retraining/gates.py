"""The gates: one pure function from evidence and rules to a decision.

Nothing is read, fitted or drawn here, so that the same evidence gives the same decision for ever, and worse evidence
never a better one. A gate is passed, asks for a person, or fails; the verdict is that of the worst gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from training.refitting.comparison import (
    DECADES,
    NOMINAL_COVERAGE,
    Comparison,
    ComparisonReport,
    Coverage,
    NewRows,
    RecipeChange,
)
from training.refitting.statistics import chance_of_so_few
from training.retraining.rules import Rules


class Verdict(StrEnum):
    """What is to be done with the challenger."""

    PROMOTE = "promote"
    NEEDS_PERSON = "needs_person"
    KEEP = "keep"


class GateOutcome(StrEnum):
    """What one gate says; `NOT_EXAMINED` lets nothing pass."""

    PASSED = "passed"
    NOT_EXAMINED = "not examined"
    ASKS = "asks for a person"
    FAILED = "failed"


_PASSED, _ASKS, _FAILED = GateOutcome.PASSED, GateOutcome.ASKS, GateOutcome.FAILED


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's outcome, with the numbers and limits behind it in words."""

    name: str
    outcome: GateOutcome
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict and every gate, in the order of the examination."""

    verdict: Verdict
    gates: tuple[Gate, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What stands in the way, worst first; for a promotion what speaks for it."""
        order = (GateOutcome.FAILED, GateOutcome.ASKS, GateOutcome.NOT_EXAMINED)
        against = [gate for outcome in order for gate in self.gates if gate.outcome is outcome]
        return tuple(f"{gate.name}: {gate.why}" for gate in against or self.gates)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        gates = [{"name": g.name, "outcome": str(g.outcome), "why": g.why} for g in self.gates]
        return {"verdict": str(self.verdict), "gates": gates}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Decision:
        """Return what `as_dict` gave."""
        gates = tuple(Gate(g["name"], GateOutcome(g["outcome"]), g["why"]) for g in document["gates"])
        return cls(Verdict(document["verdict"]), gates)


def decide(evidence: ComparisonReport, rules: Rules) -> Decision:
    """Decide what is to be done with a challenger.

    Parameters
    ----------
    evidence
        What is known; a part that is missing is not examined and keeps the challenger from promotion.
    rules
        The limits.
    """
    gates = tuple(_gates(evidence, rules))
    outcomes = {gate.outcome for gate in gates}
    if GateOutcome.FAILED in outcomes:
        verdict = Verdict.KEEP
    elif outcomes == {GateOutcome.PASSED}:
        verdict = Verdict.PROMOTE
    else:
        verdict = Verdict.NEEDS_PERSON
    return Decision(verdict, gates)


def _gates(evidence: ComparisonReport, rules: Rules) -> Iterator[Gate]:
    yield _licences(evidence, rules)
    if evidence.recipe_change is not None:
        yield Gate("recipe", *_recipe(evidence.recipe_change))
    if evidence.rows_added:
        yield _examined("new rows can be learnt", evidence.new_rows, lambda new: _learnable(new, rules))
        yield _examined(
            "new rows agree with known ones", evidence.new_rows, lambda new: _uncontradicted(new, evidence.unit, rules)
        )
    if rules.needs_official_split:
        end = rules.largest_official_upper_end_decades
        yield _examined("official split", evidence.official, lambda c: _not_worse(c, end, rules))
        yield _examined("coverage, official split", evidence.official_coverage, lambda c: _covers(c, rules))
    end = rules.largest_cross_validation_upper_end_decades
    yield _examined("cross-validation", evidence.cross_validation, lambda c: _not_worse(c, end, rules))
    yield _examined("coverage, left-out papers", evidence.left_out_coverage, lambda c: _in_band(c, rules))
    if evidence.rows_added:
        yield _examined("neighbours of the new rows", evidence.neighbours, lambda c: _neighbours(c, rules))
        yield _examined("new rows, sources left out", evidence.new_sources, lambda c: _new_sources(c, rules))
    yield _golden(evidence, rules)
    yield from _servable(evidence, rules)


def _examined(name: str, part: Any, judge: Callable[[Any], tuple[GateOutcome, str]]) -> Gate:  # noqa: ANN401
    return Gate(name, GateOutcome.NOT_EXAMINED, "no evidence") if part is None else Gate(name, *judge(part))


def _licences(evidence: ComparisonReport, rules: Rules) -> Gate:
    foreign = sorted(
        f"{name} ({licence})" for name, licence in evidence.licences.items() if licence not in rules.allowed_licences
    )
    if foreign or not evidence.licences:
        return Gate("licences", _FAILED, "not on the list: " + (", ".join(foreign) or "no source is named"))
    return Gate("licences", _PASSED, f"all {len(evidence.licences)} sources are on the list")


def _recipe(change: RecipeChange) -> tuple[GateOutcome, str]:
    """Judge another recipe by the recorded verdict of the property's boards: cross-validation alone does not travel."""
    differs = f"not the champion's recipe ({'; '.join(change.changed)})"
    if change.objections is None:
        return GateOutcome.NOT_EXAMINED, f"{differs}, and no verdict on the change is recorded: run `{change.command}`"
    if change.objections:
        return _FAILED, f"{differs}: {'; '.join(change.objections)} (`{change.command}`)"
    return _PASSED, f"{differs}, which passed `{change.command}`"


def _learnable(new: NewRows, rules: Rules) -> tuple[GateOutcome, str]:
    """Judge whether the new values are what their compositions suggest.

    Shuffled labels cannot be predicted from other sources, a true family can, however far from the champion's opinion.
    A few materials can prove neither: they pass where the champion's intervals hold them.
    """
    agrees = new.coverage_p >= rules.smallest_coverage_p
    counts = f"{new.covered_materials} of {new.n_materials} materials"
    inside = f"{counts} inside the champion's intervals (p {_p(new.coverage_p)})"
    if new.n_materials < rules.fewest_materials_to_learn_from:
        few = f"{new.n_materials} materials, too few to show that they can be learnt; {inside}"
        return (_PASSED if agrees else _ASKS), few
    follows = new.rank_p <= rules.largest_rank_p
    within_noise = new.rms_left_out <= rules.laboratory_noise_decades
    told = (
        f"values and predictions from other sources correlate by {new.rank_correlation:.2f} (p {_p(new.rank_p)}, at"
        f" most {rules.largest_rank_p:g}), error {new.rms_left_out:.2f} for a spread of {new.label_sd:.2f}; {inside}"
    )
    if not follows and not within_noise:
        is_noise = new.rank_p > rules.rank_p_of_noise
        as_wide = new.rms_left_out >= rules.spread_ratio_of_noise * new.label_sd
        return (_FAILED if is_noise and as_wide else _ASKS), told
    if agrees:
        return _PASSED, told
    gains = new.gain_low_95 > 0.0 and new.n_sources >= rules.fewest_sources_of_a_surprise
    words = (
        f"{told}; {new.n_sources} sources, which lower each other's error by {new.gain:.2f} (95 %: from"
        f" {new.gain_low_95:.2f})"
    )
    return (_PASSED if gains else _ASKS), words


def _uncontradicted(new: NewRows, unit: str, rules: Rules) -> tuple[GateOutcome, str]:
    far = "a decade" if unit == DECADES else f"1 {unit}"
    words = f"{new.n_contradicting} of {new.n_comparable} comparable rows {far} off (p {_p(new.contradiction_p)})"
    return (_PASSED if new.contradiction_p >= rules.smallest_contradiction_p else _ASKS), words


def _not_worse(found: Comparison, largest_upper_end: float, rules: Rules) -> tuple[GateOutcome, str]:
    words = (
        f"error {found.champion:.3f} -> {found.challenger:.3f}, difference {found.difference:+.3f}"
        f" (95 %: {found.low_95:+.3f} to {found.high_95:+.3f}) on {found.n_rows} rows of {found.n_sources} sources"
    )
    if found.low_95 > 0.0 and found.difference > rules.smallest_harm_decades:
        return _FAILED, f"{words}: worse"
    if found.high_95 > largest_upper_end:
        return _ASKS, f"{words}: not shown to be at most {largest_upper_end:g} worse"
    return _PASSED, words


def _neighbours(found: Comparison, rules: Rules) -> tuple[GateOutcome, str]:
    """Judge known rows near the new ones; where both cannot be right, a person has to say which is."""
    if found.n_rows < rules.fewest_neighbours:
        return _PASSED, f"{found.n_rows} known rows near the new ones, too few to judge"
    return _harm_asks(*_not_worse(found, rules.largest_neighbours_upper_end_decades, rules))


def _new_sources(found: Comparison, rules: Rules) -> tuple[GateOutcome, str]:
    """Judge the new rows themselves; they are what the champion does not know, so only harm counts."""
    return _harm_asks(*_not_worse(found, float("inf"), rules))


def _harm_asks(outcome: GateOutcome, words: str) -> tuple[GateOutcome, str]:
    return (_ASKS if outcome is _FAILED else outcome), words


def _in_band(found: Coverage, rules: Rules) -> tuple[GateOutcome, str]:
    low, high = rules.coverage_band
    words = f"{found.champion:.3f} -> {found.challenger:.3f} of {found.n_rows} rows (band {low:g} to {high:g})"
    return (_PASSED if low <= found.challenger <= high else _FAILED), words


def _covers(found: Coverage, rules: Rules) -> tuple[GateOutcome, str]:
    p = chance_of_so_few(round(found.challenger * found.n_rows), found.n_rows, NOMINAL_COVERAGE)
    words = f"{found.champion:.3f} -> {found.challenger:.3f} of {found.n_rows} rows (p {_p(p)})"
    return (_PASSED if p >= rules.smallest_official_coverage_p else _FAILED), words


def _golden(evidence: ComparisonReport, rules: Rules) -> Gate:
    if not evidence.golden:
        return Gate("golden materials", GateOutcome.NOT_EXAMINED, "no evidence")
    astray, outside = [], []
    for material in evidence.golden:
        before, after = (abs(said - material.accepted) for said in (material.champion, material.challenger))
        words = (
            f"{material.formula} {material.champion:.2f} -> {material.challenger:.2f}, accepted {material.accepted:.2f}"
        )
        if after > rules.golden_tolerance_decades and after - before > rules.golden_slack_decades:
            outside.append(words)
        elif after - before > rules.golden_step_decades:
            astray.append(words)
    if outside:
        limit = f"beyond {rules.golden_tolerance_decades:g} {evidence.unit}: "
        return Gate("golden materials", _FAILED, limit + "; ".join(outside + astray))
    if astray:
        limit = f"moved away by more than {rules.golden_step_decades:g} {evidence.unit}: "
        return Gate("golden materials", _ASKS, limit + "; ".join(astray))
    return Gate("golden materials", _PASSED, f"all {len(evidence.golden)} where they were or nearer to the accepted")


def _servable(evidence: ComparisonReport, rules: Rules) -> Iterator[Gate]:
    fit = evidence.fitness
    if fit is None:
        yield Gate("bundle", GateOutcome.NOT_EXAMINED, "no evidence")
        return
    said = "loads and reproduces" if fit.reproduces else "does not load, or does not reproduce,"
    yield Gate("bundle", _PASSED if fit.reproduces else _FAILED, f"{said} its golden predictions")
    limits = (
        ("size", fit.size_MB, rules.largest_size_MB, "MB", _FAILED),
        ("time to load", fit.load_seconds, rules.longest_load_seconds, "s", _ASKS),
        ("time to answer", fit.answer_milliseconds, rules.longest_answer_milliseconds, "ms", _ASKS),
    )
    for name, found, limit, unit, otherwise in limits:
        words = f"{found:.2f} {unit} (at most {limit:g})"
        yield Gate(name, _PASSED if found <= limit else otherwise, words)


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.001 else f"{value:.1g}"
