"""A Python client of a running service: lists of any length, tables, retries and typed errors.

Candidates are unpublished ideas: nothing here logs them, and a loopback service is never asked through a proxy.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from features.candidate import RowError
from serving.answers.input_tables import read_candidates_file, with_places
from serving.answers.nearest_request import DEFAULT_NEAREST, MAX_NEAREST_CANDIDATES
from serving.answers.request import MAX_CANDIDATES
from serving.answers.rows import ModelHeaders, ResultRow, Results, error_row
from serving.client.predictions import Predictions
from serving.client.sent import Candidates, Rows, filled, listed, moved, parts_of, rows_of, table_rows, whole_ranking
from serving.client.transport import ServiceError, ServiceUnavailableError, Transport
from serving.environment import read_list

if TYPE_CHECKING:
    import httpx

    from serving.answers.condition_grid import GridDocument
    from serving.answers.interface_answers import InterfaceDocument
    from serving.cells.document import RateDocument
    from serving.coatings.document import CoatingsDocument
    from serving.pathways.document import PathwaysDocument
    from serving.ranking.document import RankingDocument
    from serving.synthesis.answers import SynthesisDocument
    from serving.synthesis.shopping import BatchesDocument

__all__ = ["Client", "Predictions", "ServiceError", "ServiceUnavailableError"]

DEFAULT_URL = "http://127.0.0.1:3000"
API_KEY_VARIABLE = "ELYTE_API_KEY"
# Longer than the service's own deadlines (30 s for the body, 60 s for the answer), so that its words arrive.
DEFAULT_TIMEOUT_S = 100.0
# Smaller than what the service takes at most: each request stays far from its deadline, on a slow machine too.
ROWS_PER_REQUEST = MAX_CANDIDATES // 5
POLL_S = 0.2


class Client:
    """A connection to a running service; safe to share between threads.

    Parameters
    ----------
    url
        Where the service listens.
    api_key
        Sent as `X-API-Key`; None takes `ELYTE_API_KEY` from the environment, where it is set.
    timeout_s
        Longest wait for one answer.
    retries
        How often a request is sent again after 429, 503 or a broken connection.
    transport
        Replaces the network, for tests.

    Raises
    ------
    ImportError
        If httpx is not installed.

    Examples
    --------
    >>> with Client("http://127.0.0.1:3000") as client:  # doctest: +SKIP
    ...     answers = client.predict(["Li6PS5Cl", "Li3YCl6"], temperature_C=60)
    ...     frame = answers.to_frame()
    ...     near = client.nearest(["Li6PS5Cl"], properties=["conductivity"], count=10)
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        # The service's own variable may list several keys; any of them opens.
        key = api_key if api_key is not None else next(iter(read_list(API_KEY_VARIABLE)), None)
        headers = {"X-API-Key": key} if key else {}
        self._transport = Transport(url, headers, timeout_s, retries, transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def predict(
        self,
        candidates: Candidates,
        *,
        properties: Sequence[str] | None = None,
        coverage: float | None = None,
        explain: bool = False,
        **conditions: float | str,
    ) -> Predictions:
        """Judge candidates; lists longer than one request may be are sent in parts.

        Parameters
        ----------
        candidates
            One formula; formulas, paths of structures, pymatgen or ASE objects, mappings with the keys `formula`, `cif`
            or `structure`, `id` and `conditions`; or a pandas frame with columns `formula` or `cif`, `id` and
            conditions by name, where empty cells mean unknown.
        properties
            What to predict; None means everything that is served.
        coverage
            Of the intervals; None takes the service's.
        explain
            Whether each conductivity is to come with its terms.
        **conditions
            What holds for every candidate that does not say otherwise: `temperature_C=60`, `anode="Li"` ...

        Raises
        ------
        ServiceError
            If the service refuses the request: unknown keys, values out of range.
        ServiceUnavailableError
            If it is not there, not ready or busy, still so after all retries.
        serving.answers.input_tables.InputTableError
            If a frame has no usable columns.
        """
        more = filled(properties=listed(properties), coverage=coverage, explain=explain or None, conditions=conditions)
        return Predictions(*self._in_parts("/predict", rows_of(candidates), more, ROWS_PER_REQUEST))

    def predict_csv(
        self,
        path: str | Path,
        output: str | Path | None = None,
        *,
        properties: Sequence[str] | None = None,
        coverage: float | None = None,
        explain: bool = False,
        **conditions: float | str,
    ) -> Predictions:
        """Judge the rows of a table and write flat answers; the same files as `elyte predict --input --output`.

        Parameters
        ----------
        path
            `.csv`, `.jsonl` or `.parquet`.
        output
            Where to write, in the format of its ending; None writes nothing.
        properties, coverage, explain, **conditions
            As in `predict`.

        Raises
        ------
        ServiceError, ServiceUnavailableError
            As `predict`.
        serving.answers.input_tables.InputTableError
            If the table cannot be read.
        """
        from serving.answers.output_tables import write_results

        more = filled(properties=listed(properties), coverage=coverage, explain=explain or None, conditions=conditions)
        rows = table_rows(read_candidates_file(Path(path)))
        answers = Predictions(*self._in_parts("/predict", rows, more, ROWS_PER_REQUEST))
        if output is not None:
            write_results(answers.results, Path(output))
        return answers

    def nearest(
        self,
        candidates: Candidates,
        *,
        properties: Sequence[str] | None = None,
        count: int = DEFAULT_NEAREST,
        **conditions: float | str,
    ) -> Results:
        """Return the document of `POST /nearest`: the known materials nearest to each candidate.

        Parameters
        ----------
        candidates, properties, **conditions
            As in `predict`.
        count
            How many materials to name for each candidate and property, 1 to 50.

        Raises
        ------
        ServiceError, ServiceUnavailableError, serving.answers.input_tables.InputTableError
            As `predict`.
        """
        more = filled(properties=listed(properties), conditions=conditions) | {"count": count}
        results, models = self._in_parts("/nearest", rows_of(candidates), more, MAX_NEAREST_CANDIDATES)
        return {"models": models, "results": results}

    def rank(
        self,
        candidates: Candidates,
        *,
        objectives: Sequence[str | Mapping[str, Any]] | None = None,
        preset: str | None = None,
        constraints: Mapping[str, Any] | None = None,
        order: str | None = None,
        top: int | None = None,
        batch: Mapping[str, Any] | None = None,
        coverage: float | None = None,
        **conditions: float | str,
    ) -> RankingDocument:
        """Return the document of `POST /rank`: which candidates to make next, and why; one request, never in parts.

        Parameters
        ----------
        candidates, coverage, **conditions
            As in `predict`.
        objectives, preset, constraints, order, top, batch
            As docs/use/rank.md has them: `objectives=["sigma>=1e-3@25", "minimise cost"], batch={"size": 5}`.

        Raises
        ------
        ServiceError, ServiceUnavailableError, serving.answers.input_tables.InputTableError
            As `predict`; objectives that contradict each other are `invalid_objective`.
        """
        rows, in_table = rows_of(candidates)
        places = [i for i, row in enumerate(rows) if not isinstance(row, RowError)]
        wishes = filled(preset=preset, constraints=constraints, order=order, top=top, batch=batch, coverage=coverage)
        wishes |= filled(objectives=listed(objectives), conditions=conditions)
        sent = {"candidates": [rows[i] for i in places], **wishes}
        document = cast("RankingDocument", self._transport.post("/rank", sent))
        return whole_ranking(document, rows, places, in_table)

    def interface(
        self, formula: str, *, against: Sequence[str] | None = None, voltage_V: float | None = None
    ) -> InterfaceDocument:
        """Return what an electrolyte becomes where it touches other materials, as `POST /interface`."""
        sent = {"formula": formula} | filled(against=listed(against), voltage_V=voltage_V)
        return cast("InterfaceDocument", self._transport.post("/interface", sent))

    def rate(
        self,
        anolyte: str | Mapping[str, Any],
        catholyte: str | Mapping[str, Any],
        *,
        coverage: float | None = None,
        **conditions: float | str,
    ) -> RateDocument:
        """Return which rate a cell reaches and what limits it, as `POST /rate`: `c_rate=4, temperature_C=25` ..."""
        sent = {"anolyte": anolyte, "catholyte": catholyte} | filled(coverage=coverage, conditions=conditions)
        return cast("RateDocument", self._transport.post("/rate", sent))

    def synthesis(self, formula: str, **wishes: Any) -> SynthesisDocument:  # noqa: ANN401
        """Return how to make a material, as `POST /synthesis`; `wishes` are its other fields."""
        return cast("SynthesisDocument", self._transport.post("/synthesis", {"formula": formula, **wishes}))

    def syntheses(self, formulas: Sequence[str], **wishes: Any) -> BatchesDocument:  # noqa: ANN401
        """Return how to make several materials, and what to fetch, as `POST /synthesis`."""
        sent = {"formulas": listed(formulas), **wishes}
        return cast("BatchesDocument", self._transport.post("/synthesis", sent))

    def coatings(
        self,
        electrolyte: str,
        *,
        cathode: str | None = None,
        cutoff_V: float | None = None,
        side: str | None = None,
        candidates: Sequence[str] | None = None,
        **more: object,
    ) -> CoatingsDocument:
        """Return coatings between an electrolyte and a cathode, or lithium, as `POST /coatings`.

        `more` are its other fields, `limits` and `top`.
        """
        given = filled(cathode=cathode, cutoff_V=cutoff_V, side=side, candidates=listed(candidates), **more)
        return cast("CoatingsDocument", self._transport.post("/coatings", {"electrolyte": electrolyte} | given))

    def pathways(
        self,
        cif: str | None = None,
        *,
        structure: str | Mapping[str, Any] | None = None,
        block: str | None = None,
        grid: bool | None = None,
    ) -> PathwaysDocument:
        """Return lithium's ways through a crystal structure, as `POST /pathways`.

        `cif` is the text of a CIF; `structure` in its place that of a POSCAR too, or an OPTIMADE document.
        """
        sent = filled(cif=cif, structure=structure, block=block, grid=grid)
        return cast("PathwaysDocument", self._transport.post("/pathways", sent))

    def ccd_grid(
        self,
        formula: str,
        *,
        temperatures_C: Sequence[float] | None = None,
        stack_pressures_MPa: Sequence[float] | None = None,
        interlayer_types: Sequence[str] | None = None,
        coverage: float | None = None,
        **conditions: float | str,
    ) -> GridDocument:
        """Return the critical current density over every combination of conditions, as `POST /ccd/grid`."""
        axes = filled(temperatures_C=listed(temperatures_C), stack_pressures_MPa=listed(stack_pressures_MPa))
        axes |= filled(interlayer_types=listed(interlayer_types), coverage=coverage, conditions=conditions)
        return cast("GridDocument", self._transport.post("/ccd/grid", {"formula": formula} | axes))

    def add_measurements(
        self,
        measurements: Sequence[Mapping[str, Any]],
        *,
        source: str = "",
        who: str = "",
        kind: str | None = None,
        accept_warnings: str | Sequence[str] = "",
        keep_good: bool = False,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Record measurements in the service's ledger (needs a key), and return the report of `POST /measurements`.

        What breaks off is sent again: the ledger recognises rows that it has. Rows that somebody should look at are
        held until `accept_warnings` names each of their warnings (`3:not_charge_balanced`).

        Raises
        ------
        ServiceError
            If nothing was stored: 400 `rows_refused` or 409 `rows_held`; `str()` says which rows. Without a key 401.
        ServiceUnavailableError
            If the ledger does not take them, still so after all retries.
        """
        accepted = accept_warnings if isinstance(accept_warnings, str) else [*accept_warnings]
        wishes = {"accept_warnings": accepted, "keep_good": keep_good, "dry_run": dry_run}
        named = filled(kind=kind, source=source or None, who=who or None)
        return self._transport.post("/measurements", {"measurements": [*measurements], **named, **wishes})

    def models(self) -> dict[str, Any]:
        """Return the cards of the models that answer now."""
        return self._transport.get("/models")

    def ready(self) -> bool:
        """Whether the service is there and its models are loaded."""
        return self._transport.status("/readyz") == 200

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        """Wait until the service is ready.

        Raises
        ------
        ServiceUnavailableError
            If it is not, that many seconds later.
        """
        deadline = time.monotonic() + seconds
        while not self.ready():
            if time.monotonic() >= deadline:
                raise ServiceUnavailableError(None, "not_ready", f"the service was not ready within {seconds:g} s")
            time.sleep(POLL_S)

    def _in_parts(
        self, path: str, asked: Rows, more: Mapping[str, object], most_rows: int
    ) -> tuple[list[ResultRow], ModelHeaders]:
        """Send what can be sent, and put every answer and every row that failed here in its place."""
        rows, in_table = asked
        results = [
            error_row(replace(row, index=i)) if isinstance(row, RowError) else cast("ResultRow", {})
            for i, row in enumerate(rows)
        ]
        places = [i for i, row in enumerate(rows) if not isinstance(row, RowError)]
        sent = [row for row in rows if not isinstance(row, RowError)]
        models: ModelHeaders | None = None
        for start, part in parts_of(sent, most_rows):
            document = cast("Results", self._transport.post(path, {"candidates": part, **more}))
            for place, row in zip(places[start : start + len(part)], document["results"], strict=True):
                results[place] = moved(row, place)
            if models is not None and models != document["models"]:
                warnings.warn("the service changed its models between parts of this list", stacklevel=4)
            models = document["models"]
        return with_places(results, in_table), models or {}
