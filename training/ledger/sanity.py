"""Is a possible measurement also a likely one? Compared with what is known, against the noise between laboratories.

Two laboratories that measure one composition differ by 0.5 to 0.8 decades of conductivity (mean difference 0.73 to
0.75, a perfect model would miss by 0.52: docs/science/benchmark.md, "The noise floor"); 0.65 is the middle, and twice
that is called a deviation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from training.ledger.checks import Row
from training.ledger.entries import Entry
from training.ledger.known import Known, known_materials, known_measurements
from training.ledger.material_checks import has_no_other_source, suspect_materials
from training.ledger.problems import Code
from training.ledger.schema import MEASURED, Column, Kind
from training.properties.conductivity.arrhenius import inverse_temperature, prefactor_shift
from training.properties.stability.measurement_checks import has_reference_energy, suspect_stability
from training.splits import paper_keys

NOISE_DECADES = {Kind.CONDUCTIVITY: 0.65, Kind.CCD: 0.45}
"""One standard deviation between laboratories; CCD: the 90 % half-width of 0.75 (docs/science/ccd.md) over 1.645."""
FACTOR_1000_TOLERANCE = 0.3
SAME_VALUE_DECADES = {Kind.CONDUCTIVITY: 0.02, Kind.CCD: 0.002}
"""Conductivities are rounded when they are copied (its repeats.py); CCDs are round already."""
SAME_TEMPERATURE_C = 5.0
MOVABLE_C = 100.0
MOVING_DECADES = 0.3
"""How far a known value is moved along its Arrhenius line, and what that adds to the noise."""
TYPICAL_ENERGY_eV = 0.36
"""Median activation energy of the training table."""
KELVIN_SUSPECT_C = 250.0
LITHIUM_MELTS_C = 180.6
HIGHEST_USUAL_SIGMA = 0.05
USUAL_ENERGY_eV = (0.08, 1.5)
HIGHEST_USUAL_CCD = 20.0
CROWD = 5
"""From so many reports on, a class of electrolytes has a median worth comparing with."""


def suspect(rows: Sequence[Row], kind: Kind, held: Sequence[Entry]) -> str:
    """Flag what is suspicious about possible rows; return in words what could not be compared with.

    Parameters
    ----------
    rows
        As `checks.check` gives them; only possible ones are looked at, and flagged in place.
    held
        What the ledger holds of this kind.
    """
    possible = [row for row in rows if row.is_possible]
    for row in possible:
        _suspect_temperature(row, kind)
    otherwise = has_reference_energy if kind is Kind.STABILITY else has_no_other_source
    suspect_materials(possible, known_materials(held), otherwise)
    if kind is Kind.STABILITY:
        return suspect_stability(possible, held)
    measured = MEASURED[kind][0]
    tables = known_measurements(kind)
    known = tables.and_ledger(held, measured)
    neighbours = known.neighbours([str(row.content.get(Column.FORMULA, "")) for row in possible])
    for row, near in zip(possible, neighbours, strict=True):
        _suspect_paper(row, known)
        if kind is Kind.CONDUCTIVITY:
            _suspect_conductivity(row)
        else:
            _suspect_current(row)
        if measured in row.content:
            _compare(row, kind, measured, known, near)
    return tables.lacking


def _suspect_temperature(row: Row, kind: Kind) -> None:
    temperature = row.content.get(Column.TEMPERATURE)
    if temperature is None:
        return
    value = float(temperature)
    if value > KELVIN_SUSPECT_C:
        why = f"{value:g} C is unusually hot; was it given in kelvin ({value - 273.15:.4g} C)?"
        row.suspect(Code.TEMPERATURE_IN_KELVIN, Column.TEMPERATURE, why)
    elif kind is Kind.CCD and value > LITHIUM_MELTS_C and row.content.get(Column.ANODE) != "molten Li":
        why = f"lithium melts at {LITHIUM_MELTS_C} C; is the anode molten, or the temperature in kelvin?"
        row.suspect(Code.TEMPERATURE_IN_KELVIN, Column.TEMPERATURE, why)


def _suspect_paper(row: Row, known: Known) -> None:
    for key in sorted(paper_keys(str(row.content.get(Column.DOI, "")))):
        if key in known.papers:
            why = f"this paper is known already ({known.papers[key]}); is the measurement new?"
            row.suspect(Code.PAPER_ALREADY_KNOWN, Column.DOI, why)
            return


def _suspect_conductivity(row: Row) -> None:
    sigma, energy = row.content.get(Column.SIGMA), row.content.get(Column.ACTIVATION_ENERGY)
    if sigma is not None and float(sigma) > HIGHEST_USUAL_SIGMA:
        why = f"above {HIGHEST_USUAL_SIGMA:g} S/cm, far above what is known; was mS/cm given as S/cm?"
        row.suspect(Code.FAR_ABOVE_KNOWN, Column.SIGMA, why)
    low, high = USUAL_ENERGY_eV
    if energy is not None and not low <= float(energy) <= high:
        why = f"outside the usual {low:g} to {high:g} eV; is the unit right, or are columns swapped?"
        row.suspect(Code.UNUSUAL_VALUE, Column.ACTIVATION_ENERGY, why)


def _suspect_current(row: Row) -> None:
    is_flat = row.content.get(Column.INTERLAYER_TYPE) != "MIEC/3D" and row.content.get(Column.ANODE) != "molten Li"
    if is_flat and float(row.content[Column.CCD]) > HIGHEST_USUAL_CCD:
        why = (
            f"above {HIGHEST_USUAL_CCD:g} mA/cm2, far above what is known without a scaffold or molten lithium;"
            " was A/m2 given as mA/cm2, or are columns swapped?"
        )
        row.suspect(Code.FAR_ABOVE_KNOWN, Column.CCD, why)


def _compare(row: Row, kind: Kind, measured: Column, known: Known, near: list[int]) -> None:
    """Compare a value with what others found for the same composition, or for the same class of electrolytes."""
    value = math.log10(float(row.content[measured]))
    temperature = float(row.content.get(Column.TEMPERATURE, 25.0))
    with_value = [i for i in near if math.isfinite(known.value[i])]
    same = [i for i in with_value if abs(known.temperature_C[i] - temperature) <= SAME_TEMPERATURE_C]
    for i in same:
        if abs(known.value[i] - value) <= SAME_VALUE_DECADES[kind]:
            why = f"the same formula, temperature and value are known already ({known.label[i]})"
            row.suspect(Code.REPEATS_KNOWN, measured, why)
            break
    what, noise = "the same composition", NOISE_DECADES[kind]
    others = [(float(known.value[i]), bool(known.is_bound[i]), known.label[i]) for i in same]
    if not others and kind is Kind.CONDUCTIVITY:
        others = _moved(row, known, with_value, temperature)
        what, noise = f"the same composition, moved to {temperature:g} C by Arrhenius", noise + MOVING_DECADES
    if not others and kind is Kind.CCD:
        name = str(row.content.get(Column.ELECTROLYTE_CLASS, ""))
        others = [(float(known.value[i]), False, name) for i, group in enumerate(known.group) if name and group == name]
        others = others if len(others) >= CROWD else []
        what = f"the class {name}"
    if others:
        _weigh(row, measured, value, others, what, noise)


def _moved(row: Row, known: Known, near: list[int], temperature: float) -> list[tuple[float, bool, str]]:
    """Return known values at other temperatures, moved to this one along their line: log10(sigma T) against 1/T."""
    moved = []
    for i in near:
        if abs(known.temperature_C[i] - temperature) > MOVABLE_C:
            continue
        energies = (float(known.activation_energy_eV[i]), float(row.content.get(Column.ACTIVATION_ENERGY, math.nan)))
        energy = next((e for e in energies if math.isfinite(e)), TYPICAL_ENERGY_eV)
        slope = inverse_temperature([known.temperature_C[i], temperature])
        shift = prefactor_shift([known.temperature_C[i], temperature])
        value = float(known.value[i] + energy * (slope[0] - slope[1]) + shift[1] - shift[0])
        moved.append((value, bool(known.is_bound[i]), known.label[i]))
    return moved


def _weigh(
    row: Row, measured: Column, value: float, others: list[tuple[float, bool, str]], what: str, noise: float
) -> None:
    """Flag a value beyond twice the noise from the median of the others, and say so if it is a factor of 1000.

    The median, because single entries of every table are wrong by decades. Where only bounds are known, a value
    far above the lowest of them is odd.
    """
    is_upper = row.content.get(Column.BOUND) == "upper"
    bounds = [o[0] for o in others if o[1]] if measured is Column.SIGMA else []
    values = [o[0] for o in others if not (o[1] and bounds)]
    middle = median(values) if values else min(bounds)
    if abs(value - middle) <= 2.0 * noise or (is_upper and value > middle) or (not values and value < middle):
        return
    thousand = next((o for o in others if abs(abs(value - o[0]) - 3.0) <= FACTOR_1000_TOLERANCE), None)
    if thousand is not None:
        times = "1000 times" if value > thousand[0] else "1/1000 of"
        unit = "mS/cm given as S/cm, or the reverse?" if measured is Column.SIGMA else "is the unit right?"
        why = f"about {times} the {10.0 ** thousand[0]:.3g} {measured.unit} of {thousand[2]} ({what}); {unit}"
        row.suspect(Code.FACTOR_1000, measured, why)
        return
    apart = f"{abs(value - middle):.2f} decades from {10.0**middle:.3g} {measured.unit}"
    which = f"the median of {len(values)} known" if values else "the known bound"
    row.suspect(Code.DEVIATES_FROM_KNOWN, measured, f"{apart}, {which} ({what}); laboratories differ by {noise:g}")
