"""From rankings of many cuts to figures: enrichment, regret, families, each with its spread over cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from retrospective_cuts import Cut, History, distinct
from retrospective_metrics import (
    blind_enrichment,
    blind_regret,
    enrichment,
    first_of,
    hits_found,
    largest_enrichment,
    rank_percentile,
    regret,
)
from retrospective_rankings import TARGETS, Ranked

Array = NDArray[np.float64]
Pair = tuple[Cut, Ranked]
SHARES = {"top_30": 0.3, "top_10": 0.1, "top_1": 0.01}
BATCHES = (5, 10, 20)
STATED = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
"""Limits between bins of stated probabilities."""
GOOD = -4.0
LEVELS = (2.5, 97.5)
N_DRAWS = 1000
FAMILY_RANKINGS = {
    "elyte": "success 1e-3",
    "elyte_value": "value",
    "forest": "forest",
    "forest_of_hits": "forest of hits 1e-3",
}
FOUND, MISSED, FEWEST_HITS = 0.5, 0.2, 3
"""A family is called found where the first fifth of the pool holds this share of its hits, missed at chance."""


def rankings(target: str) -> dict[str, str]:
    """Return the rankings that are compared for a target, and the scores they go by."""
    return {
        "elyte probability": f"success {target}",
        "elyte value": "value",
        "forest": "forest",
        "forest of hits": f"forest of hits {target}",
        "nearest known": "nearest",
    }


def spread(values: Sequence[float] | Array) -> list[float]:
    """Return mean, and 2.5 and 97.5 % points; a cut without an answer is left out."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        return [float("nan")] * 3
    return [round(float(part), 3) for part in (known.mean(), *np.percentile(known, LEVELS))]


def compared(figure: Callable[[Cut, Ranked, str], float], pairs: Sequence[Pair], target: str) -> dict[str, Any]:
    """Return a figure of each ranking over cuts, and by how much ranking by probability differs, cut by cut."""
    columns = {
        name: np.array([figure(cut, ranked, score) for cut, ranked in pairs])
        for name, score in rankings(target).items()
    }
    ours = columns["elyte probability"]
    differences = {
        f"probability minus {name}": {"mean_low_high": spread(ours - other), "cuts_above_0": _above(ours - other)}
        for name, other in columns.items()
        if name != "elyte probability"
    }
    return {name: spread(values) for name, values in columns.items()} | differences


def _above(difference: Array) -> float:
    known = difference[np.isfinite(difference)]
    return round(float(np.mean((known > 0.0) + 0.5 * (known == 0.0))), 2) if len(known) else float("nan")


def enrichments(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return base rate, largest possible and reached enrichment per target and share of the pool."""
    out: dict[str, Any] = {}
    for target, log10 in TARGETS.items():
        hits = [cut.is_hit(log10) for cut, _ in pairs]
        of_target: dict[str, Any] = {
            "base_rate": spread([float(hit.mean()) for hit in hits]),
            "hits": spread([float(hit.sum()) for hit in hits]),
        }
        for name, share in SHARES.items():
            blind = np.array([blind_enrichment(hit, share) for hit in hits])
            low, high = (round(float(np.nanmean(blind[:, side])), 3) for side in (0, 1))

            def of(cut: Cut, ranked: Ranked, score: str, share: float = share, log10: float = log10) -> float:
                return enrichment(ranked.scores[score], cut.is_hit(log10), share)

            of_target[name] = {
                "largest_possible": spread([largest_enrichment(hit, share) for hit in hits]),
                "at random": [1.0, low, high],
                **compared(of, pairs, target),
            }
        of_target["stated_and_found_in_top_10"] = _stated(pairs, target, log10)
        out[f"sigma>={target}"] = of_target
    return out


def _stated(pairs: Sequence[Pair], target: str, log10: float) -> dict[str, Any]:
    """Return the mean probability that elyte states for its first tenth, and the share of hits in it."""
    stated, found, all_stated = [], [], []
    for cut, ranked in pairs:
        first = np.argsort(-ranked.scores[f"success {target}"])[: first_of(len(cut.pool), 0.1)]
        stated.append(float(ranked.probability[target][first].mean()))
        found.append(float(cut.is_hit(log10)[first].mean()))
        all_stated.append(float(ranked.probability[target].mean()))
    return {"stated": spread(stated), "found": spread(found), "stated_of_the_whole_pool": spread(all_stated)}


def reliability(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return stated probabilities against shares of hits, all cuts together, and how far good predictions miss."""
    out: dict[str, Any] = {}
    for target, log10 in TARGETS.items():
        stated = np.concatenate([ranked.probability[target] for _, ranked in pairs])
        found = np.concatenate([cut.is_hit(log10) for cut, _ in pairs])
        place = np.searchsorted(STATED, stated, side="right")
        out[f"sigma>={target}"] = [
            {"asked": int(own.sum()), "stated": float(stated[own].mean()), "found": float(found[own].mean())}
            for own in (place == one for one in np.unique(place))
        ]
    said = np.concatenate([ranked.value for _, ranked in pairs])
    measured = np.concatenate([cut.log10_sigma for cut, _ in pairs])
    exact = ~np.concatenate([cut.is_bound for cut, _ in pairs])
    error = (measured - said)[exact & (said > GOOD)]
    points = {f"{level}": round(float(np.percentile(error, level)), 2) for level in (5, 10, 50, 90, 95)}
    return _rounded(out) | {"measured_minus_predicted_where_predicted_above_1e-4": points}


def _rounded(lines: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {key: [{k: round(v, 3) for k, v in line.items()} for line in each] for key, each in lines.items()}


def regrets(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return regret in decades by size of the batch, of the rankings and of elyte's diverse batches of five."""
    out: dict[str, Any] = {}
    for k in BATCHES:
        blind = np.array([blind_regret(cut.log10_sigma, k) for cut, _ in pairs]).mean(axis=0)

        def of(cut: Cut, ranked: Ranked, score: str, k: int = k) -> float:
            return regret(ranked.scores[score], cut.log10_sigma, k)

        out[f"batch_{k}"] = {"at random": [round(float(b), 3) for b in blind], **compared(of, pairs, "1e-3")}
        out[f"batch_{k}"]["elyte probability of 1e-2"] = spread([of(*pair, "success 1e-2") for pair in pairs])
    chosen: dict[str, Any] = {}
    for name in pairs[0][1].batches:
        short, hits, size = [], [], []
        for cut, ranked in pairs:
            batch = ranked.batches[name]
            short.append(float(cut.log10_sigma.max() - cut.log10_sigma[batch].max()))
            hits.append(float(cut.is_hit(TARGETS["1e-3"])[batch].sum()))
            size.append(float(len(batch)))
        chosen[name] = {"regret": spread(short), "hits": spread(hits), "chosen": spread(size)}
    return out | {"rules_batch_5": chosen}


def bootstrapped(history: History, pair: Pair, seed: int = 0) -> dict[str, Any]:
    """Return the enrichment in the first tenth of one pool, with 95 % intervals by drawing whole papers."""
    cut, ranked = pair
    paper, hit = history.rows.paper[cut.pool], cut.is_hit(TARGETS["1e-3"])
    names, number = np.unique(paper, return_inverse=True)
    members = [np.flatnonzero(number == one) for one in range(len(names))]
    rng = np.random.default_rng(seed)
    draws = [np.concatenate([members[p] for p in rng.integers(0, len(names), len(names))]) for _ in range(N_DRAWS)]
    scores = {name: ranked.scores[score] for name, score in rankings("1e-3").items()}
    drawn = {
        name: np.array([enrichment(score[draw], hit[draw], 0.1) for draw in draws]) for name, score in scores.items()
    }

    def line(values: Array, whole: float) -> list[float]:
        return [round(float(part), 3) for part in (whole, *np.nanpercentile(values, LEVELS))]

    whole = {name: enrichment(score, hit, 0.1) for name, score in scores.items()}
    ours = "elyte probability"
    out: dict[str, Any] = {name: line(drawn[name], whole[name]) for name in scores}
    for name in ("forest", "elyte value", "nearest known"):
        out[f"probability minus {name}"] = line(drawn[ours] - drawn[name], whole[ours] - whole[name])
    low, high = blind_enrichment(hit, 0.1)
    return {
        "cut": cut.name,
        "learnt_rows": len(cut.train),
        "pool": len(cut.pool),
        "base_rate": round(float(hit.mean()), 3),
        "largest_possible": round(largest_enrichment(hit, 0.1), 3),
        "at random": [1.0, round(low, 3), round(high, 3)],
        "enrichment_top_10": out,
        "in_domain": round(float(ranked.in_domain.mean()), 3),
        "regret_of_10": {name: round(regret(score, cut.log10_sigma, 10), 3) for name, score in scores.items()}
        | {"at random": round(blind_regret(cut.log10_sigma, 10)[0], 3)},
    }


def family_figures(name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return where the members of a family that was never seen stand in the pool; means over cuts."""
    columns: dict[str, list[float]] = {}

    def note(key: str, value: float) -> None:
        columns.setdefault(key, []).append(value)

    for cut, ranked in pairs:
        own, hit = cut.is_member, cut.is_hit(TARGETS["1e-3"]) & cut.is_member
        note("pool", len(own))
        note("members", own.sum())
        note("hits", hit.sum())
        note("in_domain", ranked.in_domain[own].mean())
        note("mean_error", float(np.mean((ranked.value - cut.log10_sigma)[own])))
        best = np.flatnonzero(own)[cut.log10_sigma[own].argmax()]
        for ranking, key in FAMILY_RANKINGS.items():
            score = ranked.scores[key]
            percentile = rank_percentile(score)
            note(f"{ranking}_percentile_of_members", percentile[own].mean())
            note(f"{ranking}_percentile_of_hits", percentile[hit].mean() if hit.any() else np.nan)
            note(f"{ranking}_percentile_of_best", percentile[best])
            found = hits_found(score, hit)
            for share in (0.1, 0.2):
                part = found[first_of(len(own), share)] / found[-1] if hit.any() else np.nan
                note(f"{ranking}_hits_in_top_{100 * share:.0f}", part)
        for rule, batch in ranked.batches.items():
            note(f"members_in_batch, {rule}", own[batch].sum())
            note(f"hits_in_batch, {rule}", hit[batch].sum())
    means = {key: round(float(np.mean(values)), 3) for key, values in columns.items()}
    share = means["elyte_hits_in_top_20"]
    verdict = "found" if share >= FOUND else "missed" if share <= MISSED else "partly"
    verdict = verdict if means["hits"] >= FEWEST_HITS else "too few hits"
    return (
        {"family": name, "cuts": len(pairs)}
        | means
        | {
            "elyte_enrichment_top_10": round(means["elyte_hits_in_top_10"] / 0.1, 2),
            "elyte_verdict": verdict,
            "range_hits_in_top_20": [round(float(f(columns["elyte_hits_in_top_20"])), 3) for f in (np.min, np.max)],
        }
    )


def over_families(families: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the mean over families, each counting once, of what can be averaged."""
    keys = [key for key in families[0] if key.startswith(("elyte_", "forest_", "members_in_", "hits_in_", "in_domain"))]
    numbers = {key: [one[key] for one in families] for key in keys if isinstance(families[0][key], float)}
    return {key: round(float(np.nanmean(values)), 3) for key, values in numbers.items()}


def curves(pairs: Sequence[Pair], grid: Array, target: str = "1e-3") -> dict[str, Array]:
    """Return, per ranking, the share of hits found after a share of the pool, shape (cuts, len(grid))."""
    out: dict[str, Array] = {}
    for name, score in (rankings(target) | {"perfect": ""}).items():
        lines = []
        for cut, ranked in pairs:
            hit = cut.is_hit(TARGETS[target])
            found = hits_found(ranked.scores[score] if score else hit.astype(float), hit)
            lines.append(np.interp(grid, np.linspace(0.0, 1.0, len(found)), found / found[-1]))
        out[name] = np.array(lines)
    return out


def left_out_materials(history: History, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Return what elyte said of each material while it had not seen it, mean over the cuts in which it was asked.

    `paper` is a number: materials of one number were reported together.
    """
    material = distinct(history.composition)
    said: dict[int, list[tuple[float, ...]]] = {}
    about: dict[int, dict[str, Any]] = {}
    _, paper = np.unique(history.rows.paper, return_inverse=True)
    for cut, ranked in pairs:
        columns = (cut.log10_sigma, cut.is_bound, ranked.value, ranked.probability["1e-3"], ranked.in_domain)
        for place, row in enumerate(cut.pool.tolist()):
            named = {"formula": str(history.rows.formula[row]), "family": str(history.family[row])}
            about.setdefault(int(material[row]), named | {"paper": int(paper[row])})
            said.setdefault(int(material[row]), []).append(tuple(float(column[place]) for column in columns))
    keys = ("log10_sigma", "is_bound", "predicted", "probability", "in_domain")
    return [
        about[one]
        | {"times": len(rows)}
        | {key: round(float(np.mean(column)), 4) for key, column in zip(keys, zip(*rows, strict=True), strict=True)}
        for one, rows in sorted(said.items())
    ]
