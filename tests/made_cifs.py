"""CIFs made up for tests."""

from __future__ import annotations

from collections.abc import Iterable

ARGYRODITE = (
    "Li1 Li 0.3071 0.0251 0.6929 0.5",
    "P1 P 0 0 0.5 1",
    "S1 S 0.11957 -0.11957 0.61957 1",
    "S2 S 0.25 0.25 0.75 1",
    "Cl1 Cl 0 0 0 1",
)


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


def group(name: str) -> str:
    return f"_symmetry_space_group_name_H-M '{name}'"


def operators(*texts: str) -> str:
    return "\n".join(["loop_", "_symmetry_equiv_pos_as_xyz", *(f"'{text}'" for text in texts)])


def argyrodite(*more: str, sites: Iterable[str] = ARGYRODITE, symmetry: str = group("F -4 3 m")) -> str:
    """Li6PS5Cl, with further sites or others."""
    return cif(symmetry, "\n".join([*sites, *more]), (9.857, 9.857, 9.857, 90, 90, 90))


def all_in_cell(sites: Iterable[str], name: str, decimals: int = 5) -> list[str]:
    """Return the sites of a whole unit cell, as programs write that do not know of groups."""
    import gemmi

    rows = []
    for site in sites:
        label, symbol, *place, occupancy = site.split()
        seen: list[list[float]] = []
        for operator in gemmi.SpaceGroup(name).operations():
            image = [value % 1 for value in operator.apply_to_xyz([float(value) for value in place])]
            if all(any(abs((a - b + 0.5) % 1 - 0.5) > 1e-4 for a, b in zip(image, old, strict=True)) for old in seen):
                seen.append(image)
        for i, image in enumerate(seen):
            written = " ".join(f"{value:.{decimals}f}" for value in image)
            rows.append(f"{label}_{i} {symbol} {written} {occupancy}")
    return rows
