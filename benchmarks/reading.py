"""Formulas are read as they were, and what was read survives being written down and read again.

`--what corpora` reads every formula of OBELiX, the literature tables and the reference table of 85,014 compounds and
compares a digest of the readings with that of the parser of the first version (commit e84e3d4), frozen here. `--what
fuzz` mutates such formulas by hypothesis: whatever is accepted must, written out as read and read again, be the same
composition. Prints one JSON line; exits 1 where a reading changed or does not survive.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.errors import CandidateError
from features.formula import parse_formula
from features.formula_writing import write_formula
from training import sources

ROOT = Path(__file__).parents[1]
N_MUTATED, QUICK_MUTATED = 200_000, 5_000
MUTATED_AT_ONCE = 20  # formulas an example of hypothesis
LARGEST_DIFFERENCE = 2e-6  # of an atomic fraction: amounts are written to six digits


@dataclass(frozen=True, slots=True)
class Corpus:
    """Formulas of one table, and the digest of how the first version read them.

    Attributes
    ----------
    name
        Key of `training.sources`, or path of a table of this repository.
    column
        That holds the formulas.
    distinct
        How many different ones it could read.
    digest
        Of the readings; see `digest_of`.
    """

    name: str
    column: str
    distinct: int
    digest: str


CORPORA = (
    Corpus("obelix_all", "Reduced Composition", 514, "debce0f65004f3c7"),
    Corpus("obelix_all", "True Composition", 518, "f072d9e0b80f76eb"),
    Corpus("training/properties/conductivity/literature.csv", "formula", 396, "bee1b0450d12af10"),
    Corpus("training/properties/ccd/literature.csv", "formula", 75, "54d9384442e4778b"),
    Corpus("training/properties/stability/esw_literature.csv", "formula", 109, "545f4764413afa28"),
    Corpus("training/properties/stability/esw_reference.csv", "formula", 128, "5871df1023a178e5"),
    Corpus("training/properties/stability/hydrolysis_literature.csv", "formula", 66, "8db77b4c5912dd30"),
    Corpus("critexam_ef_train", "formula", 59509, "018dcb26aeb26001"),
    Corpus("critexam_ef_val", "formula", 12752, "0b95c1fbc2d4bb82"),
    Corpus("critexam_ef_test", "formula", 12753, "66d914b9cdf8b1a7"),
)


def formulas_of(corpus: Corpus) -> list[str]:
    """Return the different formulas of a table, sorted.

    Raises
    ------
    training.sources.MissingSourceError
        If a public table is not on this machine.
    """
    path = ROOT / corpus.name if "/" in corpus.name else sources.locate(corpus.name)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return sorted({row[corpus.column] for row in csv.DictReader(handle)} - {""})


def digest_of(formulas: Iterable[str]) -> tuple[int, str]:
    """Return how many formulas could be read, and a digest of formula and atomic fractions of each."""
    digest, count = hashlib.sha256(), 0
    for formula in formulas:
        try:
            amounts = parse_formula(formula)
        except CandidateError:
            continue
        total = sum(amounts.values())
        shares = ",".join(f"{symbol}:{amounts[symbol] / total:.9f}" for symbol in sorted(amounts))
        digest.update(f"{formula}={shares};".encode())
        count += 1
    return count, digest.hexdigest()[:16]


def compare() -> dict[str, object]:
    """Return how many formulas were compared, which tables hold one read in another way, and which are not here."""
    compared, changed, absent = 0, [], []
    for corpus in CORPORA:
        try:
            formulas = formulas_of(corpus)
        except sources.MissingSourceError:
            absent.append(corpus.name)
            continue
        reading = digest_of(formulas)
        compared += reading[0]
        if reading != (corpus.distinct, corpus.digest):
            changed.append(corpus.name)
    return {"compared": compared, "changed": changed, "absent": absent}


LETTERS = "LiPSClOHFNaKTeBrIZrD0123456789.,()[]{}·*-:+_^$<>/ \t₂³⁺½'"
SEEDS = (
    "Li6PS5Cl",
    "Li7La3Zr2O12",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "75Li2S-25P2S5",
    "LiOH·H2O",
    "Li2O.2SiO2",
    "Li10GeP2S12",
    "95(0.6Li2S-0.4SiS2)-5Li4SiO4",
    "Li$_6$PS$_5$Cl",
    "Li<sub>3</sub>N",
    "Li3PS4-LiI",
    "LiBD4",
    "LiPON",
    "NaN",
    "LiNO3",
    "Li2OHCl",
    "Li 7 La 3 Zr 2 O 12",
    "LiCB11H12",
    "PO4^3-",
    "S1.5NH3",
    "Li3P04",
    "Li4Ti5012",
    "Li6PS5CI",
    "name:LLZO",
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a formula with a few letters deleted, doubled, replaced or put in, or spliced to another."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(text)))
        kind = draw(st.integers(0, 4))
        letter = draw(st.sampled_from(LETTERS))
        text = (
            text[:place] + text[place + 1 :],
            text[:place] + text[place : place + 2] + text[place:],
            text[:place] + letter + text[place + 1 :],
            text[:place] + letter + text[place:],
            text[:place] + draw(st.sampled_from(SEEDS))[place:],
        )[kind]
    return text


def survives(text: str) -> bool | None:
    """Whether a formula, written as read and read again, is the same composition; None where it is refused."""
    try:
        amounts = parse_formula(text)
    except CandidateError:
        return None
    again = parse_formula(write_formula(amounts))
    first, second = (sum(given.values()) for given in (amounts, again))
    return amounts.keys() == again.keys() and all(
        abs(amounts[symbol] / first - again[symbol] / second) <= LARGEST_DIFFERENCE for symbol in amounts
    )


def fuzz(n: int) -> dict[str, object]:
    """Return how many mutated formulas were read, refused, and read in another way when written out."""
    outcomes: Counter[bool | None] = Counter()
    failed: list[str] = []

    @settings(
        max_examples=n // MUTATED_AT_ONCE,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(mutated(), min_size=MUTATED_AT_ONCE, max_size=MUTATED_AT_ONCE))
    def judge(texts: list[str]) -> None:
        for text in texts:
            outcome = survives(text)
            outcomes[outcome] += 1
            if outcome is False:
                failed.append(text)

    judge()
    return {"mutated": outcomes.total(), "read": outcomes[True] + outcomes[False], "changed": failed[:10]}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("corpora", "fuzz", "all"), default="all")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_MUTATED} mutated formulas")
    options = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    if options.what in ("corpora", "all"):
        results["corpora"] = compare()
    if options.what in ("fuzz", "all"):
        results["fuzz"] = fuzz(QUICK_MUTATED if options.quick else N_MUTATED)
    print(json.dumps({"benchmark": "reading"} | results))
    return 1 if any(result["changed"] for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
