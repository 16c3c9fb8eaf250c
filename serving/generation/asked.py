"""What a caller may ask of a generation over REST: patterns or families of parents, as much as one request may cost."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from serving.generation.errors import GenerationError
from serving.generation.families import Limits
from serving.generation.pattern import MAX_PATTERN_LENGTH, read_pattern
from serving.generation.request import GenerationRequest
from serving.generation.table import Selection
from serving.generation.variables import read_variable

MAX_PATTERNS, MAX_VARIABLES, MAX_PARENTS = 20, 10, 5
MAX_GENERATED = 10_000
MAX_COMBINATIONS = 100_000
"""Of one request; 100,000 take about two seconds. `elyte generate` takes fifty times as many."""
MAX_FORMULA_LENGTH = 300

Symbols = Annotated[list[Annotated[str, Field(max_length=3)]], Field(max_length=118)]


class GenerateRequest(BaseModel):
    """A call for candidates, with the words of `elyte generate`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    patterns: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_PATTERN_LENGTH)]],
        Field(max_length=MAX_PATTERNS, description="Such as Li{6-x}PS{5-x}Cl{1+x} or Li3{Y,In}Cl6."),
    ] = []
    variables: Annotated[
        list[Annotated[str, Field(max_length=1000)]],
        Field(max_length=MAX_VARIABLES, description="Values of the patterns' variables: x=0:0.8:0.1 or x=0,0.25."),
    ] = []
    parents: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_FORMULA_LENGTH)]],
        Field(max_length=MAX_PARENTS, description="Formulas that families grow from."),
    ] = []
    dope: Annotated[bool, Field(description="Ions of another charge, alike in size; lithium keeps the balance.")] = (
        False
    )
    anions: Annotated[bool, Field(description="Halides for halides, chalcogenides for chalcogenides.")] = False
    swap: Annotated[bool, Field(description="Whole elements for those that stand in for them elsewhere.")] = False
    elements: Annotated[Symbols | None, Field(description="Only these may be put in.")] = None
    exclude: Annotated[Symbols, Field(description="These may not be put in.")] = []
    balanced: Annotated[bool, Field(description="Drop what no common oxidation states balance.")] = False
    new: Annotated[bool, Field(description="Drop known materials.")] = False
    lithium: Annotated[bool, Field(description="Drop what holds no lithium.")] = False
    most: Annotated[int, Field(ge=1, le=MAX_GENERATED, description="At most so many candidates.")] = 1000
    seed: Annotated[int | None, Field(ge=0, lt=2**63, description="Draw them at random, not the first.")] = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.patterns and not self.parents:
            raise ValueError("expected patterns, or parents with dope, anions or swap")
        return self

    def selection(self) -> Selection:
        """Return which candidates are kept."""
        return Selection(self.balanced, None, self.lithium, self.new, self.most, self.seed)

    def read(self) -> GenerationRequest:
        """Return what is to be generated.

        Raises
        ------
        GenerationError
            If a pattern or a variable cannot be read, an element is none, or it is more than one request may cost.
        """
        from features.elements import ATOMIC_NUMBER

        for symbol in (*(self.elements or ()), *self.exclude):
            if symbol not in ATOMIC_NUMBER:
                raise GenerationError(f"'{symbol}' is not an element; expected symbols such as Y, In, Sc")
        if bool(self.parents) != (self.dope or self.anions or self.swap):
            missing = "a family (dope, anions or swap)" if self.parents else "parents"
            raise GenerationError(f"{missing} missing: families are those of known parents")
        variables = dict(read_variable(text) for text in self.variables)
        counts = {name: len(values) for name, values in variables.items()}
        combinations = 0
        for pattern in map(read_pattern, self.patterns):
            options = math.prod(len(choice.options) for choice in pattern.choices)
            combinations += options * math.prod(counts.get(name, 1) for name in pattern.variables)
        if combinations > MAX_COMBINATIONS:
            raise GenerationError(
                f"{combinations} combinations; at most {MAX_COMBINATIONS} in one request: take fewer or coarser steps"
            )
        return GenerationRequest(
            patterns=tuple(self.patterns),
            variables=variables,
            parents=tuple(self.parents),
            dope=self.dope,
            swap=self.swap,
            anions=self.anions,
            limits=Limits(
                elements=None if self.elements is None else frozenset(self.elements), exclude=frozenset(self.exclude)
            ),
        )
