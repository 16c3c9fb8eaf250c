"""What a measurement consists of: kinds, columns with label and unit, and the rules of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from training.columns import LabelledColumn
from training.properties.ccd.schema import ANODES, CLASSES, INTERLAYER_TYPES
from training.properties.ccd.schema import RANGES as CCD_RANGES
from training.properties.conductivity.schema import (
    ACTIVATION_ENERGY_RANGE_EV,
    CONTRIBUTIONS,
    SIGMA_RANGE_S_PER_CM,
    TEMPERATURE_RANGE_C,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Value = str | float | int
"""What a cell of a stored measurement may hold; nothing given is no entry at all."""


class Kind(StrEnum):
    """What was measured."""

    CONDUCTIVITY = "conductivity"
    CCD = "ccd"
    STABILITY = "stability"


class Content(StrEnum):
    """What a column's cells hold."""

    FORMULA = "formula"
    NUMBER = "number"
    WHOLE_NUMBER = "whole number"
    TEXT = "text"
    WORD = "word of a list"
    DOI = "DOI"
    DATE = "date"


class Column(LabelledColumn):
    """Columns of stored measurements."""

    FORMULA = "formula", "Formula"
    MATERIAL = "material", "Name of the sample's material"
    SIGMA = "sigma_S_per_cm", "Ionic conductivity", "S/cm"
    CCD = "ccd_mA_per_cm2", "Critical current density", "mA/cm2"
    BOUND = "bound", "The value is a bound"
    TEMPERATURE = "temperature_C", "Temperature", "C"
    ACTIVATION_ENERGY = "activation_energy_eV", "Activation energy", "eV"
    CONTRIBUTION = "contribution", "Bulk or total conductivity"
    FAMILY = "family", "Family"
    STATE = "state", "State of the sample"
    ELECTROLYTE_CLASS = "electrolyte_class", "Class of the electrolyte"
    FORM = "form", "Form of the electrolyte"
    INTERLAYER_TYPE = "interlayer_type", "Interlayer"
    ANODE = "anode", "Anode"
    RELATIVE_DENSITY = "relative_density", "Relative density", "fraction"
    THICKNESS = "thickness_um", "Thickness", "um"
    GRAIN_SIZE = "grain_size_um", "Grain size", "um"
    ELECTRONIC_SIGMA = "electronic_sigma_S_per_cm", "Electronic conductivity", "S/cm"
    RESISTANCE = "interfacial_resistance_ohm_cm2", "Interfacial resistance", "ohm cm2"
    STACK_PRESSURE = "stack_pressure_MPa", "Stack pressure", "MPa"
    AREAL_CAPACITY = "areal_capacity_mAh_cm2", "Capacity per half cycle", "mAh/cm2"
    STEP_TIME = "step_time_h", "Time per half cycle", "h"
    FORMATION_ENERGY = "formation_energy_eV_per_atom", "Formation energy", "eV/atom"
    ENERGY_ABOVE_HULL = "energy_above_hull_eV_per_atom", "Energy above the hull", "eV/atom"
    REDUCTION = "reduction_V", "Reduction limit against Li/Li+", "V"
    OXIDATION = "oxidation_V", "Oxidation limit against Li/Li+", "V"
    OBSERVATION = "observation", "What was seen"
    AGAINST = "against", "In contact with what"
    METHOD = "method", "How it was found"
    A = "a", "Cell length a", "angstrom"
    B = "b", "Cell length b", "angstrom"
    C = "c", "Cell length c", "angstrom"
    ALPHA = "alpha", "Cell angle alpha", "degree"
    BETA = "beta", "Cell angle beta", "degree"
    GAMMA = "gamma", "Cell angle gamma", "degree"
    SPACE_GROUP = "space_group_number", "Space group number"
    ATOMS_PER_CELL = "atoms_per_cell", "Atoms in the unit cell"
    SAMPLE = "sample", "Name of the pellet or cell"
    OPERATOR = "operator", "Who measured"
    MEASURED_ON = "measured_on", "Day of the measurement", "YYYY-MM-DD"
    YEAR = "year", "Year"
    DOI = "doi", "DOI of the paper"
    REFERENCE = "reference", "Source without a DOI"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one column of one kind may hold.

    Parameters
    ----------
    column
        Which column.
    content
        What its cells hold.
    low, high
        Smallest and largest number, in the column's unit.
    words
        The vocabulary, for words of a list.
    required
        Whether a row without it is refused.
    """

    column: Column
    content: Content
    low: float = float("-inf")
    high: float = float("inf")
    words: tuple[str, ...] = ()
    required: bool = False

    @property
    def expected(self) -> str:
        """What a cell should hold, in words."""
        if self.content is Content.WORD:
            return "one of: " + ", ".join(self.words)
        if self.content in (Content.NUMBER, Content.WHOLE_NUMBER):
            return f"{self.low:g} to {self.high:g} {self.column.unit}".strip()
        return str(self.content)


def _number(column: Column, low: float, high: float, *, required: bool = False) -> Rule:
    return Rule(column, Content.NUMBER, low, high, required=required)


def _word(column: Column, words: Iterable[str], *, required: bool = False) -> Rule:
    return Rule(column, Content.WORD, words=tuple(word for word in words if word), required=required)


def _texts(*columns: Column) -> tuple[Rule, ...]:
    return tuple(Rule(column, Content.TEXT) for column in columns)


_ORIGIN = (
    *_texts(Column.SAMPLE, Column.OPERATOR),
    Rule(Column.MEASURED_ON, Content.DATE),
    Rule(Column.YEAR, Content.WHOLE_NUMBER, 1900, 2100),
    Rule(Column.DOI, Content.DOI),
    *_texts(Column.REFERENCE),
)
_LATTICE = (
    *(_number(column, 1.0, 100.0) for column in (Column.A, Column.B, Column.C)),
    *(_number(column, 20.0, 160.0) for column in (Column.ALPHA, Column.BETA, Column.GAMMA)),
    Rule(Column.SPACE_GROUP, Content.WHOLE_NUMBER, 1, 230),
    Rule(Column.ATOMS_PER_CELL, Content.WHOLE_NUMBER, 1, 2000),
)
_CCD_NUMBERS = tuple(
    _number(column, *CCD_RANGES[column][:2])
    for column in (
        Column.TEMPERATURE, Column.RELATIVE_DENSITY, Column.THICKNESS, Column.GRAIN_SIZE, Column.SIGMA,
        Column.ELECTRONIC_SIGMA, Column.RESISTANCE, Column.STACK_PRESSURE, Column.AREAL_CAPACITY, Column.STEP_TIME,
    )
)  # fmt: skip

RULES: dict[Kind, tuple[Rule, ...]] = {
    Kind.CONDUCTIVITY: (
        Rule(Column.FORMULA, Content.FORMULA, required=True),
        _number(Column.SIGMA, *SIGMA_RANGE_S_PER_CM),
        _word(Column.BOUND, ("upper", "lower")),
        _number(Column.TEMPERATURE, *TEMPERATURE_RANGE_C),
        _number(Column.ACTIVATION_ENERGY, *ACTIVATION_ENERGY_RANGE_EV),
        _word(Column.CONTRIBUTION, CONTRIBUTIONS),
        *_texts(Column.FAMILY, Column.STATE),
        *_LATTICE,
        *_ORIGIN,
    ),
    Kind.CCD: (
        Rule(Column.FORMULA, Content.FORMULA),
        *_texts(Column.MATERIAL),
        _word(Column.ELECTROLYTE_CLASS, CLASSES),
        _number(Column.CCD, *CCD_RANGES[Column.CCD][:2], required=True),
        _word(Column.BOUND, ("lower",)),
        _word(Column.INTERLAYER_TYPE, INTERLAYER_TYPES, required=True),
        _word(Column.ANODE, ANODES),
        *_CCD_NUMBERS,
        *_texts(Column.FORM),
        *_ORIGIN,
    ),
    Kind.STABILITY: (
        Rule(Column.FORMULA, Content.FORMULA, required=True),
        _number(Column.FORMATION_ENERGY, -6.0, 3.0),
        _number(Column.ENERGY_ABOVE_HULL, 0.0, 3.0),
        _number(Column.REDUCTION, 0.0, 10.0),
        _number(Column.OXIDATION, 0.0, 10.0),
        _word(Column.OBSERVATION, ("stable", "decomposes")),
        *_texts(Column.AGAINST, Column.METHOD),
        _number(Column.TEMPERATURE, *TEMPERATURE_RANGE_C),
        *_ORIGIN,
    ),
}
"""Per kind, every column it may have; ranges are those of the property's own table."""

MEASURED: dict[Kind, tuple[Column, ...]] = {
    Kind.CONDUCTIVITY: (Column.SIGMA, Column.ACTIVATION_ENERGY),
    Kind.CCD: (Column.CCD,),
    Kind.STABILITY: (
        Column.FORMATION_ENERGY, Column.ENERGY_ABOVE_HULL, Column.REDUCTION, Column.OXIDATION, Column.OBSERVATION,
    ),
}  # fmt: skip
"""The columns of which a row must have at least one."""

POSITIVE = frozenset(
    {Column.SIGMA, Column.CCD, Column.ELECTRONIC_SIGMA, Column.RELATIVE_DENSITY, Column.THICKNESS,
     Column.GRAIN_SIZE, Column.RESISTANCE, Column.STACK_PRESSURE, Column.AREAL_CAPACITY, Column.STEP_TIME}
)  # fmt: skip
"""Quantities of which zero and negative values are impossible, and said to be so."""

ROOM_TEMPERATURE_C = 25.0
MAX_TEXT_LENGTH = 500

COLUMN_OF: dict[str, Column] = {str(column): column for column in Column}
"""Columns by their names."""


def rules_of(kind: Kind) -> dict[Column, Rule]:
    """Return the rules of a kind by column."""
    return {rule.column: rule for rule in RULES[kind]}


def columns_of(kind: Kind) -> tuple[Column, ...]:
    """Return the columns of a kind, in order."""
    return tuple(rule.column for rule in RULES[kind])
