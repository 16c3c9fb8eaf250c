"""One net that answers as the pool of nets does, at less than a quarter of its cost.

The student begins as a member of the pool with one layer less. It learns what the pool says (means, scales with the
disagreement in them, the disagreement itself, log-odds) of compositions that nobody listed (`made_up.py`), and of the
training compounds, whose labels count as much as the pool there: the pool has learned them by heart. Distillation:
Hinton et al., arXiv 1503.02531. In later rounds differences among alike compositions count beside the energies
(`differences.py`). All that is looked at is of the training split.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.properties.stability.calibration import Pooled
from training.properties.stability.descriptors import (
    HullInputs,
    NeighbourInputs,
    NetInputs,
    Standardisation,
    hull_inputs,
)
from training.properties.stability.differences import batches_of_handfuls, difference_loss, handfuls
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.families import group_labels
from training.properties.stability.fit import (
    CLASS_WEIGHT,
    SCALE_WEIGHT,
    State,
    average,
    batches,
    groups_by_size,
    parameter_groups,
    resume,
    save,
)
from training.properties.stability.inputs import Surroundings, net_inputs
from training.properties.stability.made_up import made_up
from training.properties.stability.network import OUTPUTS_OF_STUDENT, NetworkSettings, StabilityNet, tensors
from training.properties.stability.student_settings import StudentSettings
from training.properties.stability.table import EnergyTable

LEAST_eV_PER_ATOM = 1e-4
Array = NDArray[np.float64]
OnStep = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Lesson:
    """Compositions and what is to be said of them, energies in eV/atom; arrays of shape (n,).

    Attributes
    ----------
    inputs
        What the nets see.
    said
        What the pool says.
    """

    inputs: NetInputs
    said: Pooled


def fit_student(
    pool: NetEnsemble,
    scaling: Standardisation,
    table: EnergyTable,
    settings: StudentSettings,
    work: Path,
    *,
    done: tuple[NetEnsemble, int] | None = None,
    on_step: OnStep = lambda what: None,
) -> NetEnsemble:
    """Fit a student of a pool.

    Parameters
    ----------
    pool, scaling
        The nets to learn from, and the scaling of their composition features.
    table
        The energies; only the training split is learned from.
    work
        Folder for what the pool said and for a checkpoint; what an earlier run of the same settings and pool left there
        is used.
    done
        A student of this pool, and how many rounds of the settings it has behind it.
    on_step
        Called once for every chunk and every epoch.

    Returns
    -------
    NetEnsemble
        Of one net.
    """
    torch.set_num_threads(1)
    student, rounds_done = done or (None, 0)
    rounds = settings.rounds[rounds_done:]
    if student is not None and not rounds:
        return student
    folder = work / f"answers-{settings.answers_fingerprint(pool)}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = table.rows_of("train")
    surroundings = Surroundings.of(table, rows)
    lessons = []
    chunks = max(one.chunks for one in rounds)
    for number in range(chunks):
        lessons.append(_read(_ask_pool(pool, scaling, table, surroundings, settings, number, folder)))
        on_step(f"the pool on made-up compositions {number + 1}/{chunks}")
    inputs = net_inputs(surroundings, table.batch(rows), scaling, table.phases.row_of_input[rows])
    known = Lesson(inputs, Pooled.of(pool(inputs)))
    for number, one in enumerate(rounds, rounds_done):
        begin = student or NetEnsemble({name: array[:1] for name, array in pool.weights.items()}, pool.heads)
        checkpoint = work / f"student-{one.fingerprint(pool, begin)}.pt"
        fit = _Fit(pool, begin, table, surroundings, known, lessons[: one.chunks], one, number, checkpoint)
        student = fit.run(on_step)
    assert student is not None
    return student


def _ask_pool(
    pool: NetEnsemble,
    scaling: Standardisation,
    table: EnergyTable,
    surroundings: Surroundings,
    settings: StudentSettings,
    number: int,
    folder: Path,
) -> Path:
    """Make up compositions, write what the pool says of them beside what it saw, and return the file."""
    path = folder / f"chunk-{number}.npz"
    if path.is_file():
        return path
    random = np.random.default_rng([number])
    rows = table.rows_of("train")
    known = table.atomic_number[rows], table.fraction[rows]
    dissimilarity = surroundings.prototypes.dissimilarity_eV_per_atom
    batch = made_up(known, dissimilarity, table.phases, settings.rows_per_chunk, random)
    kept = random.random(len(surroundings.usable)) > random.uniform(0.0, settings.largest_share_left_out)
    inputs = net_inputs(replace(surroundings, usable=surroundings.usable & kept), batch, scaling)
    _write(path, Lesson(inputs, Pooled.of(pool(inputs))))
    return path


def _write(path: Path, lesson: Lesson) -> None:
    inputs = lesson.inputs
    arrays: dict[str, NDArray[Any]] = {name: getattr(inputs, name) for name in ("element", "fraction", "composition")}
    for part in (inputs.hull, inputs.neighbours):
        arrays |= {f"{type(part).__name__}.{one.name}": getattr(part, one.name) for one in fields(part)}
    arrays |= {f"said.{one.name}": getattr(lesson.said, one.name).astype(np.float32) for one in fields(Pooled)}
    part_path = path.with_suffix(".part.npz")
    np.savez(part_path, allow_pickle=False, **arrays)
    part_path.replace(path)


def _read(path: Path) -> Lesson:
    with np.load(path) as arrays:
        hull = HullInputs(*(arrays[f"HullInputs.{one.name}"] for one in fields(HullInputs)))
        near = NeighbourInputs(*(arrays[f"NeighbourInputs.{one.name}"] for one in fields(NeighbourInputs)))
        inputs = NetInputs(arrays["element"], arrays["fraction"], arrays["composition"], hull, near)
        return Lesson(inputs, Pooled(*(arrays[f"said.{one.name}"] for one in fields(Pooled))))


def network_of(pool: NetEnsemble, head_layers: int) -> NetworkSettings:
    """Return the sizes of a student: those of the pool but for the layers of the head, and without dropout."""
    sizes = {name: array.shape[1:] for name, array in pool.weights.items()}
    return NetworkSettings(
        width=sizes["pool_norm.weight"][0],
        heads=pool.heads,
        blocks=pool.blocks,
        embedding=sizes["vectors"][1],
        relatives=sizes["relative_2.bias"][0],
        head=sizes["head_1.bias"][0],
        dropout=0.0,
        head_layers=head_layers,
        outputs=OUTPUTS_OF_STUDENT,
    )


def begin_as(net: StabilityNet, member: dict[str, NDArray[np.float32]]) -> None:
    """Give a net the weights of a student or of a member of a pool, as far as it has them.

    What a member does not say, how far the pool disagrees, begins at a mean.
    """
    state = net.state_dict()
    for name, value in member.items():
        if name in state and name != "last.weight" and name != "last.bias":
            state[name] = torch.from_numpy(value)
    state["embedding.weight"] = torch.from_numpy(member["vectors"])  # the part of the properties is in them
    state["from_properties.weight"] = torch.zeros_like(state["from_properties.weight"])
    state["from_properties.bias"] = torch.zeros_like(state["from_properties.bias"])
    outputs = len(member["last.bias"])
    for name in ("last.weight", "last.bias"):
        state[name][:outputs] = torch.from_numpy(member[name])
    state["last.weight"][outputs:], state["last.bias"][outputs:] = 0.0, math.log(0.02)
    net.load_state_dict(state)


class _Fit:
    """The run of a fit; arguments as `fit_student` makes them."""

    def __init__(
        self,
        pool: NetEnsemble,
        begin: NetEnsemble,
        table: EnergyTable,
        surroundings: Surroundings,
        known: Lesson,
        lessons: list[Lesson],
        settings: StudentSettings,
        number: int,
        checkpoint: Path,
    ) -> None:
        self.table, self.surroundings, self.known, self.lessons = table, surroundings, known, lessons
        self.settings, self.number, self.checkpoint = settings, number, checkpoint
        self.rows = table.rows_of("train")
        torch.manual_seed(number)
        network = network_of(pool, settings.head_layers)
        nets = [StabilityNet(known.inputs.composition.shape[1], network) for _ in range(2)]
        for net in nets:
            begin_as(net, {name: array[0] for name, array in begin.weights.items()})
        optimiser = torch.optim.AdamW(parameter_groups(nets[0], settings.weight_decay), lr=settings.learning_rate)
        self.n_batches = settings.epochs * self._batches_of_an_epoch()
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.learning_rate, total_steps=self.n_batches + 1, pct_start=0.1
        )
        self.state: State = {"net": nets[0], "mean": nets[1], "optimiser": optimiser, "schedule": schedule}

    def run(self, on_step: OnStep) -> NetEnsemble:
        """Fit and return the averaged net."""
        told, number = self.settings.written(), self.number
        first = resume(self.checkpoint, told, number, self.state, "cpu")
        for _ in range(first):
            on_step("student, epochs of an earlier run")
        for epoch in range(first, self.settings.epochs):
            losses = self._epoch(epoch)
            save(self.checkpoint, told, number, self.state, epoch + 1)
            what = f"student, round {number + 1}, {epoch + 1}/{self.settings.epochs}: "
            on_step(what + " ".join(f"{loss:.4f}" for loss in losses))
        return NetEnsemble.from_networks([self.state["mean"].eval()])

    def _batches_of_an_epoch(self) -> int:
        """Return the most batches that an epoch can have."""
        size = self.settings.batch
        per_lesson = [sum(math.ceil(len(g) / size) for g in groups_by_size(one.inputs)) for one in self.lessons]
        own = sum(math.ceil(len(group) / size) for group in groups_by_size(self.known.inputs))
        return own + max(per_lesson) * self.settings.chunks_per_epoch

    def _epoch(self, epoch: int) -> Array:
        """Go over the training compounds, their hull redrawn, and some chunks in mixed order; return mean losses."""
        random = np.random.default_rng([1 + self.number, epoch])
        torch.manual_seed(1000 * self.number + epoch)
        chosen = random.choice(len(self.lessons), self.settings.chunks_per_epoch, replace=False)
        lessons = [self._redrawn(random), *(self.lessons[i] for i in chosen)]
        handful = [self._handfuls(one, random) for one in lessons]
        parts = [
            (place, batch) for place, one in enumerate(lessons) for batch in self._batches(one, handful[place], random)
        ]
        self.state["net"].train()
        losses = []
        for i in random.permutation(len(parts)):
            place, batch = parts[i]
            losses.append(self._step(lessons[place], batch, handful[place], labels=place == 0))
        mean: Array = np.mean(losses, axis=0)
        return mean

    def _handfuls(self, lesson: Lesson, random: np.random.Generator) -> NDArray[np.int64] | None:
        """Part a lesson into handfuls of alike compositions, None where their differences do not count."""
        if not self.settings.difference_weight:
            return None
        label = group_labels(lesson.inputs.element, lesson.inputs.fraction)
        return handfuls(label, self.settings.handful, random)

    def _batches(
        self, lesson: Lesson, handful: NDArray[np.int64] | None, random: np.random.Generator
    ) -> Iterable[NDArray[np.int64]]:
        groups, size = groups_by_size(lesson.inputs), self.settings.batch
        if handful is None:
            return batches(groups, size, random)
        return batches_of_handfuls(groups, handful, size, random)

    def _redrawn(self, random: np.random.Generator) -> Lesson:
        """Return the training compounds with the hull of part of the phases; formation energies stay what they are."""
        known, rows = self.known, self.rows
        share = random.uniform(0.0, self.settings.largest_share_left_out)
        hull = hull_inputs(
            self.surroundings.phases,
            self.surroundings.depth_eV_per_atom,
            self.table.atomic_number[rows],
            self.table.fraction[rows],
            excluded=self.surroundings.phases.row_of_input[rows],
            usable=self.surroundings.usable & (random.random(len(self.surroundings.usable)) > share),
        )
        lifted = hull.energy_eV_per_atom - known.inputs.hull.energy_eV_per_atom
        said = replace(known.said, residual_eV_per_atom=known.said.residual_eV_per_atom - lifted)
        return Lesson(replace(known.inputs, hull=hull), said)

    def _step(
        self, lesson: Lesson, batch: NDArray[np.int64], handful: NDArray[np.int64] | None, *, labels: bool
    ) -> list[float]:
        net, mean, optimiser, schedule = (self.state[name] for name in ("net", "mean", "optimiser", "schedule"))
        width = int((lesson.inputs.fraction[batch[0]] > 0).sum())
        given = tensors(lesson.inputs.take(batch, width))
        if labels:
            kept = torch.rand(given["neighbour_scalars"].shape[:2]) > self.settings.relatives_left_out
            given["neighbour_scalars"] = given["neighbour_scalars"] * kept.unsqueeze(-1)
        with torch.autocast("cpu", torch.bfloat16):
            out = net(given).float()
        target = _targets(lesson.said, batch)
        losses = _losses(out, target)
        if labels:
            true = self._labels(batch, given["hull"])
            losses = self._with_labels(out, true, losses)
            share = self.settings.label_share
            target = share * true + (1.0 - share) * target[:, :2]
        if handful is not None:
            of_differences = difference_loss(out[:, :2] - target[:, :2], torch.from_numpy(handful[batch]))
            losses.append(self.settings.difference_weight * of_differences)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average(mean, net, min(self.settings.averaging, schedule.last_epoch / (schedule.last_epoch + 10)))
        return [float(loss.detach()) for loss in losses]

    def _labels(self, batch: NDArray[np.int64], hull: Tensor) -> Tensor:
        """Return the true energies of training compounds as the net says them, shape (n, 2)."""
        rows = self.rows[batch]
        formation = torch.from_numpy(self.table.formation_energy_eV_per_atom[rows].astype(np.float32))
        decomposition = torch.from_numpy(self.table.decomposition_energy_eV_per_atom[rows].astype(np.float32))
        return torch.stack([formation - hull, decomposition], dim=1)

    def _with_labels(self, out: Tensor, true: Tensor, of_pool: list[Tensor]) -> list[Tensor]:
        """Return the losses with the labels' share; the scales of what the pool has by heart teach nothing."""
        share = self.settings.label_share
        energies = (out[:, :2] - true).abs().sum(dim=1).mean()
        stable = nn.functional.binary_cross_entropy_with_logits(out[:, 4], (true[:, 1] <= 0).float())
        return [
            share * energies + (1.0 - share) * of_pool[0],
            0.0 * of_pool[1],
            share * CLASS_WEIGHT * stable + (1.0 - share) * of_pool[2],
        ]


def _targets(said: Pooled, batch: NDArray[np.int64]) -> Tensor:
    """Return what the pool says in the order of `OUTPUTS_OF_STUDENT`, shape (n, 6)."""
    positive = (said.scale_residual_eV_per_atom, said.scale_decomposition_eV_per_atom, said.spread_eV_per_atom)
    scale_residual, scale_decomposition, spread = (np.log(np.maximum(p[batch], LEAST_eV_PER_ATOM)) for p in positive)
    plain = (said.residual_eV_per_atom[batch], said.decomposition_eV_per_atom[batch])
    columns = [*plain, scale_residual, scale_decomposition, said.log_odds_stable[batch], spread]
    return torch.from_numpy(np.column_stack(columns).astype(np.float32))


def _losses(out: Tensor, target: Tensor) -> list[Tensor]:
    """Return mean absolute errors of energies, of logarithms of scales and spread, and the class loss."""
    error = (out - target).abs()
    return [
        error[:, :2].sum(dim=1).mean(),
        SCALE_WEIGHT * error[:, [2, 3, 5]].sum(dim=1).mean(),
        CLASS_WEIGHT * nn.functional.binary_cross_entropy_with_logits(out[:, 4], torch.sigmoid(target[:, 4])),
    ]
