"""Structures on the page: POSCAR and OPTIMADE files that are dropped, and the text of one that is pasted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from running_service import RunningService

    from tests.page.conftest import Visit

POSCAR = "LiCl\n1.0\n3.63 0.0 0.0\n0.0 3.63 0.0\n0.0 0.0 3.63\nLi Cl\n1 1\nDirect\n0.0 0.0 0.0\n0.5 0.5 0.5\n"
OPTIMADE = json.dumps(
    {
        "type": "structures",
        "attributes": {
            "lattice_vectors": [[3.63, 0, 0], [0, 3.63, 0], [0, 0, 3.63]],
            "cartesian_site_positions": [[0, 0, 0], [1.815, 1.815, 1.815]],
            "species": [{"name": s, "chemical_symbols": [s], "concentration": [1]} for s in ("Li", "Cl")],
            "species_at_sites": ["Li", "Cl"],
        },
    }
)


def test_structure_files_are_dropped(visit: Visit, service: RunningService) -> None:
    visit.drop(("POSCAR", POSCAR), ("b.vasp", POSCAR), ("c.json", OPTIMADE), ("d.json", "{}"))
    visit.predict()
    assert visit.rows().count() == 4
    assert visit.cells("sigma")[0] == visit.cells("sigma")[1] == visit.cells("sigma")[2]
    assert "unparseable_structure" in visit.rows().nth(3).inner_text()
    assert "formula and unit cell" in visit.open_row(0).inner_text()


@pytest.mark.parametrize("text", [POSCAR, OPTIMADE])
def test_the_text_of_a_structure_is_pasted_as_one_candidate(visit: Visit, text: str) -> None:
    visit.paste(text)
    visit.predict()
    assert visit.rows().count() == 1
    assert visit.materials() == ["LiCl"]
    assert "formula and unit cell" in visit.open_row(0).inner_text()
