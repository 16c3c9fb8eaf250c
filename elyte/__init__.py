"""elyte's public face: what users, notebooks and docs import; everything else may move.

    >>> from elyte import Predictor
    >>> predictor = Predictor.load("shipped")

Names are imported when they are first used, so that `import elyte` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from features.candidate import Candidate as Candidate
    from features.candidate import MaterialBatch as MaterialBatch
    from features.chemistry import NEUTRALITY_TOLERANCE as NEUTRALITY_TOLERANCE
    from features.chemistry import assign_ions as assign_ions
    from features.crystal_formats.objects import fields_of as fields_of
    from features.formula import parse_formula as parse_formula
    from features.formula_writing import write_formula as write_formula
    from features.kinds import read_candidates as read_candidates
    from features.structures.cells import OrderedCell as OrderedCell
    from features.structures.cells import to_cif as to_cif
    from features.structures.representatives import ordered_representative as ordered_representative
    from serving.answers.condition_grid import ConditionGridRequest as CcdGridRequest  # noqa: F401 - public
    from serving.answers.conditions import Conditions as Conditions
    from serving.answers.interface_request import InterfaceRequest as InterfaceRequest
    from serving.answers.nearest_request import NearestRequest as NearestRequest
    from serving.answers.request import CandidateInput as CandidateInput
    from serving.answers.request import PredictRequest as PredictRequest
    from serving.answers.vocabulary import ON_THE_AXIS as ON_THE_AXIS
    from serving.answers.vocabulary import find_electrode as find_electrode
    from serving.cells.design import CellConditions as CellConditions
    from serving.cells.request import RateRequest as RateRequest
    from serving.client.client import Client as Client
    from serving.client.client import ServiceError as ServiceError
    from serving.coatings.request import CoatingLimits as CoatingLimits
    from serving.coatings.request import CoatingsRequest as CoatingsRequest
    from serving.generation.families import Limits as Limits
    from serving.generation.request import GenerationRequest as GenerationRequest
    from serving.generation.request import Mixture as Mixture
    from serving.generation.request import generate as generate
    from serving.generation.table import Selection as Selection
    from serving.generation.variables import read_variable as read_variable
    from serving.models.store import load_models as load_models
    from serving.monitoring.answer import monitor as monitor
    from serving.pathways.request import PathwaysRequest as PathwaysRequest
    from serving.predictor import Predictor as Predictor
    from serving.ranking.constraints import Constraints as Constraints
    from serving.ranking.pair_answer import PairOptions as PairOptions
    from serving.ranking.request import BatchRequest as BatchRequest
    from serving.ranking.request import RankRequest as RankRequest
    from serving.ranking.tables import flat_rows as flat_rows
    from serving.screening.run import Screening as Screening
    from serving.screening.run import screen as screen
    from serving.suggestions.answer import SuggestOptions as SuggestOptions
    from serving.synthesis.plan import SynthesisRequest as SynthesisRequest
    from serving.synthesis.shopping import shopping_list as shopping_list
    from training.calculators import StrippingReference as StrippingReference
    from training.calculators import critical_stripping_current as critical_stripping_current
    from training.calculators import dendrite_criteria as dendrite_criteria
    from training.calculators import diffusivity_cm2_per_s as diffusivity_cm2_per_s
    from training.calculators import sigma_of_diffusivity_S_per_cm as sigma_of_diffusivity_S_per_cm
    from training.properties.conformance import check_property as check_property
    from training.properties.contract import Property as Property

_PLACES = {
    "monitor": "serving.monitoring.answer",
    "load_models": "serving.models.store",
    "SuggestOptions": "serving.suggestions.answer",
    "NEUTRALITY_TOLERANCE": "features.chemistry",
    "ON_THE_AXIS": "serving.answers.vocabulary",
    "Candidate": "features.candidate",
    "MaterialBatch": "features.candidate",
    "fields_of": "features.crystal_formats.objects",
    "read_candidates": "features.kinds",
    "assign_ions": "features.chemistry",
    "parse_formula": "features.formula",
    "write_formula": "features.formula_writing",
    "CcdGridRequest": "serving.answers.condition_grid:ConditionGridRequest",
    "InterfaceRequest": "serving.answers.interface_request",
    "NearestRequest": "serving.answers.nearest_request",
    "CandidateInput": "serving.answers.request",
    "Conditions": "serving.answers.conditions",
    "PredictRequest": "serving.answers.request",
    "find_electrode": "serving.answers.vocabulary",
    "Client": "serving.client.client",
    "ServiceError": "serving.client.client",
    "RateRequest": "serving.cells.request",
    "CellConditions": "serving.cells.design",
    "PairOptions": "serving.ranking.pair_answer",
    "CoatingLimits": "serving.coatings.request",
    "CoatingsRequest": "serving.coatings.request",
    "Limits": "serving.generation.families",
    "GenerationRequest": "serving.generation.request",
    "Mixture": "serving.generation.request",
    "generate": "serving.generation.request",
    "Selection": "serving.generation.table",
    "read_variable": "serving.generation.variables",
    "OrderedCell": "features.structures.cells",
    "to_cif": "features.structures.cells",
    "ordered_representative": "features.structures.representatives",
    "PathwaysRequest": "serving.pathways.request",
    "Predictor": "serving.predictor",
    "Constraints": "serving.ranking.constraints",
    "BatchRequest": "serving.ranking.request",
    "RankRequest": "serving.ranking.request",
    "flat_rows": "serving.ranking.tables",
    "Screening": "serving.screening.run",
    "screen": "serving.screening.run",
    "SynthesisRequest": "serving.synthesis.plan",
    "shopping_list": "serving.synthesis.shopping",
    "StrippingReference": "training.calculators",
    "critical_stripping_current": "training.calculators",
    "dendrite_criteria": "training.calculators",
    "diffusivity_cm2_per_s": "training.calculators",
    "sigma_of_diffusivity_S_per_cm": "training.calculators",
    "Property": "training.properties.contract",
    "check_property": "training.properties.conformance",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name where it is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other_name = _PLACES[name].partition(":")
    found = getattr(importlib.import_module(module), other_name or name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
