"""The predictive distribution of the critical current density; all conditions share one error."""

from __future__ import annotations

import numpy as np

from training.distributions import HALF, ConformalDistribution, Predictive
from training.properties.ccd.judgement import CcdJudgement
from training.properties.ccd.model import CcdModel
from training.properties.ccd.quantities import NAME
from training.properties.outputs import ModelOutputs

ERROR = "critical current density"
"""Source of error."""


def distribution(outputs: ModelOutputs) -> Predictive:
    """See `contract.Property.distribution`; of log10 in mA/cm2."""
    model: CcdModel = outputs.models[NAME]
    judged, n = outputs.judged(NAME), len(outputs)
    missing = judged.missing
    centre, sd = np.full(n, np.nan), np.full(n, np.nan)
    if judged.judgement is not None:
        assert isinstance(judged.judgement, CcdJudgement)
        opinion = model.regression(judged.judgement.cells)
        silent = np.array([reason is not None for reason in missing], dtype=bool)
        centre, sd = (np.where(silent, np.nan, judged.spread(column)) for column in opinion)
    found = ConformalDistribution.symmetric(ERROR, centre, sd, model.scale)
    return Predictive(found, missing, {ERROR: np.full(n, HALF)})
