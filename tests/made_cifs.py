"""CIFs made up for tests."""

from __future__ import annotations


def cif(
    symmetry: str = "_symmetry_space_group_name_H-M 'F m -3 m'",
    sites: str = "Li1 Li 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1",
    cell: tuple[object, ...] = (5.13, 5.13, 5.13, 90, 90, 90),
    columns: str = "label type_symbol fract_x fract_y fract_z occupancy",
) -> str:
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [
        "data_test",
        *(f"_cell_{name} {value}" for name, value in zip(names, cell, strict=True)),
        symmetry,
        "loop_",
    ]
    return "\n".join([*lines, *(f"_atom_site_{column}" for column in columns.split()), sites, ""])
