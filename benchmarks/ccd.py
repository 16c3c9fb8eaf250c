"""What was tried on the CCD table: variants of the model, tree ensembles and medians, each leaving one source out.

Prints one JSON line a variant: errors over rows and with papers weighted alike, rank correlation, mean absolute error
by class; and one with the time that 1,000 different materials take, the models of conductivity and stability asked
for each. `--quick` runs the model as it is, the medians and the time only.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from serving.answers.request import CandidateInput
from serving.commands.train import shipped_model
from serving.predictor import Predictor
from training.correlation import spearman
from training.properties.ccd import mixed_model, terms
from training.properties.ccd.cells import Reports
from training.properties.ccd.evaluation import class_medians, paper_mean
from training.properties.ccd.model import cross_fit
from training.properties.ccd.recipe import report_set
from training.properties.ccd.table import load_literature
from training.properties.ccd.terms import NUMBER_TERMS, Terms
from training.splits import leave_one_group_out

SHOWN_CLASSES = ("argyrodite", "garnet", "thiophosphate")


def main() -> None:
    """Run every variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the model as it is and the medians only")
    quick = parser.parse_args().quick
    reports = report_set(load_literature(), *(shipped_model(name)[0] for name in ("conductivity", "stability"))).reports
    for by, group in {
        "global median": np.full(len(reports), "all"),
        "class median": reports.cells.electrolyte_class,
    }.items():
        show(by, class_medians(reports, group), reports)
    show("the model", cross_fit(reports).opinion.centre, reports)
    print(json.dumps({"benchmark": "ccd", "speed": speed(200 if quick else 1000)}))
    if quick:
        return
    for name, change in variants().items():
        with change():
            show(name, cross_fit(reports).opinion.centre, reports)
    show("without interlayers", cross_fit(without_interlayers(reports)).opinion.centre, reports)
    show("bounds taken as values", cross_fit(as_values(reports)).opinion.centre, reports)
    for name in ("RandomForest", "ExtraTrees"):
        show(f"{name}, same inputs", trees(reports, name), reports)


def speed(count: int, repeats: int = 5) -> dict[str, float]:
    """Return the best time of a few for many different materials, answered as REST does."""
    predictor = Predictor.load("shipped")
    predictor.warm()
    formulas = [f"Li{6 - x / count:.6f}PS{5 - x / count:.6f}Cl{1 + x / count:.6f}" for x in range(1, count + 1)]
    rows = [CandidateInput(formula=formula) for formula in formulas]
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        predictor.answer(rows, properties=["ccd"])
        taken.append(time.perf_counter() - started)
    return {"materials": float(count), "best_s": round(min(taken), 3), "median_s": round(float(np.median(taken)), 3)}


def variants() -> dict[str, Callable[[], object]]:
    """Return changes of the recipe, each a context."""
    only_sigma = tuple(term for term in NUMBER_TERMS if term.name == "log10_sigma")
    changes: dict[str, Callable[[], object]] = {
        f"without {term.name}": lambda term=term: patch.object(  # type: ignore[misc]
            terms, "NUMBER_TERMS", tuple(t for t in NUMBER_TERMS if t is not term)
        )
        for term in NUMBER_TERMS
    }
    changes["conductivity the only number"] = lambda: patch.object(terms, "NUMBER_TERMS", only_sigma)
    changes["no number at all"] = lambda: patch.object(
        terms, "NUMBER_TERMS", tuple(replace(t, prior_sd=1e-4) for t in NUMBER_TERMS)
    )
    changes["without the material term"] = without_material
    changes["no offset of papers"] = lambda: patch.multiple(
        mixed_model, PAPER_VARIANCE=1e-4, PRIOR_WEIGHT=1e6, NOISE_VARIANCE=0.12
    )
    changes["normal noise"] = lambda: patch.object(mixed_model, "STUDENT_FREEDOM", 1e6)
    changes["slopes twice as free"] = lambda: patch.object(
        terms, "NUMBER_TERMS", tuple(replace(t, prior_sd=2 * t.prior_sd) for t in NUMBER_TERMS)
    )
    return changes


@contextmanager
def without_material() -> Iterator[None]:
    """Fit without the similarity of compositions."""
    fit = Terms.fit

    def bare(cells: terms.Cells) -> Terms:
        return replace(fit(cells), anchors=np.zeros((0, 103)), root=np.zeros((0, 0)))

    with patch.object(Terms, "fit", staticmethod(bare)):
        yield


def without_interlayers(reports: Reports) -> Reports:
    """Return the reports as if no interlayer had been stated."""
    return replace(reports, cells=replace(reports.cells, interlayer_type=np.full(len(reports), "")))


def as_values(reports: Reports) -> Reports:
    """Return the reports with bounds as if measured."""
    return replace(reports, is_lower_bound=np.zeros(len(reports), dtype=bool))


def trees(reports: Reports, name: str) -> np.ndarray:
    """Predict with a tree ensemble on the same columns, rows weighted by one over the root of their paper's rows."""
    import sklearn.ensemble

    out = np.empty(len(reports))
    for train, test in leave_one_group_out(reports.paper):
        own = reports.take(train)
        columns = Terms.fit(own.cells)
        n_named = len(columns.labels()) - len(columns.anchors)
        _, row, count = np.unique(own.paper, return_inverse=True, return_counts=True)
        forest = getattr(sklearn.ensemble, f"{name}Regressor")(
            200, min_samples_leaf=3, max_features=0.4, random_state=0
        )
        forest.fit(columns.design(own.cells)[:, :n_named], own.log10_ccd, sample_weight=count[row] ** -0.5)
        out[test] = forest.predict(columns.design(reports.cells.take(test))[:, :n_named])
    return out


def show(name: str, predicted: np.ndarray, reports: Reports) -> None:
    """Print one line."""
    error = np.abs(predicted - reports.log10_ccd)
    scores = {
        "mae": error.mean(),
        "paper_mae": paper_mean(error, reports.paper),
        "spearman": spearman(predicted, reports.log10_ccd),
    } | {f"mae_{c}": error[reports.cells.electrolyte_class == c].mean() for c in SHOWN_CLASSES}
    print(json.dumps({"variant": name} | {key: round(float(value), 4) for key, value in scores.items()}), flush=True)


if __name__ == "__main__":
    main()
