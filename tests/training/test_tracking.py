"""Runs, registry and aliases in a real MLflow store on SQLite; what comes back is checked, never unpickled."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from synthetic_world import Fitted

from serving.models import store as model_store
from serving.models.store import ModelUnavailableError
from serving.predictor import Predictor
from training.bundle import BundleError, load_bundle
from training.mlflow_model import FrameModel, signature_of
from training.properties import contract
from training.properties.conductivity.bundling import load_conductivity
from training.properties.conductivity.plots import write_plots
from training.tracking import (
    CHALLENGER,
    CHAMPION,
    DIGEST_TAG,
    TRACKING_URI_VARIABLE,
    AliasTarget,
    Registered,
    default_tracking_uri,
    fetch_version,
    log_training,
    look_up_alias,
    model_name,
    one_at_a_time,
)
from training.uncertainty import Interval

ROOT = Path(__file__).parents[2]
FORMULAS = ["Li6.5PS5.5Cl0.5", "Li6.7La3Zr1.7Ta0.3O12"]


@dataclass(frozen=True)
class Store:
    """A store with one registered model."""

    uri: str
    registered: Registered
    bundle: Path
    digest: str

    @property
    def client(self) -> Any:
        import mlflow

        return mlflow.MlflowClient(tracking_uri=self.uri)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, fitted: Fitted, bundles: Path) -> Store:
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    bundle = load_bundle(bundles / "conductivity", expected_property="conductivity")
    card = bundle.card.model_copy(update={"metrics": {"cv_mae": 0.5, "cv_accuracy_1e-4": 0.9}, "recipe": {"seed": 7}})
    plots = write_plots(fitted.model, {"formula": fitted.left_out["formula"]}, folder / "plots")
    registered = log_training(card, bundles / "conductivity", bundle.digest, plots, tracking_uri=uri)
    return Store(uri, registered, bundles / "conductivity", bundle.digest)


@pytest.fixture
def champion(store: Store) -> Iterator[Store]:
    """Make the challenger the champion for one test."""
    store.client.set_registered_model_alias(store.registered.name, CHAMPION, store.registered.version)
    yield store
    store.client.delete_registered_model_alias(store.registered.name, CHAMPION)


@pytest.fixture
def served_from(monkeypatch: pytest.MonkeyPatch, bundles: Path, store: Store) -> None:
    """Let `Predictor.load()` see the store, and the synthetic bundle as the shipped one."""
    monkeypatch.setenv(TRACKING_URI_VARIABLE, store.uri)
    monkeypatch.setattr(model_store, "SHIPPED", bundles)


def test_a_run_holds_parameters_metrics_data_hashes_and_plots(store: Store) -> None:
    run = store.client.get_run(store.registered.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["property"] == "conductivity"
    assert run.data.params["recipe.seed"] == "7"
    assert run.data.metrics == {"cv_mae": 0.5, "cv_accuracy_1e-4": 0.9}
    assert run.data.tags[DIGEST_TAG] == store.digest
    assert run.data.tags["data.synthetic.sha256"] == "0" * 64
    plots = [entry.path for entry in store.client.list_artifacts(store.registered.run_id, "plots")]
    assert len(plots) >= 2
    assert all(path.endswith(".png") for path in plots)


def test_the_registered_version_is_the_challenger_and_carries_the_digest(store: Store) -> None:
    version = store.client.get_model_version_by_alias(model_name("conductivity"), CHALLENGER)
    assert (str(version.version), version.run_id) == (store.registered.version, store.registered.run_id)
    assert version.tags[DIGEST_TAG] == store.digest


def fetch_challenger(uri: str, folder: Path) -> tuple[AliasTarget, Path]:
    target = look_up_alias("conductivity", CHALLENGER, tracking_uri=uri)
    assert target is not None
    return target, fetch_version("conductivity", target, folder, tracking_uri=uri)


def test_the_alias_leads_back_to_the_same_bundle(store: Store, tmp_path: Path) -> None:
    target, folder = fetch_challenger(store.uri, tmp_path)
    assert (target.digest, target.version) == (store.digest, store.registered.version)
    model, bundle = load_conductivity(folder, store.digest)
    assert bundle.digest == store.digest
    assert set(model.variants) == {"formula", "lattice"}


@pytest.mark.parametrize(("name", "alias"), [("conductivity", CHAMPION), ("stability", CHALLENGER)])
def test_an_alias_or_a_model_that_is_not_there_is_none(store: Store, name: str, alias: str) -> None:
    assert look_up_alias(name, alias, tracking_uri=store.uri) is None


def test_nothing_in_the_registered_model_is_a_pickle(store: Store, tmp_path: Path) -> None:
    fetch_challenger(store.uri, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"MLmodel", "card.json", "arrays.npz"} <= {path.name for path in files}
    assert not [path for path in files if path.suffix in (".pkl", ".joblib", ".skops", ".pt")]


def test_pyfunc_loads_and_answers_without_unpickling(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    import pandas as pd

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was unpickled")

    monkeypatch.setenv(TRACKING_URI_VARIABLE, store.uri)
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    loaded = mlflow.pyfunc.load_model(f"models:/{store.registered.name}@{CHALLENGER}")
    warm = loaded.predict(pd.DataFrame({"formula": FORMULAS, "temperature_C": [60.0, 60.0]}))
    plain = loaded.predict(pd.DataFrame({"formula": FORMULAS}))
    assert list(plain.columns) == ["log10_sigma_S_per_cm", "lower", "upper", "activation_energy_eV"]
    assert (plain["lower"] < plain["log10_sigma_S_per_cm"]).all()
    assert (warm["log10_sigma_S_per_cm"] > plain["log10_sigma_S_per_cm"]).all()
    direct = Predictor.load(str(store.bundle.parent)).predict_formulas(FORMULAS)["results"]
    values = [row["conductivity"]["log10_sigma_S_per_cm"]["value"] for row in direct]
    np.testing.assert_allclose(plain["log10_sigma_S_per_cm"], values, atol=1e-4)


PROMISED = {
    "conductivity": "log10_sigma_S_per_cm lower upper activation_energy_eV",
    "stability": "formation_energy_eV_per_atom lower upper energy_above_hull_eV_per_atom probability_stable reduction_V"
    " oxidation_V",
    "ccd": "log10_ccd_mA_per_cm2 lower upper",
}
"""Columns in the signatures of versions that were registered by elyte 0.1."""


@pytest.mark.parametrize("name", PROMISED)
def test_a_version_that_was_registered_before_loads_and_answers_with_the_columns_of_its_signature(
    tmp_path: Path, name: str
) -> None:
    """MLflow wrote the loader's module and the signature of that day into `MLmodel`, beside the bundle."""
    import mlflow
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = Schema([ColSpec("string", "formula"), ColSpec("double", "temperature_C", required=False)])
    outputs = Schema([ColSpec("double", column) for column in PROMISED[name].split()])
    mlflow.pyfunc.save_model(
        tmp_path / "old",
        loader_module="training.mlflow_model",
        data_path=str(model_store.SHIPPED / name),
        signature=ModelSignature(inputs=inputs, outputs=outputs),
    )
    said = mlflow.pyfunc.load_model(str(tmp_path / "old")).predict(pd.DataFrame({"formula": ["Li6PS5Cl", "Li3YCl6"]}))
    assert list(said.columns) == outputs.input_names()
    assert said.notna().all(axis=None)
    assert (said["lower"] <= said.iloc[:, 0]).all()


def test_a_signature_names_the_conditions_of_its_property_and_the_columns_of_its_answers() -> None:
    told = {name: signature_of(name) for name in PROMISED}
    stated = ["relative_density", "contribution", "state", "population"]
    assert told["conductivity"].inputs.input_names() == ["formula", "temperature_C", *stated]
    assert told["stability"].inputs.input_names() == ["formula", "synthesis_temperature_C", "nets", "energies"]
    assert {"stack_pressure_MPa", "interlayer_type"} < set(told["ccd"].inputs.input_names())
    assert {name: " ".join(found.outputs.input_names()) for name, found in told.items()} == PROMISED


def test_a_property_that_promises_nothing_else_answers_with_the_columns_of_flat_tables() -> None:
    import pandas as pd

    said = FrameModel(LithiumCount(), None).predict(pd.DataFrame({"formula": ["Li3N", "LiF"]}, index=[7, 5]))
    assert said.to_dict("index") == {
        7: {"lithium_mol": 3.0, "lithium_lower_mol": 2.0, "lithium_upper_mol": 4.0},
        5: {"lithium_mol": 1.0, "lithium_lower_mol": 0.0, "lithium_upper_mol": 2.0},
    }
    assert LithiumCount().frame_columns() == tuple(said.columns)


class LithiumCount(contract.Property):
    """A property of no use: it counts lithium."""

    name = "lithium"
    label = "Lithium"
    quantities = (contract.Quantity("lithium", "mol", "lithium", "mol", True, 0.0, 99.0, ("lithium",)),)

    def load(self, folder: Path, digest: str | None = None) -> tuple[Any, Any]:
        raise BundleError(f"{folder}: there is no bundle of {self.name}")

    def judge(self, model: Any, query: contract.Query) -> Any:
        count = np.array([amounts["Li"] for amounts in query.amounts])
        return SimpleNamespace(intervals={"lithium_mol": Interval(count, count - 1.0, count + 1.0)})


def test_a_second_model_takes_over_the_alias(store: Store) -> None:
    card = load_bundle(store.bundle, expected_property="conductivity").card
    second = log_training(card, store.bundle, store.digest, {}, tracking_uri=store.uri)
    version = store.client.get_model_version_by_alias(store.registered.name, CHALLENGER)
    store.client.set_registered_model_alias(store.registered.name, CHALLENGER, store.registered.version)
    assert int(second.version) > int(store.registered.version)
    assert str(version.version) == second.version


def test_logging_a_model_warns_of_nothing_and_shows_how_to_call_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        card = load_bundle(store.bundle, expected_property="conductivity").card
        again = log_training(card, store.bundle, store.digest, {}, tracking_uri=store.uri)
    assert not [warning for warning in caught if "input example" in str(warning.message)]
    monkeypatch.setenv(TRACKING_URI_VARIABLE, store.uri)
    model = mlflow.pyfunc.load_model(f"models:/{again.name}/{again.version}")
    assert model.predict(model.input_example)["log10_sigma_S_per_cm"].notna().all()


# ---------------------------------------------------------------- stores that are elsewhere


@pytest.fixture
def moved(store: Store, tmp_path: Path) -> Iterator[str]:
    """Return the URI of the store after its folder was moved; moved back afterwards."""
    was, now = store_folder(store), tmp_path / "another disk"
    shutil.move(was, now)
    yield f"sqlite:///{now / 'mlflow.db'}"
    shutil.move(now, was)


def store_folder(store: Store) -> Path:
    return Path(store.uri.removeprefix("sqlite:///")).parent


def test_a_store_that_was_moved_still_gives_its_bundles(store: Store, moved: str, tmp_path: Path) -> None:
    """MLflow notes absolute paths; the model is found beside the store, and its digest tells that it is the one."""
    _, folder = fetch_challenger(moved, tmp_path / "fetched")
    assert load_conductivity(folder, store.digest)[1].digest == store.digest
    assert not store_folder(store).exists()


def test_a_plain_path_that_was_moved_is_found_too(store: Store, tmp_path: Path) -> None:
    store_at, gone = tmp_path / "store", tmp_path / "gone"
    shutil.copytree(store.bundle, store_at / "models" / "m-1" / "bundle")
    target = AliasTarget("1", store.digest, str(gone / "models" / "m-1" / "bundle"))
    (tmp_path / "into").mkdir()
    folder = fetch_version(
        "conductivity", target, tmp_path / "into", tracking_uri=f"sqlite:///{store_at / 'mlflow.db'}"
    )
    assert load_bundle(folder, expected_property="conductivity").digest == store.digest


def test_a_look_up_downloads_nothing_and_creates_no_store(store: Store, tmp_path: Path) -> None:
    target = look_up_alias("conductivity", CHALLENGER, tracking_uri=store.uri)
    assert target is not None
    assert (target.version.isdecimal(), target.digest) == (True, store.digest)
    assert look_up_alias("conductivity", CHAMPION, tracking_uri=f"sqlite:///{tmp_path / 'deep' / 'mlflow.db'}") is None
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- serving from the registry


@pytest.mark.usefixtures("served_from")
def test_the_champion_is_served(champion: Store) -> None:
    header = Predictor.load().predict_formulas(FORMULAS)["models"]["conductivity"]
    assert header["origin"] == f"registry champion, version {champion.registered.version}"
    assert header["digest"] == champion.digest


@pytest.mark.usefixtures("served_from")
def test_without_a_champion_the_shipped_bundle_is_served() -> None:
    header = Predictor.load().predict_formulas(FORMULAS)["models"]["conductivity"]
    assert header["origin"] == "shipped bundle"


@pytest.mark.usefixtures("served_from", "champion")
def test_the_shipped_bundle_can_be_asked_for_in_spite_of_a_champion() -> None:
    assert model_store.load_models("shipped")["conductivity"].origin == "shipped bundle"


def artefact(store: Store, name: str) -> Path:
    """Return a file of the registered model where the store keeps it."""
    version = store.client.get_model_version(store.registered.name, store.registered.version)
    root = Path(store.uri.removeprefix("sqlite:///")).parent / "artifacts"
    (path,) = [p for p in root.rglob(name) if version.source.rsplit("/", 1)[-1] in str(p)]
    return path


@pytest.mark.usefixtures("served_from")
@pytest.mark.parametrize(("name", "reason"), [("arrays.npz", "was changed"), ("card.json", "has digest")])
def test_a_tampered_champion_is_refused_and_not_replaced_in_silence(champion: Store, name: str, reason: str) -> None:
    path = artefact(champion, name)
    sound = path.read_bytes()
    path.write_bytes(sound[:-2] + b" \n" if name == "card.json" else sound[:-1] + bytes([sound[-1] ^ 1]))
    try:
        with pytest.raises(ModelUnavailableError, match=reason) as caught:
            Predictor.load()
        assert isinstance(caught.value.__cause__, BundleError)
    finally:
        path.write_bytes(sound)


@pytest.mark.usefixtures("served_from")
def test_a_champion_that_elyte_did_not_make_is_refused(store: Store) -> None:
    import mlflow

    client, foreign = store.client, model_name("ccd")
    client.create_registered_model(foreign)
    source = client.get_model_version(store.registered.name, store.registered.version).source
    version = client.create_model_version(foreign, source, store.registered.run_id)
    client.set_registered_model_alias(foreign, CHAMPION, version.version)
    try:
        with pytest.raises(ModelUnavailableError, match="carries no digest; it was not made by elyte"):
            Predictor.load()
    finally:
        mlflow.MlflowClient(tracking_uri=store.uri).delete_registered_model(foreign)


def test_a_registry_that_cannot_be_reached_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundles: Path
) -> None:
    (tmp_path / "not-a-database.db").write_bytes(b"hello, this is no database at all" * 40)
    monkeypatch.setenv(TRACKING_URI_VARIABLE, f"sqlite:///{tmp_path / 'not-a-database.db'}")
    monkeypatch.setattr(model_store, "SHIPPED", bundles)
    with pytest.raises(ModelUnavailableError, match=rf"not-a-database.db \({TRACKING_URI_VARIABLE}\) cannot be used"):
        Predictor.load()


# ---------------------------------------------------------------- stores and processes

_REGISTER = """
import sys
from pathlib import Path
from training.bundle import load_bundle
from training.tracking import log_training
folder = Path(sys.argv[1])
bundle = load_bundle(folder, expected_property="conductivity")
print(log_training(bundle.card, folder, bundle.digest, {}, tracking_uri=sys.argv[2]).version)
"""


def test_two_processes_may_start_on_a_fresh_store_at_once(tmp_path: Path, bundles: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'fresh' / 'mlflow.db'}"
    command = [sys.executable, "-c", _REGISTER, str(bundles / "conductivity"), uri]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outcomes = [process.communicate(timeout=120) for process in processes]
    failures = [err for process, (_, err) in zip(processes, outcomes, strict=True) if process.returncode != 0]
    assert not failures, failures[0][-2000:]
    assert sorted(out.split()[-1] for out, _ in outcomes) == ["1", "2"]
    assert [path.name for path in tmp_path.iterdir()] == ["fresh"]  # nothing beside the store, no ./mlruns


def test_the_default_store_is_the_one_named_else_one_in_the_users_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACKING_URI_VARIABLE, " http://mlflow.lab:5000 ")
    assert default_tracking_uri() == "http://mlflow.lab:5000"
    monkeypatch.setenv(TRACKING_URI_VARIABLE, "")
    assert default_tracking_uri().startswith("sqlite:////")
    assert default_tracking_uri().endswith("elyte/mlflow.db")


def test_only_local_stores_are_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with one_at_a_time("http://mlflow.lab:5000"):
        assert not list(tmp_path.iterdir())
    with one_at_a_time(f"sqlite:///{tmp_path / 'deep' / 'mlflow.db'}"):
        assert (tmp_path / "deep").is_dir()
