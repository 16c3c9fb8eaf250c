"""How a student of the pool of nets is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from training.properties.stability.descriptors import DESCRIPTOR_VERSION

if TYPE_CHECKING:
    from training.properties.stability.ensemble import NetEnsemble


@dataclass(frozen=True)
class FurtherRound:
    """A student fitted further, from where the round before left it; all else as in `StudentSettings`.

    Attributes
    ----------
    chunks
        The first of them are those of the rounds before.
    epochs, chunks_per_epoch, learning_rate, averaging, difference_weight
        As `StudentSettings`.
    """

    chunks: int = 24
    epochs: int = 10
    chunks_per_epoch: int = 8
    learning_rate: float = 6e-4
    averaging: float = 0.999
    difference_weight: float = 0.25


@dataclass(frozen=True)
class StudentSettings:
    """How a student is made.

    Attributes
    ----------
    chunks, rows_per_chunk
        Made-up compositions; each chunk sees the hull of another part of the phases.
    largest_share_left_out
        Of the training phases, per chunk or epoch, uniform between 0 and this.
    epochs, chunks_per_epoch
        An epoch goes over the training compounds and some of the chunks.
    batch, learning_rate, weight_decay, averaging
        As `FitSettings`.
    relatives_left_out
        Share of the relatives that a training compound does not see in an epoch.
    label_share
        Weight of the labels of training compounds beside what the pool says of them.
    head_layers
        Of the head after its first one (see `NetworkSettings`); all other sizes are those of the pool.
    difference_weight
        Of the errors of differences inside handfuls of alike compositions (`differences.py`) beside those of energies.
    handful
        Most compositions of one group in a handful.
    further
        Rounds after the first one.
    descriptor_version
        Of what the net sees; not to be set.
    """

    chunks: int = 20
    rows_per_chunk: int = 15000
    largest_share_left_out: float = 0.2
    epochs: int = 12
    chunks_per_epoch: int = 7
    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    averaging: float = 0.999
    relatives_left_out: float = 0.1
    label_share: float = 0.5
    head_layers: int = 1
    difference_weight: float = 0.0
    handful: int = 16
    further: tuple[FurtherRound, ...] = (FurtherRound(),)
    descriptor_version: int = DESCRIPTOR_VERSION

    @classmethod
    def quick(cls) -> StudentSettings:
        """Return a setting for tests: the path is the same, the figures mean nothing."""
        further = (FurtherRound(chunks=2, epochs=1, chunks_per_epoch=1),)
        return cls(chunks=2, rows_per_chunk=300, epochs=1, chunks_per_epoch=1, further=further)

    @classmethod
    def read(cls, recipe: Mapping[str, Any]) -> StudentSettings:
        """Read what `written` made and a card holds; what an older card does not name is as it was then."""
        further = tuple(FurtherRound(**each) for each in recipe.get("further", ()))
        return cls(**{**recipe, "further": further})

    def written(self) -> dict[str, Any]:
        """Return what a card and a checkpoint hold, and `read` reads."""
        return {**asdict(self), "further": [asdict(each) for each in self.further]}

    @property
    def rounds(self) -> tuple[StudentSettings, ...]:
        """The settings of each round alone."""
        first = replace(self, further=())
        return first, *(replace(first, **asdict(each)) for each in self.further)

    def rounds_done(self, earlier: StudentSettings) -> int:
        """Return how many rounds of these settings a student of other settings has behind it."""
        own, done = self.rounds, earlier.rounds
        return len(done) if own[: len(done)] == done else 0

    def n_steps(self, rounds_done: int = 0) -> int:
        """Return the chunks and epochs that are to come, for a progress bar."""
        left = self.rounds[rounds_done:]
        return max((one.chunks for one in left), default=0) + sum(one.epochs for one in left)

    def answers_fingerprint(self, pool: NetEnsemble) -> str:
        """Return a short text that differs where a pool would be asked or would answer something else."""
        asked = (self.rows_per_chunk, self.largest_share_left_out, self.descriptor_version)
        return _fingerprint({"asked": asked}, pool)

    def fingerprint(self, *nets: NetEnsemble) -> str:
        """Return a short text that differs for other settings, another pool or another net to begin as."""
        return _fingerprint(asdict(self), *nets)


def _fingerprint(settings: dict[str, Any], *nets: NetEnsemble) -> str:
    content = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for each in nets:
        for name in sorted(each.weights):
            content.update(each.weights[name].tobytes())
    return content.hexdigest()[:12]
