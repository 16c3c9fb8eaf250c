"""What the ledger must know of one kind of measurement; a property's folder declares it in its `measurements.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from training.measurements.columns import TEMPERATURE, Assumed, Contents, LedgerColumn, RowRule
from training.measurements.problems import Code

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.entries import Entry
    from training.measurements.known import Known
    from training.measurements.rows import Row

HOTTEST_USUAL_C = 250.0
LEAKS = "leaks into the frozen evaluation set"
NOT_CHECKED = "not checked against the frozen evaluation set"


class Measurements(ABC):
    """One kind of measurement, called as its property. It says what is frozen; most of the rest has a default."""

    columns: ClassVar[tuple[LedgerColumn, ...]]
    """All that a row may have, in order."""
    measured: ClassVar[tuple[str, ...]]
    """Columns of which a row must have at least one; the kind of a table is told by them."""
    decides_kind: ClassVar[bool] = False
    """Whether a measured column of it tells the kind, whichever measured columns of other kinds stand beside it."""
    stands_for: ClassVar[Mapping[str, LedgerColumn]] = {}
    """Columns of other kinds whose headings mean one of this kind's, in a table that has all that it requires."""
    across: ClassVar[tuple[RowRule, ...]] = ()
    assumed: ClassVar[tuple[Assumed, ...]] = ()

    @abstractmethod
    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """Return, per measurement, why no model may learn from it because a frozen evaluation set holds it, else "".

        Where a frozen set is not on this machine the reason says so. Where nothing is frozen: `nothing_is_frozen`.
        """

    def known(self) -> Known | None:
        """Return what the training tables hold, None where they hold no such measurement."""
        return None

    def is_known_material(self, formula: str) -> bool:
        """Whether a material that nobody has measured is known otherwise, such as from a table of energies."""
        return False

    def suspect_temperature(self, row: Row) -> None:
        """Flag an unlikely temperature of a possible row."""
        temperature = row.content.get(TEMPERATURE)
        if temperature is not None and float(temperature) > HOTTEST_USUAL_C:
            value = float(temperature)
            why = f"{value:g} C is unusually hot; was it given in kelvin ({value - 273.15:.4g} C)?"
            row.suspect(Code.TEMPERATURE_IN_KELVIN, TEMPERATURE, why)

    def suspect(self, rows: Sequence[Row], held: Sequence[Entry]) -> str:
        """Flag what is unlikely of possible rows; return in words what could not be compared with.

        Parameters
        ----------
        rows
            Flagged in place.
        held
            What the ledger holds of this kind.
        """
        return ""

    def table(self, entries: Sequence[Entry]) -> pd.DataFrame:
        """Return entries with the columns of this kind in their units; numbers not given are NaN, texts ""."""
        import pandas as pd

        about = ("entry", "measurement", "recorded_at", "who", "excluded_from_training")
        columns: dict[str, list[Any]] = {name: [getattr(entry, name) for entry in entries] for name in about}
        for column in self.columns:
            columns[column.name] = cells_of(entries, column)
        return pd.DataFrame(columns)

    def training_table(self, entries: Sequence[Entry]) -> pd.DataFrame:
        """Return what a model learns from, as the property's own table has it; else the columns of the ledger."""
        return self.table(entries)


def cells_of(entries: Sequence[Entry], column: LedgerColumn) -> list[Any]:
    """Return one column of entries: floats, NaN where not given, or texts, "" where not given."""
    if column.is_number:
        return [float((entry.content or {}).get(column, "nan")) for entry in entries]
    return [(entry.content or {}).get(column, "") for entry in entries]


def nothing_is_frozen(contents: Sequence[Contents]) -> list[str]:
    """Return that every measurement may be learned from, of a kind that no frozen evaluation set scores."""
    return [""] * len(contents)
