"""The Laskowski table (Energy Environ. Sci. 16, 1264 (2023), doi 10.1039/d2ee03499a), read with distrust.

It was extracted from a PDF: subscripts slid behind their formula ("Li SiS  4 4" was Li4SiS4), formulas
broke over three lines, numbers carry stray overlines. A record is accepted only where its formula can be
read in one way; everything else is dropped and counted by reason.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isfinite, isnan, log10, nan
from pathlib import Path

from features.candidate import MaterialBatch
from features.chemistry import assign_ions
from features.errors import CandidateError
from features.formula import format_formula, parse_formula
from training.properties.conductivity.repeats import SAME_ENERGY_EV, SAME_SIGMA_DECADES
from training.splits import composition_key

ACTIVATION_ENERGY_RANGE_EV = (0.03, 2.5)
SIGMA_RANGE_S_PER_CM = (1e-20, 1.0)
MAX_CHARGE_PER_ATOM = 0.09
_SUM_TOLERANCE = 0.02

_NUMBER = re.compile(r"<?\d*\.?\d+(?:E[+-]?\d+)?", re.IGNORECASE)
_LOOKALIKES = str.maketrans({"\u0305": "", "\u2212": "-", "\u2013": "-", "\u2014": "-", "\u00b7": "*"})
_POLYMORPH = re.compile(r"^[a-z\u03b1-\u03c9]-(?=[A-Z])")
_TWO_NUMBERS = re.compile(r"\d\s+\.?\d")
_LOOSE_NUMBER = re.compile(r"(?<=[A-Za-z)\]])\s+\d")
_EMPTY_SLOT = re.compile(r"(?<=[A-Za-z)\]])\s+(?=[^\s\d])")
_HYPHEN_INTEGER = re.compile(r"-\s*\d+$")
_LEADING_ZERO = re.compile(r"(?<![\d.])0\d")
_UNITED_MIXTURE = re.compile(r"^\d*\.?\d+\(.*\)\s*\d*\.?\d+\(")
_COEFFICIENT = re.compile(r"^(\d*\.?\d+)(?=[A-Z(\[])")


class DropReason(StrEnum):
    """Why a record is not used."""

    NO_ACTIVATION_ENERGY = "no activation energy"
    ENERGY_OUT_OF_RANGE = "activation energy outside 0.03 to 2.5 eV"
    SHATTERED = "subscripts separated from their elements"
    UNREADABLE = "formula cannot be read"
    MISPRINT = "formula known to be misprinted"
    TIMES_TEMPERATURE = "conductivity times temperature"
    WEIGHT_PERCENT = "composite in weight per cent"
    UNSPECIFIED_MIXTURE = "mixture without amounts"
    DOPANT = "dopant element on an unstated basis"
    AMOUNTS = "amounts of the mixture do not add up to one"
    NO_LITHIUM = "no lithium"
    CHARGED = "formula far from neutral"
    DUPLICATE = "repeats an earlier record"


class RecordError(ValueError):
    """A record cannot be used, for one of the listed reasons."""

    def __init__(self, reason: DropReason, formula: str) -> None:
        super().__init__(f"'{formula}': {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Record:
    """One record as extracted: the line it begins on, the pieces of its formula, other cells as text."""

    line: int
    pieces: tuple[str, ...]
    conductivity: str
    activation_energy: str
    space_group_number: str
    references: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One accepted record; conductivity in S/cm and energy in eV, NaN where not given or absurd."""

    line: int
    formula: str
    sigma_S_per_cm: float
    is_upper_bound: bool
    activation_energy_eV: float
    space_group_number: float
    references: tuple[int, ...]
    is_mixture: bool


@dataclass(slots=True)
class LaskowskiReport:
    """What became of the records: `dropped` counts by reason, `examples` names up to three of each."""

    records: int = 0
    accepted: int = 0
    absurd_conductivities: int = 0
    dropped: Counter[DropReason] = field(default_factory=Counter)
    examples: dict[DropReason, list[str]] = field(default_factory=dict)

    def drop(self, reason: DropReason, formula: str) -> None:
        """Count a record that is not used."""
        self.dropped[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < 3:
            shown.append(formula)


# Amounts swapped in print: 17 mS/cm and 0.18 eV are those of 0.7Li2S-0.3P2S5 (Li7P3S11).
MISPRINTS = frozenset({"0.3Li2S-0.7P2S5"})
# Lines 483 and 484 (reference 158): 8.07e-3 S/cm is 298 times the 2.7e-5 S/cm that OBELiX has of the paper's figure.
TIMES_TEMPERATURE = frozenset({"Li5.5K0.25La2.75Nb2O12", "Li5.5La3Nb1.75In0.25O12"})


def read_laskowski(path: Path, *, activation_only: bool = True) -> tuple[list[Measurement], LaskowskiReport]:
    """Read the extracted table.

    Parameters
    ----------
    path
        The file as fetched: no header; formula, conductivity, activation energy, space group, its number,
        remark, ICSD number, reference number.
    activation_only
        Whether to leave out records without an activation energy.

    Returns
    -------
    measurements
        Accepted records in the order of the file.
    report
        How many were accepted and, by reason, dropped.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [[cell.translate(_LOOKALIKES).strip() for cell in row] for row in csv.reader(handle)]
    report = LaskowskiReport()
    measurements: list[Measurement] = []
    numbers_of: dict[str, list[int]] = {}
    for record in assemble_records(rows):
        report.records += 1
        try:
            measurement = _measurement(record, activation_only, report)
        except RecordError as error:
            report.drop(error.reason, "".join(record.pieces))
            continue
        namesakes = numbers_of.setdefault(composition_key(measurement.formula), [])
        twin = next((n for n in namesakes if _same_numbers(measurements[n], measurement)), None)
        if twin is not None:  # one measurement, listed twice or quoted by two papers: one row, all its papers
            papers = {*measurements[twin].references, *measurement.references}
            measurements[twin] = replace(measurements[twin], references=tuple(sorted(papers)))
            report.drop(DropReason.DUPLICATE, measurement.formula)
            continue
        namesakes.append(len(measurements))
        measurements.append(measurement)
    report.accepted = len(measurements)
    return measurements, report


def _same_numbers(one: Measurement, other: Measurement) -> bool:
    """Whether conductivities agree within 0.02 decades and energies within 0.01 eV, or are absent in both."""
    pairs = (
        (log10(one.sigma_S_per_cm), log10(other.sigma_S_per_cm), SAME_SIGMA_DECADES),
        (one.activation_energy_eV, other.activation_energy_eV, SAME_ENERGY_EV),
    )
    return all(abs(a - b) <= tolerance or (isnan(a) and isnan(b)) for a, b, tolerance in pairs)


def assemble_records(rows: Sequence[Sequence[str]]) -> Iterator[Record]:
    """Yield whole records from the lines of the extraction.

    A formula too long for its cell stands on three lines, with the other cells on any of them; the middle
    line may hold a piece of the formula too. Other lines without a formula are pieces of the remark, and
    are passed over.
    """
    number = 0
    while number < len(rows):
        formula, conductivity = rows[number][0], rows[number][1]
        # Only a broken record has a formula without a conductivity beside it.
        length = 3 if formula and not conductivity else 1
        lines = rows[number : number + length]
        if formula:
            cells = [next((line[column] for line in lines if line[column]), "") for column in range(8)]
            pieces = tuple(line[0] for line in lines if line[0])
            yield Record(number + 1, pieces, cells[1], cells[2], cells[4], cells[7])
        number += length


def _measurement(record: Record, activation_only: bool, report: LaskowskiReport) -> Measurement:
    shown = "".join(record.pieces)
    energy = _number(record.activation_energy)[0]
    if activation_only and not isfinite(energy):
        raise RecordError(DropReason.NO_ACTIVATION_ENERGY, shown)
    low, high = ACTIVATION_ENERGY_RANGE_EV
    if isfinite(energy) and not low <= energy <= high:
        raise RecordError(DropReason.ENERGY_OUT_OF_RANGE, shown)
    formula, is_mixture = read_formula(record.pieces)
    _check_composition(formula, shown)
    sigma, is_bound = _number(record.conductivity)
    if isfinite(sigma) and not SIGMA_RANGE_S_PER_CM[0] <= sigma <= SIGMA_RANGE_S_PER_CM[1]:
        report.absurd_conductivities += 1
        sigma, is_bound = nan, False
    space_group = int(record.space_group_number) if record.space_group_number.isdigit() else nan
    references = tuple(int(number) for number in re.findall(r"\d+", record.references))
    return Measurement(record.line, formula, sigma, is_bound, energy, float(space_group), references, is_mixture)


def _number(text: str) -> tuple[float, bool]:
    """Return a number and whether it is an upper bound; NaN for a blank or anything else."""
    plain = text.replace(" ", "")
    if not _NUMBER.fullmatch(plain):
        return nan, False
    return float(plain.lstrip("<")), plain.startswith("<")


def read_formula(pieces: Sequence[str]) -> tuple[str, bool]:
    """Return a plain formula for one in pieces, and whether it was a mixture of compounds.

    Raises
    ------
    RecordError
        If the pieces cannot be read in exactly one way.

    Examples
    --------
    >>> read_formula(["La0.54Li0.36Ti0.995W0.005O", "3"])
    ('La0.54Li0.36Ti0.995W0.005O3', False)
    >>> read_formula(["0.5Li2S-0.5SiS2"])
    ('LiSi0.5S1.5', True)
    """
    shown = "".join(pieces)
    if "%" in shown:
        raise RecordError(DropReason.WEIGHT_PERCENT, shown)
    if any(_is_shattered(piece) for piece in pieces):
        raise RecordError(DropReason.SHATTERED, shown)
    # "SiS -2" at the end of a line: an amount of what follows, or the subscript that slid behind the hyphen.
    if any(_HYPHEN_INTEGER.search(piece) for piece in pieces[:-1]):
        raise RecordError(DropReason.SHATTERED, shown)
    formula = _POLYMORPH.sub("", re.sub(r"\s", "", shown))
    if formula in MISPRINTS:
        raise RecordError(DropReason.MISPRINT, shown)
    if formula in TIMES_TEMPERATURE:
        raise RecordError(DropReason.TIMES_TEMPERATURE, shown)
    if _LEADING_ZERO.search(formula):  # "P05" for P0.5, "P04" for PO4
        raise RecordError(DropReason.UNREADABLE, shown)
    # "0.2(Li2S) 0.8(GeS2)": without its blank, 0.8 would be read as the amount of the brackets before it.
    if _UNITED_MIXTURE.match(formula) and "-" not in formula:
        raise RecordError(DropReason.UNSPECIFIED_MIXTURE, shown)
    amounts, is_mixture = _mixture_amounts(formula, shown)
    if not is_mixture:
        return formula.replace("*", ""), False
    return format_formula({symbol: float(f"{amount:.6g}") for symbol, amount in amounts.items()}), True


def _is_shattered(piece: str) -> bool:
    """Whether a subscript may belong to another element than the one it follows."""
    if _TWO_NUMBERS.search(piece):
        return True
    return bool(_LOOSE_NUMBER.search(piece) and _EMPTY_SLOT.search(piece))


def _mixture_amounts(formula: str, shown: str) -> tuple[dict[str, float], bool]:
    """Read a compound, or amounts of several joined by hyphens; brackets may hold a mixture in turn."""
    parts = _split_outside_brackets(formula)
    if len(parts) == 1:
        return _part_amounts(parts[0], shown)
    total: dict[str, float] = {}
    coefficients = []
    for position, part in enumerate(parts):
        found = _COEFFICIENT.match(part)
        if found is None and position > 0:
            raise RecordError(DropReason.UNSPECIFIED_MIXTURE, shown)
        coefficient = float(found.group()) if found else nan
        coefficients.append(coefficient)
        amounts, _ = _part_amounts(part[found.end() :] if found else part, shown)
        if len(amounts) == 1:
            raise RecordError(DropReason.DOPANT, shown)
        for symbol, amount in amounts.items():
            total[symbol] = total.get(symbol, 0.0) + amount * (coefficient if found else 1.0)
    # "LiTi2(PO4)3-0.2Li2O" counts per formula unit; amounts that are all given are fractions or per cent.
    stated = sum(coefficients)
    if isfinite(stated) and min(abs(stated - 1.0), abs(stated / 100.0 - 1.0)) > _SUM_TOLERANCE:
        raise RecordError(DropReason.AMOUNTS, shown)
    return total, True


def _part_amounts(part: str, shown: str) -> tuple[dict[str, float], bool]:
    if part.startswith("(") and part.endswith(")") and len(_split_outside_brackets(part[1:-1])) > 1:
        return _mixture_amounts(part[1:-1], shown)
    if "*" in part and "H2O" not in part:  # an adduct of water has its amounts, "Li2S*P2S5" has none
        raise RecordError(DropReason.UNSPECIFIED_MIXTURE, shown)
    if "-" in part:
        raise RecordError(DropReason.UNREADABLE, shown)
    try:
        return parse_formula(part), False
    except CandidateError:
        raise RecordError(DropReason.UNREADABLE, shown) from None


def _split_outside_brackets(formula: str) -> list[str]:
    depth, parts = 0, [""]
    for character in formula:
        depth += (character in "([") - (character in ")]")
        if character == "-" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _check_composition(formula: str, shown: str) -> None:
    if "Li" not in parse_formula(formula):
        raise RecordError(DropReason.NO_LITHIUM, shown)
    batch = MaterialBatch.from_formulas([formula])
    if abs(assign_ions(batch).charge_imbalance[0]) > MAX_CHARGE_PER_ATOM:
        raise RecordError(DropReason.CHARGED, shown)
