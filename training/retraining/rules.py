"""The limits of the gates, read and checked: `rules.toml` for all, `limits.toml` in a property's folder for its own."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from training.properties import registry

RULES_PATH = Path(__file__).with_name("rules.toml")


class RulesError(ValueError):
    """The rules cannot be used; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of one property; the files say of each why, its name the unit.

    A "decade" is one unit of the values that the models learn where these are no decimal logarithms.
    `sha256` is that of both files together: a decision names the rules that it was taken by.
    """

    property: str
    sha256: str
    allowed_licences: tuple[str, ...]
    needs_official_split: bool
    fewest_materials_to_learn_from: int
    fewest_sources_of_a_surprise: int
    largest_rank_p: float
    rank_p_of_noise: float
    spread_ratio_of_noise: float
    laboratory_noise_decades: float
    smallest_coverage_p: float
    smallest_contradiction_p: float
    smallest_harm_decades: float
    largest_official_upper_end_decades: float
    largest_cross_validation_upper_end_decades: float
    largest_neighbours_upper_end_decades: float
    neighbour_distance: float
    fewest_neighbours: int
    coverage_band: tuple[float, float]
    smallest_official_coverage_p: float
    golden_tolerance_decades: float
    golden_slack_decades: float
    golden_step_decades: float
    largest_size_MB: float
    longest_load_seconds: float
    longest_answer_milliseconds: float


def load_rules(property_name: str, limits: Path | None = None) -> Rules:
    """Read the rules of a property.

    Parameters
    ----------
    property_name
        One that has gates.
    limits
        Its `limits.toml`; None takes the one of its folder.

    Raises
    ------
    RulesError
        If a file cannot be read, or a key is missing, unknown or of another type.
    """
    path = limits or registry.get(property_name).limits()
    if path is None:
        raise RulesError(f"{property_name} has no limits.toml beside its declaration, expected one with [gates]")
    try:
        content = [RULES_PATH.read_bytes(), path.read_bytes()]
        given: dict[str, Any] = {**tomllib.loads(content[0].decode()), **tomllib.loads(content[1].decode())["gates"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RulesError(f"{path} holds no rules for {property_name}: {error}") from error
    expected = {field.name: str(field.type) for field in fields(Rules) if field.name not in ("property", "sha256")}
    odd = sorted(set(given) ^ set(expected))
    if odd:
        raise RulesError(f"{path}: keys missing or unknown for {property_name}: {', '.join(odd)}")
    checked = {name: _checked(path, name, given[name], kind) for name, kind in expected.items()}
    return Rules(property=property_name, sha256=hashlib.sha256(b"".join(content)).hexdigest(), **checked)


def _checked(path: Path, name: str, value: Any, kind: str) -> Any:  # noqa: ANN401
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    matches = {
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and is_number,
        "float": is_number,
        "tuple[str, ...]": isinstance(value, list) and all(isinstance(part, str) for part in value),
        "tuple[float, float]": isinstance(value, list) and len(value) == 2,
    }
    if not matches[kind]:
        raise RulesError(f"{path}: {name}: received {value!r}, expected {kind}")
    return tuple(value) if isinstance(value, list) else value
