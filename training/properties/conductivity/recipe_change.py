"""Whether a model was made by another recipe than today's, and what the boards said of the change.

`benchmarks/conductivity.py --what gate` runs both recipes on the boards, an hour of fits, and records its verdict in
`recipe_verdicts.json` under the hashes of the two; retraining reads it there. Sizes and seeds are no part of it: the
boards are run with small fits, and the other gates judge the sizes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.recipe import fixed_choices
from training.properties.conductivity.residual_net import ResidualNetSettings
from training.refitting.comparison import RecipeChange

VERDICTS_PATH = Path(__file__).with_name("recipe_verdicts.json")
COMMAND = "python benchmarks/conductivity.py --what gate"
_SIZES = {
    "process_iterations",
    "forest_trees",
    "boosting_rounds",
    "boosting_seeds",
    "explainer_trees",
    "explainer_neighbours",
    "n_folds",
    "seed",
}
_SIZES_OF_NETS = {"n_nets", "hidden"}
_ABOUT_ROWS = {"training_set", "ledger"}


def choices_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a recipe chose beside sizes and seeds, as JSON values.

    Parameters
    ----------
    recipe
        Of a card or a job. A setting that an older card does not name is that of the first recipe, which knew of none;
        a constant is today's.
    """
    whole = fixed_choices() | asdict(EnsembleSettings.of_the_first_recipe()) | dict(recipe)
    nets = {name: value for name, value in whole["nets"].items() if name not in _SIZES_OF_NETS}
    kept = {name: value for name, value in whole.items() if name not in _SIZES | _ABOUT_ROWS} | {"nets": nets}
    plain: dict[str, Any] = json.loads(json.dumps(kept))
    return plain


def settings_of(recipe: Mapping[str, Any]) -> EnsembleSettings:
    """Return the settings by which a card's model was fitted, with today's sizes.

    Raises
    ------
    ValueError
        If the card names a constant of another value, or a choice that is no more: it cannot be run beside today's.
    """
    known = {field.name for field in fields(EnsembleSettings)}
    chosen, constants = choices_of(recipe), choices_of(fixed_choices())
    foreign = [name for name in chosen if name not in known and chosen[name] != constants.get(name)]
    if foreign:
        raise ValueError(
            f"{', '.join(foreign)}: received another value than today's, expected the same: a constant cannot be run"
            " beside its old value; make it a setting"
        )
    own: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in chosen.items() if name in known - {"nets"}
    }
    return replace(EnsembleSettings(), **own, nets=replace(ResidualNetSettings(), **chosen["nets"]))


def key_of(recipe: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a recipe chose."""
    return hashlib.sha256(json.dumps(choices_of(recipe), sort_keys=True).encode()).hexdigest()


def change_between(
    old: Mapping[str, Any], new: Mapping[str, Any], verdicts: Path = VERDICTS_PATH
) -> RecipeChange | None:
    """Return what differs between two recipes and what the boards said of it; None where nothing does."""
    before, after = choices_of(old), choices_of(new)
    names = [name for name in sorted(before | after) if before.get(name) != after.get(name)]
    if not names:
        return None
    said = _recorded(verdicts).get((key_of(new), key_of(old)))
    changed = tuple(f"{name} {json.dumps(before.get(name))} -> {json.dumps(after.get(name))}" for name in names)
    return RecipeChange(changed, COMMAND, None if said is None else tuple(said["objections"]))


def record_verdict(
    old: Mapping[str, Any], new: Mapping[str, Any], objections: Sequence[str], told: Mapping[str, Any], path: Path
) -> None:
    """Write what the boards said of a change, in the place of what they said of the same before.

    Parameters
    ----------
    objections
        Why the new recipe does not pass; empty where it does.
    told
        The figures behind it, for a reader.
    """
    ours = {"recipe": key_of(new), "against": key_of(old), "objections": list(objections), **told}
    kept = [one for key, one in _recorded(path).items() if key != (ours["recipe"], ours["against"])]
    path.write_text(json.dumps([*kept, ours], indent=1) + "\n", encoding="utf-8")


def _recorded(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["recipe"], one["against"]): one for one in json.loads(path.read_text(encoding="utf-8"))}
