"""What the answer to a call for a rate holds."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from serving.answers.rows import ModelHeaders, ShownMaterial


class ShownNumber(TypedDict):
    """A number with its interval."""

    value: float
    lower: float
    upper: float
    coverage: float


class LayerBlock(ShownMaterial):
    """One of the two electrolytes, and what the cell takes of it."""

    sigma_S_per_cm: ShownNumber
    sigma_from: str
    transference_number: ShownNumber
    in_domain: bool | None
    basis: str | None
    warnings: list[dict[str, str]]


class SaltBlock(TypedDict):
    """What mobile anions of the separator allow; the time at the rate asked for."""

    limiting_current_mA_per_cm2: ShownNumber
    sand_time_min: ShownNumber


class RateDocument(TypedDict):
    """The answer to a call for a rate, of status `error` where one of the electrolytes cannot be judged.

    Losses are those of central values at the rate asked for; `limited_by` is what limits in most samples.
    """

    models: ModelHeaders
    status: str
    error: NotRequired[dict[str, str]]
    anolyte: NotRequired[LayerBlock]
    catholyte: NotRequired[LayerBlock]
    c_rate: NotRequired[float]
    current_density_mA_per_cm2: NotRequired[float]
    c_rate_reached: NotRequired[ShownNumber]
    probability_reached: NotRequired[float]
    limited_by: NotRequired[str]
    limited_by_shares: NotRequired[dict[str, float]]
    c_rate_by_losses: NotRequired[ShownNumber]
    c_rate_by_critical_current: NotRequired[ShownNumber | None]
    critical_current_mA_per_cm2: NotRequired[ShownNumber | None]
    losses_mV: NotRequired[dict[str, float | None]]
    total_loss_mV: NotRequired[float | None]
    loss_allowed_mV: NotRequired[float]
    conductivity_needed_S_per_cm: NotRequired[float | None]
    sigma_needed_by_layer_S_per_cm: NotRequired[dict[str, float | None]]
    salt: NotRequired[SaltBlock | None]
    cell: NotRequired[dict[str, float]]
    sources: NotRequired[dict[str, str]]
    notes: NotRequired[list[str]]
    warnings: NotRequired[list[dict[str, str]]]
