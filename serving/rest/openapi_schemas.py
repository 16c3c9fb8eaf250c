"""The schemas of the OpenAPI document: what may be sent, and what is answered."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from serving.answers.ccd_grid import CcdGridRequest
from serving.answers.interface_request import InterfaceRequest
from serving.answers.nearest_request import MAX_NEAREST_CANDIDATES, NearestRequest
from serving.answers.request import MAX_CANDIDATES, PredictRequest
from serving.rest.csv_exchange import CsvQuery
from training.properties import registry

SCHEMA_PREFIX = "#/components/schemas/"


def reference(name: str) -> dict[str, str]:
    """Return a reference to a schema of the document."""
    return {"$ref": SCHEMA_PREFIX + name}


def _nullable(kind: str, description: str) -> dict[str, Any]:
    return {"type": [kind, "null"], "description": description}


def object_of(
    required: dict[str, Any], optional: dict[str, Any] | None = None, description: str = ""
) -> dict[str, Any]:
    """Return the schema of an object that must have some keys, may have others, and may have more than are named."""
    schema = {"type": "object", "properties": required | (optional or {}), "required": [*required]}
    return schema | ({"description": description} if description else {})


NOTE = object_of({"code": {"type": "string"}, "message": {"type": "string"}})
ID = _nullable("string", "As sent.")


READ_MATERIAL: dict[str, Any] = {
    "formula": {"type": "string", "description": "As typed; of a CIF what was read."},
    "read_as": {"type": "string", "description": "The composition as read: reduced, in the order of chemists."},
}
FAILED_MATERIAL: dict[str, Any] = {
    "formula": _nullable("string", "As typed, cut where it is too long; null where none was given."),
    "read_as": _nullable("string", "The composition as read; null where none was."),
}
CRYSTAL: dict[str, Any] = {
    "block": {"type": "string", "description": "Of a CIF: name of the data block that was read."},
    "space_group": {"type": "string", "description": "Of a CIF: Hermann-Mauguin symbol."},
    "cell_content": {"type": "string", "description": "Of a CIF: the atoms of the unit cell, not reduced."},
}
WARNINGS = {"type": "array", "items": NOTE}


def _interval() -> dict[str, Any]:
    parts = {
        "value": _nullable("number", "The prediction; null where none can be given."),
        "lower": _nullable("number", "Lower end of the interval."),
        "upper": _nullable("number", "Upper end of the interval."),
        "coverage": _nullable("number", "Share of such intervals that hold the true value."),
    }
    return object_of(parts, description="A value with its interval of stated coverage.")


def _applicability() -> dict[str, Any]:
    nearest = object_of({"formula": {"type": "string"}, "distance": {"type": "number"}})
    return object_of(
        {"in_domain": {"type": "boolean"}, "distance": _nullable("number", "How far from what the model knows.")},
        {
            "domain_radius": {"type": "number", "description": "The distance up to which a material counts as known."},
            "nearest": {"type": "array", "items": nearest},
        },
        description="Whether the model knows this kind of material, and the nearest ones that it knows.",
    )


def _stability() -> dict[str, Any]:
    part = object_of({"formula": {"type": "string"}, "amount": {"type": "number"}})
    parts = {"type": "array", "items": part, "description": "Formula units per formula unit of the candidate."}
    limit = {"oneOf": [reference("Interval"), {"type": "null"}], "description": "V against Li/Li+."}
    energies = ("formation_energy", "decomposition_energy", "energy_above_hull")
    return {f"{name}_eV_per_atom": reference("Interval") for name in energies} | {
        "probability_stable": {"type": "number", "description": "Of lying on or below the hull of the known phases."},
        "basis": {"enum": ["reference", "model"], "description": "Energies of the table, or predicted ones."},
        "decomposition_products": parts,
        "competing_phases": parts,
        "reduction_V": limit,
        "oxidation_V": limit,
        "reduction_products": parts,
        "oxidation_products": parts,
        "decomposition": _nullable("string", "The reaction, null for a stable compound."),
        "reduction_reaction": _nullable("string", "What lithium makes of it just below the window."),
        "oxidation_reaction": _nullable("string", "What remains just above the window."),
        "window_reason": {"type": "string", "description": "Why there is no window, where there is none."},
    }


def _ccd() -> dict[str, Any]:
    value = {"oneOf": [reference("Interval"), {"type": "null"}], "description": "log10 of mA/cm2."}
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    return {
        "log10_ccd_mA_per_cm2": value,
        "ccd_mA_per_cm2": _nullable("object", "The same in mA/cm2: value, lower, upper."),
        "conditions": {"type": "object", "description": "The conditions meant; null is unknown."},
        "electrolyte_class": _nullable("string", "From the formula, or as stated."),
        "material": {"type": "object", "description": "What the other models say about the material."},
        "support": counts | {"description": "Rows and papers of this class, and of cells like this one."},
        "reason": {"type": "string", "description": "Why there is no number, where there is none."},
    }


def _answered_row() -> dict[str, Any]:
    blocks = {
        str(name): _nullable("object", "Intervals and what belongs to them; null where `reasons` says why.")
        for name in registry.names()
    }
    blocks["conductivity"]["properties"] = {
        "log10_sigma_S_per_cm": reference("Interval"),
        "activation_energy_eV": reference("Interval"),
        "temperature_C": {"type": "number"},
        "explanation": _nullable("object", "Where asked for: terms in decades of S/cm that sum to log10 sigma."),
    }
    blocks["stability"]["properties"] = _stability()
    blocks["ccd"]["properties"] = _ccd()
    beside = {
        "index": {"type": "integer"},
        "applicability": {"type": "object", "additionalProperties": reference("Applicability")},
        "reasons": {"type": "object", "additionalProperties": {"type": "string"}},
        **CRYSTAL,
    }
    named = {"id": ID, "status": {"const": "ok"}, **READ_MATERIAL, "warnings": WARNINGS}
    return object_of(named, blocks | beside, description="A candidate that was judged.")


def _nearest_row() -> dict[str, Any]:
    """Return a row of `POST /nearest`; the known materials of a property carry its value under a name with its unit."""
    fields = {one.name: one.quantities[0].name for one in registry.properties()}
    blocks = {
        str(name): _nullable("object", f"The nearest known materials, each with its {field}, DOI and distance.")
        for name, field in fields.items()
    }
    for name, field in fields.items():
        known = object_of(
            {"formula": {"type": "string"}, field: {"type": "number"}, "distance": {"type": "number"}},
            {"doi": _nullable("string", "The paper that reported it.")},
        )
        blocks[str(name)]["properties"] = {
            "in_domain": {"type": "boolean"},
            "distance": _nullable("number", "How far from what the model knows."),
            "nearest": {"type": "array", "items": known, "description": "Nearest first."},
        }
    named = {"id": ID, "status": {"const": "ok"}, **READ_MATERIAL, "warnings": WARNINGS}
    beside = {"index": {"type": "integer"}, **CRYSTAL}
    return object_of(named, blocks | beside, description="A candidate and what is known around it.")


def _interface_answer() -> dict[str, Any]:
    contact = object_of(
        {
            "against": {"type": "string"},
            **FAILED_MATERIAL,
            "status": {"enum": ["ok", "error"]},
            "warnings": WARNINGS,
        },
        description="Energies in eV, reactions as text and as formulas with coefficients; objects may hold more keys.",
    )
    return object_of(
        {"models": {"type": "object"}, "status": {"enum": ["ok", "error"]}, "warnings": WARNINGS},
        {
            "electrolyte": object_of(READ_MATERIAL, description="With its energy."),
            **FAILED_MATERIAL,
            "voltage_V": _nullable("number", "As sent."),
            "contacts": {"type": "array", "items": contact, "description": "One a partner, in the order sent."},
            "error": NOTE,
        },
        description="Reactions of one electrolyte; of status `error` where it cannot be judged itself.",
    )


def _grid_answer() -> dict[str, Any]:
    point = object_of(
        {"conditions": {"type": "object"}, "warnings": WARNINGS},
        {name: schema for name, schema in _ccd().items() if name not in ("conditions", "material")} | {"error": NOTE},
        description="One combination of conditions.",
    )
    return object_of(
        {
            "models": {"type": "object"}, **FAILED_MATERIAL, "coverage": {"type": "number"},
            "status": {"enum": ["ok", "error"]}, "points": {"type": "array", "items": point},
        }
    )  # fmt: skip


def answer_schemas() -> dict[str, Any]:
    """Return the schemas of an answer; objects may have more keys than are named here."""

    def rows(answered: str) -> dict[str, Any]:
        options = {"oneOf": [reference(answered), reference("FailedRow")]}
        return {"type": "array", "description": "One row a candidate, in the order sent.", "items": options}

    ignored = {"type": "array", "items": {"type": "string"}, "description": "Of a CSV table: columns not used."}
    models = {"type": "object", "additionalProperties": object_of({"version": {"type": "string"}})}
    return {
        "Error": object_of({"error": NOTE}),
        "Interval": _interval(),
        "Applicability": _applicability(),
        "AnsweredRow": _answered_row(),
        "FailedRow": object_of(
            {"id": ID, "status": {"const": "error"}, **FAILED_MATERIAL, "error": NOTE, "warnings": WARNINGS},
            {"index": {"type": "integer"}},
            description="One candidate that could not be judged; its neighbours are not affected.",
        ),
        "Answer": object_of({"models": models, "results": rows("AnsweredRow")}, {"ignored_columns": ignored}),
        "NearestRow": _nearest_row(),
        "NearestAnswer": object_of({"models": models, "results": rows("NearestRow")}),
        "InterfaceAnswer": _interface_answer(),
        "CcdGridAnswer": _grid_answer(),
    }


def request_schemas() -> dict[str, Any]:
    """Return the schemas of what may be sent, from the models that validate it."""
    schema = PredictRequest.model_json_schema(ref_template=SCHEMA_PREFIX + "{model}")
    schemas: dict[str, Any] = schema.pop("$defs")
    # No maxItems: one too many is refused with 413, where a violation of the schema would mean 400.
    schema["properties"]["candidates"]["description"] = f"From 1 to {MAX_CANDIDATES} materials to judge."
    others = {model.__name__: _schema_of(model) for model in (NearestRequest, InterfaceRequest, CcdGridRequest)}
    near = others["NearestRequest"]["properties"]["candidates"]
    near["description"] = f"From 1 to {MAX_NEAREST_CANDIDATES} materials."
    return schemas | {"PredictRequest": schema} | others


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=SCHEMA_PREFIX + "{model}")
    schema.pop("$defs", None)  # Conditions and the like, which PredictRequest has as well
    return schema


def query_parameters() -> list[dict[str, Any]]:
    """Return the query parameters of `POST /predict/csv`, from the model that validates them."""
    return [
        # What may be left out is null in a model, but not in a URL.
        {"name": name, "in": "query", "required": False, "schema": schema.get("anyOf", [schema])[0]}
        for name, schema in _schema_of(CsvQuery)["properties"].items()
    ]
