"""Answers to a list of candidates, for programs, notebooks and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from serving.answers.rows import ModelHeaders, NamedRowError, ResultRow


@dataclass(frozen=True, slots=True)
class Predictions:
    """Answers in the order of the question.

    Parameters
    ----------
    results
        One answer a candidate, as `POST /predict` gives it; `index` counts over the whole list.
    models
        Which models answered.
    """

    results: list[ResultRow]
    models: ModelHeaders

    def __len__(self) -> int:
        return len(self.results)

    def _repr_html_(self) -> str:
        from serving.answers.notebook import answer_html

        return answer_html(self.models, self.results)

    def errors(self) -> list[NamedRowError]:
        """Return the errors of the rows that could not be judged: code, message, index and id."""
        return [row["error"] for row in self.results if row["status"] == "error"]

    def to_frame(self) -> pd.DataFrame:
        """Return flat rows with the columns of `elyte predict --output`, as a pandas frame.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise ImportError("a frame needs pandas; install elyte[tables]") from error

        from serving.answers.output_tables import flat_rows

        columns, rows = flat_rows(self.results)
        return pd.DataFrame(rows, columns=columns)
