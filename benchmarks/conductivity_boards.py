"""The boards of conductivity: `benchmarks/conductivity.py --what forward|family|anion`.

Beside the recipe stand a constant, a plain ensemble and the recipe of the first shipped bundles (commit e84e3d4), whose
hyperparameters are `conductivity_first_recipe.json`; every difference is paired. A whole run is a look at the board and
is appended to docs/science/test-looks.md.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from training.properties.conductivity import boards
from training.properties.conductivity.boards import Board, Figures, Model, Recipe, board_of
from training.properties.conductivity.bundling import load_conductivity
from training.properties.conductivity.ensemble import Ensemble, EnsembleSettings
from training.properties.conductivity.gaussian_process import Hyperparameters
from training.properties.conductivity.held_out import (
    HeldOut,
    forward_cuts,
    without_anion_classes,
    without_each,
    without_families,
)
from training.properties.conductivity.metrics import Truth, honest_error, paired_bootstrap
from training.properties.conductivity.model import VARIANTS, at_temperature
from training.properties.conductivity.recipe_change import VERDICTS_PATH, key_of, record_verdict, settings_of
from training.properties.conductivity.retraining import ConductivityJob
from training.properties.conductivity.rows import ConductivityRows, near_room_temperature
from training.properties.conductivity.table import load_training_table, papers
from training.splits import grouped_folds

ROOT = Path(__file__).parents[1]
LOOKS = ROOT / "docs" / "science" / "test-looks.md"
LIMITS = ROOT / "training" / "properties" / "conductivity" / "limits.toml"
FIRST_RECIPE = Path(__file__).with_name("conductivity_first_recipe.json")
SHIPPED = ROOT / "serving" / "bundles" / "conductivity"
RECIPE, FIRST = "recipe", "first_recipe"
REPORTED, CONDUCTORS = "reported", "conductors"
QUICK_DRAWS, QUICK_FITS = 200, 2
Say = Callable[[str], None]


class Scale(NamedTuple):
    """How much is done: all of it, or a smoke test whose figures mean nothing."""

    quick: bool

    @property
    def n_draws(self) -> int:
        """Draws of the bootstrap."""
        return QUICK_DRAWS if self.quick else boards.N_DRAWS

    def rows(self) -> ConductivityRows:
        """All tables; every third paper when quick."""
        table = load_training_table(with_obelix_test=True)
        keep = grouped_folds(papers(table), 3, 0) == 0 if self.quick else np.ones(len(table), dtype=bool)
        return ConductivityRows.from_table(table.loc[keep].reset_index(drop=True))

    def of(self, settings: EnsembleSettings) -> EnsembleSettings:
        """Return the sizes of the fits."""
        return settings.sized_as(EnsembleSettings.quick()) if self.quick else settings.economical()


def board_figures(what: str, *, quick: bool, say: Say) -> dict[str, object]:
    """Measure one board, for both variants where it is the forward one, and log a whole run as a look."""
    scale = Scale(quick)
    rows, found = scale.rows(), {}
    for variant in VARIANTS if what == "forward" else ("formula",):
        models = _models(rows, variant, scale, say)
        board = _board(rows, what, variant, models, scale, say)
        found[variant] = _forward(board, scale) if what == "forward" else _groups(board, scale)
    if not quick:
        log_look(LOOKS, what, found)
    return {**found}


def population_figures(*, quick: bool, say: Say) -> dict[str, object]:
    """Ask what a shift towards what gets reported does on the forward board, both variants; a look each.

    Before each cut the shift is the recency-weighted median of the signed scores of left-out rows: of all of them, as
    `population="reported"` answers, or of those above 1e-8 S/cm only (`conductors`). The ends move with the centre.
    """
    scale = Scale(quick)
    rows, found = scale.rows(), {}
    for variant in VARIANTS:
        hyper = load_conductivity(SHIPPED)[0].variants[variant].ensemble.process.hyper
        say(f"{variant}: left-out rows for the intervals ...")
        shifted = Shifted(Recipe(rows, variant, scale.of(EnsembleSettings()), hyper))
        models: dict[str, Model] = {name: partial(shifted.answer, name) for name in (RECIPE, REPORTED, CONDUCTORS)}
        board = _board(rows, "forward", variant, models, scale, say)
        found[variant] = {"shifts": shifted.shifts, **_forward(board, scale)}
        if not quick:
            recent = board.year >= boards.RECENT_YEAR
            said = (f"{name} {boards.figures(board, name, recent, 1)['mae']:.3f}" for name in models)
            what = f"forward, {variant}, moved towards what gets reported, ends too"
            append_look(LOOKS, what, f"since_{boards.RECENT_YEAR}: {', '.join(said)}")
    return {**found}


class Shifted:
    """A recipe and what becomes of its answers when the centre is moved; one fit a cut for all of them."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.shifts: dict[str, list[float]] = {REPORTED: [], CONDUCTORS: []}
        self._fitted: tuple[str, Ensemble] | None = None

    def answer(self, name: str, rows: ConductivityRows, held_out: HeldOut) -> boards.Answers:
        """Answer as the recipe does, or moved by the shift of that name."""
        if self._fitted is None or self._fitted[0] != held_out.name:
            learnt = rows.take(held_out.learnt)
            fitted = Ensemble.fit(learnt, self.recipe.variant, self.recipe.settings, hyper=self.recipe.hyper)
            self._fitted = held_out.name, fitted
        left_out = boards.of_before(self.recipe.left_out, held_out.known_before)
        shift = 0.0
        if name != RECIPE:
            known = left_out.rows.log10_sigma > boards.INSULATOR
            shift = left_out.sigma_scale(known if name == CONDUCTORS else np.ones(len(known), dtype=bool)).median
            self.shifts[name].append(round(shift, 3))
        return self.recipe.answers(self._fitted[1], left_out, rows, held_out, shift)


def gate_figures(*, quick: bool, say: Say) -> dict[str, object]:
    """Judge the recipe against `old_recipe` by `[recipe]` of the property's limits, formula variant; two looks.

    A whole run records the verdict, which retraining asks for where a champion is of the old recipe.
    """
    scale = Scale(quick)
    rows, limits = scale.rows(), tomllib.loads(LIMITS.read_text(encoding="utf-8"))["recipe"]
    old, new = old_recipe(), ConductivityJob().recipe()
    models = _models(rows, "formula", scale, say, old)
    forward, family = (_board(rows, what, "formula", models, scale, say) for what in ("forward", "family"))
    every = np.ones(len(forward.year), dtype=bool)
    differences = {
        "forward_all": boards.difference(forward, RECIPE, FIRST, every, scale.n_draws),
        "family_mean": boards.group_mean_difference(family, RECIPE, FIRST, scale.n_draws),
    }
    cross_validation = _left_out_difference(models, scale)
    against = objections(differences, cross_validation, limits)
    told = {**differences, "cross_validation": cross_validation}
    if not quick:
        beside = "formula" if is_the_first(old) else "formula, beside the shipped recipe"
        log_look(LOOKS, "forward", {beside: _forward(forward, scale)})
        log_look(LOOKS, "family", {beside: _groups(family, scale)})
        record_verdict(old, new, against, {"date": f"{datetime.now(UTC):%Y-%m-%d}", **told}, VERDICTS_PATH)
    return {**told, "old_recipe": old, "against": against}


def old_recipe() -> Mapping[str, Any]:
    """Return the recipe that today's is held against: that of the shipped bundle, or the first where it is today's."""
    shipped = load_conductivity(SHIPPED)[1].card.recipe
    is_todays = key_of(shipped) == key_of(ConductivityJob().recipe())
    return asdict(EnsembleSettings.of_the_first_recipe()) if is_todays else shipped


def is_the_first(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe chose as the first one did."""
    return key_of(recipe) == key_of(asdict(EnsembleSettings.of_the_first_recipe()))


def objections(differences: Mapping[str, Figures], cross_validation: Figures, limits: Mapping[str, float]) -> list[str]:
    """Return why a change of the recipe does not pass; nothing where it does.

    Parameters
    ----------
    differences
        By board, new recipe less old.
    cross_validation
        The same over left-out papers.
    limits
        `[recipe]` of the property's `limits.toml`.
    """
    largest = limits["largest_board_difference_decades"]
    found = [f"{name} is worse: {d['difference']:+.3f}" for name, d in differences.items() if d["difference"] > largest]
    better = sum(d["high_95"] < 0.0 for d in differences.values())
    if better < limits["fewest_boards_better"]:
        found.append(f"{better} boards are better beyond their interval; expected {limits['fewest_boards_better']:g}")
    if cross_validation["difference"] > limits["largest_cross_validation_difference_decades"]:
        found.append(f"left-out papers are worse: {cross_validation['difference']:+.3f}")
    return found


def _left_out_difference(models: Mapping[str, Model], scale: Scale) -> Figures:
    """Return how much more the recipe errs than the first one on left-out papers near room temperature."""
    errors = []
    for name in (RECIPE, FIRST):
        recipe = models[name]
        assert isinstance(recipe, Recipe)
        rows, near = recipe.left_out.rows, near_room_temperature(recipe.left_out.rows)
        pool = at_temperature(recipe.left_out.pool, rows.temperature_C)
        errors.append(honest_error(Truth(rows.log10_sigma[near], rows.is_upper_bound[near]), pool.centre[near]))
    return paired_bootstrap(errors[0] - errors[1], rows.paper[near], scale.n_draws)


def _models(
    rows: ConductivityRows, variant: str, scale: Scale, say: Say, old: Mapping[str, Any] | None = None
) -> dict[str, Model]:
    """Return the recipe and what stands beside it; `old` takes the place of the first recipe.

    The process of the first recipe has its own hyperparameters, that of any other those of the shipped bundle.
    """
    model, _ = load_conductivity(SHIPPED)
    shipped = model.variants[variant].ensemble.process.hyper
    first = Hyperparameters(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in json.loads(FIRST_RECIPE.read_text(encoding="utf-8"))[variant].items()
        }
    )
    say(f"{variant}: left-out rows for the intervals ...")
    settings = EnsembleSettings.of_the_first_recipe() if old is None else settings_of(old)
    return {
        RECIPE: Recipe(rows, variant, scale.of(EnsembleSettings()), shipped),
        FIRST: Recipe(rows, variant, scale.of(settings), first if old is None or is_the_first(old) else shipped),
        boards.CONSTANT: boards.constant,
        boards.PLAIN: boards.plain_ensemble,
    }


def _board(rows: ConductivityRows, what: str, variant: str, models: dict[str, Model], scale: Scale, say: Say) -> Board:
    fits = list(_held_out(rows, what, variant))
    chosen = fits[-QUICK_FITS:] if scale.quick else fits
    return board_of(rows, chosen, models, on_step=lambda name: say(f"{what}, {variant}: {name}"))


def _held_out(rows: ConductivityRows, what: str, variant: str) -> Iterator[HeldOut]:
    if what == "forward":
        return forward_cuts(rows, with_cell=variant == "lattice")
    groups = without_families(rows) if what == "family" else without_anion_classes(rows)
    return without_each(rows, groups)


def _forward(board: Board, scale: Scale) -> dict[str, dict[str, Figures]]:
    """Return figures by scope and model, and how much the recipe differs from each other model."""
    out = {}
    for scope, keep in boards.scopes_of(board).items():
        if keep.sum() > 1:
            models = {name: boards.figures(board, name, keep, scale.n_draws) for name in board.answers}
            out[scope] = models | {
                f"{RECIPE}_minus_{name}": boards.difference(board, RECIPE, name, keep, scale.n_draws)
                for name in islice(board.answers, 1, None)
            }
    return out


def _groups(board: Board, scale: Scale) -> dict[str, dict[str, Figures]]:
    """Return means over rows and groups by model, the groups' own errors, and how much the recipe differs."""
    every = np.ones(len(board.year), dtype=bool)
    out = {
        name: boards.figures(board, name, every, scale.n_draws) | boards.group_means(board, name)
        for name in board.answers
    }
    for name in islice(board.answers, 1, None):
        out[f"{RECIPE}_minus_{name}"] = boards.difference(board, RECIPE, name, every, scale.n_draws)
        means = boards.group_mean_difference(board, RECIPE, name, scale.n_draws)
        out[f"{RECIPE}_minus_{name}_mean"] = means
    return out | {"groups": boards.by_group(board, RECIPE)}


def log_look(path: Path, what: str, found: dict[str, dict[str, dict[str, Figures]]]) -> None:
    """Append one line a variant to the log of looks."""
    for variant, figures in found.items():
        if what == "forward":
            scopes = ("all", f"since_{boards.RECENT_YEAR}", f"far_since_{boards.RECENT_YEAR}")
            said = ", ".join(f"{s} {_pair(figures[s], 'mae')}" for s in scopes if s in figures)
        else:
            said = ", ".join(f"{key} {_pair(figures, key)}" for key in ("mae_rows", "mae_mean"))
        append_look(path, f"{what}, {variant}", said)


def append_look(path: Path, what: str, said: str) -> None:
    """Append a numbered line to the log of looks, whose last table is that of the boards."""
    table = path.read_text(encoding="utf-8").rpartition("\n# ")[2]
    number = 1 + sum(line.startswith("| ") and line[2].isdigit() for line in table.splitlines())
    with path.open("a", encoding="utf-8") as handle:
        handle.write(f"| {number} | {datetime.now(UTC):%Y-%m-%d} | {what} | {said} | |\n")


def _pair(models: dict[str, Figures], key: str) -> str:
    return " / ".join(f"{models[name][key]:.3f}" for name in (RECIPE, FIRST))
