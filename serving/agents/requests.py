"""What an agent may ask: one strict pydantic model a tool, with smaller limits than REST."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from serving.answers.conditions import Conditions
from serving.answers.interface_request import LARGEST_VOLTAGE_V
from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MAX_PROPERTIES, MIN_COVERAGE, PropertyName
from serving.coatings.request import LARGEST_CUTOFF_V
from serving.ranking.objectives import MAX_OBJECTIVE_LENGTH, MAX_OBJECTIVES
from serving.ranking.presets import Preset

MOST_CANDIDATES, MOST_RANKED, MOST_STRUCTURES = 20, 200, 5
LONGEST_STRUCTURE = 200_000
"""Characters: a cell of some thousand sites."""
MOST_GENERATED = 50
_LONGEST = 300

Formula = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_LONGEST,
        description="A formula such as Li6PS5Cl or Li6.5La3Zr1.5Ta0.5O12, or a polymer such as PEO20-LiTFSI.",
    ),
]
Compound = Annotated[str, Field(min_length=1, max_length=_LONGEST, description="A formula such as Li6PS5Cl.")]
Element = Annotated[str, Field(pattern="^[A-Z][a-z]?$", description="Symbol of an element.")]
Properties = Annotated[
    list[Annotated[PropertyName, Field(strict=False)]], Field(min_length=1, max_length=MAX_PROPERTIES)
]


class ToolRequest(BaseModel):
    """The arguments of a tool."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True, use_enum_values=True)


class CandidatesCall(ToolRequest):
    """Candidates, by formula or as they are drawn in a file."""

    formulas: Annotated[list[Formula], Field(max_length=MOST_CANDIDATES)] = []
    structures: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=LONGEST_STRUCTURE)]],
        Field(max_length=MOST_STRUCTURES, description="Texts of CIF, POSCAR or OPTIMADE JSON files."),
    ] = []

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if not self.formulas and not self.structures:
            raise ValueError("expected at least one of `formulas` and `structures`")
        return self


class PredictCall(CandidatesCall):
    """Candidates to judge."""

    conditions: Annotated[Conditions, Field(description="Of the measurement or the cell; units in the names.")] = (
        Conditions()
    )
    properties: Annotated[Properties | None, Field(description="What to predict; without it all.")] = None
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE)] = DEFAULT_COVERAGE


class NearestCall(CandidatesCall):
    """Candidates whose nearest known materials are wanted."""

    count: Annotated[int, Field(ge=1, le=10, description="Known materials of each property.")] = 3
    properties: Properties | None = None


class InterfaceCall(ToolRequest):
    """An electrolyte and what it touches."""

    formula: Compound
    against: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=_LONGEST)]],
        Field(
            min_length=1,
            max_length=10,
            description="Formulas, or names: lithium, graphite, NMC811, LFP, LCO, water, cathodes, coatings.",
        ),
    ]
    voltage_V: Annotated[
        float | None, Field(ge=0.0, le=LARGEST_VOLTAGE_V, description="Potential against Li/Li+, such as 4.3.")
    ] = None


class CoatingsCall(ToolRequest):
    """An electrolyte, and the cathode or lithium that a coating is to keep from it."""

    electrolyte: Compound
    cathode: Annotated[
        str | None,
        Field(max_length=_LONGEST, description="NMC811, LCO, LFP or a formula; without it a layer towards lithium."),
    ] = None
    cutoff_V: Annotated[
        float | None, Field(gt=0.0, le=LARGEST_CUTOFF_V, description="Highest potential of the cathode.")
    ] = None
    top: Annotated[int, Field(ge=1, le=20)] = 5


class RankCall(ToolRequest):
    """Candidates, and what is wanted of them."""

    formulas: Annotated[list[Formula], Field(min_length=1, max_length=MOST_RANKED)]
    objectives: Annotated[
        list[Annotated[str, Field(max_length=MAX_OBJECTIVE_LENGTH)]],
        Field(
            max_length=MAX_OBJECTIVES,
            description="Such as 'sigma>=1e-3@25', 'hull<=0.05', 'window against NMC811', 'minimise cost'.",
        ),
    ] = []
    preset: Annotated[Preset | None, Field(strict=False, description="Objectives that belong together.")] = None
    avoid: Annotated[list[Element], Field(max_length=50, description="Elements that no candidate may hold.")] = []
    conditions: Conditions = Conditions()
    top: Annotated[int, Field(ge=1, le=20)] = 5


class GenerateCall(ToolRequest):
    """Patterns, or parents with a family."""

    patterns: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        Field(max_length=5, description="Such as 'Li{6-x}PS{5-x}Cl{1+x}' or 'Li3{Y,In,Sc}Cl6'."),
    ] = []
    variables: Annotated[
        list[Annotated[str, Field(min_length=3, max_length=100)]],
        Field(max_length=4, description="Values of a pattern's variables: 'x=0:0.8:0.1' or 'x=0,0.25'."),
    ] = []
    parents: Annotated[list[Compound], Field(max_length=5, description="Known materials to grow families from.")] = []
    dope: Annotated[bool, Field(description="Ions of another charge, lithium keeps the balance.")] = False
    anions: Annotated[bool, Field(description="Halides for halides, chalcogenides for chalcogenides.")] = False
    swap: Annotated[bool, Field(description="Whole elements for those that stand in for them.")] = False
    exclude: Annotated[list[Element], Field(max_length=50, description="Elements that may not be put in.")] = []
    new_only: Annotated[bool, Field(description="Leave known materials out.")] = False
    most: Annotated[int, Field(ge=1, le=MOST_GENERATED)] = 20


class SynthesisCall(ToolRequest):
    """A target to make."""

    formula: Compound
    grams: Annotated[float, Field(ge=1e-3, le=1e6, description="Mass of the batch.")] = 1.0
    temperature_C: Annotated[
        float | None, Field(ge=-273.0, le=2000.0, description="At which gases leave; without it the usual one.")
    ] = None
    top: Annotated[int, Field(ge=1, le=5, description="Routes to list.")] = 2


class ModelsCall(ToolRequest):
    """Which models are described."""

    property: Annotated[PropertyName | None, Field(strict=False, description="One property; without it all.")] = None


@cache
def input_schema(model: type[ToolRequest]) -> dict[str, object]:
    """Return the JSON schema of a tool's arguments, references written out: not every agent follows them.

    It is made once; nobody may change it.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def written_out(part: Any) -> Any:  # noqa: ANN401
        if isinstance(part, dict):
            if "$ref" in part:
                named = definitions[part["$ref"].rpartition("/")[2]]
                part = {**named, **{key: value for key, value in part.items() if key != "$ref"}}
            return {k: written_out(v) for k, v in part.items() if not (k == "title" and isinstance(v, str))}
        return [written_out(one) for one in part] if isinstance(part, list) else part

    whole: dict[str, object] = written_out(schema)
    return whole
