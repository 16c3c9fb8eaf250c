"""`elyte evaluate conductivity`: fit on the official OBELiX training split, score on the official test split.

Each run whose figures guide a choice is a look at the test split, entered by hand into docs/science/test-looks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.properties.conductivity.metrics import PUBLISHED_CENSORED_VALUE, ScoredPredictions, Truth, score

if TYPE_CHECKING:
    import pandas as pd

    from training.properties.conductivity.ensemble import EnsembleSettings
    from training.properties.conductivity.model import ConductivityModel
    from training.properties.conductivity.rows import ConductivityRows

Array = NDArray[np.float64]
N_BASELINE_SEEDS = 10


def evaluate(
    settings: EnsembleSettings | None = None, *, on_step: Callable[[str], None] = lambda what: None
) -> dict[str, Any]:
    """Score the recipe on the official test split.

    Returns
    -------
    dict
        Metrics of `metrics.score` for the model with lattice and all tables; the same under `formula_only` (the test
        rows' lattices hidden) and, without the literature table, under `obelix_only`; `baseline_rf_mae`; `forward`, the
        board of the next years' materials and of families left out, on all tables.

    Raises
    ------
    MissingSourceError
        If the public tables were not fetched.
    """
    from training.properties.conductivity.ensemble import EnsembleSettings
    from training.properties.conductivity.table import load_obelix

    rows = _all_rows()
    test = load_obelix("test")
    both, model = _with_and_without_lattice(test, literature=True, settings=settings, on_step=on_step)
    alone, _ = _with_and_without_lattice(test, literature=False, settings=settings, on_step=on_step)
    on_step("random-forest baseline")
    return (
        both["lattice"]
        | {"baseline_rf_mae": baseline_random_forest(load_obelix("train"), test)}
        | {"formula_only": both["formula"]}
        | {"obelix_only": alone["lattice"] | {"formula_only": alone["formula"]}}
        | {"forward": forward_figures(model, rows, settings or EnsembleSettings(), on_step=on_step)}
    )


def n_steps(settings: EnsembleSettings) -> int:
    """Return how often `evaluate` calls `on_step`; two models of two variants are fitted.

    Raises
    ------
    MissingSourceError
        If the public tables were not fetched.
    """
    from training.properties.conductivity import model

    return 2 * model.n_steps(settings) + 1 + n_forward_steps(_all_rows(), model.VARIANTS)


def n_forward_steps(rows: ConductivityRows, variants: Iterable[str]) -> int:
    """Return how often `forward_figures` calls `on_step`: one a window that asks something, and one a family."""
    from training.properties.conductivity.held_out import forward_cuts, without_each, without_families

    found = 0
    for name in variants:
        found += sum(1 for _ in forward_cuts(rows, with_cell=name == "lattice"))
        if name == "formula":
            found += sum(1 for _ in without_each(rows, without_families(rows)))
    return found


def _all_rows() -> ConductivityRows:
    from training.properties.conductivity.recipe import PUBLIC_SOURCES
    from training.properties.conductivity.rows import ConductivityRows
    from training.properties.conductivity.table import load_training_table
    from training.sources import require

    require(PUBLIC_SOURCES, "scoring the recipe of conductivity")
    return ConductivityRows.from_table(load_training_table(with_obelix_test=True))


def forward_figures(
    model: ConductivityModel,
    rows: ConductivityRows,
    settings: EnsembleSettings,
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Return the forward board of the recipe with a model's hyperparameters; see `benchmarks/conductivity.py`.

    By scope of the formula variant and, under `lattice`, of the other; `family_out` with the formula variant.
    """
    from training.properties.conductivity import boards
    from training.properties.conductivity.held_out import forward_cuts, without_each, without_families

    found: dict[str, dict[str, Any]] = {}
    for name, variant in model.variants.items():
        recipe = boards.Recipe(rows, name, settings.economical(), variant.ensemble.process.hyper)
        models: dict[str, boards.Model] = {"recipe": recipe, boards.CONSTANT: boards.constant}
        cuts = forward_cuts(rows, with_cell=name == "lattice")
        board = boards.board_of(rows, cuts, models, on_step=lambda window: on_step(f"forward: {window}"))
        found[name] = {
            scope: boards.figures(board, "recipe", keep)
            | {"mae_of_constant": boards.figures(board, boards.CONSTANT, keep)["mae"]}
            for scope, keep in boards.scopes_of(board).items()
            if keep.sum() > 1
        }
        if name == "formula":
            groups = without_each(rows, without_families(rows))
            apart = boards.board_of(
                rows, groups, {"recipe": recipe}, on_step=lambda family: on_step(f"without {family}")
            )
            found[name]["family_out"] = boards.group_means(apart, "recipe")
    return found["formula"] | {name: figures for name, figures in found.items() if name != "formula"}


def _with_and_without_lattice(
    test: pd.DataFrame, *, literature: bool, settings: EnsembleSettings | None, on_step: Callable[[str], None]
) -> tuple[dict[str, dict[str, float]], ConductivityModel]:
    from training.properties.conductivity.model import fit_model
    from training.properties.conductivity.rows import ConductivityRows
    from training.properties.conductivity.table import load_training_table

    rows = ConductivityRows.from_table(load_training_table(with_obelix_test=False, literature=literature))
    model, _ = fit_model(rows, settings, on_step=on_step)
    held_out = ConductivityRows.from_table(test)
    return {variant: _score_variant(model, held_out, test, variant) for variant in ("lattice", "formula")}, model


def _score_variant(
    model: ConductivityModel,
    held_out: ConductivityRows,
    test: pd.DataFrame,
    variant: str,
) -> dict[str, float]:
    from features.candidate import MaterialBatch
    from training.properties.conductivity.schema import LATTICE_COLUMNS

    lattice = test[list(LATTICE_COLUMNS)].to_numpy(dtype=float)
    hidden = lattice if variant == "lattice" else np.full_like(lattice, np.nan)
    sigma = model.predict(MaterialBatch.from_formulas(list(test["formula"]), hidden)).log10_sigma_S_per_cm
    return score(Truth(held_out.log10_sigma, held_out.is_upper_bound), ScoredPredictions(*sigma))


def baseline_random_forest(train: pd.DataFrame, test: pd.DataFrame, n_seeds: int = N_BASELINE_SEEDS) -> float:
    """Return the published-convention MAE of the OBELiX paper's random-forest recipe, mean over seeds.

    Features: atoms of each element in the cell, space-group number, cell lengths and angles; censored values at -15
    (doi 10.1039/D5DD00441A, which reports 1.59). Settings from the grid of the paper's script: 50 trees of depth 12,
    leaves of at least 2, all features at every split (the square root, also in the grid, is far worse).
    """
    from sklearn.ensemble import RandomForestRegressor

    from features.candidate import MaterialBatch
    from training.properties.conductivity.schema import LATTICE_COLUMNS

    def features(table: pd.DataFrame) -> Array:
        cell = table[list(LATTICE_COLUMNS)].to_numpy(dtype=float)
        atoms = MaterialBatch.from_formulas(list(table["formula"])).matrix() * cell[:, [7]]
        return np.hstack([atoms, cell[:, :7]])

    def target(table: pd.DataFrame) -> Array:
        value = table["log10_sigma_S_per_cm"].to_numpy(dtype=float)
        return np.where(table["is_upper_bound"], PUBLISHED_CENSORED_VALUE, value)

    errors = []
    for seed in range(n_seeds):
        forest = RandomForestRegressor(50, max_depth=12, max_features=None, min_samples_leaf=2, random_state=seed).fit(
            features(train), target(train)
        )
        errors.append(np.abs(forest.predict(features(test)) - target(test)).mean())
    return float(np.mean(errors))
