"""Lithium's ways through a crystal as lines for people."""

from __future__ import annotations

from serving.answers.terminal_tables import INDENT, aligned
from serving.pathways.document import PathwaysDocument


def terminal_lines(document: PathwaysDocument) -> list[str]:
    """Return the answer about one crystal as lines.

    Parameters
    ----------
    document
        From `serving.pathways.answer.answer_pathways`, with an `id`.
    """
    name = document.get("id", "")
    if document["status"] == "error":
        return [f"{name}: error {document['error']['code']}: {document['error']['message']}"]
    found = document["pathway"]
    parts = (document["read_as"], document.get("space_group"), f"{document.get('cell_content')} in the cell")
    rows = [
        ["dimension", f"{found['dimension']}", "that opens within 0.2 eV of the easiest way"],
        ["barrier, 1D", _eV(found["barrier_1d_eV"]), "along some direction"],
        ["barrier, 2D", _eV(found["barrier_2d_eV"]), "along some plane"],
        ["barrier, 3D", _eV(found["barrier_3d_eV"]), "everywhere"],
        ["bottleneck", f"{found['bottleneck_A']:.2f} A", "radius that passes in 3D between the other ions"],
    ]
    lines = [f"{name}: {', '.join(part for part in parts if part)}"]
    lines += [f"{INDENT}{line}" for line in aligned(rows)]
    return lines + [f"{INDENT}! {warning['message']}" for warning in document["warnings"]]


def _eV(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} eV"
