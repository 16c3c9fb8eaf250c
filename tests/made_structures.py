"""Structures made up for tests, in other formats than CIF."""

from __future__ import annotations

from typing import Any

LICL = """lithium chloride, made for a test
1.0
3.9 0.0 0.0
0.0 3.9 0.0
0.0 0.0 3.9
Li Cl
1 1
Direct
0.0 0.0 0.0
0.5 0.5 0.5
"""


def entry(**changes: Any) -> dict[str, Any]:
    """An OPTIMADE entry of LiCl, some attributes of which are replaced."""
    attributes: dict[str, Any] = {
        "lattice_vectors": [[3.9, 0.0, 0.0], [0.0, 3.9, 0.0], [0.0, 0.0, 3.9]],
        "cartesian_site_positions": [[0.0, 0.0, 0.0], [1.95, 1.95, 1.95]],
        "species": [
            {"name": "lithium", "chemical_symbols": ["Li"], "concentration": [1.0]},
            {"name": "chloride", "chemical_symbols": ["Cl"], "concentration": [1.0]},
        ],
        "species_at_sites": ["lithium", "chloride"],
        "structure_features": [],
        "dimension_types": [1, 1, 1],
    }
    return {"id": "mp-1", "type": "structures", "attributes": attributes | changes}
