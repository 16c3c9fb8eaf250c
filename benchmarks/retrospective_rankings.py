"""The rankings that the retrospective benchmark compares: elyte's, through its public door, and what must be beaten."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from retrospective_cuts import Cut, History

from features.candidate import MaterialBatch
from features.featurizers import FEATURIZERS
from features.similarity import half_l1
from serving.answers.request import CandidateInput
from serving.predictor import Predictor
from serving.ranking.acquisition import Acquisition
from serving.ranking.core import Order
from serving.ranking.request import BatchRequest, RankRequest
from training.bundle import DataSource
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.retraining import ConductivityJob
from training.refitting.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

TARGETS = {"1e-3": -3.0, "1e-2": -2.0}
"""Targets in S/cm at 25 C, as an objective writes them, and their logarithms."""
RULES = (Acquisition.SUCCESS, Acquisition.UCB, Acquisition.THOMPSON, Acquisition.EHVI)
BATCH, EXPLORES = 5, (0.5, 1.0)
N_FORESTS = 5
FOREST = {"n_estimators": 50, "max_depth": 12, "min_samples_leaf": 2}
"""The settings of `training.properties.conductivity.evaluation.baseline_random_forest`."""
NEVER_SHOWN = {"explainer_trees": 20, "explainer_neighbours": 200}
"""Explanations are part of a bundle, but no ranking looks at them."""
_NONE = "0" * 64


@dataclass(frozen=True)
class Ranked:
    """Scores over the n materials of a pool, more is better, and what elyte said of each.

    Parameters
    ----------
    scores
        Name of the ranking to scores of shape (n,).
    probability
        Target to the probability of success that elyte states, shape (n,).
    value
        elyte's log10 sigma, shape (n,).
    in_domain
        elyte's flag, shape (n,).
    batches
        Rule and dial to chosen positions.
    """

    scores: dict[str, Array]
    probability: dict[str, Array]
    value: Array
    in_domain: NDArray[np.bool_]
    batches: dict[str, list[int]]

    def write(self, path: Path) -> None:
        """Write it as JSON; a reader never sees half of it."""
        plain = {
            "scores": {name: score.tolist() for name, score in self.scores.items()},
            "probability": {name: p.tolist() for name, p in self.probability.items()},
            "value": self.value.tolist(),
            "in_domain": self.in_domain.tolist(),
            "batches": self.batches,
        }
        part = path.with_suffix(".part")
        part.write_text(json.dumps(plain))
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> Ranked:
        """Read what `write` wrote."""
        found = json.loads(path.read_text())
        return cls(
            {name: np.array(score) for name, score in found["scores"].items()},
            {name: np.array(p) for name, p in found["probability"].items()},
            np.array(found["value"]),
            np.array(found["in_domain"], dtype=bool),
            found["batches"],
        )


def rank_cut(history: History, cut: Cut, settings: EnsembleSettings, work: Path) -> Ranked:
    """Return all rankings of a cut's pool; what was once worked out in this folder is read."""
    path = work / f"{cut.question}-{cut.key(repr(asdict(settings)))}.json"
    if path.exists():
        return Ranked.read(path)
    formulas = history.rows.formula[cut.pool].tolist()
    ranked = elyte_rankings(history.table.iloc[cut.train].reset_index(drop=True), formulas, settings)
    ranked.scores.update(other_rankings(history, cut))
    ranked.write(path)
    return ranked


def elyte_rankings(table: pd.DataFrame, formulas: list[str], settings: EnsembleSettings) -> Ranked:
    """Fit as `elyte retrain` does, serve the bundle, and ask it to rank formulas."""
    with tempfile.TemporaryDirectory(prefix="elyte-retrospective-") as folder:
        fit_bundle(table, settings, Path(folder) / "conductivity")
        predictor = Predictor.load(folder, ["conductivity"])
        ranks: dict[str, Array] = {}
        probability, value, inside = {}, np.empty(len(formulas)), np.zeros(len(formulas), dtype=bool)
        for target in TARGETS:
            listed = _ask(predictor, formulas, target, Order.SUCCESS)["ranking"]
            place = [entry["index"] for entry in listed]
            ranks[f"success {target}"] = _score_of(place, len(formulas))
            probability[target] = np.empty(len(formulas))
            probability[target][place] = [entry["probability_of_success"] for entry in listed]
            value[place] = [entry["objectives"][0]["value"] for entry in listed]
            inside[place] = [entry["in_domain"]["conductivity"] for entry in listed]
        by_value = _ask(predictor, formulas, "1e-3", Order.UTILITY)["ranking"]
        ranks["value"] = _score_of([entry["index"] for entry in by_value], len(formulas))
        batches = {
            f"{rule} {explore:g}": _batch(predictor, formulas, rule, explore) for rule in RULES for explore in EXPLORES
        }
    return Ranked(ranks, probability, value, inside, batches)


def fit_bundle(table: pd.DataFrame, settings: EnsembleSettings, folder: Path) -> None:
    """Fit the recipe on a table and write the bundle that a service would load."""
    source = DataSource(name="past", rows=len(table), licence="see docs/science/data.md", attribution="", sha256=_NONE)
    nothing = np.zeros(len(table), dtype=bool)
    known = TrainingSet(_NONE, table, nothing, table, table.iloc[:0], _NONE, [source], ["A benchmark's."], 0, ())
    job = ConductivityJob(replace(settings, **NEVER_SHOWN), lambda: (table, [source], []))  # type: ignore[arg-type]
    job.fit(known, folder, lambda what: None)


def _ask(
    predictor: Predictor,
    formulas: list[str],
    target: str,
    order: Order,
    batch: BatchRequest | None = None,
    top: int | None = None,
) -> dict[str, Any]:
    candidates = [CandidateInput(formula=formula) for formula in formulas]
    document = predictor.rank(
        RankRequest(
            candidates=candidates,
            objectives=[f"sigma>={target}@25"],
            order=order,
            top=top or len(formulas),
            batch=batch,
        )
    )
    if document["counts"]["ranked"] != len(formulas):
        raise RuntimeError(f"{document['counts']['ranked']} of {len(formulas)} materials were ranked")
    return document


def _score_of(place: list[int], n: int) -> Array:
    """Return minus the rank of each candidate, from positions in the order of a ranking."""
    score = np.empty(n)
    score[place] = -np.arange(n, dtype=float)
    return score


def _batch(predictor: Predictor, formulas: list[str], rule: Acquisition, explore: float) -> list[int]:
    asked = BatchRequest(size=BATCH, method=rule, explore=explore)
    picks = _ask(predictor, formulas, "1e-3", Order.SUCCESS, asked, top=1)["batch"]["picks"]
    return [int(pick["index"]) for pick in picks]


def other_rankings(history: History, cut: Cut) -> dict[str, Array]:
    """Return the rankings of a random forest, of a forest of hits and of the nearest known material.

    They learn from the rows of the cut that carry a conductivity near 25 C; a bound counts as a value, as elyte's
    activation energies and other temperatures are nothing that they can use.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    rows = cut.train[history.at_room[cut.train]]
    magpie = FEATURIZERS["magpie"]
    learnt, asked = (
        magpie(MaterialBatch.from_formulas(history.rows.formula[which].tolist())) for which in (rows, cut.pool)
    )
    value = history.rows.log10_sigma[rows]
    out: dict[str, Array] = {"forest": np.zeros(len(asked))}
    for seed in range(N_FORESTS):
        forest = RandomForestRegressor(**FOREST, max_features=None, random_state=seed)
        out["forest"] += forest.fit(learnt, value).predict(asked) / N_FORESTS
    for name, target in TARGETS.items():
        hit = (value >= target) & ~history.rows.is_upper_bound[rows]
        votes = np.zeros(len(asked))
        for seed in range(N_FORESTS if hit.any() else 0):
            votes += RandomForestClassifier(**FOREST, random_state=seed).fit(learnt, hit).predict_proba(asked)[:, 1]
        out[f"forest of hits {name}"] = votes / N_FORESTS
    between = half_l1(history.composition[cut.pool], history.composition[rows])
    out["nearest"] = value[between.argmin(axis=1)]
    return out
