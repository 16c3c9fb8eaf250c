"""What is learnt from: solid-state syntheses that were mined from papers.

Two public tables. Kononova et al., Sci. Data 6, 203 (2019), doi 10.1038/s41597-019-0224-1: 30,031 balanced reactions
with the heating steps that the text names; a tenth to a fifth of such entries are wrong. SyntMTE: 4,854 cleaned rows
with calcination and sintering, split by year of publication. Numbers, formulas and DOIs are taken, never a sentence.

A step of heating counts as sintering or calcination by its word, as SyntMTE has it ("annealed" is a calcination
there), else as another firing; of several steps of one kind the hottest counts.
"""

from __future__ import annotations

import ast
import csv
import json
import lzma
import math
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from training.publication_years import year_of_doi
from training.sources import locate
from training.syntheses.precursor_names import GAS_KEYS, amounts_of, key_of, source_elements

SOLID_STATE = "synthesis_solid_state"
SYNTMTE = {split: f"synthesis_conditions_{split}" for split in ("train", "val", "test")}
LAST_YEAR = 2020
"""The tables end there; a DOI that seems to tell a later year tells none."""
LOWEST_C, HIGHEST_C = 50.0, 2200.0
LONGEST_H = 2000.0
_KELVIN = 273.15
_HOURS = {"h": 1.0, "hr": 1.0, "hrs": 1.0, "hour": 1.0, "hours": 1.0, "min": 1 / 60, "minutes": 1 / 60}
_HOURS |= {"d": 24.0, "day": 24.0, "days": 24.0}


class HeatingStep(IntEnum):
    """Kinds of heating, in the order of the columns."""

    SINTERING = 0
    CALCINATION = 1
    OTHER = 2


class Heating(NamedTuple):
    """One step: temperature in degrees Celsius and time in hours, NaN where not reported."""

    temperature_C: float
    time_h: float


NOT_REPORTED = Heating(math.nan, math.nan)


class ReportedSynthesis(NamedTuple):
    """One row.

    Attributes
    ----------
    target
        Formula as the table spells it.
    precursors
        As the table spells them, those that balance; gases left out.
    heating
        One for each `HeatingStep`.
    atmosphere
        Of the hottest step, "" where not reported.
    doi
        In lower case.
    year
        Of publication, 0 where the DOI does not tell.
    split
        Of SyntMTE, "" for the solid-state table.
    """

    target: str
    precursors: tuple[str, ...]
    heating: tuple[Heating, Heating, Heating]
    atmosphere: str
    doi: str
    year: int
    split: str

    @property
    def target_key(self) -> str:
        """The composition as one text."""
        return key_of(self.target)

    @property
    def has_all_sources(self) -> bool:
        """Whether the precursors bring every element of the target that needs a source."""
        brought = {symbol for precursor in self.precursors for symbol in amounts_of(precursor) or ()}
        return bool(self.precursors) and source_elements(amounts_of(self.target) or {}) <= brought

    @property
    def precursor_keys(self) -> frozenset[str]:
        """The compositions of the precursors."""
        return frozenset(map(key_of, self.precursors))


def read_syntheses() -> list[ReportedSynthesis]:
    """Read both tables, rows said twice left out.

    Raises
    ------
    MissingSourceError
        If a table is not at hand.
    """
    conditions = [row for split, key in SYNTMTE.items() for row in _conditions(locate(key), split)]
    years = {row.doi: row.year for row in conditions}
    rows = [*_reactions(locate(SOLID_STATE), years), *conditions]
    kept: dict[tuple[object, ...], ReportedSynthesis] = {}
    for row in rows:
        kept.setdefault((row.doi, row.target_key, row.precursor_keys, row.split), row)
    return list(kept.values())


def _conditions(path: Path, split: str) -> Iterator[ReportedSynthesis]:
    with path.open(encoding="utf-8", newline="") as handle:
        for cells in csv.DictReader(handle):
            if amounts_of(cells["target_formula"]) is None:
                continue
            steps = tuple(
                Heating(_number(cells[f"{name} Temperature"]), _number(cells[f"{name} Time"]))
                for name in ("Sintering", "Calcination")
            )
            precursors = _solids(ast.literal_eval(cells["precursor_formulas"]))
            yield ReportedSynthesis(
                cells["target_formula"],
                precursors,
                (steps[0], steps[1], NOT_REPORTED),
                "",
                cells["DOI"].lower(),
                int(cells["Year"]),
                split,
            )


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _solids(precursors: Sequence[str]) -> tuple[str, ...]:
    """Return the precursors that are formulas and no gases, each once, in the order of the alphabet."""
    return tuple(f for f in sorted(set(precursors)) if amounts_of(f) is not None and key_of(f) not in GAS_KEYS)


def _reactions(path: Path, years: Mapping[str, int]) -> Iterator[ReportedSynthesis]:
    with lzma.open(path) as handle:
        reactions = json.load(handle)["reactions"]
    for reaction in reactions:
        doi = reaction["doi"].lower()
        targets = [text for text in reaction["targets_string"] if amounts_of(text) is not None]
        if not targets:
            continue
        target = targets[len(targets) // 2]  # of a series the one in the middle
        balancing = {side["material"] for side in reaction["reaction"]["left_side"]}
        written = [p["material_formula"] for p in reaction["precursors"] if p["material_formula"] in balancing]
        precursors = _solids(written)
        heating, atmosphere = _steps(reaction["operations"])
        year = years.get(doi) or year_of_doi(doi) or 0
        yield ReportedSynthesis(target, precursors, heating, atmosphere, doi, year if year <= LAST_YEAR else 0, "")


def _steps(operations: Sequence[Mapping[str, Any]]) -> tuple[tuple[Heating, Heating, Heating], str]:
    hottest = [NOT_REPORTED, NOT_REPORTED, NOT_REPORTED]
    atmosphere, highest = "", -math.inf
    for operation in operations:
        conditions = operation["conditions"]
        if operation["type"] != "HeatingOperation" or not conditions:
            continue
        temperature = _largest(conditions["heating_temperature"], {"C": (1.0, 0.0), "K": (1.0, -_KELVIN)})
        if not LOWEST_C <= temperature <= HIGHEST_C:
            continue
        time = _largest(conditions["heating_time"], {unit: (factor, 0.0) for unit, factor in _HOURS.items()})
        step = step_of(operation["token"])
        if not temperature <= hottest[step].temperature_C:
            hottest[step] = Heating(temperature, time if 0 < time <= LONGEST_H else math.nan)
        if temperature > highest and conditions["heating_atmosphere"]:
            atmosphere, highest = conditions["heating_atmosphere"][0], temperature
    return (hottest[0], hottest[1], hottest[2]), atmosphere


def step_of(word: str) -> HeatingStep:
    """Return the kind of heating that a word of a text names.

    Examples
    --------
    >>> [step_of(word).name for word in ("sintered", "Calcination", "annealed", "presintered", "fired")]
    ['SINTERING', 'CALCINATION', 'CALCINATION', 'OTHER', 'OTHER']
    """
    plain = word.lower()
    if "sinter" in plain and not plain.startswith("pre"):
        return HeatingStep.SINTERING
    return HeatingStep.CALCINATION if "calcin" in plain or "anneal" in plain else HeatingStep.OTHER


def _largest(said: Sequence[Mapping[str, Any]], units: Mapping[str, tuple[float, float]]) -> float:
    """Return the largest value in the unit of `units` that is 1; NaN where none is said in a known unit."""
    values = [
        max(entry["values"]) * units[entry["units"]][0] + units[entry["units"]][1]
        for entry in said or ()
        if entry["values"] and entry["units"] in units
    ]
    return max(values, default=math.nan)
