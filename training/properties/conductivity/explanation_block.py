"""Explanations as JSON, and the terms of one for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.properties.conductivity.explanation import Explanations
from training.properties.conductivity.named_features import named_features
from training.properties.contract import DECIMALS

N_SHOWN = 8
MOVED = {
    "stated_decades": "density, contribution or population, as stated",
    "measured_decades": "what was measured on this material",
}
"""Keys of terms that are mostly zero, and their words."""
WITHOUT_EXPLAINER = "this model was fitted without explanations; train it again with this version of elyte"


def explanation_block(explanations: Explanations, row: int, answer: float) -> dict[str, Any]:
    """Return the explanation of one row as JSON, in decades of S/cm.

    Parameters
    ----------
    explanations
        Of all rows.
    row
        Which one.
    answer
        log10 sigma as it is answered, rounded; the terms (`groups_decades` repeats the features in sums) add up to it.
    """
    contributions = explanations.contributions[row]
    order = np.argsort(-np.abs(contributions), kind="stable")[:N_SHOWN]
    shown = [_contribution(explanations, row, int(column)) for column in order if _rounded(contributions[column])]
    block = {
        "base_log10_sigma_S_per_cm": _rounded(explanations.base[row]),
        "contributions": shown,
        "others_decades": 0.0,
        "not_explained_decades": _rounded(explanations.not_explained[row]),
        "temperature_decades": _rounded(explanations.temperature[row]),
        "stated_decades": _rounded(explanations.stated[row]),
        "measured_decades": _rounded(explanations.measured[row]),
        "groups_decades": _by_group(contributions),
    }
    block["others_decades"] = _rounded(answer - sum(explanation_terms(block).values()))
    return block


def _contribution(explanations: Explanations, row: int, column: int) -> dict[str, Any]:
    feature = named_features()[column]
    return {
        "feature": feature.name,
        "label": feature.label,
        "group": feature.group,
        "value": float(f"{round(explanations.values[row, column], 9):.4g}") + 0.0,
        "unit": feature.unit,
        "decades": _rounded(explanations.contributions[row, column]),
    }


def _by_group(contributions: np.ndarray[Any, Any]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for feature, contribution in zip(named_features(), contributions, strict=True):
        sums[feature.group] = sums.get(feature.group, 0.0) + float(contribution)
    return {group: _rounded(total) for group, total in sums.items() if _rounded(total)}


def explanation_terms(block: Mapping[str, Any]) -> dict[str, float]:
    """Return the terms that sum to the answer, in the order in which people read them."""
    features = {f"{c['label']} = {c['value']:.3g} {c['unit']}".rstrip(): c["decades"] for c in block["contributions"]}
    return {
        "average of known chemistry at 25 C": block["base_log10_sigma_S_per_cm"],
        **features,
        "other features": block["others_decades"],
        "not explained by these features": block["not_explained_decades"],
        "temperature": block["temperature_decades"],
        **{words: block[key] for key, words in MOVED.items() if block[key]},
    }


def _rounded(decades: float) -> float:
    return round(float(decades), DECIMALS) + 0.0  # no -0.0
