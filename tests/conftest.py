"""One quick model of the synthetic world, and one of the embedded literature, that many tests share."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from synthetic_world import Fitted, make_card, synthetic_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from features.candidate import Candidate
    from training.properties.conductivity.recipe import ConductivityFit
    from training.properties.conductivity.rows import ConductivityRows


REGISTRY_VARIABLES = ("MLFLOW_TRACKING_URI", "ELYTE_MODELS")


@pytest.fixture(scope="session", autouse=True)
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the registry and the ledger of whoever runs the tests out of them, in processes that they start too."""
    with pytest.MonkeyPatch.context() as patch:
        for name in REGISTRY_VARIABLES:
            patch.delenv(name, raising=False)
        folder = tmp_path_factory.mktemp("account")
        patch.setenv("XDG_DATA_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def registry_variables(account: Path) -> Iterator[None]:
    """Fail a test that leaves another registry named than it found: the next one would be answered from it."""
    before = {name: os.environ.get(name) for name in REGISTRY_VARIABLES}
    yield
    assert {name: os.environ.get(name) for name in REGISTRY_VARIABLES} == before


@pytest.fixture(scope="session")
def synthetic_rows() -> ConductivityRows:
    from training.properties.conductivity.rows import ConductivityRows

    return ConductivityRows.from_table(synthetic_table())


@pytest.fixture(scope="session")
def fitted(synthetic_rows: ConductivityRows) -> Fitted:
    """Return a model with both variants, fitted once in quick settings."""
    from training.properties.conductivity.ensemble import EnsembleSettings
    from training.properties.conductivity.model import fit_model

    return Fitted(synthetic_rows, *fit_model(synthetic_rows, EnsembleSettings.quick()))


@pytest.fixture(scope="session")
def candidates() -> list[Candidate]:
    """Return familiar and unfamiliar materials, some with a unit cell."""
    from features.candidate import Candidate
    from features.lattice import Lattice

    cubic = Lattice(9.9, 9.9, 9.9, 90.0, 90.0, 90.0, 216, 52)
    garnet = Lattice(12.9, 12.9, 12.9, 90.0, 90.0, 90.0, 230, 192)
    return [
        Candidate.from_formula("Li6.5PS5.5Cl0.5"),
        Candidate.from_formula("Li6.6PS5.6Cl0.4", lattice=cubic),
        Candidate.from_formula("Li6.7La3Zr1.7Ta0.3O12"),
        Candidate.from_formula("Li6.4La3Zr1.4Ta0.6O12", lattice=garnet),
        Candidate.from_formula("Li2.8Y0.8Zr0.2Cl6"),
        Candidate.from_formula("LiFePO4"),
        Candidate.from_formula("Li3N"),
        Candidate.from_formula("BaTiO3", lattice=cubic),
    ]


@pytest.fixture(scope="session")
def bundles(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one bundle per property, as `Predictor.load` takes it; read only, copy to change."""
    from training.bundle import save_bundle

    folder = tmp_path_factory.mktemp("bundles")
    digest = save_bundle(folder / "conductivity", make_card(fitted.model), fitted.model.arrays())
    (folder / "digests.json").write_text(json.dumps({"conductivity": digest}))
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ConductivityFit:
    """Run the recipe once, quickly, on a machine without public tables."""
    from training.properties.conductivity.ensemble import EnsembleSettings
    from training.properties.conductivity.recipe import train
    from training.sources import DATA_DIR_VARIABLE, MIRROR_VARIABLE

    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_DIR_VARIABLE, str(folder / "no-data"))
        patch.delenv(MIRROR_VARIABLE, raising=False)
        return train(folder / "conductivity", EnsembleSettings.quick())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a CI run in which a test was skipped: there, every public table and tool must be at hand."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter is not None else 0
    if os.environ.get("CI") == "true" and skipped and exitstatus == pytest.ExitCode.OK:
        print(f"\nCI: {skipped} test(s) were skipped; none may be")  # noqa: T201
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
