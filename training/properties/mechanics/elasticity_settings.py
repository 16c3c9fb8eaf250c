"""Sizes of the nets and trees on elastic moduli, and how they learn."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a net learns: AdamW under one cycle of the learning rate, weights averaged on the way."""

    epochs: int
    batch: int
    learning_rate: float
    averaging: float
    weight_decay: float = 0.04


@dataclass(frozen=True)
class ElementNetSettings:
    """Sizes of a net and its two schedules."""

    embedding: int = 64
    width: int = 96
    rounds: int = 2
    head: int = 192
    dropout: float = 0.05
    auxiliary: Schedule = field(default_factory=lambda: Schedule(14, 512, 2e-3, 0.999))
    moduli: Schedule = field(default_factory=lambda: Schedule(24, 64, 1e-3, 0.995))

    @classmethod
    def quick(cls) -> ElementNetSettings:
        """Return a setting that runs in seconds: the path is the same, the figures mean nothing."""
        return cls(16, 16, 1, 16, auxiliary=Schedule(1, 256, 2e-3, 0.9), moduli=Schedule(2, 64, 2e-3, 0.9))


@dataclass(frozen=True)
class TreeSettings:
    """How many trees are grown, and how far."""

    n_boosted: int = 400
    n_random: int = 12
    min_leaf: int = 2
    feature_share: float = 0.3

    @classmethod
    def quick(cls) -> TreeSettings:
        """Return a setting that runs in seconds: the path is the same, the figures mean nothing."""
        return cls(20, 5)


@dataclass(frozen=True)
class ElasticitySettings:
    """What is fitted.

    Attributes
    ----------
    n_nets
        Nets of the model, and of each fold that is scored; each of them learns the auxiliary table.
    n_fold_nets
        Of these, how many learn the moduli of each fold by which the intervals are calibrated.
    n_folds
        Such folds, no chemical system in two of them.
    net, trees
        Of each part.
    workers
        Processes that fit side by side.
    """

    n_nets: int = 3
    n_fold_nets: int = 1
    n_folds: int = 5
    net: ElementNetSettings = field(default_factory=ElementNetSettings)
    trees: TreeSettings = field(default_factory=TreeSettings)
    workers: int = 2

    @classmethod
    def quick(cls) -> ElasticitySettings:
        """Return a setting that runs in seconds: the path is the same, the figures mean nothing."""
        return cls(1, 1, 3, ElementNetSettings.quick(), TreeSettings.quick(), workers=1)
