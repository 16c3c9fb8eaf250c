"""Fitting nets and trees of several training sets, side by side in processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_auxiliary import AuxiliaryTargets
from training.properties.mechanics.elasticity_net_fit import Weights, learn_auxiliary, learn_moduli, stacked
from training.properties.mechanics.elasticity_parts import Parts
from training.properties.mechanics.elasticity_settings import ElasticitySettings
from training.properties.mechanics.elasticity_trees import ModuliTrees, descriptors

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Fitted = TypeVar("Fitted")


class Task(NamedTuple):
    """One training set: its rows, and how many nets learn it."""

    rows: Rows
    n_nets: int


def fit_parts(
    batch: MaterialBatch,
    targets: Array,
    auxiliary: AuxiliaryTargets | None,
    tasks: list[Task],
    settings: ElasticitySettings,
    *,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda what: None,
) -> list[Parts]:
    """Fit the parts of every task.

    Parameters
    ----------
    batch, targets
        n compositions and their log10 moduli in GPa, shear then bulk, (n, 2).
    auxiliary
        What the nets learn first; without it they start from nothing.
    tasks
        Training sets.
    settings, seed
        What is fitted, and where random numbers start.
    on_step
        Called after every net that learnt the auxiliary table and after every part of a task (`n_steps` in all).
    """
    with _executor(settings.workers) as pool:
        grown = [
            pool.submit(ModuliTrees.fit, descriptors(batch.take(t.rows)), targets[t.rows], settings.trees, seed)
            for t in tasks
        ]
        starts = _learn_auxiliary(pool, auxiliary, max(t.n_nets for t in tasks), settings, seed, on_step)
        learnt = [
            [
                pool.submit(learn_moduli, start, batch.take(t.rows), targets[t.rows], settings.net, seed + number)
                for number, start in enumerate(starts[: t.n_nets])
            ]
            for t in tasks
        ]
        parts = []
        for trees, nets in zip(grown, learnt, strict=True):
            fitted = [_done(net, "moduli", on_step) for net in nets]
            parts.append(Parts(stacked(fitted), _done(trees, "trees", on_step)))
        return parts


def n_steps(tasks: list[Task], auxiliary: AuxiliaryTargets | None) -> int:
    """Return how often `fit_parts` calls `on_step`."""
    first = 0 if auxiliary is None else max(t.n_nets for t in tasks)
    return first + sum(t.n_nets + 1 for t in tasks)


def _learn_auxiliary(
    pool: Executor,
    auxiliary: AuxiliaryTargets | None,
    n_nets: int,
    settings: ElasticitySettings,
    seed: int,
    on_step: Callable[[str], None],
) -> list[Weights | None]:
    if auxiliary is None:
        return [None] * n_nets
    running = [
        pool.submit(learn_auxiliary, auxiliary.batch, auxiliary.targets, settings.net, seed + number)
        for number in range(n_nets)
    ]
    return [_done(net, "energies and gaps", on_step) for net in running]


def _done(job: Future[Fitted], what: str, on_step: Callable[[str], None]) -> Fitted:
    fitted = job.result()
    on_step(what)
    return fitted


def _executor(workers: int) -> Executor:
    if workers == 1:
        return ThreadPoolExecutor(1, initializer=_one_thread)
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
