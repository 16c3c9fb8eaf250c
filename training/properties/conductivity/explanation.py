"""Why a material gets its conductivity, in terms of named physical features.

The pool's own trees see the process's opinion among their features, so that their Shapley values would mean nothing to
a chemist. Instead a surrogate, a few hundred small trees, imitates the pool's answer at 25 C from named features of
composition and unit cell only, and is explained exactly (`training/explanations.py`). What it misses is a term of its
own, and so is the temperature: the terms of an explanation always sum to the answered value,

    log10 sigma(T) = base + contributions of the features + not explained by them + temperature + stated + measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.explanations import TreeExplainer
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.ensemble import Ensemble, EnsembleSettings
from training.properties.conductivity.model import ConductivityModel, ConductivityPrediction, Variant
from training.properties.conductivity.named_features import feature_values, n_features, training_features
from training.properties.conductivity.neighbours import Neighbours, neighbours_of
from training.properties.conductivity.rows import ConductivityRows
from training.trees import TreeEnsemble, on_grid, split_off_grid

Array = NDArray[np.float64]

SETTINGS: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.2,
    "num_leaves": 8,
    "max_depth": 4,
    "min_data_in_leaf": 6,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}


@dataclass(frozen=True, slots=True)
class Explanations:
    """Terms in decades that sum to log10 sigma (S/cm) of n candidates at their temperatures.

    Parameters
    ----------
    base
        Shape (n,), mean log10 sigma at 25 C of what the surrogate was fitted on: the known materials and made-up ones
        around them.
    contributions, values
        Shape (n, features), of `named_features()`; a feature that the variant does not see contributes 0.
    not_explained
        Shape (n,), the model's answer at 25 C less the surrogate's.
    temperature
        Shape (n,), the model's answer less that at 25 C.
    stated
        Shape (n,), what density, contribution or population moved.
    measured
        Shape (n,), how far measurements of this very material moved the model's answer.
    """

    base: Array
    contributions: Array
    values: Array
    not_explained: Array
    temperature: Array
    stated: Array
    measured: Array


def explanations_of(
    model: ConductivityModel, batch: MaterialBatch, prediction: ConductivityPrediction
) -> Explanations | None:
    """Explain the predictions of n candidates; None where the model was fitted without what that takes.

    Parameters
    ----------
    model
        A model whose variants have an explainer; see `with_explainers`.
    batch
        The candidates.
    prediction
        What the model predicts for them.
    """
    values = feature_values(batch)
    base, contributions = np.empty(len(batch)), np.zeros(values.shape)
    for name, variant in model.variants.items():
        rows = np.flatnonzero(prediction.used_lattice == (name == "lattice"))
        if not len(rows):
            continue
        if variant.explainer is None:
            return None
        width = n_features(name)
        base[rows] = variant.explainer.base
        contributions[rows, :width] = variant.explainer.contributions(values[rows, :width])
    at_25C, of_model = prediction.of_model_25C, prediction.of_model
    return Explanations(
        base,
        contributions,
        values,
        at_25C - base - contributions.sum(axis=1),
        of_model - prediction.stated - at_25C,
        prediction.stated,
        prediction.log10_sigma_S_per_cm.value - of_model,
    )


def with_explainers(
    model: ConductivityModel,
    rows: ConductivityRows,
    settings: EnsembleSettings,
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> tuple[ConductivityModel, dict[str, float]]:
    """Fit a surrogate to each variant of a model.

    Parameters
    ----------
    model
        The final model.
    rows
        What it was fitted on.
    settings
        Sizes and seeds.
    on_step
        Called once a variant, for a progress bar.

    Returns
    -------
    model, fidelity
        The model with explainers; how well each surrogate imitates it where it had not seen it: R2 and mean absolute
        difference in decades on new compositions around the known ones and, as `cv_`, on left-out papers.
    """
    variants: dict[str, Variant] = {}
    fidelity: dict[str, float] = {}
    for name, variant in model.variants.items():
        examples = _Examples.of(variant.ensemble, rows, settings)
        explainer = fit_surrogate(examples.features, examples.answer, settings.explainer_trees)
        variants[name] = replace(variant, explainer=explainer)
        scores = _scores_on_new_neighbours(explainer, variant.ensemble, rows, settings)
        scores |= _scores_on_left_out_papers(examples, rows, name, settings)
        fidelity |= {f"{name}_explanation_{key}": round(value, 4) for key, value in scores.items()}
        on_step(f"{name}: explaining")
    return replace(model, variants=variants), fidelity


def fit_surrogate(features: Array, answer: Array, n_trees: int) -> TreeExplainer:
    """Fit small trees to answers (m,) given features (m, d)."""
    import lightgbm as lgb

    seen = on_grid(features)
    booster = lgb.train(SETTINGS, lgb.Dataset(seen, answer), n_trees)
    return TreeExplainer.of(split_off_grid(TreeEnsemble.from_lightgbm([booster])), seen)


class _Examples(NamedTuple):
    """What a surrogate learns from: first the m measured materials, then the neighbours made from them."""

    features: Array
    answer: Array
    neighbours: Neighbours

    @classmethod
    def of(cls, ensemble: Ensemble, rows: ConductivityRows, settings: EnsembleSettings) -> _Examples:
        neighbours = neighbours_of(rows.descriptors.composition, settings.explainer_neighbours, settings.seed)
        own_features, own_answer = _answered(ensemble, rows.descriptors)
        features, answer = _answered(ensemble, _descriptors_of(neighbours, rows.descriptors))
        return cls(np.vstack([own_features, features]), np.concatenate([own_answer, answer]), neighbours)


def _descriptors_of(neighbours: Neighbours, parents: Descriptors) -> Descriptors:
    """Describe made-up materials; a substituted argyrodite keeps an argyrodite's cell."""
    described = Descriptors.of(MaterialBatch.from_matrix(neighbours.composition))
    return replace(described, crystal=parents.crystal[neighbours.parent])


def _answered(ensemble: Ensemble, descriptors: Descriptors) -> tuple[Array, Array]:
    features = training_features(descriptors, ensemble.variant, ensemble.hot_deck)
    return features, ensemble.predict(descriptors).centre


def _scores_on_new_neighbours(
    explainer: TreeExplainer, ensemble: Ensemble, rows: ConductivityRows, settings: EnsembleSettings
) -> dict[str, float]:
    """Compare surrogate and pool on made-up materials that the surrogate has not seen: what most questions are like."""
    n_new = settings.explainer_neighbours // 9
    neighbours = neighbours_of(rows.descriptors.composition, n_new, settings.seed + 1)
    features, answer = _answered(ensemble, _descriptors_of(neighbours, rows.descriptors))
    return _scores(explainer.trees.sum(features), answer)


def _scores_on_left_out_papers(
    examples: _Examples, rows: ConductivityRows, variant: str, settings: EnsembleSettings
) -> dict[str, float]:
    """Compare them on papers that the surrogate has not seen, nor neighbours of their materials: the hard question."""
    m = len(rows)
    surrogate = np.empty(m)
    for train, test in rows.folds(settings.n_folds, settings.seed):
        kept = np.zeros(m, dtype=bool)
        kept[train] = True
        both = kept[examples.neighbours.parent] & kept[examples.neighbours.other_parent]
        learnt = np.concatenate([kept, both])
        fitted = fit_surrogate(examples.features[learnt], examples.answer[learnt], settings.explainer_trees)
        surrogate[test] = fitted.trees.sum(examples.features[:m][test])
    judged = rows.descriptors.has_lattice if variant == "lattice" else np.ones(m, dtype=bool)
    return {f"cv_{key}": value for key, value in _scores(surrogate[judged], examples.answer[:m][judged]).items()}


def _scores(surrogate: Array, answer: Array) -> dict[str, float]:
    error, spread = surrogate - answer, answer - answer.mean()
    return {"r2": 1.0 - float((error**2).sum() / (spread**2).sum()), "mae": float(np.abs(error).mean())}
