"""What cells are computed from is found by the role of a quantity, never by a property's name."""

from __future__ import annotations

from collections import Counter

import pytest

from features.kinds import KINDS
from training.properties import registry
from training.properties.contract import CellRole


def test_every_role_is_played_once_a_kind_at_most() -> None:
    played = Counter((quantity.role, registry.get(owner).kind) for owner, quantity in registry.quantities().values())
    assert all(count == 1 for (role, _), count in played.items() if role is not None)


@pytest.mark.parametrize("kind", [*KINDS])
def test_every_kind_of_electrolyte_conducts(kind: str) -> None:
    found = registry.of_role(CellRole.ION_CONDUCTION, kind)
    assert found is not None
    owner, quantity = found
    assert registry.get(owner).kind == kind
    assert quantity.is_log10
    assert quantity.unit == "S/cm"


def test_currents_are_in_the_unit_that_cells_take() -> None:
    found = registry.of_role(CellRole.CRITICAL_CURRENT, "inorganic")
    assert found is not None
    assert found[1].unit == "mA/cm2"


def test_a_kind_without_a_role_has_none() -> None:
    assert registry.of_role(CellRole.CRITICAL_CURRENT, "polymer") is None
