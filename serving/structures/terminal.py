"""A structure's answer as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from features.errors import shown
from serving.answers.terminal_tables import INDENT
from training.properties import registry

if TYPE_CHECKING:
    from serving.structures.document import StructureRow


def terminal_lines(row: StructureRow) -> list[str]:
    """Return one row as lines, the comparison first."""
    name = row.get("file") or row.get("id") or ""
    head = f"{shown(str(name))}  {row.get('read_as') or '?'}".strip()
    if row["status"] == "error":
        return [f"{head}  error {row['error']['code']}: {row['error']['message']}"]
    part, ended = row["representative"], row["relaxation"]
    lines = [f"{head}: {row['difference']}"]
    verdict = "" if row["believe"] is None else f"believe {row['believe']}: "
    lines.append(f"{INDENT}{verdict}{row['believe_because']}")
    lines.append(
        f"{INDENT}{part['atoms']} atoms, {ended['end']} after {ended['steps']} steps,"
        f" volume {ended['volume_change']:+.1%};"
        f" relaxed by {row['potential']}, energy by {row['energy_by']},"
        f" {1000 * row['disagreement_eV_per_atom']:.0f} meV/atom apart"
    )
    lines += [f"{INDENT}{line}" for line in _quantities(cast("Mapping[str, Any]", row))]
    lines.append(f"{INDENT}{row['decomposition']}")
    for contact in row["contacts"]:
        lines.append(
            f"{INDENT}beside {contact['against']} {contact['energy_eV_per_atom']:.3f} eV/atom"
            f" (formula {_number(contact['energy_by_formula_eV_per_atom'])}): {contact['reaction']}"
        )
    moisture = row["moisture"]
    if moisture is not None:
        lines.append(
            f"{INDENT}moist air {'withstood' if moisture['withstands'] else 'attacks it'},"
            f" {moisture['energy_eV_per_H2O']:.2f} eV/H2O (formula {_number(moisture['energy_by_formula_eV_per_H2O'])})"
        )
    elastic = row.get("elastic")
    if elastic is not None:
        lines.append(
            f"{INDENT}K {elastic['bulk_GPa']:.1f}, G {elastic['shear_GPa']:.1f}, E {elastic['youngs_GPa']:.1f} GPa"
            f"{'' if elastic['is_stable'] else ' (a small strain lowers the energy: not a stable crystal)'}"
        )
    return lines + [f"{INDENT}{warning['code']}: {warning['message']}" for warning in row["warnings"]]


def _quantities(row: Mapping[str, Any]) -> list[str]:
    one = registry.of_phases()
    lines = []
    for quantity in (*one.phase_energies, *one.window):
        said = row[quantity.name]
        alone = (row["formula_alone"] or {}).get(quantity.name)
        if said is None:
            continue
        formula = "" if alone is None else f"; formula {alone['value']:.3f}"
        ends = f"{said['lower']:.3f} .. {said['upper']:.3f}"
        lines.append(f"{quantity.label}: {said['value']:.3f} ({ends}) {quantity.unit}{formula}")
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
