"""Which energies stand for compounds of the table: its own, or corrected ones where it is certainly wrong."""

from __future__ import annotations

from training.properties.contract import Condition, Content

TABLE, CORRECTED = CHOICES = ("table", "corrected")
ENERGIES = Condition(
    "energies",
    Content.TEXT,
    "Energies of compounds that the table lists: the 'table' itself (unless a row says otherwise), or 'corrected' where"
    " its energy is certainly wrong.",
    short="energies",
    words=lambda: CHOICES,
    label="Energies",
)
