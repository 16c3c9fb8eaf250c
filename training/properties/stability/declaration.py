"""Stability: formation energy, distance to the hull, window; what it says and where its parts are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from pydantic import BaseModel

    from features.errors import CandidateError
    from training.bundle import Bundle
    from training.distributions import Predictive
    from training.properties.contract import Electrode
    from training.properties.outputs import ModelOutputs
    from training.properties.stability.judgement import StabilityJudgement
    from training.properties.stability.measurements import StabilityMeasurements
    from training.properties.stability.model import StabilityModel
    from training.retraining.property_job import PropertyJob
    from training.suggestions.pool import DesignPool

_EV_PER_ATOM = (("eV", 1.0), ("meV", 1e-3), ("eV/atom", 1.0), ("meV/atom", 1e-3))
_VOLT = (("V", 1.0), ("mV", 1e-3))


_SHARED = (
    "energy above hull, limits of the window and hydrolysis of one candidate share the error of its formation energy;"
    " the limits have besides the deviation of published limits"
)
_AT_0_K = "Energies at 0 K know no disorder and no entropy"


def _energy(stem: str, label: str, aliases: tuple[str, ...], lowest: float, caveat: str = "") -> Quantity:
    unit = "eV/atom"
    return Quantity(
        stem, "eV_per_atom", label, unit, False, lowest, 10.0, aliases, units=_EV_PER_ATOM, assumes=_SHARED,
        caveat=caveat,
    )  # fmt: skip


FORMATION_ENERGY = _energy("formation_energy", "formation energy", ("formation_energy", "ef"), -10.0)
DECOMPOSITION_ENERGY = _energy("decomposition_energy", "decomposition energy", ("decomposition_energy", "ed"), -10.0)
ABOVE_HULL = _energy("energy_above_hull", "energy above the hull", ("hull", "energy_above_hull", "ehull"), 0.0, _AT_0_K)
PROBABILITY_STABLE = Quantity(
    "probability_stable",
    "",
    label="probability of lying on the hull",
    unit="",
    higher_is_better=True,
    lowest=0.0,
    highest=1.0,
    aliases=("stable", "p_stable"),
    has_interval=False,
    caveat=_AT_0_K,
)
REDUCTION = Quantity(
    "reduction",
    "V",
    label="reduction limit",
    unit="V",
    higher_is_better=False,
    lowest=0.0,
    highest=10.0,
    aliases=("reduction", "red"),
    units=_VOLT,
    never_above=(("oxidation_V", "the oxidation limit never lies below the reduction limit"),),
    assumes=_SHARED,
)
OXIDATION = Quantity(
    "oxidation",
    "V",
    label="oxidation limit",
    unit="V",
    higher_is_better=True,
    lowest=0.0,
    highest=10.0,
    aliases=("oxidation", "ox"),
    units=_VOLT,
    assumes=_SHARED,
)
INTERPHASE = Quantity(
    "lithium_interphase",
    "",
    label="layer between the material and lithium metal",
    unit="",
    higher_is_better=True,
    lowest=0.0,
    highest=2.0,
    aliases=("interphase", "lithium_layer"),
    in_answers=False,
    levels=("mixed_conducting", "protective", "stable"),
    assumes=(
        "the layer beside lithium metal is met or not (0 or 1): its products follow from the composition and the"
        " table, whether they conduct from a rule, and neither states an error"
    ),
)
WINDOW_WIDTH = Quantity(
    "window_width",
    "V",
    label="width of the window",
    unit="V",
    higher_is_better=True,
    lowest=0.0,
    highest=10.0,
    aliases=("window", "width", "window_width"),
    units=_VOLT,
    in_answers=False,
    against="margin_V",
    never_above=(("oxidation_V", "a window is no wider than its oxidation limit is high"),),
    assumes=_SHARED,
)
MARGIN = Quantity(
    "margin",
    "V",
    label="margin against an electrode",
    unit="V",
    higher_is_better=True,
    lowest=-10.0,
    highest=10.0,
    aliases=("margin",),
    units=_VOLT,
    in_answers=False,
    against="margin_V",
    assumes=_SHARED,
)
HYDROLYSIS = Quantity(
    "hydrolysis",
    "eV_per_H2O",
    label="energy of the reaction with moist air",
    unit="eV/H2O",
    higher_is_better=True,
    lowest=-20.0,
    highest=20.0,
    aliases=("moisture", "hydrolysis", "water"),
    units=(("eV", 1.0), ("eV/H2O", 1.0), ("meV", 1e-3)),
    in_answers=False,
    assumes=_SHARED,
)
H2S = Quantity(
    "h2s",
    "mmol_per_g",
    label="hydrogen sulfide given off in moist air",
    unit="mmol/g",
    higher_is_better=False,
    lowest=0.0,
    highest=100.0,
    aliases=("h2s",),
    units=(("mmol/g", 1.0),),
    in_answers=False,
)
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

    def distribution(self, quantity: Quantity, outputs: ModelOutputs, electrode: Electrode | None) -> Predictive:
        """See `contract.Property.distribution`."""
        from training.properties.stability.distributions import distribution

        return distribution(quantity, outputs, electrode)

    def design_pool(self, outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
        """See `contract.Property.design_pool`."""
        from training.properties.stability.joint_uncertainty import pool_of

        return pool_of(outputs, with_domain=with_domain)

    def known_value(self, known: Mapping[str, Any]) -> str:
        """See `contract.Property.known_value`."""
        return f"{known[ABOVE_HULL.name]:.3f} {ABOVE_HULL.unit} above the hull"

    def details_model(self) -> type[BaseModel]:
        """See `contract.Property.details_model`."""
        from training.properties.stability.answer_model import StabilityBlock

        return StabilityBlock

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
