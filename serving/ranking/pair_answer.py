"""The answer to a call for pairs of electrolytes, as one JSON document and as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from features.candidate import INORGANIC, Candidate, RowError
from serving.answers.interface_answers import ShownReaction, shown_reaction_of
from serving.answers.judging import of_one_kind
from serving.answers.request import DEFAULT_COVERAGE, CandidateInput, read_inputs
from serving.answers.rows import MaterialHead, ModelHeaders, ResultRow, error_row, head_of
from serving.answers.terminal_tables import aligned, name_of, reading_of
from serving.cells.answer import ANOLYTE, CATHOLYTE, cell_of, rounded, shown_number
from serving.cells.design import CellConditions
from serving.cells.document import ShownNumber
from serving.cells.layers import Models
from serving.cells.rates import LIMITS
from serving.cells.terminal import WORDS, with_ends
from serving.models.store import ModelUnavailableError
from serving.ranking.answer import kind_of, properties_of
from serving.ranking.objectives import Objective, ObjectiveError, parse_objective
from serving.ranking.pairs import Pair, PairTargets, RankedPairs, Side, rank_pairs
from serving.ranking.presets import PAIR_PRESETS, PairPreset
from training.properties import registry
from training.properties.registry import with_needed

MUTUAL_eV_PER_ATOM = -0.05
"""A reaction of the two that releases more is not tolerated unless said otherwise; assumed, twice the field's 25
meV/atom for a compound that may be made although it lies above the hull."""
DEFAULT_CUTOFF_V = 4.3


class PairReaction(TypedDict):
    """What the two become where they touch, at 0 K, and how much of it is not what each does alone."""

    mutual_energy_eV_per_atom: float
    reaction: ShownReaction


class PairEntry(TypedDict):
    """One pair."""

    rank: int
    anolyte: MaterialHead
    catholyte: MaterialHead
    probability_of_success: float
    probability_anolyte: float
    probability_catholyte: float
    probability_c_rate: float
    c_rate_reached: ShownNumber
    rate_limited_by: str
    limiting_anolyte: str
    limiting_catholyte: str
    mutual_reaction: PairReaction | None
    reacts: bool
    on_front: bool
    reason: str | None


class PairsDocument(TypedDict):
    """The answer to a call for pairs."""

    models: ModelHeaders
    status: str
    objectives: dict[str, list[str]]
    targets: dict[str, float]
    cell: dict[str, float]
    notes: list[str]
    counts: dict[str, int]
    pairs: list[PairEntry]
    excluded: list[dict[str, object]]
    failed: list[ResultRow]


@dataclass(frozen=True, slots=True)
class PairOptions:
    """What is wanted of pairs.

    Parameters
    ----------
    design
        The cell, its rate included.
    objectives
        Texts such as `anolyte: ccd>=1@25`, which replace those of the preset about the same quantity and side.
    preset
        Where to start from.
    cutoff_V
        Of the cathode: the catholyte must not oxidise below it.
    mutual_eV_per_atom
        How exothermic the reaction of the two may be.
    top
        How many to list; None lists all.
    coverage
        Of the intervals that are shown.
    """

    design: CellConditions
    objectives: Sequence[str] = ()
    preset: PairPreset = PairPreset.FAST_CHARGE
    cutoff_V: float = DEFAULT_CUTOFF_V
    mutual_eV_per_atom: float = MUTUAL_eV_PER_ATOM
    top: int | None = None
    coverage: float = DEFAULT_COVERAGE


def side_objectives(options: PairOptions) -> dict[str, list[Objective]]:
    """Return the objectives of each side.

    Raises
    ------
    ObjectiveError
        If one names no side, has no target or cannot be understood, or the cutoff lies below the anode.
    """
    if options.cutoff_V <= 0.0:
        raise ObjectiveError(
            f"cutoff: received {options.cutoff_V:g} V, expected more than the 0 V of the lithium anode"
        )
    preset = PAIR_PRESETS[options.preset]
    texts = {ANOLYTE: preset.anolyte, CATHOLYTE: preset.catholyte}
    found = {
        side: [parse_objective(one.format(cutoff_V=options.cutoff_V)) for one in own] for side, own in texts.items()
    }
    for text in options.objectives:
        side, colon, rest = (part.strip() for part in text.partition(":"))
        if not colon or side not in found:
            raise ObjectiveError(f"objective '{text}': expected '{ANOLYTE}: ...' or '{CATHOLYTE}: ...' of a pair")
        own = parse_objective(rest)
        if own.target is None:
            raise ObjectiveError(f"objective '{text}': expected a target, such as {own.quantity.aliases[0]}>=...")
        found[side] = [own, *(one for one in found[side] if one.quantity != own.quantity)]
    return found


def properties_of_pairs(options: PairOptions) -> list[str]:
    """Return the properties whose models pairs need."""
    named = [name for own in side_objectives(options).values() for name in properties_of(own)]
    roles = [owner for owner, quantity in registry.quantities().values() if quantity.role]
    kept = [name for name in roles if registry.get(name).kind == INORGANIC]
    return with_needed([*named, *kept, registry.of_phases().name])


def answer_pairs(
    models: Models, rows: dict[str, Sequence[CandidateInput | RowError]], options: PairOptions
) -> PairsDocument:
    """Rank pairs of electrolytes.

    Parameters
    ----------
    models
        Served models by property.
    rows
        Candidates of `anolyte` and of `catholyte`; one list for both is one table, whose rows count once.
    options
        What is wanted.

    Raises
    ------
    ModelUnavailableError
        If a model is not served.
    ObjectiveError
        See `side_objectives`.
    """
    objectives, needed = side_objectives(options), properties_of_pairs(options)
    absent = [name for name in needed if name not in models]
    if absent:
        raise ModelUnavailableError(f"this installation serves no {absent[0]} model; run `elyte train {absent[0]}`")
    read = {side: _read(own, objectives[side]) for side, own in rows.items()}
    tables = {id(own): own for own in rows.values()}
    design = options.design
    sides = {
        side: Side.of(models, [*good.values()], design.of_models(), objectives[side])
        for side, (good, _) in read.items()
    }
    targets = PairTargets(design.c_rate, options.mutual_eV_per_atom)
    phases = registry.of_phases()
    table = phases.phases(models[phases.name].model).phases
    both = (sides[ANOLYTE], sides[CATHOLYTE])
    ranked = rank_pairs(models, table, both, design, targets)
    heads = {side: [head_of(one, place) for place, one in good.items()] for side, (good, _) in read.items()}
    entries = [
        _entry(place, pair, both, heads, options, on_front=bool(front))
        for place, (pair, front) in enumerate(zip(ranked.pairs, ranked.on_front, strict=True))
    ]
    bad = {(id(rows[side]), one.index, one.code): one for side, (_, own) in read.items() for one in own}
    return {
        "models": {name: models[name].header() for name in needed},
        "status": "ok" if entries else "empty",
        "objectives": {side: [one.text for one in own] for side, own in objectives.items()},
        "targets": {**targets._asdict(), "cutoff_V": options.cutoff_V},
        "cell": cell_of(design),
        "notes": _notes(entries, ranked, options),
        "counts": {"given": sum(map(len, tables.values())), "pairs": len(entries), "not_looked_at": ranked.left_out},
        "pairs": entries[: options.top],
        "excluded": [
            {"side": side, **heads[side][row], "reason": reason}
            for side, own in sides.items()
            for row, reason in enumerate(own.missing)
            if reason is not None
        ],
        "failed": [error_row(error) for error in bad.values()],
    }


def _read(
    rows: Sequence[CandidateInput | RowError], objectives: Sequence[Objective]
) -> tuple[dict[int, Candidate], list[RowError]]:
    """Return the readable candidates by their places, and the errors of the others."""
    given = [(place, row) for place, row in enumerate(rows) if isinstance(row, CandidateInput)]
    read = of_one_kind(read_inputs([row for _, row in given]), kind_of(objectives), properties_of(objectives))
    good: dict[int, Candidate] = {}
    bad = [row for row in rows if isinstance(row, RowError)]
    for (place, _), one in zip(given, read, strict=True):
        if isinstance(one, RowError):
            bad.append(replace(one, index=place))
        else:
            good[place] = one
    return good, bad


def _entry(
    place: int,
    pair: Pair,
    sides: tuple[Side, Side],
    heads: dict[str, list[MaterialHead]],
    options: PairOptions,
    *,
    on_front: bool,
) -> PairEntry:
    anolytes, catholytes = sides
    reaction: PairReaction | None = None
    if pair.mixing is not None:
        energy = round(pair.mutual_eV_per_atom, 6)
        reaction = {"mutual_energy_eV_per_atom": energy, "reaction": shown_reaction_of(pair.mixing.mutual_reaction)}
    return {
        "rank": place + 1,
        "anolyte": heads[ANOLYTE][pair.anolyte],
        "catholyte": heads[CATHOLYTE][pair.catholyte],
        "probability_of_success": rounded(pair.success),
        "probability_anolyte": rounded(float(anolytes.chance[pair.anolyte])),
        "probability_catholyte": rounded(float(catholytes.chance[pair.catholyte])),
        "probability_c_rate": rounded(pair.success_rate),
        "c_rate_reached": shown_number(pair.reached[1:], options.coverage),
        "rate_limited_by": LIMITS[pair.limiting],
        "limiting_anolyte": anolytes.limiting(pair.anolyte),
        "limiting_catholyte": catholytes.limiting(pair.catholyte),
        "mutual_reaction": reaction,
        "reacts": bool(pair.mutual_eV_per_atom < options.mutual_eV_per_atom),
        "on_front": on_front,
        "reason": pair.reason,
    }


def _notes(entries: Sequence[PairEntry], ranked: RankedPairs, options: PairOptions) -> list[str]:
    preset = PAIR_PRESETS[options.preset]
    notes = []
    reacting = [entry for entry in entries if entry["reacts"]]
    if reacting:
        worst = min(reacting, key=lambda one: one["mutual_reaction"]["mutual_energy_eV_per_atom"])  # type: ignore[index]
        notes.append(
            f"{len(reacting)} of {len(entries)} pairs react with each other by more than"
            f" {-options.mutual_eV_per_atom:g} eV/atom and have no chance; most so"
            f" {worst['anolyte']['formula']} with {worst['catholyte']['formula']}"
        )
    notes.append(f"preset {options.preset}: {preset.why}")
    if ranked.left_out:
        notes.append(f"{ranked.left_out} pairs of the least promising sides were not looked at")
    if entries and not any(entry["probability_of_success"] for entry in entries):
        notes.append("no pair meets everything in any sample: what limits each side and the rate is named with it")
    return notes


def pair_lines(document: PairsDocument) -> list[str]:
    """Return pairs as lines for people: what reacts first, then a table, then notes."""
    notes = [f"note: {note}" for note in document["notes"]]
    header = ("rank", "anolyte", "catholyte", "P(all)", "P(anolyte)", "P(catholyte)", "C-rate", "P(rate)", "reaction")
    rows: list[tuple[str, ...]] = [header]
    beneath: list[list[str]] = []
    for entry in document["pairs"]:
        found = entry["mutual_reaction"]
        energy = "-" if found is None else f"{found['mutual_energy_eV_per_atom']:.3f} eV/atom"
        rows.append(
            (
                f"{entry['rank']}{'*' if entry['on_front'] else ''}",
                name_of(entry["anolyte"]),
                name_of(entry["catholyte"]),
                f"{entry['probability_of_success']:.2g}",
                f"{entry['probability_anolyte']:.2g}",
                f"{entry['probability_catholyte']:.2g}",
                with_ends(entry["c_rate_reached"]),
                f"{entry['probability_c_rate']:.2g}",
                energy,
            )
        )
        lines = [f"limited by: anolyte {entry['limiting_anolyte']}; catholyte {entry['limiting_catholyte']};"]
        lines[0] += f" rate by {WORDS[entry['rate_limited_by']]}"
        if found is not None and found["reaction"]["products"] and found["mutual_energy_eV_per_atom"] < 0.0:
            lines.append(f"where they touch: {found['reaction']['text']}")
        lines += [one for one in (reading_of(entry["anolyte"]), reading_of(entry["catholyte"]), entry["reason"]) if one]
        beneath.append([f"      {line}" for line in lines])
    lines = aligned(rows, beneath) if len(rows) > 1 else []
    lines += [f"not judged as {row['side']}: {row['formula']}: {row['reason']}" for row in document["excluded"]]
    lines += [f"not readable: {name_of(row)}: {row['error']['message']}" for row in document["failed"]]
    return [*notes[:1], *lines, *notes[1:]]
