"""What an answer about coatings holds."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from serving.answers.rows import ModelHeaders, ShownMaterial
from serving.coatings.reported import CoatingReport


class FunnelStep(TypedDict):
    """One step, in words, and how many are left after it."""

    step: str
    says: str
    left: int


class SideReaction(TypedDict):
    """The reaction of a coating with a neighbour, per atom of the reacting mixture; null where none could be found."""

    neighbour: str
    state: str | None
    reaction_eV_per_atom: float | None
    added_by_contact_eV_per_atom: float | None
    neighbour_alone_eV_per_atom: float
    coating_alone_eV_per_atom: float
    reaction: str | None
    interphase: str | None
    interphase_why: str


class Coating(TypedDict):
    """One coating, with both sides apart."""

    formula: str
    read_as: str
    own: bool
    on_front: bool
    left_at: str | None
    above_hull_eV_per_atom: float
    energy_basis: str
    window_V: list[float]
    band_gap_eV: float | None
    band_gap_basis: str | None
    ion_conduction_log10_S_per_cm: dict[str, float] | None
    ion_conduction_in_domain: bool
    reaction_electrolyte_eV_per_atom: float | None
    added_electrolyte_eV_per_atom: float | None
    reaction_cathode_eV_per_atom: NotRequired[float | None]
    added_cathode_eV_per_atom: NotRequired[float | None]
    layer_at_lithium: NotRequired[str | None]
    beside: list[SideReaction]
    reported: list[CoatingReport]
    reasons: list[str]


class WithoutCoating(TypedDict):
    """What the electrolyte and the electrode do to each other without a coating."""

    against: str
    state: str | None
    reaction_eV_per_atom: float
    added_by_contact_eV_per_atom: float
    reaction: str
    interphase: str
    interphase_why: str


class CoatingsDocument(TypedDict, total=False):
    """The answer to one call, or of status `error` with the electrolyte as typed."""

    models: ModelHeaders
    status: str
    formula: str | None
    read_as: str | None
    electrolyte: dict[str, str | float | None]
    cathode: ShownMaterial | None
    side: str
    low_V: float
    cutoff_V: float
    without_coating: list[WithoutCoating]
    says: str
    funnel: list[FunnelStep]
    coatings: list[Coating]
    passed: int
    asked: list[Coating]
    failed: list[dict[str, str]]
    assumed: list[str]
    error: dict[str, str]
    warnings: list[dict[str, str]]
