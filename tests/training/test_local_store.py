"""What is read of a store on SQLite without MLflow is what MLflow says."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from champions import Registry

from training.local_store import UnknownShapeError, folder_of, read_alias, store_file
from training.tracking import AliasTarget, look_up_alias, model_name

NAME = model_name("conductivity")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Two versions of one model, the second of which is champion, and a model without one."""
    registry = Registry.at(tmp_path_factory.mktemp("store"))
    for version in ("one", "two"):
        registry.register("conductivity", Path("/models") / f"{version} of two", f"digest of {version}")
    registry.register("ccd", Path("/models/ccd"), None)
    registry.promote("conductivity", "2")
    return registry


def file_of(registry: Registry) -> Path:
    store = store_file(registry.uri)
    assert store is not None
    return store


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:////var/lib/elyte/mlflow.db", Path("/var/lib/elyte/mlflow.db")),
        ("sqlite:////var/lib/mlflow.db?timeout=5", Path("/var/lib/mlflow.db")),
        ("sqlite:///mlflow.db", Path("mlflow.db")),
        ("http://mlflow.lab:5000", None),
        ("postgresql://lab/mlflow", None),
    ],
)
def test_only_a_store_on_sqlite_has_a_file(uri: str, file: Path | None) -> None:
    assert store_file(uri) == file


def test_an_alias_is_read_as_mlflow_reads_it(registry: Registry) -> None:
    told: Any = registry.client.get_model_version_by_alias(NAME, "champion")
    found = look_up_alias("conductivity", "champion", tracking_uri=registry.uri)
    assert found == AliasTarget.of(str(told.version), told.tags, told.source)
    assert found == AliasTarget("2", "digest of two", "/models/two of two")


def test_no_alias_and_no_model_are_none(registry: Registry) -> None:
    assert read_alias(file_of(registry), NAME, "challenger") is None
    assert read_alias(file_of(registry), model_name("ccd"), "champion") is None
    assert read_alias(file_of(registry), model_name("stability"), "champion") is None


def test_a_deleted_version_is_no_champion(tmp_path: Path) -> None:
    registry = Registry.at(tmp_path)
    version = registry.register("conductivity", tmp_path, "digest")
    registry.promote("conductivity", version)
    registry.client.delete_model_version(NAME, version)
    assert read_alias(file_of(registry), NAME, "champion") is None


def test_nothing_is_written_and_no_store_is_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        read_alias(tmp_path / "mlflow.db", NAME, "champion")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", ["DROP TABLE model_version_tags", "ALTER TABLE model_versions DROP COLUMN source"])
def test_a_store_of_another_shape_is_left_to_mlflow(tmp_path: Path, change: str) -> None:
    registry = Registry.at(tmp_path)
    registry.promote("conductivity", registry.register("conductivity", tmp_path, "digest"))
    connection = sqlite3.connect(file_of(registry))
    connection.execute(change)
    connection.close()
    with pytest.raises(UnknownShapeError, match="no such"):
        read_alias(file_of(registry), NAME, "champion")


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database at all, only some words" * 40)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        read_alias(tmp_path / "mlflow.db", NAME, "champion")


@pytest.mark.parametrize(
    ("source", "folder"),
    [
        ("/models/a b", Path("/models/a b")),
        ("file:///models/a%20b", Path("/models/a b")),
        ("s3://bucket/models", None),
        ("runs:/1234/bundle", None),
    ],
)
def test_where_files_lie_is_told_for_this_machine_only(registry: Registry, source: str, folder: Path | None) -> None:
    assert folder_of(file_of(registry), source) == folder
    with pytest.raises(UnknownShapeError, match="m-unknown"):
        folder_of(file_of(registry), "models:/m-unknown")
