"""Coatings as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.errors import shown
from serving.answers.terminal_tables import INDENT, aligned, with_reading

if TYPE_CHECKING:
    from serving.coatings.document import Coating, CoatingsDocument

_HEADER = ("coating", "front", "electrolyte", "electrode", "window (V)", "gap (eV)", "sigma (S/cm)", "hull", "reported")


def terminal_lines(document: CoatingsDocument) -> list[str]:
    """Return the answer as lines for people.

    Parameters
    ----------
    document
        From `answer_coatings`.
    """
    if document["status"] == "error":
        error = document["error"]
        return [f"{shown(str(document['formula']))}  error {error['code']}: {error['message']}"]
    lines = [f"{with_reading(document['electrolyte'])}: {document['says']}"]
    for one in document["without_coating"]:
        state = f" ({one['state']})" if one["state"] else ""
        lines.append(
            f"{INDENT}beside {one['against']}{state}, {one['reaction_eV_per_atom']:.3f} eV/atom: {one['reaction']}"
        )
    lines += [f"{INDENT}{text}" for text in document["assumed"]]
    lines += [f"{INDENT}{warning['code']}: {warning['message']}" for warning in document["warnings"]]
    lines += ["", "the funnel:"]
    lines += [f"{INDENT}{step['left']:>6,}  {step['says']}" for step in document["funnel"]]
    rows = document["coatings"]
    more = f", {len(rows)} of {document['passed']} shown" if len(rows) < document["passed"] else ""
    legend = "what a contact adds in eV/atom; * on the front; sigma: ionic, predicted, ? of an unknown kind"
    lines += ["", f"coatings left{more}; {legend}"]
    lines += aligned([_HEADER, *map(_row, rows)]) if rows else [f"{INDENT}none"]
    if document["asked"]:
        lines += ["", "reported coatings and your own that left, or were asked about"]
    for asked in document["asked"]:
        lines.append(f"{INDENT}{asked['formula']}: {asked['reasons'][0] if asked['reasons'] else 'passed'}")
    lines += [f"{one['formula']}  error {one['code']}: {one['message']}" for one in document["failed"]]
    return lines


def _row(one: Coating) -> tuple[str, ...]:
    electrode = one.get("added_cathode_eV_per_atom")
    layer = (one.get("layer_at_lithium") or "-").replace("_", " ")
    gap = (
        "-"
        if one["band_gap_eV"] is None
        else f"{one['band_gap_eV']:.1f}{'~' if one['band_gap_basis'] == 'model' else ''}"
    )
    said, doubt = one["ion_conduction_log10_S_per_cm"], "" if one["ion_conduction_in_domain"] else "?"
    sigma = "-" if said is None else f"{10 ** said['value']:.0e}{doubt}"
    return (
        one["formula"],
        "*" if one["on_front"] else "",
        f"{one['added_electrolyte_eV_per_atom'] or 0.0:.3f}",
        layer if electrode is None else f"{electrode:.3f}",
        f"{one['window_V'][0]:.2f} .. {one['window_V'][1]:.2f}",
        gap,
        sigma,
        f"{one['above_hull_eV_per_atom']:.3f}",
        ", ".join(f"{report['kind']} {report['doi']}" for report in one["reported"]),
    )
