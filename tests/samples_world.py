"""Made-up measured samples, for tests of what is done with measurements."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.candidate import MaterialBatch
from training.properties.conductivity.samples import Samples

_ELSE: dict[str, Any] = {
    "temperature_C": 25.0,
    "is_upper_bound": False,
    "activation_energy_eV": np.nan,
    "relative_density": np.nan,
    "year": 2020.0,
    "is_doubtful": False,
    "doi": "",
    "state": "",
    "contribution": "",
    "source": "literature",
}


def samples_of(*rows: tuple[str, float, dict[str, Any]]) -> Samples:
    """Make samples of formula, log10 S/cm and what is special about each; one paper a DOI, else a row."""
    composition = MaterialBatch.from_formulas([formula for formula, _, _ in rows]).matrix()
    columns = {name: np.array([more.get(name, usual) for _, _, more in rows]) for name, usual in _ELSE.items()}
    papers = [more.get("paper") or more.get("doi") or f"paper {i}" for i, (_, _, more) in enumerate(rows)]
    return Samples(
        composition=composition,
        log10_sigma=np.array([value for _, value, _ in rows]),
        formula=np.array([formula for formula, _, _ in rows]),
        paper=np.array(papers),
        **columns,
    )
