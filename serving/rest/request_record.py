"""What the service remembers of one request, for its log, metrics and monitoring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from serving.environment import read_flag

UNMATCHED_ROUTE = "unmatched"
MOST_LOGGED_FORMULAS = 100
N_BINS = 10
BIN_WIDTH = 0.2


@lru_cache(maxsize=1)
def candidates_are_logged() -> bool:
    """Whether `ELYTE_LOG_CANDIDATES` asks for formulas in the log; read once."""
    return read_flag("ELYTE_LOG_CANDIDATES")


def distance_bins(results: Iterable[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Count, by property, how far the answered rows lie from what the model knows.

    Parameters
    ----------
    results
        Rows of an answer.

    Returns
    -------
    dict
        Property to ten counts. The distance is taken relative to the radius of the domain (where a model has none, as
        it is) and rounded to 2 decimals; bin i holds 0.2 i to 0.2 (i + 1), the last also all above: a material outside
        the domain is in bin 5 or later.
    """
    bins: dict[str, list[int]] = {}
    for row in results:
        for name, applicability in row.get("applicability", {}).items():
            distance = applicability.get("distance")
            if distance is not None:
                ratio = round(distance / (applicability.get("domain_radius") or 1.0), 2)
                # 0.6 / 0.2 is 2.9999..., and a material exactly at the radius is inside
                place = min(N_BINS - 1, max(0, int(round(ratio / BIN_WIDTH, 6) - (ratio == 1.0))))
                bins.setdefault(name, [0] * N_BINS)[place] += 1
    return bins


@dataclass(slots=True)
class RequestRecord:
    """What is remembered of one request: counts and codes, no contents.

    Parameters
    ----------
    request_id
        Made by the service; a client's own id could carry a formula.
    method
        HTTP method.
    route
        The route's template, or `UNMATCHED_ROUTE`; never the path that the client sent.
    """

    request_id: str
    method: str
    route: str = UNMATCHED_ROUTE
    status: int = 0
    error_code: str | None = None
    rows: int = 0
    row_errors: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    out_of_domain: Counter[str] = field(default_factory=Counter)
    model_versions: dict[str, str] = field(default_factory=dict)
    distance_bins: dict[str, list[int]] = field(default_factory=dict)
    formulas: list[str] = field(default_factory=list)

    def name_models(self, models: Mapping[str, Mapping[str, Any]]) -> None:
        """Note which models answered: the `models` of an answer."""
        self.model_versions = {name: str(card["version"]) for name, card in models.items()}

    def count_rows(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Add what rows of an answer count for; not for several threads at one time.

        Parameters
        ----------
        results
            Some or all `results` of an answer.
        """
        self.rows += len(results)
        for row in results:
            if row["status"] == "error":
                self.row_errors[str(row["error"]["code"])] += 1
                continue
            for name, applicability in row.get("applicability", {}).items():
                self.judged[name] += 1
                self.out_of_domain[name] += not applicability["in_domain"]
        for name, bins in distance_bins(results).items():
            known = self.distance_bins.get(name, [0] * len(bins))
            self.distance_bins[name] = [one + other for one, other in zip(known, bins, strict=True)]
        if candidates_are_logged():
            self.formulas += [row["formula"] for row in results if row.get("formula")]
            del self.formulas[MOST_LOGGED_FORMULAS:]

    def as_log(self, seconds: float) -> dict[str, object]:
        """Return the fields of the log line.

        Parameters
        ----------
        seconds
            How long the request took.
        """
        line: dict[str, object] = {
            "event": "request",
            "request_id": self.request_id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "duration_ms": round(1000 * seconds, 3),
        }
        if self.error_code is not None:
            line["error_code"] = self.error_code
        if self.rows:
            line |= {
                "rows": self.rows,
                "row_errors": dict(self.row_errors),
                "out_of_domain": dict(self.out_of_domain),
                "distance_bins": self.distance_bins,
                "models": self.model_versions,
            }
        if self.formulas:
            line["formulas"] = self.formulas
        return line
