"""Search the settings of the residual nets (`training/properties/conductivity/residual_net.py`) with Optuna.

Each trial fits the nets of the formula variant in five grouped folds of the training table of `elyte evaluate
conductivity` (no row of the official OBELiX test split) beside the other members, which are fitted once. What is
minimised is the mean absolute error of left-out uncensored OBELiX rows, 0.7 that of the pool and 0.3 that of the nets
alone. Prints one JSON line with the best settings, their figures and those of the recipe.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from conductivity import Workbench, say
from conductivity_splits import Array, Rows

from training.properties.conductivity.ensemble import Ensemble, Lessons
from training.properties.conductivity.metrics import SMALLEST_REPORTED_PREDICTION
from training.properties.conductivity.model import at_temperature
from training.properties.conductivity.residual_net import ResidualNets, ResidualNetSettings

if TYPE_CHECKING:
    import optuna

N_TRIALS = 24
N_RANDOM_TRIALS = 10
N_FOLDS = 5
FOLD_SEED = 0
N_NETS_OF_A_TRIAL = 3
WEIGHT_OF_POOL = 0.7


@dataclass(frozen=True)
class Fold:
    """The other members, fitted without the left-out rows, and what the nets may learn from."""

    ensemble: Ensemble
    lessons: Lessons
    left_out: Rows


def folds_of(bench: Workbench) -> list[Fold]:
    """Fit everything but the nets; hyperparameters of the process are those of all rows, as in the recipe."""
    say("fitting the process on all rows ...")
    settings = replace(bench.settings, nets=ResidualNetSettings(n_nets=1, hidden=2, epochs=1))
    whole = Ensemble.fit(bench.rows, "formula", settings)
    found = []
    for train, left_out in bench.rows.folds(N_FOLDS, FOLD_SEED):
        say(f"fold without {len(left_out)} rows ...")
        rows = bench.rows.take(train)
        ensemble = Ensemble.fit(rows, "formula", settings, hyper=whole.process.hyper)
        _, material = rows.descriptors.distinct(with_lattice=False)
        lessons = Lessons.of(rows, "formula", ensemble.process, material, ensemble.hot_deck, settings.half_life_years)
        found.append(Fold(ensemble, lessons, left_out))
    return found


def errors(bench: Workbench, folds: list[Fold], settings: ResidualNetSettings) -> dict[str, float]:
    """Return the mean absolute error over left-out uncensored OBELiX rows, of the pool and of the nets alone."""
    rows = bench.rows
    centres = {"pool": np.empty(len(rows)), "nets": np.empty(len(rows))}
    alone = (0.0, 0.0, 0.0, 1.0)
    for number, fold in enumerate(folds):
        nets = ResidualNets.fit(*fold.lessons, settings, seed=bench.settings.seed + number)
        left_out = rows.take(fold.left_out)
        for name, weights in (("pool", bench.settings.weights), ("nets", alone)):
            pool = replace(fold.ensemble, nets=nets, weights=weights).predict(left_out.descriptors)
            centres[name][fold.left_out] = at_temperature(pool, left_out.temperature_C).centre
    judged = bench.is_obelix & rows.has_sigma & ~rows.is_upper_bound
    return {
        f"mae_uncensored_{name}": _mae(centre[judged], rows.log10_sigma[judged]) for name, centre in centres.items()
    }


def _mae(predicted: Array, measured: Array) -> float:
    return float(np.abs(np.maximum(predicted, SMALLEST_REPORTED_PREDICTION) - measured).mean())


def objective(found: dict[str, float]) -> float:
    """Return what a trial minimises."""
    return WEIGHT_OF_POOL * found["mae_uncensored_pool"] + (1.0 - WEIGHT_OF_POOL) * found["mae_uncensored_nets"]


def suggested(trial: optuna.Trial, n_nets: int) -> ResidualNetSettings:
    """Return the settings of a trial."""
    return ResidualNetSettings(
        n_nets=n_nets,
        hidden=trial.suggest_categorical("hidden", [32, 64]),
        epochs=trial.suggest_int("epochs", 30, 150, step=30),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-3, 0.5, log=True),
        input_dropout=trial.suggest_float("input_dropout", 0.0, 0.3),
        hidden_dropout=trial.suggest_float("hidden_dropout", 0.0, 0.5),
    )


def search(bench: Workbench, n_trials: int) -> dict[str, Any]:
    """Run the trials; the recipe's settings are the first."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folds = folds_of(bench)

    def trial_value(trial: optuna.Trial) -> float:
        found = errors(bench, folds, suggested(trial, N_NETS_OF_A_TRIAL))
        say(f"trial {trial.number}: {objective(found):.4f} {found} {trial.params}")
        return objective(found)

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=N_RANDOM_TRIALS))
    recipe = ResidualNetSettings()
    study.enqueue_trial({name: value for name, value in asdict(recipe).items() if name != "n_nets"})
    study.optimize(trial_value, n_trials=n_trials)
    best = replace(recipe, **study.best_params)
    return {
        "trials": len(study.trials),
        "folds": N_FOLDS,
        "fold_seed": FOLD_SEED,
        "objective": study.best_value,
        "best": asdict(best) | errors(bench, folds, best),
        "recipe": asdict(recipe) | errors(bench, folds, recipe),
    }


def main() -> None:
    """Search and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two trials on a third of the papers, small other members")
    parser.add_argument("--trials", type=int, default=N_TRIALS)
    arguments = parser.parse_args()
    bench = Workbench(quick=arguments.quick)
    result = search(bench, 2 if arguments.quick else arguments.trials)
    print(json.dumps({"benchmark": "tune_residual_net"} | result))


if __name__ == "__main__":
    main()
