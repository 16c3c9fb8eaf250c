"""Where the served models come from: the registry's champion, else the bundle that elyte ships.

The registry is the one that retraining writes to: `MLFLOW_TRACKING_URI`, else the store in the user's data folder once
retraining made it. `ELYTE_MODELS=shipped` asks none.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from serving.environment import MODELS_VARIABLE, ConfigurationError, shipped_models_only
from serving.models.lines import SHIPPED_ORIGIN
from training.bundle import Bundle, BundleError, load_bundle
from training.local_store import is_there, store_file
from training.properties import registry
from training.reachability import CREDENTIALS, RegistryUnreachableError
from training.signing import KeyFileError, SignatureError, require_signature
from training.tracking import (
    CHAMPION,
    TRACKING_URI_VARIABLE,
    AliasTarget,
    default_tracking_uri,
    fetch_version,
    is_named,
    look_up_alias,
)

SHIPPED = Path(str(files("serving"))) / "bundles"
DIGESTS_FILE = "digests.json"


class ModelUnavailableError(RuntimeError):
    """No model of a property can be loaded; the message says why and what to do."""


class RegistryError(ModelUnavailableError):
    """The registry that was named cannot be asked; this may pass."""


class RefusalReason(StrEnum):
    """Why a champion is not served; few, as they are labels of a metric."""

    NO_DIGEST = "no_digest"
    NOT_FETCHED = "not_fetched"
    NOT_SIGNED = "not_signed"
    DAMAGED = "damaged"
    NOT_REPRODUCED = "not_reproduced"
    NOT_WARMED = "not_warmed"


REFUSAL_WORDS = {
    RefusalReason.NO_DIGEST: "the version carries no digest: it was not registered by elyte",
    RefusalReason.NOT_FETCHED: "its files could not be fetched from the registry's store; this is tried again",
    RefusalReason.NOT_SIGNED: "it is not signed by a key that this service trusts, or is not what was signed",
    RefusalReason.DAMAGED: "its files are not the ones that were registered, or not whole",
    RefusalReason.NOT_REPRODUCED: "its files are whole, but it does not reproduce the golden predictions of its card",
    RefusalReason.NOT_WARMED: "it failed when it was asked its first questions",
}


class RefusedModelError(ModelUnavailableError):
    """A champion must not be served.

    Parameters
    ----------
    reason
        Why, in one word.
    message
        Why, with what was found.
    """

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded model with its bundle and where it came from."""

    property: str
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


def load_models(source: str = "auto", properties: Sequence[str] | None = None) -> dict[str, ServedModel]:
    """Load every property that has a model.

    Parameters
    ----------
    source
        'auto': the champion where there is a registry (see `registry_uri`) that has one, else the shipped bundle;
        'shipped': the shipped bundle; any other text: a folder that holds one bundle per property.
    properties
        Only these; None means all.

    Raises
    ------
    ModelUnavailableError
        If every property was asked for and none has a model, or the registry or its champion cannot be used.
    """
    models = {}
    for name in properties or registry.names():
        served = _load(name, source)
        if served is not None:
            models[name] = served
    if not models and properties is None:
        raise ModelUnavailableError(f"no model found ({source}); run `elyte train conductivity`")
    return models


def _load(name: str, source: str) -> ServedModel | None:
    if source == "auto":
        uri = registry_uri()
        champion = look_up_champion(name, uri) if uri else None
        return load_champion(name, champion, uri) if uri and champion else load_shipped(name)
    if source == "shipped":
        return load_shipped(name)
    try:
        folder = Path(source) / name
        digest = require_signature(folder) if folder.is_dir() else None
        return _load_folder(name, folder, f"folder {source}", digest)
    except (BundleError, KeyFileError) as error:
        raise ModelUnavailableError(f"{name}: {error}") from error


def load_shipped(name: str) -> ServedModel | None:
    """Load the bundle that elyte ships; None where it ships none.

    Raises
    ------
    ModelUnavailableError
        If the bundle is not the listed one, or not whole.
    """
    try:
        return _load_folder(name, SHIPPED / name, SHIPPED_ORIGIN, _shipped_digest(name))
    except BundleError as error:
        raise ModelUnavailableError(f"{name}: {error}") from error


def _load_folder(name: str, folder: Path, origin: str, digest: str | None) -> ServedModel | None:
    if not folder.is_dir():
        return None
    model, bundle = registry.get(name).load(folder, digest)
    return ServedModel(name, model, bundle.described(), origin)


def registry_uri() -> str | None:
    """Return the registry whose champions answer; None where there is none, or none is to be asked.

    It is where retraining writes: the one that `MLFLOW_TRACKING_URI` names, else the one in the user's data folder
    once that exists.

    Raises
    ------
    ModelUnavailableError
        If `ELYTE_MODELS` has a value that cannot be meant.
    """
    try:
        if shipped_models_only():
            return None
    except ConfigurationError as error:
        raise ModelUnavailableError(str(error)) from error
    uri = default_tracking_uri()
    store = store_file(uri)
    return uri if is_named() or store is None or is_there(store) else None


def look_up_champion(name: str, uri: str) -> AliasTarget | None:
    """Return which version is the champion, without loading it; None where there is none.

    Raises
    ------
    RegistryError
        If the registry cannot be asked.
    """
    place = CREDENTIALS.sub("//***@", uri)
    where = f"{place} ({TRACKING_URI_VARIABLE})" if is_named() else f"{place}, which retraining made,"
    remedy = f"{MODELS_VARIABLE}=shipped asks the models that elyte ships"
    try:
        return look_up_alias(name, CHAMPION, tracking_uri=uri)
    except RegistryUnreachableError as error:
        raise RegistryError(f"{error}; {remedy}") from error
    except ModuleNotFoundError as error:
        message = f"the registry {where} needs {error.name}, which is not installed; install elyte[registry]; {remedy}"
        raise RegistryError(message) from error
    except Exception as error:  # MLflow lets the errors of its stores and of the network through
        raise RegistryError(f"{name}: the registry {where} cannot be used: {error}; {remedy}") from error


def load_champion(name: str, target: AliasTarget, uri: str) -> ServedModel:
    """Fetch a version, check its digest and its golden predictions, and return it ready to answer.

    A version that stands for the shipped bundle is answered by the one of this installation: a newer elyte brings a
    newer one.

    Raises
    ------
    RefusedModelError
        If it must not be served.
    """
    version, origin = f"{name}: registry version {target.version}", f"registry champion, version {target.version}"
    shipped = _shipped_for(name, target)
    if shipped is not None:
        return replace(shipped, origin=f"{origin} (the {SHIPPED_ORIGIN})")
    if target.digest is None:
        message = f"{version} carries no digest; it was not made by elyte"
        raise RefusedModelError(RefusalReason.NO_DIGEST, message)
    with tempfile.TemporaryDirectory(prefix="elyte-champion-") as folder:
        try:
            bundle_folder = fetch_version(name, target, Path(folder), tracking_uri=uri)
        except Exception as error:  # as above
            message = f"{version} cannot be fetched: {error}"
            raise RefusedModelError(RefusalReason.NOT_FETCHED, message) from error
        try:
            require_signature(bundle_folder)
            model, bundle = registry.get(name).load(bundle_folder, target.digest)
        except (SignatureError, KeyFileError) as error:
            raise RefusedModelError(RefusalReason.NOT_SIGNED, f"{version}: {error}") from error
        except BundleError as error:
            reason = _why(name, bundle_folder, target.digest)
            raise RefusedModelError(reason, f"{version}: {error}") from error
    return ServedModel(name, model, bundle.described(), origin)


def _shipped_for(name: str, target: AliasTarget) -> ServedModel | None:
    """Return the shipped bundle where a version stands for it; None where not, or where it is not whole."""
    try:
        return load_shipped(name) if target.is_shipped else None
    except ModelUnavailableError:
        return None  # the registry has a copy


def _why(name: str, folder: Path, digest: str) -> RefusalReason:
    try:
        load_bundle(folder, expected_property=name, expected_digest=digest)
    except BundleError:
        return RefusalReason.DAMAGED
    return RefusalReason.NOT_REPRODUCED


def _shipped_digest(name: str) -> str | None:
    """Return the digest that the shipped bundle of a property must have, None where none is shipped."""
    if not (SHIPPED / name).is_dir():
        return None
    listed = SHIPPED / DIGESTS_FILE
    try:
        return str(json.loads(listed.read_text(encoding="utf-8"))[name])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{listed} does not list the digest of {name}: {error}") from error
