"""Where the served models come from: the registry's champion, else the bundle that elyte ships."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from serving.properties import is_served, loader_of
from serving.schema import Property
from training.bundle import Bundle, BundleError
from training.tracking import TRACKING_URI_VARIABLE

SHIPPED = Path(str(files("serving"))) / "bundles"
DIGESTS_FILE = "digests.json"


class ModelUnavailableError(RuntimeError):
    """No model of a property can be loaded; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded model with its bundle and where it came from."""

    property: Property
    model: Any
    bundle: Bundle
    origin: str

    def header(self) -> dict[str, str]:
        """Return what every answer says about the model."""
        card = self.bundle.card
        return {
            "version": card.version,
            "trained_on": card.trained_on,
            "origin": self.origin,
            "digest": self.bundle.digest,
        }


def load_models(source: str = "auto", properties: Sequence[Property] | None = None) -> dict[Property, ServedModel]:
    """Load every property that has a model.

    Parameters
    ----------
    source
        'auto': the champion where `MLFLOW_TRACKING_URI` names a registry that has one, else the shipped bundle;
        'shipped': the shipped bundle; any other text: a folder that holds one bundle per property.
    properties
        Only these; None means all.

    Raises
    ------
    ModelUnavailableError
        If every property was asked for and none has a model, or a registry was named and cannot be used.
    """
    models = {}
    for name in properties or Property:
        served = _load(name, source)
        if served is not None:
            models[name] = served
    if not models and properties is None:
        raise ModelUnavailableError(f"no model found ({source}); run `elyte train conductivity`")
    return models


def _load(name: Property, source: str) -> ServedModel | None:
    try:
        if source == "auto" and os.environ.get(TRACKING_URI_VARIABLE, "").strip():
            champion = _load_champion(name)
            if champion is not None:
                return champion
        if source in ("auto", "shipped"):
            return _load_folder(name, SHIPPED / name, "shipped bundle", _shipped_digest(name))
        return _load_folder(name, Path(source) / name, f"folder {source}", None)
    except BundleError as error:
        raise ModelUnavailableError(f"{name}: {error}") from error


def _load_folder(name: Property, folder: Path, origin: str, digest: str | None) -> ServedModel | None:
    if not folder.is_dir():
        return None
    if not is_served(name):
        raise ModelUnavailableError(f"{folder}: this version of elyte serves no {name} models")
    model, bundle = loader_of(name)(folder, digest)
    return ServedModel(name, model, bundle, origin)


def _load_champion(name: Property) -> ServedModel | None:
    try:
        from training.tracking import CHAMPION, fetch_alias
    except ModuleNotFoundError as error:
        raise _without_mlflow() from error
    uri = os.environ[TRACKING_URI_VARIABLE].strip()
    with tempfile.TemporaryDirectory(prefix="elyte-champion-") as folder:
        try:
            found = fetch_alias(name, CHAMPION, Path(folder), tracking_uri=uri)
        except ModuleNotFoundError as error:
            raise _without_mlflow() from error
        except BundleError:
            raise
        except Exception as error:
            raise ModelUnavailableError(
                f"{name}: the registry at {TRACKING_URI_VARIABLE} cannot be used: {error}"
            ) from error
        if found is None:
            return None
        bundle_folder, digest, version = found
        return _load_folder(name, bundle_folder, f"registry champion, version {version}", digest)


def _without_mlflow() -> ModelUnavailableError:
    return ModelUnavailableError(
        f"{TRACKING_URI_VARIABLE} is set but mlflow is not installed; install elyte[registry] or unset it"
    )


def _shipped_digest(name: Property) -> str | None:
    """Return the digest that the shipped bundle of a property must have, None where none is shipped."""
    if not (SHIPPED / name).is_dir():
        return None
    listed = SHIPPED / DIGESTS_FILE
    try:
        return str(json.loads(listed.read_text(encoding="utf-8"))[name])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{listed} does not list the digest of {name}: {error}") from error
