"""What the retraining benchmarks share: one family of materials taken out of the real tables, and given back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.similarity import half_l1
from training.bundle import DataSource
from training.ledger.intake import Wishes as LedgerWishes
from training.ledger.intake import add_table
from training.ledger.reading import from_records
from training.ledger.store import Ledger
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.recipe import PUBLIC_SOURCES, load_tables
from training.properties.conductivity.residual_net import ResidualNetSettings
from training.properties.conductivity.retraining import ConductivityJob
from training.properties.conductivity.table import leaks_into_test, load_obelix
from training.refitting.training_set import TrainingSet
from training.retraining.registry import ModelRegistry
from training.sources import require

if TYPE_CHECKING:
    import pandas as pd

ALIKE = 0.1
"""Half-L1 distance below which a row without a family's name is taken out with the family."""
REDUCED = EnsembleSettings(
    process_iterations=12,
    forest_trees=100,
    boosting_rounds=150,
    boosting_seeds=1,
    nets=ResidualNetSettings(n_nets=2),
    explainer_trees=60,
    explainer_neighbours=1000,
    n_folds=5,
)
"""A quarter of the recipe's work, for machines that many share."""


@lru_cache(maxsize=1)
def everything() -> tuple[pd.DataFrame, list[DataSource], list[str]]:
    """Return the recipe's tables."""
    require(PUBLIC_SOURCES, "a benchmark of retraining")
    return load_tables()


@dataclass(frozen=True)
class Family:
    """A family of materials, and the tables without it."""

    name: str

    def is_own(self) -> NDArray[np.bool_]:
        """Return the rows of the family, and rows without a family's name that are nearly the same."""
        table = everything()[0]
        named = (table["family"] == self.name).to_numpy()
        composition = MaterialBatch.from_formulas(list(table["formula"])).matrix()
        near = half_l1(composition, composition[named]).min(axis=1) < ALIKE
        own: NDArray[np.bool_] = named | (near & (table["family"] == "").to_numpy())
        return own

    def tables(self) -> tuple[pd.DataFrame, list[DataSource], list[str]]:
        """Return what `load_tables` would if nobody had ever measured the family."""
        table, sources, lacking = everything()
        kept = table[~self.is_own()].reset_index(drop=True)
        digest = hashlib.sha256(f"without {self.name}".encode()).hexdigest()
        changed = [s.model_copy(update={"sha256": digest}) if s.name == "literature" else s for s in sources]
        return kept, changed, lacking

    def rows(self) -> pd.DataFrame:
        """Return the family's conductivities that may be learnt from: nothing that leaks into the official split."""
        table = everything()[0]
        own = table[(table["family"] == self.name) & table["log10_sigma_S_per_cm"].notna()]
        test = load_obelix("test")
        leaks = np.where(own["source"] == "obelix", own["obelix_split"] == "test", leaks_into_test(own, test))
        return own[~leaks.astype(bool)].reset_index(drop=True)

    def records(self, rows: pd.DataFrame, *, shuffle: int | None = None) -> list[dict[str, Any]]:
        """Return rows as a laboratory would add them; with a seed, every value belongs to another row."""
        sigma, bound = 10.0 ** rows["log10_sigma_S_per_cm"].to_numpy(dtype=float), rows["is_upper_bound"].to_numpy()
        if shuffle is not None:
            order = np.random.default_rng(shuffle).permutation(len(rows))
            sigma, bound = sigma[order], bound[order]
        return [
            {
                "formula": row.formula,
                "sigma_S_per_cm": value,
                "bound": "upper" if is_bound else "",
                "temperature_C": row.temperature_C,
                "family": self.name,
                "doi": row.doi,
                "reference": row.reference or row.row_id,
            }
            for row, value, is_bound in zip(rows.itertuples(), sigma.tolist(), bound.tolist(), strict=True)
        ]

    def champion(self, work: Path, settings: EnsembleSettings) -> Path:
        """Return the bundle of a champion that never saw the family; fitted once a folder and settings."""
        key = hashlib.sha256(repr((self.name, settings)).encode()).hexdigest()[:12]
        folder = work / "champions" / f"{self.name}-{key}"
        if not (folder / "card.json").exists():
            table, sources, lacking = self.tables()
            nothing = np.zeros(len(table), dtype=bool)
            training_set = TrainingSet(
                "0" * 64, table, nothing, table, table.iloc[:0], "0" * 64, sources, lacking, 0, ()
            )
            self.job(settings).fit(training_set, folder, lambda what: None)
        return folder

    def job(self, settings: EnsembleSettings) -> ConductivityJob:
        """Return the job of a laboratory that begins without the family."""
        return ConductivityJob(settings, self.tables)


@dataclass(frozen=True)
class Laboratory:
    """A fresh ledger and registry in a folder."""

    folder: Path

    @property
    def registry(self) -> ModelRegistry:
        """An empty one on SQLite."""
        return ModelRegistry("conductivity", f"sqlite:///{self.folder / 'registry' / 'mlflow.db'}")

    def ledger(self, records: list[dict[str, Any]]) -> Ledger:
        """Return a ledger that holds the records; whatever is odd about them was waved through."""
        ledger = Ledger.open(f"sqlite:///{self.folder / 'ledger.db'}")
        table = from_records(records, "benchmark")
        wishes = LedgerWishes("conductivity", dry_run=True)
        named = add_table(table, who="benchmark", wishes=wishes, ledger=ledger).accept_warnings
        wishes = LedgerWishes("conductivity", accept_warnings=named, keep_good=True)
        add_table(table, who="benchmark", wishes=wishes, ledger=ledger)
        return ledger
