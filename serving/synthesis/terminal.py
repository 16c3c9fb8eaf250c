"""A synthesis plan as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from features.errors import shown
from serving.answers.terminal_tables import with_reading
from serving.synthesis.answers import ShownPathway, ShownRoute, SynthesisDocument
from serving.synthesis.shopping import BatchesDocument
from training.properties import registry

_WHOLE = 10.0
_NOTED = ("no ", "NH3", "NO2", "your batch", "passes through")
_STEPS: tuple[tuple[str, Literal["sintering_C", "calcination_C"], Literal["sintering_h", "calcination_h"]], ...] = (
    ("calcination", "calcination_C", "calcination_h"),
    ("sintering", "sintering_C", "sintering_h"),
)


def terminal_lines(document: SynthesisDocument) -> list[str]:
    """Return the document of `answers` as lines.

    Parameters
    ----------
    document
        From `answers.answer` or `answers.error_document`.
    """
    if document["status"] == "error":
        error = document["error"]
        failed = f"{shown(str(document['formula']))}  error {error['code']}: {error['message']}"
        return [failed, *_reported_lines(document)]
    target = document["target"]
    lines = [
        f"{with_reading(target)}  {target['grams']:g} g, {target['molar_mass_g_per_mol']:.2f} g/mol",
        *_energies(document),
    ]
    lines += [f"  {warning['code']}: {warning['message']}" for warning in document["warnings"]]
    listed, found = len(document["routes"]), document["routes_found"]
    sets = f"  {found} balanced set{'s' if found != 1 else ''} of precursors"
    lines.append(f"{sets}; the best {listed}:" if listed < found else f"{sets}:")
    if unsafe := document["unsafe_sets_left_out"]:
        lines.append(f"  {unsafe} more left out: an oxidiser with a fuel, or water driven off beside a sulfide")
    if not document["all_sets_tried"]:
        lines.append("  not all sets were tried: name fewer with --max-precursors or a shorter shelf")
    for number, route in enumerate(document["routes"], start=1):
        lines += ["", *_route_lines(number, route)]
    lines += _reported_lines(document)
    if document["driving_force_left"] is False:
        lines += [
            "",
            "No route has driving force left for the target at the end. Entropy (disorder, heat), quenching,",
            "milling or soft chemistry must make up for it; by less than 25 meV/atom it often does.",
        ]
    return lines


def _energies(document: SynthesisDocument) -> list[str]:
    target = document["target"]
    formation, above_hull = registry.of_phases().phase_energies
    energy = cast("dict[str, float | str] | None", target.get(formation.name))
    above = cast("dict[str, float] | None", target.get(above_hull.name))
    if energy is None or above is None:
        return [f"  no energies: {document['reason']}"]
    if energy["basis"] == "reference":
        words = f"energy of the reference table, {1000 * above['value']:.0f} meV/atom above the hull"
    else:
        span = f"{1000 * above['lower']:.0f} to {1000 * above['upper']:.0f}, {100 * above['coverage']:g} %"
        words = f"energy predicted, {1000 * above['value']:.0f} meV/atom above the hull ({span})"
    lines = [f"  {words}; solids at 0 K, gases at {document['temperature_C']:g} C and {document['gas_bar']:g} bar"]
    air = target["moist_air"]
    if air is not None:
        verdict = "withstands" if air["withstands"] else "reacts with"
        gas = ", gives off H2S" if air["evolves_h2s"] else ""
        energy_words = f"{air['energy_eV_per_H2O']:+.2f} eV per H2O"
        lines.append(f"  {verdict} air of {100 * air['humidity_bar']:g} % water ({energy_words}){gas}")
    return lines


def _route_lines(number: int, route: ShownRoute) -> list[str]:
    lines = [f"{number}  {route['reaction']}"]
    for precursor in route["precursors"]:
        words = [
            text
            for text in (precursor["handling"] if precursor["handling"] != "air" else "", precursor["note"])
            if text
        ]
        excess = f" (+{100 * precursor['excess']:.3g} %)" if precursor["excess"] else ""
        weighed = f"{precursor['mass_g']:9.4f} g  {precursor['millimoles']:8.3f} mmol  {precursor['formula']}{excess}"
        lines.append(f"   {weighed}{'  ' + '; '.join(words) if words else ''}")
    if route["gases"]:
        gases = ", ".join(f"{gas['volume_L_25C_1atm']:.3g} L {gas['gas']}" for gas in route["gases"])
        lines.append(f"   gives off {gases} (25 C, 1 atm)")
    if route["energies"] is not None:
        lines += _way_lines(route["energies"])
    return lines + [f"   {note}" for note in route["notes"] if note.startswith(_NOTED) or "excess" in note]


def _way_lines(way: ShownPathway) -> list[str]:
    lines = [f"   driving force {_span(way['driving_force_meV_per_atom'])} meV/atom"]
    lines += [f"     on heating  {text}" for text in way["on_heating"]]
    for step in way["steps"]:
        end = "the target forms" if step["forms_target"] else f"{step['left_meV_per_atom']:.0f} left"
        lines.append(f"     {step['energy_meV_per_atom_of_pair']:7.0f} meV/atom  {step['reaction']}: {end}")
    lines.append(f"   left when the target forms {_span(way['left_meV_per_atom'])} meV/atom")
    return lines


def shopping_lines(document: BatchesDocument) -> list[str]:
    """Return what to fetch for the best routes of several plans, as lines."""
    lines = ["To fetch for the best route of each:"]
    for bottle in document["shopping_list"]:
        handling = f"  {bottle['handling']}" if bottle["handling"] != "air" else ""
        shares = ", ".join(f"{mass:.4g} g for {target}" for target, mass in bottle["batches"].items())
        lines.append(f"  {bottle['mass_g']:9.4f} g  {bottle['formula']}  ({shares}){handling}")
    return lines


def _reported_lines(document: SynthesisDocument) -> list[str]:
    """Return what laboratories reported: nothing where no library was asked."""
    if "recipes" not in document:
        return []
    lines = [
        "",
        "Reported for this and the likest targets:"
        if document["recipes"]
        else "Nobody is known to have made the like.",
    ]
    for report in document["recipes"]:
        steps = [
            f"{step} {report[temperature]:g} C" + (f" {report[time]:g} h" if report[time] is not None else "")
            for step, temperature, time in _STEPS
            if report[temperature] is not None
        ]
        if not steps and report["temperature_C"] is not None:
            steps = [f"heated at {report['temperature_C']:g} C"]
        said = ", ".join([*steps, *([report["atmosphere"]] if report["atmosphere"] else [])])
        lines.append(
            f"  {report['target']}  {' + '.join(report['precursors'])}{': ' if said else ''}{said}  {report['doi']}"
        )
    heating = document["heating"]
    if heating is not None:
        lines.append(f"Usual from {' + '.join(heating['made_from'])}:")
        lines += [
            f"  {step}  {_usual(heating[temperature], 'C')}, {_usual(heating[time], 'h')}"
            for step, temperature, time in _STEPS
        ]
        lines += [f"  {heating['note']}"] if heating["note"] else []
    return lines


def _usual(said: Mapping[str, float | None], unit: str) -> str:
    value, lower, upper = (said[end] for end in ("value", "lower", "upper"))
    if value is None or lower is None or upper is None:
        return f"{_rounded(value or 0.0)} {unit} (too few reported for an interval)"
    return f"{_rounded(value)} {unit} ({_rounded(lower)} to {_rounded(upper)})"


def _rounded(number: float) -> str:
    return f"{number:.0f}" if number >= _WHOLE else f"{number:.2g}"


def _span(value: dict[str, float]) -> str:
    if value["lower"] == value["upper"]:
        return f"{value['value']:.0f}"
    return f"{value['value']:.0f} ({value['lower']:.0f} to {value['upper']:.0f})"
