"""The known materials nearest to candidates, measured by each model's own distance.

The distances of different properties are different scales: conductivity and stability compare compositions, critical
current density adds what differs in the cell. Within one property, smaller is nearer, and `in_domain` says whether the
model trusts itself there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from features.candidate import Candidate, Conditions, MaterialBatch
from features.errors import CandidateError
from serving.answers import ccd_answers, conductivity_answers, stability_answers
from serving.answers.nearest_request import NEAREST_FIELDS
from serving.answers.request import MIN_COVERAGE, Property
from serving.answers.rows import PropertyAnswers
from serving.models.store import ServedModel
from training.properties.ccd.model import CcdModel
from training.properties.conductivity.model import ConductivityModel
from training.properties.stability.model import StabilityModel

Finder = Callable[[ServedModel, Sequence[Candidate], Sequence[Conditions], int], PropertyAnswers]


def answer_nearest(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], count: int
) -> PropertyAnswers:
    """Find the nearest known materials of one property for n candidates.

    Parameters
    ----------
    served
        The property's model.
    candidates, conditions
        Of equal length n; conditions matter to the critical current density alone.
    count
        How many materials to name, fewer where fewer are known.
    """
    answers = _FINDERS[served.property](served, candidates, conditions, count)
    for block in filter(None, answers.blocks):
        block["nearest"] = [_with_unit(served.property, material) for material in block["nearest"]]
    return answers


def _with_unit(name: Property, material: dict[str, Any]) -> dict[str, Any]:
    return {NEAREST_FIELDS[name] if key == "value" else key: value for key, value in material.items()}


def _of_conductivity(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], count: int
) -> PropertyAnswers:
    model: ConductivityModel = served.model
    batch = MaterialBatch.from_candidates(candidates)
    # Neither temperature nor coverage moves a distance; the smallest coverage is the one that every calibration allows.
    said = model.predict(batch, coverage=MIN_COVERAGE, thresholds=())
    return _answers(conductivity_answers.applicability_of(model, batch.matrix(), said, count))


def _of_stability(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], count: int
) -> PropertyAnswers:
    model: StabilityModel = served.model
    batch = MaterialBatch.from_candidates(candidates)
    errors = [stability_answers.without_energies(elements) for elements in model.uncovered_elements(batch)]
    good = [i for i, error in enumerate(errors) if error is None]
    blocks: list[dict[str, Any] | None] = [None] * len(candidates)
    if good:
        said = model.neighbourhood(batch.take(np.array(good)), count)
        for row, i in enumerate(good):
            blocks[i] = stability_answers.applicability_of(model, said, row)
    return _answers(blocks, errors)


def _of_ccd(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], count: int
) -> PropertyAnswers:
    model: CcdModel = served.model
    composition = MaterialBatch.from_candidates(candidates).matrix()
    blocks: list[dict[str, Any] | None] = [None] * len(candidates)
    errors: list[CandidateError | None] = [None] * len(candidates)
    for i, (candidate, stated) in enumerate(zip(candidates, conditions, strict=True)):
        try:
            asked = ccd_answers.read_question(candidate, stated)
        except CandidateError as error:
            errors[i] = error
        else:
            support = ccd_answers.support_of(model, asked)
            blocks[i] = ccd_answers.applicability_of(model, support, asked, composition[[i]], count)[0]
    return _answers(blocks, errors)


def _answers(
    blocks: Sequence[dict[str, Any] | None], errors: list[CandidateError | None] | None = None
) -> PropertyAnswers:
    n = len(blocks)
    return PropertyAnswers([*blocks], [{}] * n, [[] for _ in range(n)], errors=errors)


_FINDERS: dict[Property, Finder] = {
    Property.CONDUCTIVITY: _of_conductivity,
    Property.STABILITY: _of_stability,
    Property.CCD: _of_ccd,
}
