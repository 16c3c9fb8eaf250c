"""Workers on a Ray cluster: the same `Worker` on the same units, mapped by Ray Data.

Input and output must lie on a file system that every node sees under the same path.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from serving.screening.environment import worker_environment
from serving.screening.parts import Stamp
from serving.screening.plan import WorkUnit
from serving.screening.work import Job, UnitReport, Worker, WorkerError

LOCAL = "local"
_MOST_BLOCKS = 4096
_PATIENCE_SECONDS = 5.0


class ClusterWorker:
    """A `Worker` as Ray Data calls it: a batch of units in, their reports out."""

    def __init__(self, job: Job) -> None:
        self._worker = Worker(job)

    def __call__(self, batch: Mapping[str, Iterable[Any]]) -> dict[str, list[Any]]:
        """Do the units of a batch."""
        units = [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
        reports = [self._worker.do(WorkUnit(**{name: _plain(value) for name, value in unit.items()})) for unit in units]
        return {
            "key": [report.key for report in reports],
            "read": [-1 if report.stamp is None else report.stamp.rows_read for report in reports],
            "failed": [-1 if report.stamp is None else report.stamp.rows_failed for report in reports],
            "written": [-1 if report.stamp is None else report.stamp.rows_written for report in reports],
            "fault": [report.fault for report in reports],
            "stops": [report.stops for report in reports],
        }


def run_on_cluster(job: Job, units: Iterable[WorkUnit], address: str) -> Iterator[UnitReport]:
    """Yield a report for each unit, in the order in which they end; as `processes.run_on_processes`.

    Raises
    ------
    WorkerError
        If Ray is not installed, the cluster cannot be reached, or a worker cannot start.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise WorkerError("--address needs Ray; install elyte[cluster]") from error
    waiting = [asdict(unit) for unit in units]
    if not waiting:
        return
    _require_reachable(address)
    try:
        ray.init(
            address=address,
            runtime_env={"env_vars": worker_environment()},
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False if address == LOCAL else None,
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise WorkerError(f"no Ray cluster at '{address}': {str(error).splitlines()[0]}") from error
    try:
        yield from _mapped(job, waiting)
    except ray.exceptions.RayError as error:
        raise WorkerError(f"the cluster failed: {str(error).strip().splitlines()[-1]}") from error
    finally:
        ray.shutdown()


def _require_reachable(address: str) -> None:
    """Refuse a cluster where nobody answers; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # `local`, `auto`
    try:
        socket.create_connection((host, int(port)), _PATIENCE_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise WorkerError(f"no Ray cluster at '{address}': {error}") from error


def _mapped(job: Job, waiting: list[dict[str, str | int]]) -> Iterator[UnitReport]:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
    n_workers = max(int(resources.get("CPU", 1)), 1)
    blocks = min(len(waiting), _MOST_BLOCKS)
    data = ray.data.from_items(waiting, override_num_blocks=blocks).map_batches(
        ClusterWorker,
        fn_constructor_args=(job,),
        batch_size=1,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=min(n_workers, len(waiting))),
    )
    for row in data.iter_rows():
        stamp = None
        if row["read"] >= 0:
            stamp = Stamp(row["key"], job.plan, int(row["read"]), int(row["failed"]), int(row["written"]))
        yield UnitReport(row["key"], stamp, row["fault"], bool(row["stops"]))


def _plain(value: Any) -> Any:  # noqa: ANN401
    return value.item() if hasattr(value, "item") else value
