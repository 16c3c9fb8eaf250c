"""`GET /vocabulary`: the names, ranges and potentials that a page or a client offers for choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from features.candidate import ROOM_TEMPERATURE_C, Conditions
from serving.schema import (
    DEFAULT_COVERAGE,
    MAX_BODY_BYTES,
    MAX_CANDIDATES,
    MAX_COVERAGE,
    MIN_COVERAGE,
    CandidateInput,
    Property,
)

if TYPE_CHECKING:
    from serving.predictor import Predictor

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


ELECTRODES = (
    Electrode("Li metal", "negative", 0.0, 0.0, "by definition of the scale"),
    Electrode("graphite", "negative", 0.1, 0.1),
    Electrode("Si", "negative", 0.4, 0.4),
    # In + InLi in equilibrium: Santhosha et al., Batteries & Supercaps 2 (2019) 524
    Electrode("In-Li", "negative", 0.62, 0.62, "10.1002/batt.201800149"),
    Electrode("LFP", "positive", 3.45, 3.45),
    Electrode("LMO", "positive", 4.0, 4.1),
    Electrode("LCO", "positive", 3.0, 4.2),
    Electrode("NMC811", "positive", 3.0, 4.3),
)
_BOUNDS = {"exclusiveMinimum": "above", "minimum": "at_least", "maximum": "at_most", "maxLength": "longest"}


def condition_columns() -> list[dict[str, Any]]:
    """Return every condition of a candidate: its name, `number` or `string`, and its bounds."""
    columns = []
    for name, schema in Conditions.model_json_schema()["properties"].items():
        stated = next(option for option in schema["anyOf"] if option["type"] != "null")
        bounds = {ours: stated[theirs] for theirs, ours in _BOUNDS.items() if theirs in stated}
        columns.append({"name": name, "type": stated["type"], **bounds})
    return columns


def vocabulary(served: Sequence[Property] | None) -> dict[str, Any]:
    """Return the document of `GET /vocabulary`.

    Parameters
    ----------
    served
        Properties that have a model now; None while the models are being loaded.
    """
    from training.ccd.schema import ANODES, CLASSES, INTERLAYER_TYPES
    from training.stability.partners import PRESET_NAMES

    longest_id = CandidateInput.model_json_schema()["properties"]["id"]["anyOf"][0]["maxLength"]
    return {
        "properties": [str(name) for name in Property],
        "served": None if served is None else [str(name) for name in served],
        "interlayer_types": list(INTERLAYER_TYPES),
        "anodes": list(ANODES),
        "electrolyte_classes": list(CLASSES),
        "interface_partners": list(PRESET_NAMES),
        "electrodes": [asdict(electrode) for electrode in ELECTRODES],
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


def vocabulary_of(predictor: Predictor | None) -> dict[str, Any]:
    """Return the vocabulary of a service that answers with this predictor, or none yet."""
    return vocabulary(None if predictor is None else [Property(name) for name in predictor.models()])


def vocabulary_operation() -> dict[str, Any]:
    """Return what the OpenAPI document says about `GET /vocabulary`."""
    names = {"type": "array", "items": {"type": "string"}}
    electrode = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "side": {"enum": ["negative", "positive"]},
            "low_V": {"type": "number", "description": "V against Li/Li+."},
            "high_V": {"type": "number", "description": "V against Li/Li+."},
            "source": {"type": "string", "description": "A DOI, or words."},
        },
        "required": ["name", "side", "low_V", "high_V", "source"],
    }
    served = {"type": ["array", "null"], "items": {"type": "string"}, "description": "null before models are loaded."}
    lists = ("properties", "interlayer_types", "anodes", "electrolyte_classes", "interface_partners")
    schema = {
        "type": "object",
        "properties": {
            **dict.fromkeys(lists, names),
            "served": served,
            "electrodes": {"type": "array", "items": electrode},
            "conditions": {"type": "array", "items": {"type": "object"}},
            "default_temperature_C": {"type": "number"},
            "limits": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "required": [*lists, "served", "electrodes", "conditions", "default_temperature_C", "limits"],
    }
    return {
        "operationId": "vocabulary",
        "summary": "Names of interlayers, anodes and electrolyte classes, electrode potentials and limits",
        "responses": {"200": {"description": "The names.", "content": {"application/json": {"schema": schema}}}},
    }
