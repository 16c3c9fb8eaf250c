"""Documents about interfaces, coatings, rankings, candidates, syntheses and models, cut to what an agent can use.

Each function returns an object and lines that say the same. Names and notes that a caller, a shelf or a ledger may
have written are quoted in the lines, or left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from serving.agents.errors import error_words
from serving.agents.quoting import doi, formula, quoted
from serving.agents.shapes import (
    ShortContact,
    ShortExcluded,
    ShortFailed,
    ShortRanked,
    ShortReport,
    ShortRoute,
)
from serving.agents.short_rows import near, short_warnings, warning_lines

if TYPE_CHECKING:
    from serving.answers.interface_answers import ContactDocument, InterfaceDocument
    from serving.coatings.document import CoatingsDocument
    from serving.ranking.document import RankedEntry, RankingDocument
    from serving.synthesis.answers import SynthesisDocument

Short = tuple[Mapping[str, object], list[str]]


def of_interface(document: InterfaceDocument) -> Short:
    """Return what becomes of an electrolyte at each partner; energies in eV per atom of the reacting mixture, 0 K."""
    electrolyte = document["electrolyte"]["read_as"]
    contacts = [_contact(one) for one in document["contacts"]]
    lines = [f"{electrolyte}: reactions with what it touches, from energies at 0 K"]
    for one in contacts:
        if "error" in one:
            lines.append(
                f"- {quoted(one['against'], 60)}: {error_words(one['error']['code'], one['error']['message'])}"
            )
            continue
        energy = f"{one['energy']:.3f} {one['unit']}"
        lines.append(f"- {one['formula']} ({one['role'].replace('_', ' ')}): {energy}; {one['reaction']}")
        if one.get("interphase"):
            lines.append(f"  layer: {one['interphase'].replace('_', ' ')}; why: {quoted(one['why'])}")
        lines += warning_lines(one["warnings"], "  ")
    warnings = short_warnings(document["warnings"])
    return {"electrolyte": electrolyte, "contacts": contacts, "warnings": warnings}, [*lines, *warning_lines(warnings)]


def _contact(one: ContactDocument) -> ShortContact:
    if one["status"] == "error":
        return {"against": one["against"], "error": one["error"]}
    said: ShortContact = {"against": one["against"], "formula": one["read_as"], "role": one["role"]}
    said |= {"warnings": short_warnings(one["warnings"])}
    if one["role"] == "water":
        final = one["final_reaction"]
        reaction = final if final["products"] else one["reaction"]
        return said | {
            "energy": one["energy_eV_per_H2O"],
            "unit": "eV per H2O",
            "reaction": reaction["text"],
            "withstands_moist_air": one["withstands"],
            "evolves_H2S": one["evolves_h2s"],
        }
    lithiated, at_voltage = one["with_excess_lithium"], one["at_voltage"]
    mixing = at_voltage or one["closed"]
    reaction = lithiated["reaction"] if lithiated is not None else mixing["reaction"]
    return said | {
        "energy": mixing["energy_eV_per_atom"],
        "unit": "eV/atom",
        "reaction": reaction["text"],
        "interphase": one["interphase"],
        "why": one["interphase_why"],
        "confidence": one["interphase_confidence"],
    }


def of_coatings(document: CoatingsDocument) -> Short:
    """Return which coatings are left, and what each does at both sides."""
    kept = ("above_hull_eV_per_atom", "window_V", "band_gap_eV", "added_electrolyte_eV_per_atom")
    more = ("added_cathode_eV_per_atom", "layer_at_lithium")
    coatings: list[Mapping[str, Any]] = [
        {"formula": one["read_as"], "on_front": one["on_front"]}
        | {key: one.get(key) for key in (*kept, *more) if one.get(key) is not None}
        | {"reported_doi": [doi(report["doi"]) for report in one["reported"]][:3]}
        for one in document["coatings"]
    ]
    electrolyte = document["electrolyte"]["read_as"]
    lines = [
        f"{document['passed']} coatings pass for {electrolyte} towards {document['side']},"
        f" {len(coatings)} listed, the best first; says: {quoted(document['says'])}"
    ]
    for one in coatings:
        low, high = one["window_V"]
        gap = f", band gap {one['band_gap_eV']:.1f} eV" if "band_gap_eV" in one else ""
        beside = f"adds {one.get('added_electrolyte_eV_per_atom', 0.0):.3f} eV/atom beside the electrolyte"
        if "added_cathode_eV_per_atom" in one:
            beside += f", {one['added_cathode_eV_per_atom']:.3f} beside the cathode"
        lines.append(f"- {one['formula']}: window {low:.2f} to {high:.2f} V{gap}, {beside}")
    warnings = short_warnings(document["warnings"])
    short = {"electrolyte": electrolyte, "side": document["side"], "says": document["says"], "coatings": coatings}
    funnel = [{"step": step["step"], "left": step["left"]} for step in document["funnel"]]
    return short | {"funnel": funnel, "warnings": warnings}, [*lines, *warning_lines(warnings)]


def of_ranking(document: RankingDocument) -> Short:
    """Return the ranking with probabilities and what limits each."""
    ranking = [_ranked(one) for one in document["ranking"]]
    failed: list[ShortFailed] = [
        {"index": row["index"], "code": row["error"]["code"], "message": row["error"]["message"]}
        for row in document["failed"][:20]
    ]
    counts = document["counts"]
    objectives = [str(one["text"]) for one in document["objectives"]]
    lines = [f"objectives: {quoted('; '.join(objectives))}; {counts['ranked']} of {counts['given']} ranked, best first"]
    for one in ranking:
        chance = one["probability_of_success"]
        chance_words = "" if chance is None else f": meets all targets with probability {chance:.2g}"
        front = ", on the Pareto front" if one["on_front"] else ""
        lines.append(f"{one['rank']}. {one['read_as']} (candidate {one['index'] + 1}){chance_words}{front}")
        if one["limiting"]:
            lines.append(f"   limited by: {quoted(one['limiting'])}")
        lines += warning_lines(one["warnings"], "   ")
    excluded: list[ShortExcluded] = [
        {"index": one["index"], "read_as": one["read_as"], "reasons": [r["code"] for r in one["reasons"]]}
        for one in document["excluded"][:20]
    ]
    lines += [f"excluded: {one['read_as']} ({', '.join(one['reasons'])})" for one in excluded]
    lines += [f"candidate {one['index'] + 1}: {error_words(one['code'], one['message'])}" for one in failed]
    lines += [f"note: {quoted(note)}" for note in document["notes"]]
    short = {"objectives": objectives, "counts": counts, "ranking": ranking, "excluded": excluded, "failed": failed}
    return short | {"notes": document["notes"]}, lines


def _ranked(one: RankedEntry) -> ShortRanked:
    return {
        "rank": one["rank"],
        "index": one["index"],
        "read_as": one["read_as"],
        "probability_of_success": one["probability_of_success"],
        "on_front": one["on_front"],
        "limiting": None if one["limiting"] is None else str(one["limiting"]["words"]),
        "objectives": [
            {key: value.get(key) for key in ("objective", "value", "lower", "upper", "probability")}
            for value in one["objectives"]
        ],
        "in_domain": one["in_domain"],
        "nearest": {name: near(known) for name, known in one["nearest"].items()},
        "warnings": short_warnings(one["warnings"]),
    }


def of_candidates(document: Mapping[str, Any], listed: int) -> Short:
    """Return generated candidates; `document` is that of `serving.generation.output.document`."""
    rows = [
        {
            "formula": row["formula"],
            "variables": row["variables"],
            "known": row["known"],
            "charge_imbalance_per_atom": row["charge_imbalance_per_atom"],
        }
        for row in document["candidates"][:listed]
    ]
    lines = [f"{len(document['candidates'])} candidates of {document['made']} combinations"]
    for row in rows:
        known = "" if row["known"] in (None, "no") else f"; known: {row['known']}"
        balance = "" if abs(row["charge_imbalance_per_atom"]) < 1e-3 else "; no common oxidation states balance it"
        lines.append(f"- {row['formula']}{known}{balance}")
    lines += [f"left out {count}: {quoted(reason)}" for reason, count in document["left_out"].items()]
    return {"made": document["made"], "candidates": rows}, lines


def of_synthesis(document: SynthesisDocument) -> Short:
    """Return routes with what to weigh, and what laboratories reported; notes of shelves and ledgers are left out."""
    routes: list[ShortRoute] = [
        {
            "reaction": route["reaction"],
            "weigh": [
                {"formula": one["formula"], "mass_g": one["mass_g"], "handling": one["handling"]}
                for one in route["precursors"]
            ],
            "gases": [str(gas["gas"]) for gas in route["gases"]],
            "driving_force_meV_per_atom": None
            if route["energies"] is None
            else route["energies"]["driving_force_meV_per_atom"],
        }
        for route in document["routes"]
    ]
    reported: list[ShortReport] = [
        {
            "target": formula(one["target"]),
            "precursors": [formula(name) for name in one["precursors"]],
            "temperature_C": one["temperature_C"],
            "doi": doi(one["doi"]),
        }
        for one in document.get("recipes", [])[:3]
    ]
    target = document["target"]
    lines = [f"{target['read_as']}, {target['grams']:g} g: {document['routes_found']} balanced sets of precursors"]
    for number, route in enumerate(routes, start=1):
        force = route["driving_force_meV_per_atom"]
        words = "" if force is None else f"; driving force {force['value']:.0f} meV/atom"
        gases = f"; gives off {', '.join(route['gases'])}" if route["gases"] else ""
        lines.append(f"{number}. {route['reaction']}{words}{gases}")
        lines += [f"   weigh {w['mass_g']:.4f} g {w['formula']} ({w['handling']})" for w in route["weigh"]]
    for one in reported:
        heated = "" if one["temperature_C"] is None else f", heated at {one['temperature_C']:g} C"
        lines.append(f"reported: {one['target']} from {' + '.join(one['precursors'])}{heated} ({one['doi']})")
    if document["driving_force_left"] is False:
        lines.append("no route has driving force left for the target at 0 K; entropy or quenching must make up for it")
    air = target["moist_air"]
    if air is not None and not air["withstands"]:
        lines.append(f"reacts with moist air{' and gives off toxic H2S' if air['evolves_h2s'] else ''}")
    warnings = short_warnings(document["warnings"])
    short = {"target": target["read_as"], "grams": target["grams"], "routes": routes, "reported": reported}
    return short | {"warnings": warnings}, [*lines, *warning_lines(warnings)]


def of_models(cards: Mapping[str, Mapping[str, Any]]) -> Short:
    """Return what the served models are for, and where they are not to be trusted."""
    kept = ("version", "trained_on", "origin", "digest", "summary", "intended_use", "limitations")
    short = {name: {key: card[key] for key in kept if key in card} for name, card in cards.items()}
    lines = []
    for name, card in short.items():
        lines.append(f"{name}: version {quoted(str(card.get('version')), 60)}; {quoted(str(card.get('summary')))}")
        lines += [f"   limit: {quoted(str(text))}" for text in card.get("limitations", [])[:4]]
    return {"models": short}, lines
