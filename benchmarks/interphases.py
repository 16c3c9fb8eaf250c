"""Which layer `elyte interface` says that electrolytes leave, against what papers found; one JSON line, misses by row.

The list (`training/thermodynamics/interphases.csv`) was committed before any answer of the code was looked at. Rows
that are `computed` come from energies of the same kind as ours and show agreement with other calculations, no more.

    python benchmarks/interphases.py
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from importlib.resources import files

from elyte import InterfaceRequest, Predictor

Row = dict[str, str]


def rows() -> list[Row]:
    """Return the list."""
    with (files("training") / "thermodynamics" / "interphases.csv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def said(predictor: Predictor, row: Row) -> tuple[str, str, str]:
    """Return the layer that is said of one row, why, and how sure; a cathode is judged as put in, discharged."""
    voltage = float(row["voltage_V"]) if row["voltage_V"] else None
    request = InterfaceRequest(formula=row["formula"], against=[row["against"]], voltage_V=voltage)
    document = predictor.interface(request)
    if document["status"] != "ok":
        return "error", document["error"]["message"], "-"
    contact = document["contacts"][0]
    return contact["interphase"], contact["interphase_why"], contact["interphase_confidence"]


def main() -> None:
    """Print shares that are right, and every miss."""
    predictor = Predictor.load("shipped", ["stability"])
    answers = [(row, *said(predictor, row)) for row in rows()]

    def share(of: Callable[[Row, str], bool]) -> dict[str, int]:
        chosen = [row["interphase"] == layer for row, layer, _, sure in answers if of(row, sure)]
        return {"right": sum(chosen), "of": len(chosen)}

    misses = [
        {"formula": row["formula"], "against": row["against"], "found": row["interphase"], "said": layer, "why": why}
        | {"doi": row["doi"]}
        for row, layer, why, _ in answers
        if layer != row["interphase"]
    ]
    print(
        json.dumps(
            {
                "all": share(lambda row, sure: True),
                "named_by_the_review": share(lambda row, sure: row["named_by_review"] == "yes"),
                "measured": share(lambda row, sure: row["evidence"] == "measured"),
                "at_lithium_measured": share(
                    lambda row, sure: row["against"] == "lithium" and row["evidence"] != "computed"
                ),
                "at_cathodes": share(lambda row, sure: row["against"] != "lithium"),
                "computed_elsewhere": share(lambda row, sure: row["evidence"] == "computed"),
                "measured_by_confidence": {
                    level: share(lambda row, sure, level=level: sure == level and row["evidence"] != "computed")
                    for level in ("high", "medium", "low")
                },
                "misses": misses,
            }
        )
    )


if __name__ == "__main__":
    main()
