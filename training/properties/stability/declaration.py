"""Stability: formation energy, distance to the hull, window; what it says and where its parts are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from training.properties.contract import (
    Answered,
    Array,
    Column,
    Content,
    FitOptions,
    ModelOf,
    NotRetrainedError,
    Progress,
    Property,
    Quantity,
    Query,
    Scores,
    Terminal,
    Trained,
    texts,
)

if TYPE_CHECKING:
    from features.errors import CandidateError
    from training.bundle import Bundle
    from training.properties.stability.judgement import StabilityJudgement
    from training.properties.stability.measurements import StabilityMeasurements
    from training.properties.stability.model import StabilityModel
    from training.retraining.property_job import PropertyJob

_EV_PER_ATOM = (("eV", 1.0), ("meV", 1e-3), ("eV/atom", 1.0), ("meV/atom", 1e-3))
_VOLT = (("V", 1.0), ("mV", 1e-3))


def _energy(stem: str, label: str, aliases: tuple[str, ...], lowest: float) -> Quantity:
    unit = "eV/atom"
    return Quantity(stem, "eV_per_atom", label, unit, False, lowest, 10.0, aliases, units=_EV_PER_ATOM)


def _volt(stem: str, label: str, aliases: tuple[str, ...], *, higher_is_better: bool, in_answers: bool) -> Quantity:
    lowest = -10.0 if stem == "margin" else 0.0
    return Quantity(stem, "V", label, "V", higher_is_better, lowest, 10.0, aliases, units=_VOLT, in_answers=in_answers)


FORMATION_ENERGY = _energy("formation_energy", "formation energy", ("formation_energy", "ef"), -10.0)
DECOMPOSITION_ENERGY = _energy("decomposition_energy", "decomposition energy", ("decomposition_energy", "ed"), -10.0)
ABOVE_HULL = _energy("energy_above_hull", "energy above the hull", ("hull", "energy_above_hull", "ehull"), 0.0)
PROBABILITY_STABLE = Quantity(
    "probability_stable", "", "probability of lying on the hull", "", True, 0.0, 1.0, ("stable", "p_stable"),
    has_interval=False,
)  # fmt: skip
REDUCTION = _volt("reduction", "reduction limit", ("reduction", "red"), higher_is_better=False, in_answers=True)
OXIDATION = _volt("oxidation", "oxidation limit", ("oxidation", "ox"), higher_is_better=True, in_answers=True)
INTERPHASE = Quantity(
    "lithium_interphase", "", "layer between the material and lithium metal", "", True, 0.0, 2.0,
    ("interphase", "lithium_layer"), in_answers=False, levels=("mixed_conducting", "protective", "stable"),
)  # fmt: skip
WINDOW_WIDTH = _volt(
    "window_width", "width of the window", ("window", "width", "window_width"), higher_is_better=True, in_answers=False
)
MARGIN = _volt("margin", "margin against an electrode", ("margin",), higher_is_better=True, in_answers=False)
HYDROLYSIS = Quantity(
    "hydrolysis", "eV_per_H2O", "energy of the reaction with moist air", "eV/H2O", True, -20.0, 20.0,
    ("moisture", "hydrolysis", "water"), units=(("eV", 1.0), ("eV/H2O", 1.0), ("meV", 1e-3)), in_answers=False,
)  # fmt: skip
H2S = Quantity(
    "h2s", "mmol_per_g", "hydrogen sulfide given off in moist air", "mmol/g", False, 0.0, 100.0, ("h2s",),
    units=(("mmol/g", 1.0),), in_answers=False,
)  # fmt: skip
NOT_RETRAINED = (
    "stability is not retrained from measurements: observations of stability are kept in the ledger and compared with"
    " what the model says, but it is fitted on computed energies. `elyte train stability` fits it anew (half an hour to"
    " an hour on two cores) and registers a challenger; a person moves the alias"
)


def _products(name: str) -> Column:
    def cell(said: Answered) -> str | None:
        if not said.block:
            return None
        return " + ".join(f"{part['amount']:g} {part['formula']}" for part in said.block.get(name) or [])

    return Column(name, Content.TEXT, cell, None)


COLUMNS = (
    Column(
        "stability_basis", Content.TEXT, lambda said: said.block and said.block["basis"],
        lambda judged: texts(judged.basis),
    ),
    _products("decomposition_products"),
    _products("reduction_products"),
    _products("oxidation_products"),
)  # fmt: skip


class Stability(Property):
    """Stability at 0 K: energies, window, and what a material becomes."""

    name = "stability"
    label = "Stability"
    quantities = (
        FORMATION_ENERGY, DECOMPOSITION_ENERGY, ABOVE_HULL, PROBABILITY_STABLE, REDUCTION, OXIDATION,
        INTERPHASE, WINDOW_WIDTH, MARGIN, HYDROLYSIS, H2S,
    )  # fmt: skip

    def load(self, folder: Path, digest: str | None = None) -> tuple[StabilityModel, Bundle]:
        """See `contract.Property.load`."""
        from training.properties.stability.bundling import load_stability

        return load_stability(folder, digest)

    def refused(self, model: StabilityModel, query: Query) -> Mapping[int, CandidateError]:
        """See `contract.Property.refused`."""
        from training.properties.stability.judgement import refusals

        return refusals(model, query)

    def judge(self, model: StabilityModel, query: Query) -> StabilityJudgement:
        """See `contract.Property.judge`."""
        from training.properties.stability.judgement import StabilityJudgement

        return StabilityJudgement(model, query)

    def columns(self) -> tuple[Column, ...]:
        """See `contract.Property.columns`."""
        return COLUMNS

    def terminal(self) -> Terminal:
        """See `contract.Property.terminal`."""
        from training.properties.stability.terminal import HEADER, row, story

        return Terminal(HEADER, row, story)

    def frame(self, model: StabilityModel, query: Query) -> Mapping[str, Array]:
        """See `contract.Property.frame`."""
        from training.properties.stability.bundling import headline

        return headline(model, query.batch)

    def frame_columns(self) -> tuple[str, ...]:
        """Return the names that registered versions have."""
        return (
            "formation_energy_eV_per_atom",
            "lower",
            "upper",
            "energy_above_hull_eV_per_atom",
            "probability_stable",
            "reduction_V",
            "oxidation_V",
        )

    def train(self, folder: Path, options: FitOptions, progress: Progress, model_of: ModelOf) -> Trained:
        """See `contract.Property.train`."""
        from training.properties.stability.ensemble_fit import EnsembleSettings
        from training.properties.stability.plots import write_plots
        from training.properties.stability.recipe import train

        settings = EnsembleSettings.quick() if options.quick else EnsembleSettings()
        with _work_folder(options) as work, progress(settings.n_epochs) as on_step:
            fit = train(folder, settings, work=work / self.name, on_step=on_step)
        return Trained(fit.card, fit.digest, write_plots(fit, options.plots) if options.plots else {})

    def evaluate(self, options: FitOptions, progress: Progress, model_of: ModelOf) -> Scores:
        """See `contract.Property.evaluate`."""
        from training.properties.stability.ensemble_fit import EnsembleSettings
        from training.properties.stability.evaluation import evaluate
        from training.properties.stability.recipe import refit_for_evaluation
        from training.properties.stability.table import read_energies

        title = "shipped nets, hull of training phases"
        if not options.refit and not options.quick:
            model, bundle = model_of(self.name)
            return Scores(title, evaluate(model, read_energies()) | {"model_version": bundle.card.version})
        settings = EnsembleSettings.quick() if options.quick else EnsembleSettings()
        with _work_folder(options) as work, progress(settings.n_epochs) as on_step:
            return Scores(title, evaluate(*refit_for_evaluation(settings, work, on_step)))

    def retraining(self, *, seed: int | None, quick: bool, model_of: ModelOf) -> PropertyJob:
        """See `contract.Property.retraining`."""
        raise NotRetrainedError(NOT_RETRAINED)

    def measurements(self) -> StabilityMeasurements:
        """See `contract.Property.measurements`."""
        from training.properties.stability.measurements import MEASUREMENTS

        return MEASUREMENTS


@contextmanager
def _work_folder(options: FitOptions) -> Iterator[Path]:
    """Give the folder for checkpoints: the one that was named, else one that is thrown away."""
    if options.work is not None:
        yield options.work
        return
    with tempfile.TemporaryDirectory(prefix="elyte-stability-") as scratch:
        yield Path(scratch)


STABILITY = Stability()
