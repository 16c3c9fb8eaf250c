"""MLflow: runs with parameters, metrics, data hashes and plots; a registry with the aliases champion and challenger.

Telemetry is off unless the user turned it on. A bundle is registered as a pyfunc model by loader module and data
path, so that `mlflow.pyfunc.load_model` works and nothing is pickled. What a champion on a SQLite store is, and its
files, are read without MLflow (`training/local_store.py`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training import remote_store
from training.local_store import UnknownShapeError, folder_of, is_there, read_alias, store_file
from training.reachability import TIMEOUT_SECONDS, TIMEOUT_VARIABLE, check_reachable
from training.remote_store import is_remote

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities.model_registry import ModelVersion

    from training.bundle import Card

CHAMPION, CHALLENGER = "champion", "challenger"
DIGEST_TAG, SHIPPED_TAG = "elyte.digest", "elyte.shipped"
TRACKING_URI_VARIABLE = "MLFLOW_TRACKING_URI"
MLFLOW_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",  # it tells of every migration and version on standard error
    TIMEOUT_VARIABLE: f"{TIMEOUT_SECONDS:.0f}",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # seven, with pauses of minutes, unless told otherwise
}
"""What MLflow gets, in commands, service and Python alike, where the user sets nothing."""


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """The version that an alias points at.

    Parameters
    ----------
    version
        Number of the registry version.
    digest
        Digest of its bundle as registered; None where it was not registered by elyte.
    source
        Where MLflow says that its files lie.
    is_shipped
        Whether it stands for the bundle that elyte ships, registered so that there is a version to go back to.
    """

    version: str
    digest: str | None
    source: str
    is_shipped: bool = False

    @classmethod
    def of(cls, version: str, tags: Mapping[str, str], source: str) -> AliasTarget:
        """Return the version with these tags."""
        return cls(version, tags.get(DIGEST_TAG), source, SHIPPED_TAG in tags)


@dataclass(frozen=True, slots=True)
class Registered:
    """Where a trained model stands in the registry."""

    name: str
    version: str
    run_id: str
    tracking_uri: str


def model_name(property_name: str) -> str:
    """Return the registered name of a property's model."""
    return f"elyte-{property_name}"


def is_named() -> bool:
    """Return whether the user names a registry by `MLFLOW_TRACKING_URI`."""
    return bool(os.environ.get(TRACKING_URI_VARIABLE, "").strip())


def default_tracking_uri() -> str:
    """Return `MLFLOW_TRACKING_URI`, else a SQLite store in the user's data folder (created when first used).

    It is where training and retraining write, and whose champions answer.
    """
    chosen = os.environ.get(TRACKING_URI_VARIABLE, "").strip()
    if chosen:
        return chosen
    from platformdirs import user_data_path

    return f"sqlite:///{user_data_path('elyte', appauthor=False) / 'mlflow.db'}"


def _import_mlflow() -> Any:  # noqa: ANN401
    for name, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)
    import mlflow

    return mlflow


@contextmanager
def _tracking_at(mlflow: Any, uri: str) -> Iterator[None]:  # noqa: ANN401
    """Let MLflow's fluent interface write to a registry; afterwards the process and its environment are as before."""
    named = os.environ.get(TRACKING_URI_VARIABLE)
    mlflow.set_tracking_uri(uri)  # sets the variable too
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)
        if named is not None:  # MLflow reads it where nothing is set
            os.environ[TRACKING_URI_VARIABLE] = named


@contextmanager
def one_at_a_time(tracking_uri: str) -> Iterator[None]:
    """Hold a lock beside a local SQLite store while it is created and migrated: several processes race there."""
    store = store_file(tracking_uri)
    if store is None:
        yield
        return
    from filelock import FileLock

    store.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{store}.lock"):
        yield


def log_training(
    card: Card, folder: Path, digest: str, plots: Mapping[str, Path], *, tracking_uri: str | None = None
) -> Registered:
    """Log a trained bundle as a run, register it and point the alias `challenger` at it.

    Parameters
    ----------
    card, folder, digest
        The bundle.
    plots
        Name to PNG file.
    tracking_uri
        None takes `default_tracking_uri()`.

    Raises
    ------
    RegistryUnreachableError
        If the registry does not answer.
    KeyFileError
        If `ELYTE_BUNDLE_SIGNING_KEY` names a key that cannot be used.
    """
    uri = tracking_uri or default_tracking_uri()
    check_reachable(uri)
    mlflow = _import_mlflow()
    with _signed(folder) as folder, _tracking_at(mlflow, uri):
        return _log(mlflow, card, folder, digest, plots, uri)


@contextmanager
def _signed(folder: Path) -> Iterator[Path]:
    """Yield a signed copy of a bundle where `ELYTE_BUNDLE_SIGNING_KEY` names a key, else the bundle as it is."""
    from training.signing import sign_bundle, signing_key_file

    key_file = signing_key_file()
    if key_file is None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="elyte-signed-") as place:
        copy = Path(shutil.copytree(folder, Path(place) / folder.name))
        sign_bundle(copy, key_file)
        yield copy


def _log(
    mlflow: Any,  # noqa: ANN401
    card: Card,
    folder: Path,
    digest: str,
    plots: Mapping[str, Path],
    uri: str,
) -> Registered:
    from training.mlflow_model import signature_of

    name, signature = model_name(card.property), signature_of(card.property)
    with one_at_a_time(uri):
        experiment = _experiment(mlflow, name, uri)
    with mlflow.start_run(experiment_id=experiment, run_name=f"{card.property} {card.version}") as run:
        mlflow.log_params({"property": card.property, "version": card.version} | _flat(card.recipe))
        mlflow.log_metrics(card.metrics)
        mlflow.set_tags({DIGEST_TAG: digest} | {f"data.{source.name}.sha256": source.sha256 for source in card.data})
        for path in plots.values():
            mlflow.log_artifact(str(path), "plots")
        model = mlflow.pyfunc.log_model(
            name="bundle",
            loader_module="training.mlflow_model",
            data_path=str(folder),
            signature=signature,
            input_example=_input_example(card, signature.inputs.input_names()),
            pip_requirements=[f"elyte=={card.elyte_version}"],
        )
    client = mlflow.MlflowClient(tracking_uri=uri)
    version = _register(client, name, model.model_uri, run.info.run_id, digest)
    client.set_registered_model_alias(name, CHALLENGER, version.version)
    return Registered(name, str(version.version), run.info.run_id, uri)


def _experiment(mlflow: Any, name: str, uri: str) -> str:  # noqa: ANN401
    """Return the experiment's id; artefacts of a local store lie beside it."""
    found = mlflow.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    location = None
    store = store_file(uri)
    if store is not None:
        location = (store.parent / "artifacts" / name).absolute().as_uri()
    return str(mlflow.create_experiment(name, artifact_location=location))


def _register(client: Any, name: str, model_uri: str, run_id: str, digest: str) -> ModelVersion:  # noqa: ANN401
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version: ModelVersion = client.create_model_version(name, model_uri, run_id, tags={DIGEST_TAG: digest})
    return version


def _input_example(card: Card, columns: Sequence[str]) -> pd.DataFrame:
    """Return the first golden question as a call: MLflow shows it, and warns about a model without one."""
    import pandas as pd

    first = card.golden[0]
    told = {columns[0]: [first.formula], "temperature_C": [first.temperature_C]}  # the first column names the material
    return pd.DataFrame({name: told[name] for name in columns if name in told})


def look_up_alias(property_name: str, alias: str, *, tracking_uri: str) -> AliasTarget | None:
    """Return what an alias points at, without downloading it; None where there is no such alias, model or store yet.

    It takes about a millisecond, for a store on SQLite from the first call on, so it may be called every few seconds.
    It never creates a store.

    Raises
    ------
    RegistryUnreachableError
        If the registry does not answer.
    """
    name, store = model_name(property_name), store_file(tracking_uri)
    if store is not None:
        if not is_there(store):
            return None
        try:
            found = read_alias(store, name, alias)
        except UnknownShapeError:  # of another MLflow, which is asked
            pass
        else:
            return None if found is None else AliasTarget.of(found.number, found.tags, found.source)
    if is_remote(tracking_uri):
        try:
            found = remote_store.read_alias(tracking_uri, name, alias)
        except UnknownShapeError:
            pass
        else:
            return None if found is None else AliasTarget.of(found.number, found.tags, found.source)
    client = client_of(tracking_uri)
    from mlflow.exceptions import MlflowException

    try:
        version = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return AliasTarget.of(str(version.version), version.tags, str(version.source))


def fetch_version(property_name: str, target: AliasTarget, folder: Path, *, tracking_uri: str) -> Path:
    """Download the bundle of a version into a folder and return where in it the bundle lies.

    Raises
    ------
    ValueError
        If the version holds no bundle, or several.
    FileNotFoundError
        If its files should be on this machine and are not.
    """
    place = _local_folder(target.source, tracking_uri)
    if place is not None:
        local = Path(shutil.copytree(place, folder / "version"))
    else:
        local = remote_store.fetch_elsewhere(tracking_uri, target.source, folder)
    cards = sorted(local.rglob("card.json"))
    if len(cards) != 1:
        name = model_name(property_name)
        raise ValueError(f"{name} version {target.version} holds {len(cards)} bundles, expected one")
    return cards[0].parent


def download(source: str, folder: str, tracking_uri: str) -> str:
    """Download the files of a version by MLflow's client and return where they lie."""
    return str(_import_mlflow().artifacts.download_artifacts(source, dst_path=folder, tracking_uri=tracking_uri))


@lru_cache(maxsize=4)
def client_of(tracking_uri: str) -> Any:  # noqa: ANN401
    """Return a client whose store is created and migrated.

    Raises
    ------
    RegistryUnreachableError
        If the registry does not answer.
    """
    check_reachable(tracking_uri)
    mlflow = _import_mlflow()
    with one_at_a_time(tracking_uri):
        client = mlflow.MlflowClient(tracking_uri=tracking_uri)
        client.search_registered_models(max_results=1)
    return client


def _local_folder(source: str, tracking_uri: str) -> Path | None:
    """Return where a version's files lie now, None where MLflow has to fetch them.

    MLflow notes absolute paths, which a store that was moved leaves behind. A path that is gone is looked for beside
    the SQLite file, by ever shorter ends of it; those that would not name the model any more are not tried. What is
    found is checked by its digest like any other bundle.
    """
    store = store_file(tracking_uri)
    if store is None:
        return None
    try:
        noted = folder_of(store, source)
    except UnknownShapeError:
        return None
    if noted is None or noted.is_dir():
        return noted
    parts = noted.parts[1:]
    ends = (store.absolute().parent.joinpath(*parts[start:]) for start in range(len(parts) - 2))
    found = next((end for end in ends if end.is_dir()), None)
    if found is None:
        raise FileNotFoundError(f"{noted} is gone, and nothing like it lies beside {store}")
    return found


def _flat(recipe: Mapping[str, Any], prefix: str = "recipe") -> dict[str, str]:
    return {f"{prefix}.{name}": str(value) for name, value in recipe.items()}
