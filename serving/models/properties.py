"""Where each property's model is loaded and answered: a new property is one more line here. Imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any

from serving.answers.request import Property
from serving.answers.rows import PropertyAnswers
from training.bundle import Bundle

Loader = Callable[[Path, str | None], tuple[Any, Bundle]]
Answerer = Callable[..., PropertyAnswers]

# property -> module and function that load a bundle, module and function that answer with the model
_PLACES: dict[Property, tuple[str, str, str, str]] = {
    Property.CONDUCTIVITY: (
        "training.properties.conductivity.bundling", "load_conductivity",
        "serving.answers.conductivity_answers", "answer_conductivity",
    ),
    Property.STABILITY: (
        "training.properties.stability.bundling", "load_stability",
        "serving.answers.stability_answers", "answer_stability",
    ),
    Property.CCD: ("training.properties.ccd.bundling", "load_ccd", "serving.answers.ccd_answers", "answer_ccd"),
}  # fmt: skip

# property -> those whose models its answers ask; its answerer takes them as `beside`
_NEEDS: dict[Property, tuple[Property, ...]] = {Property.CCD: (Property.CONDUCTIVITY, Property.STABILITY)}


def needed_by(name: Property) -> tuple[Property, ...]:
    """Return the properties whose models a property's answers ask."""
    return _NEEDS.get(name, ())


def with_needed(names: Iterable[Property]) -> list[Property]:
    """Return properties, each followed by those whose models its answers ask; none twice."""
    return list(dict.fromkeys(asked for name in names for asked in (name, *needed_by(name))))


def lacking(name: Property, models: Container[Property]) -> str | None:
    """Return why a property cannot be answered for want of models that its answers ask, None where all are there."""
    absent = [str(other) for other in needed_by(name) if other not in models]
    if not absent:
        return None
    return (
        f"{name} is built on what the models of {' and '.join(map(str, needed_by(name)))} say, and this installation"
        f" serves no {' and no '.join(absent)} model; run `elyte train {absent[0]}`"
    )


def is_served(name: Property) -> bool:
    """Whether this version of elyte has models of a property at all."""
    return name in _PLACES


def loader_of(name: Property) -> Loader:
    """Return what loads a bundle of the property; raises `KeyError` where `is_served` is false."""
    module, function, _, _ = _PLACES[name]
    loader: Loader = getattr(importlib.import_module(module), function)
    return loader


def answerer_of(name: Property) -> Answerer:
    """Return what answers with a loaded model; raises `KeyError` where `is_served` is false."""
    _, _, module, function = _PLACES[name]
    answerer: Answerer = getattr(importlib.import_module(module), function)
    return answerer
