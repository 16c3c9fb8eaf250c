"""The public table of polymer conductivities is read whole, and its splits leak nothing."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra `polymer` is not installed")

from training.properties.polymer import tables as tables_module
from training.properties.polymer.evaluation import splits
from training.properties.polymer.fit import PolymerSettings, read_transference
from training.properties.polymer.tables import (
    CONDUCTIVITY,
    Conductivities,
    read_conductivities,
    read_transference_table,
)
from training.sources import missing
from training.tables import TableError

needs_table = pytest.mark.skipif(bool(missing([CONDUCTIVITY])), reason="needs the public tables (elyte data fetch)")


@pytest.fixture(scope="module")
def table() -> Conductivities:
    return read_conductivities()


@needs_table
def test_counts_of_the_table(table: Conductivities) -> None:
    assert len(table) == 10_107
    assert len(np.unique(table.batch.polymer_keys)) == 223
    assert len(np.unique(table.batch.salt_keys)) == 39
    assert len(np.unique(table.paper)) == 138
    assert len(np.unique(table.doi[table.doi != ""])) == 69


@needs_table
def test_single_ion_conductors_have_lithium(table: Conductivities) -> None:
    without = table.batch.salt_keys == "none"
    assert without.sum() > 900
    assert (table.batch.lithium_molality[without] > 0).sum() == without.sum() - 1  # one polymer holds no ion at all


@needs_table
def test_splits_leak_nothing(table: Conductivities) -> None:
    found = splits(table, PolymerSettings())
    assert sum(len(asked) for _, asked in found["chemarr"][0]) == 4_846
    for name, labels in (("new_polymer", table.batch.polymer_keys), ("new_paper", table.paper)):
        asked_rows = np.concatenate([asked for _, asked in found[name][0]])
        assert sorted(asked_rows) == list(range(len(table)))
        for fitted, asked in found[name][0]:
            assert not set(labels[fitted]) & set(labels[asked])
    for fitted, asked in found["chemarr"][0]:
        assert not set(table.spelling[fitted]) & set(table.spelling[asked])


def test_transference_numbers_have_a_doi_and_belong_to_polymers() -> None:
    assert len(read_transference_table()) == 63
    found = read_transference()
    assert sum(len(numbers) for numbers in found.values()) >= 55
    assert all(0 <= one.t_plus <= 1 and one.doi.startswith("10.") for each in found.values() for one in each)


def test_a_broken_row_is_named(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN001
    text = tables_module.TRANSFERENCE_PATH.read_text(encoding="utf-8").splitlines()
    broken = tmp_path / "transference.csv"
    broken.write_text("\n".join([text[0], text[1].replace("0.57", "57")]), encoding="utf-8")
    monkeypatch.setattr(tables_module, "TRANSFERENCE_PATH", broken)
    with pytest.raises(TableError, match="t_plus"):
        read_transference_table()
