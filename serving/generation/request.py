"""One call for candidates: patterns and families of parents, and what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.generation.block import Block, expand
from serving.generation.errors import GenerationError
from serving.generation.families import Limits, Parent, anion_exchange, doping, high_entropy, swaps
from serving.generation.known import KnownMaterials
from serving.generation.pattern import read_pattern
from serving.generation.table import Candidates, Selection, collect

TOP_SWAPS = 5


@dataclass(frozen=True, slots=True)
class Mixture:
    """Elements that share a site; see `families.high_entropy`."""

    elements: tuple[str, ...]
    count: int = 4
    step: float | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What to generate.

    Attributes
    ----------
    patterns
        Formula patterns.
    variables
        Values of their variables, shape (m,) each.
    parents
        Formulas that families grow from.
    dope, swap, anions
        Which families.
    mixture
        Elements that share a site of the parents.
    limits
        What families may contain.
    top_swaps
        Stand-ins of each element.
    """

    patterns: tuple[str, ...] = ()
    variables: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    dope: bool = False
    swap: bool = False
    anions: bool = False
    mixture: Mixture | None = None
    limits: Limits = field(default_factory=Limits)
    top_swaps: int = TOP_SWAPS


def generate(
    request: GenerationRequest, selection: Selection | None = None, known: KnownMaterials | None = None
) -> Candidates:
    """Generate candidates.

    Parameters
    ----------
    request
        What to generate.
    selection
        What is kept.
    known
        Where to look candidates up; None leaves them unmarked.

    Raises
    ------
    GenerationError
        If the call cannot be understood or has no answer.
    CandidateError
        If a parent cannot be read.

    Examples
    --------
    >>> generate(GenerationRequest(("Li3{Y,In}Cl6",))).formula
    ['Li3YCl6', 'Li3InCl6']
    """
    blocks = [*_of_patterns(request), *_of_parents(request)]
    if not blocks:
        raise GenerationError(
            "nothing to generate: give a pattern, or --parent with --dope, --swap, --anions or --high-entropy"
        )
    return collect(blocks, selection, known)


def _of_patterns(request: GenerationRequest) -> list[Block]:
    patterns = [read_pattern(text) for text in request.patterns]
    used = {name for pattern in patterns for name in pattern.variables}
    if unused := sorted(request.variables.keys() - used):
        raise GenerationError(f"no pattern holds the variable {', '.join(unused)}")
    return [expand(pattern, request.variables) for pattern in patterns]


def _of_parents(request: GenerationRequest) -> list[Block]:
    families = request.dope, request.swap, request.anions, request.mixture
    if bool(request.parents) != any(families):
        missing = "a family: --dope, --swap, --anions or --high-entropy" if request.parents else "a --parent"
        raise GenerationError(f"{missing} is missing")
    blocks = []
    for formula in request.parents:
        parent = Parent.read(formula)
        if request.dope:
            blocks.append(doping(parent, request.limits))
        if request.anions:
            blocks.append(anion_exchange(parent, request.limits))
        if request.swap:
            blocks.append(swaps(parent, request.limits, request.top_swaps))
        if request.mixture is not None:
            mixture = request.mixture
            blocks.append(high_entropy(parent, mixture.elements, mixture.count, mixture.step, mixture.site))
    return blocks
