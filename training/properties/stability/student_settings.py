"""How a student of the pool of nets is made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from training.properties.stability.descriptors import DESCRIPTOR_VERSION

if TYPE_CHECKING:
    from training.properties.stability.ensemble import NetEnsemble


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
    descriptor_version: int = DESCRIPTOR_VERSION

    @classmethod
    def quick(cls) -> StudentSettings:
        """Return a setting for tests: the path is the same, the figures mean nothing."""
        return cls(chunks=2, rows_per_chunk=300, epochs=1, chunks_per_epoch=1)

    @property
    def n_steps(self) -> int:
        """Chunks and epochs, for a progress bar."""
        return self.chunks + self.epochs

    def fingerprint(self, pool: NetEnsemble) -> str:
        """Return a short text that differs for other settings or another pool."""
        content = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode())
        for name in sorted(pool.weights):
            content.update(pool.weights[name].tobytes())
        return content.hexdigest()[:12]
