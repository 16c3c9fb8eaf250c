"""Which cell is meant by conditions, and when no number can be given for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from training.properties import conditions
from training.properties.ccd.classes import class_of
from training.properties.ccd.model import CcdModel
from training.properties.ccd.schema import (
    ANODES,
    CLASSES,
    INTERLAYER_TYPES,
    LITHIUM_MELTS_C,
    MOLTEN_REGIME,
    SCAFFOLD_REGIME,
    anode_word,
    regime,
)
from training.properties.ccd.shelf import Support

FEWEST_PAPERS = 5
WITHOUT_LITHIUM = "no lithium: critical current densities of lithium cells only are known"
VOCABULARIES = {"electrolyte_class": CLASSES, "interlayer_type": INTERLAYER_TYPES, "anode": ANODES}
"""Conditions that are words, in the order in which they are read."""


class Question(NamedTuple):
    """What is meant by one row."""

    electrolyte_class: str
    class_is_stated: bool
    interlayer_type: str
    anode: str
    temperature_C: float
    regime: str

    @classmethod
    def of(
        cls, amounts: Mapping[str, float], temperature_C: float, named: str, interlayer: str, anode: str
    ) -> Question:
        """Return what is meant of a material by words of `VOCABULARIES` in their order, "" where nothing is stated."""
        group = named or class_of(amounts) or ""
        where = regime(temperature_C, interlayer, anode)
        return cls(group, bool(named), interlayer, anode, temperature_C, where)


def one_of(text: str | None, allowed: Sequence[str], name: str) -> str:
    """Return a name as the vocabulary spells it, "" for None; raises `CandidateError` where it holds no such name."""
    if text is None:
        return ""
    return conditions.one_of(anode_word(text) if allowed is ANODES else text, allowed, name)


def support_of(model: CcdModel, asked: Question) -> Support:
    """Return how many reports and papers stand behind an answer."""
    return model.shelf.support(asked.electrolyte_class, asked.interlayer_type, asked.temperature_C)


def refusal_of(model: CcdModel, asked: Question) -> str | None:
    """Return why no number can be given for any lithium electrolyte, None where one can."""
    if asked.regime == MOLTEN_REGIME:
        return (
            f"lithium is molten above {LITHIUM_MELTS_C:g} C: another regime (voids fill at once), of which the table"
            f" has {int((model.shelf.regime == MOLTEN_REGIME).sum())} report"
        )
    if asked.regime == SCAFFOLD_REGIME:
        own = model.shelf.log10_ccd[model.shelf.regime == SCAFFOLD_REGIME]
        return (
            "3D and mixed-conducting scaffolds are another regime (their true interface is larger than the geometric"
            f" one): the {len(own)} reports span {10 ** own.min():.1g} to {10 ** own.max():.3g} mA/cm2; see the nearest"
        )
    seen = model.shelf.classes
    if asked.electrolyte_class in seen:
        return None
    known = f"the table holds: {', '.join(seen)} (name one as electrolyte_class if the formula misleads)"
    if not asked.electrolyte_class:
        return f"the formula belongs to no class of electrolyte that the rules know; {known}"
    return f"no report of the class {asked.electrolyte_class}; {known}"
