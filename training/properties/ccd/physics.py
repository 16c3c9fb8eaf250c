"""What physics says of the table and the fitted effects: signs, and current times resistance of the interface."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.correlation import spearman
from training.properties.ccd.model import CcdModel

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def physics_checks(table: pd.DataFrame, model: CcdModel) -> dict[str, float]:
    """Return the checks for the card, flat: overpotentials in mV, contrasts within papers in log10 units, effects.

    A contrast compares two rows of one paper and one material that differ in one condition only.
    """
    overpotential = overpotentials_mV(table)
    hot, pressed = contrasts(table, "temperature_C"), contrasts(table, "stack_pressure_MPa")
    labels, fit = model.regression.terms.labels(), model.regression.fit
    slope = float(fit.mean[labels.index("temperature")])
    return {
        "overpotential_rows": float(len(overpotential)),
        "overpotential_mV_smallest": float(overpotential.min()),
        "overpotential_mV_median": float(np.median(overpotential)),
        "overpotential_mV_largest": float(overpotential.max()),
        "spearman_ccd_resistance": _spearman_with_resistance(table),
        "temperature_contrasts": float(len(hot)),
        "temperature_contrasts_rising": float((hot > 0).sum()),
        "temperature_contrasts_flat": float((hot == 0).sum()),
        "temperature_effect_eV": slope * 1000.0 * 8.617333e-5 * np.log(10.0),
        "pressure_contrasts": float(len(pressed)),
        "pressure_contrasts_rising": float((pressed > 0).sum()),
        "pressure_effect_per_decade": _pressure_effect(model),
        "interlayer_effect": float(fit.mean[labels.index("any interlayer")]),
        "interlayer_effect_sd": float(np.sqrt(fit.covariance[labels.index("any interlayer")][2])),
    }


def overpotentials_mV(table: pd.DataFrame) -> Array:
    """Return CCD times interfacial resistance of the rows of the regular regime that state both, shape (n,)."""
    known = table[(table["regime"] == "regular") & table["interfacial_resistance_ohm_cm2"].notna()]
    product = known["ccd_mA_per_cm2"] * known["interfacial_resistance_ohm_cm2"]
    return product.to_numpy(dtype=float)


def contrasts(table: pd.DataFrame, condition: str) -> Array:
    """Return changes of log10 CCD towards the higher condition, for pairs within one paper, shape (n,).

    Pairs share paper, formula, name of the material, class, interlayer type, anode, and the other of temperature and
    pressure. A pair in which a bound leaves the direction open is left out.
    """
    other = "stack_pressure_MPa" if condition == "temperature_C" else "temperature_C"
    rows = table[(table["regime"] == "regular") & table[condition].notna()].to_dict("records")
    found = []
    for i, first in enumerate(rows):
        for second in rows[i + 1 :]:
            if _differ_in_one(first, second, condition, other):
                low, high = sorted((first, second), key=lambda row: float(row[condition]))
                change = float(np.log10(high["ccd_mA_per_cm2"] / low["ccd_mA_per_cm2"]))
                if not low["is_lower_bound"] and (change >= 0 or not high["is_lower_bound"]):
                    found.append(change)
    return np.array(found)


def _differ_in_one(first: Mapping[Hashable, Any], second: Mapping[Hashable, Any], condition: str, other: str) -> bool:
    same = ("paper", "formula", "material", "electrolyte_class", "interlayer_type", "anode")
    pressures = [row[other] for row in (first, second)]
    equal = pressures[0] == pressures[1] or all(np.isnan(np.array(pressures, dtype=float)))
    return all(first[name] == second[name] for name in same) and equal and first[condition] != second[condition]


def _spearman_with_resistance(table: pd.DataFrame) -> float:
    known = table[(table["regime"] == "regular") & table["interfacial_resistance_ohm_cm2"].notna()]
    return spearman(known["ccd_mA_per_cm2"], known["interfacial_resistance_ohm_cm2"])


def _pressure_effect(model: CcdModel) -> float:
    from training.properties.ccd.terms import NUMBER_TERMS

    names = [term.name for term in NUMBER_TERMS]
    terms = model.regression.terms
    column = terms.labels().index("log10_pressure_MPa")
    return float(model.regression.fit.mean[column] / terms.spread[names.index("log10_pressure_MPa")])
