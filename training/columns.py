"""Columns of tables as words that carry their label and unit."""

from __future__ import annotations

from enum import StrEnum


class LabelledColumn(StrEnum):
    """Columns of a table, in order; each equals its name and carries its label and unit ("" where it has none).

    Examples
    --------
    >>> class Column(LabelledColumn):
    ...     TEMPERATURE = "temperature_C", "Temperature", "C"
    >>> Column.TEMPERATURE == "temperature_C", Column.TEMPERATURE.unit
    (True, 'C')
    """

    label: str
    unit: str

    def __new__(cls, name: str, label: str, unit: str = "") -> LabelledColumn:
        """Make the member equal to its column name, and hang label and unit on it."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.label = label
        member.unit = unit
        return member
