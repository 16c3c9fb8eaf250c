"""The registry as retraining sees it: the champion with its bundle, versions by digest, a run per judgement."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.bundle import Bundle, load_bundle
from training.refitting.champion import Champion
from training.retraining.loading import load_model
from training.tracking import (
    CHAMPION,
    SHIPPED_TAG,
    AliasTarget,
    client_of,
    fetch_version,
    log_training,
    look_up_alias,
    model_name,
)

VERDICT_TAG, REASONS_TAG = "elyte.verdict", "elyte.reasons"
SET_TAG, LEDGER_TAG = "elyte.training_set", "elyte.ledger"
PROMOTED_TAG = "elyte.promotion"
LONGEST_TAG = 4000


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What MLflow shows of a judged challenger: tags of run and version, metrics, files."""

    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ModelRegistry:
    """An MLflow registry, for one property."""

    property_name: str
    uri: str

    @property
    def client(self) -> Any:  # noqa: ANN401
        """MLflow's client; the store is made and migrated where needed."""
        return client_of(self.uri)

    def alias(self) -> AliasTarget | None:
        """Return what the alias `champion` points at, None if at nothing."""
        return look_up_alias(self.property_name, CHAMPION, tracking_uri=self.uri)

    def point_at(self, version: str) -> None:
        """Move the alias `champion`: one statement in one transaction of the store."""
        self.client.set_registered_model_alias(model_name(self.property_name), CHAMPION, version)

    def versions(self) -> list[AliasTarget]:
        """Return every version, newest first."""
        found = self.client.search_model_versions(f"name = '{model_name(self.property_name)}'", max_results=1000)
        targets = [AliasTarget.of(str(v.version), v.tags, str(v.source)) for v in found]
        return sorted(targets, key=lambda target: -int(target.version))

    def by_digest(self, digest: str) -> AliasTarget | None:
        """Return the newest version of a bundle, None if it is not registered."""
        return next((target for target in self.versions() if target.digest == digest), None)

    def by_version(self, version: str) -> AliasTarget | None:
        """Return a version, None if there is none of that number."""
        return next((target for target in self.versions() if target.version == version), None)

    @contextmanager
    def fetched(self, target: AliasTarget) -> Iterator[Path]:
        """Download a version's bundle for the length of a block."""
        with tempfile.TemporaryDirectory(prefix="elyte-version-") as folder:
            yield fetch_version(self.property_name, target, Path(folder), tracking_uri=self.uri)

    def load(self, target: AliasTarget) -> Champion:
        """Load a version.

        Raises
        ------
        BundleError
            If it is not whole, or does not reproduce its golden predictions.
        """
        with self.fetched(target) as folder:
            model, _ = load_model(self.property_name, folder, target.digest)
            bundle = load_bundle(folder, expected_property=self.property_name, expected_digest=target.digest)
        return Champion(target.version, bundle.digest, bundle, model)

    def register(self, folder: Path, digest: str, judgement: RunRecord) -> AliasTarget:
        """Register a bundle as challenger, unless that was done before; run and version show the judgement."""
        known = self.by_digest(digest)
        if known is not None:
            self._tag(known.version, judgement)
            return known
        card = load_bundle(folder, expected_property=self.property_name, expected_digest=digest).card
        registered = log_training(card, folder, digest, {}, tracking_uri=self.uri)
        self._tell(registered.run_id, judgement)
        self._tag(registered.version, judgement)
        return AliasTarget(registered.version, digest, "")

    def of_shipped(self, folder: Path, bundle: Bundle, *, mark: bool) -> AliasTarget:
        """Return the version of a bundle that was not fitted here, registered where it is new.

        Parameters
        ----------
        mark
            Whether it is the one that this elyte ships.
        """
        known = self.by_digest(bundle.digest)
        if known is None:
            version = log_training(bundle.card, folder, bundle.digest, {}, tracking_uri=self.uri).version
            known = AliasTarget(version, bundle.digest, "")
        if mark:
            self.client.set_model_version_tag(model_name(self.property_name), known.version, SHIPPED_TAG, "true")
        return next(target for target in self.versions() if target.version == known.version)

    def note_judgement(self, judgement: RunRecord) -> None:
        """Log a judgement that came before any fit: a run without a model."""
        experiment = self.client.get_experiment_by_name(model_name(self.property_name))
        name = f"{self.property_name}: {judgement.tags[VERDICT_TAG]} before a fit"
        run = self.client.create_run(experiment.experiment_id, run_name=name)
        self._tell(run.info.run_id, judgement)
        self.client.set_terminated(run.info.run_id)

    def _tag(self, version: str, judgement: RunRecord) -> None:
        for name, value in judgement.tags.items():
            self.client.set_model_version_tag(model_name(self.property_name), version, name, value[:LONGEST_TAG])

    def _tell(self, run_id: str, judgement: RunRecord) -> None:
        for name, value in judgement.tags.items():
            self.client.set_tag(run_id, name, value[:LONGEST_TAG])
        for name, number in judgement.metrics.items():
            self.client.log_metric(run_id, name, number)
        for path in judgement.files:
            self.client.log_artifact(run_id, str(path), "retraining")

    def note(self, version: str, told: Mapping[str, Any]) -> None:
        """Write the last move of the alias on the version that it concerns, for those who look at MLflow only."""
        text = json.dumps(dict(told), sort_keys=True)[:LONGEST_TAG]
        self.client.set_model_version_tag(model_name(self.property_name), version, PROMOTED_TAG, text)
