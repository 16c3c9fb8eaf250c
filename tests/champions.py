"""A registry with versions that differ in what they answer, sound and broken, for tests of the models' lifecycle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from serving.predictor import Predictor
from serving.rest.lifecycle import ModelKeeper
from training.bundle import load_bundle, save_bundle
from training.tracking import CHAMPION, DIGEST_TAG, model_name

FORMULA = "Li6.5PS5.5Cl0.5"

# Raising these raises the answers.
_LEVERS = {"conductivity": "formula/nets/last_biases", "ccd": "fit/mean"}


def variant(
    source: Path,
    target: Path,
    name: str,
    version: str,
    shift: float,
    golden_of: float | None = None,
    **card_fields: str,
) -> str:
    """Write a bundle that answers differently from another one, with golden predictions of its own.

    Parameters
    ----------
    shift
        What is added to the model's lever.
    golden_of
        The shift whose golden predictions the card carries; another one than `shift` makes a bundle that is whole but
        does not reproduce them.
    card_fields
        What the card says otherwise.

    Returns
    -------
    str
        Its digest.
    """
    bundle = load_bundle(source, expected_property=name)

    def arrays(by: float) -> dict[str, Any]:
        lever = _LEVERS[name]
        return {key: value + by if key == lever else value for key, value in bundle.arrays.items()}

    golden = _golden(name, arrays(shift if golden_of is None else golden_of), bundle.card.model)
    card = bundle.card.model_copy(update={"version": version, "golden": golden, "files": {}} | card_fields)
    return save_bundle(target, card, arrays(shift))


def _golden(name: str, arrays: dict[str, Any], settings: dict[str, Any]) -> list[Any]:
    if name == "ccd":
        from training.properties.ccd.bundling import golden_predictions as golden_ccd
        from training.properties.ccd.model import CcdModel

        return golden_ccd(CcdModel.from_arrays(arrays))
    from training.properties.conductivity.bundling import golden_predictions
    from training.properties.conductivity.model import ConductivityModel

    return golden_predictions(ConductivityModel.from_arrays(arrays, settings))


@dataclass(frozen=True)
class Registry:
    """An MLflow registry on SQLite."""

    uri: str

    @classmethod
    def at(cls, folder: Path) -> Registry:
        """Return the registry of a folder, created where absent."""
        registry = cls(f"sqlite:///{folder / 'mlflow.db'}")
        folder.mkdir(parents=True, exist_ok=True)
        registry.client.search_registered_models()
        return registry

    @property
    def client(self) -> Any:
        import mlflow

        return mlflow.MlflowClient(tracking_uri=self.uri)

    def register(self, name: str, folder: Path, digest: str | None) -> str:
        """Add a version whose files lie in a folder; returns its number."""
        if not self.client.search_registered_models(f"name = '{model_name(name)}'"):
            self.client.create_registered_model(model_name(name))
        tags = {} if digest is None else {DIGEST_TAG: digest}
        return str(self.client.create_model_version(model_name(name), str(folder), tags=tags).version)

    def promote(self, name: str, version: str) -> None:
        """Make a version the champion."""
        self.client.set_registered_model_alias(model_name(name), CHAMPION, version)

    def demote(self, name: str) -> None:
        """Leave a model without champion."""
        self.client.delete_registered_model_alias(model_name(name), CHAMPION)


@dataclass
class World:
    """A registry, the variants of one model in it, and an application that only remembers its predictor."""

    registry: Registry
    folder: Path
    shipped: Path
    published: list[Predictor]

    def add(
        self,
        version: str,
        shift: float,
        *,
        golden_of: float | None = None,
        digest: str | None = "own",
        **card_fields: str,
    ) -> str:
        """Register a variant; returns its registry version."""
        target = self.folder / version / "conductivity"
        own = variant(self.shipped / "conductivity", target, "conductivity", version, shift, golden_of, **card_fields)
        return self.registry.register("conductivity", target, own if digest == "own" else digest)

    def keeper(self) -> ModelKeeper:
        """Return a keeper of this world, before it loaded anything."""
        return ModelKeeper(self.published.append, poll_seconds=0.1, pauses=(0.0, 0.0, 0.0))

    def loaded(self) -> ModelKeeper:
        """Return a keeper that has loaded."""
        keeper = self.keeper()
        keeper.load()
        return keeper

    def header(self) -> dict[str, str]:
        """Return the header that an answer has now."""
        header: dict[str, str] = self.published[-1].predict_formulas([FORMULA])["models"]["conductivity"]
        return header

    def sigma(self) -> float:
        """Return a number that the model that answers now gives."""
        row = self.published[-1].predict_formulas([FORMULA])["results"][0]
        return float(row["conductivity"]["log10_sigma_S_per_cm"]["value"])


def fail_on_champions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every predictor that holds a champion fail on its first questions."""
    warm = Predictor.warm

    def failing(self: Predictor) -> None:
        if any("champion" in card["origin"] for card in self.models().values()):
            raise ZeroDivisionError("a model that no golden prediction asks so")
        warm(self)

    monkeypatch.setattr(Predictor, "warm", failing)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0
