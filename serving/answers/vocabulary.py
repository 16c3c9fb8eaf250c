"""`GET /vocabulary`: the names, ranges and potentials that a page or a client offers for choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from features.candidate import ROOM_TEMPERATURE_C
from features.errors import CandidateError
from features.formula import parse_formula
from features.formula_writing import write_formula
from features.kinds import FIELDS, NAMING_FIELDS
from features.names import all_names, find_name
from serving.answers.conditions import Conditions
from serving.answers.request import (
    DEFAULT_COVERAGE,
    MAX_BODY_BYTES,
    MAX_CANDIDATES,
    MAX_COVERAGE,
    MIN_COVERAGE,
    CandidateInput,
)
from training.properties import registry
from training.properties.conditions import TEMPERATURE

if TYPE_CHECKING:
    from training.properties.contract import Condition

TYPICAL = "typical working potential"


@dataclass(frozen=True, slots=True)
class Electrode:
    """What an electrolyte meets in a cell, and between which potentials it works.

    Parameters
    ----------
    name
        As the field calls it.
    side
        `negative` or `positive`.
    low_V, high_V
        Working range against Li/Li+; equal for a plateau.
    source
        Where the figures come from: a DOI, or `TYPICAL`, meaning what full cells are commonly cycled between.
    """

    name: str
    side: str
    low_V: float
    high_V: float
    source: str = TYPICAL


ON_THE_AXIS = ("Li metal", "graphite", "Si anode", "In-Li", "LFP", "LMO", "LCO", "NMC811")
"""Electrodes that a plot of windows marks; `find_electrode` knows all of `features.names`."""


@cache
def electrodes() -> tuple[Electrode, ...]:
    """Return every electrode whose working potential is known, negative ones first."""
    found = [
        Electrode(name.name, "negative" if name.kind == "anode" else "positive", name.low_V, name.high_V, name.source)
        for name in all_names()
        if name.low_V is not None and name.high_V is not None
    ]
    return tuple(sorted(found, key=lambda electrode: electrode.side))


def find_electrode(text: str) -> Electrode | None:
    """Return the electrode that a name or a formula stands for, in any usual spelling; None where it is none."""
    name = find_name(text)
    if name is None:
        try:
            composition = write_formula(parse_formula("Li" if text.strip() == "li" else text))
        except CandidateError:
            return None
        same = (other for other in all_names() if other.formula and other.low_V is not None)
        name = next((other for other in same if write_formula(parse_formula(other.formula or "")) == composition), None)
    return next((electrode for electrode in electrodes() if name and electrode.name == name.name), None)


_BOUNDS = {"exclusiveMinimum": "above", "minimum": "at_least", "maximum": "at_most", "maxLength": "longest"}


def condition_columns() -> list[dict[str, Any]]:
    """Return every condition of a candidate: its name, `number` or `string`, and its bounds."""
    columns = []
    for name, schema in Conditions.model_json_schema()["properties"].items():
        stated = next(option for option in schema["anyOf"] if option["type"] != "null")
        bounds = {ours: stated[theirs] for theirs, ours in _BOUNDS.items() if theirs in stated}
        columns.append(
            {"name": name, "type": stated["type"], **bounds, **_condition_words(registry.conditions()[name])}
        )
    return columns


def material_fields() -> list[dict[str, Any]]:
    """Return every field by which a material is named, and whether it names one by itself."""
    return [
        {
            "name": name,
            "type": "number" if field.is_number else "string",
            "help": field.help,
            "names_material": name in NAMING_FIELDS,
        }
        for name, field in FIELDS.items()
    ]


def _condition_words(condition: Condition) -> dict[str, Any]:
    """Return what a page says of a condition, and the words that it offers for choice."""
    short = condition.short or condition.name
    said = {
        "label": condition.label or short.replace("_", " ").capitalize(),
        "short": short,
        "unit": condition.unit,
        "help": condition.help,
        "of_one_sample": condition.of_one_sample,
    }
    if condition is TEMPERATURE:
        said["default"] = ROOM_TEMPERATURE_C
    return said if condition.words is None else {**said, "words": list(condition.words())}


def words_of(condition: str) -> list[str]:
    """Return the words that a condition may be; none where no property declares it."""
    declared = registry.conditions().get(condition)
    return [] if declared is None or declared.words is None else list(declared.words())


def quantity_columns() -> list[dict[str, Any]]:
    """Return every quantity of every property as `training.properties.contract.Quantity` describes it."""
    shown = (
        "name",
        "label",
        "unit",
        "lowest",
        "highest",
        "levels",
        "is_log10",
        "higher_is_better",
        "has_interval",
        "in_answers",
        "columns",
        "conditions",
    )
    return [
        {"property": owner, **{name: getattr(quantity, name) for name in shown}}
        for owner, quantity in registry.quantities().values()
    ]


def page_modules() -> dict[str, str]:
    """Return the addresses of the page's modules, by property; those without one are left out."""
    scripts = {one.name: one.page_script() for one in registry.properties()}
    return {name: f"page/properties/{name}/{script.name}" for name, script in scripts.items() if script is not None}


def vocabulary(served: Sequence[str] | None) -> dict[str, Any]:
    """Return the document of `GET /vocabulary`.

    Parameters
    ----------
    served
        Properties that have a model now; None while the models are being loaded.
    """
    from training.thermodynamics.partners import partner_names

    longest_id = CandidateInput.model_json_schema()["properties"]["id"]["anyOf"][0]["maxLength"]
    return {
        "properties": [*registry.names()],
        "served": None if served is None else [*served],
        "interlayer_types": words_of("interlayer_type"),
        "anodes": words_of("anode"),
        "electrolyte_classes": words_of("electrolyte_class"),
        "interface_partners": list(partner_names()),
        "electrodes": [asdict(electrode) for electrode in electrodes() if electrode.name in ON_THE_AXIS],
        "kinds": {one.name: one.kind for one in registry.properties()},
        "labels": {one.name: one.label for one in registry.properties()},
        "quantities": quantity_columns(),
        "page_modules": page_modules(),
        "material_fields": material_fields(),
        "conditions": condition_columns(),
        "default_temperature_C": ROOM_TEMPERATURE_C,
        "limits": {
            "max_candidates": MAX_CANDIDATES,
            "max_body_bytes": MAX_BODY_BYTES,
            "longest_id": longest_id,
            "min_coverage": MIN_COVERAGE,
            "max_coverage": MAX_COVERAGE,
            "default_coverage": DEFAULT_COVERAGE,
        },
    }
