"""The stability recipe: from energies to a tracked, bundled, registered model.

1. The official CritExam split of 85,014 compounds.
2. Hulls of the training phases at every compound, without the compound; relatives of the same stoichiometry.
3. A pool of nets, fitted on the training split, the hull redrawn from part of the phases in every epoch; one student of
   it, which answers unless the pool is asked for (`student.py`).
4. For either: what it gets wrong of training compounds, carried over to their relatives (`known_errors.py`); conformal
   intervals and probabilities from the validation split.
5. The served model knows the phases of all three splits, with band gaps where they were computed; the nets stay those
   of the training split.
6. What lies beyond all tables: a prior and a regression from a family that was computed whole.
7. Bundle, MLflow run, registry version with alias `challenger`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from training.bundle import Bundle, Card, DataSource, data_source, save_bundle, stamped
from training.crystals import GAP, GapTable, read_gaps, with_band_gaps
from training.properties.stability.bundling import golden_predictions
from training.properties.stability.calibration import Calibration
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.ensemble_fit import NetSettings, fit_ensemble, fit_scaling, load_table
from training.properties.stability.evaluation import Scored, predict_rows, split_scores, window_deviations
from training.properties.stability.inputs import Surroundings
from training.properties.stability.known_errors import KnownErrors, Relatedness
from training.properties.stability.model import StabilityModel
from training.properties.stability.nasicon import SOURCE as NASICONS
from training.properties.stability.nasicon import NasiconTable, not_listed, read_nasicons
from training.properties.stability.student import fit_student
from training.properties.stability.student_settings import StudentSettings
from training.properties.stability.table import SOURCE_KEYS, SPLITS, EnergyTable
from training.properties.stability.unlisted import Unlisted
from training.thermodynamics.nearest import nearest_phases
from training.uncertainty import ConformalScale

LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba", "torch")
METRICS_COMMAND = "elyte train stability"
DOMAIN_SHARE = 0.95
SUMMARY = (
    "Formation energy, energy above hull and electrochemical window from formula: reference values of the Materials"
    " Project where it holds the compound, a net (student of an ensemble, which may be asked instead) with conformal"
    " intervals where it does not; equilibria by linear programming"
)
INTENDED_USE = (
    "Judging, before synthesis, whether a composition should exist, between which potentials it lasts, and what it"
    " turns into. The basis (reference or model) and the interval belong to the answer."
)
LIMITATIONS = [
    "0 K energies of ordered ground states (PBE and PBE+U, Materials Project of about 2019): no entropy, no disorder,"
    " no polymorphs.",
    "Solid solutions (doped LLZO, LATP, argyrodites with excess halide) are no entries of the table: they are predicted"
    " from their composition, and entropy may stabilise them by tens of meV per atom.",
    "A reference value carries no interval for the error of the functional, which is some ten meV per atom.",
    "Windows are those of complete decomposition; kinetics often allows more than thermodynamics (indirect windows).",
    "Compositions that no table lists are raised above what the nets say by a prior estimated on one family that was"
    " computed whole (NASICONs); how far it carries to other chemistry is known by the filters it passes only.",
    "84 elements are covered: no noble gases, no Po, At, Rn, Fr, Ra.",
]


@dataclass(frozen=True, slots=True)
class StabilityFit:
    """What a run of training left behind; `validation` are the rows that calibrated the nets."""

    folder: Path
    card: Card
    digest: str
    model: StabilityModel
    validation: Scored


def train(
    folder: Path,
    settings: NetSettings | None = None,
    *,
    work: Path,
    kept: tuple[StabilityModel, Bundle] | None = None,
    on_step: Callable[[str], None] = lambda what: None,
) -> StabilityFit:
    """Fit on the official split and write the bundle.

    Parameters
    ----------
    folder
        Where the bundle goes.
    settings
        Sizes and seeds; None takes the recipe's.
    work
        Folder for checkpoints; a run that was stopped goes on from there.
    kept
        Model and bundle whose pool of nets is taken as it is, and its student as far as the settings would make the
        same: rounds that it does not have behind it yet go on from it.
    on_step
        Called once for every epoch of every net and every chunk of what the pool is asked, for a progress bar.

    Raises
    ------
    MissingSourceError
        If a table is not in the data folder.
    """
    chosen = settings or NetSettings()
    table = load_table(chosen)
    nasicons, gaps = read_nasicons(), read_gaps()
    pool = kept[0].of_pool.ensemble if kept else fit_ensemble(chosen, work / chosen.fingerprint(), on_epoch=on_step)
    done = rounds_of_kept(kept, chosen) if kept else 0
    begun = (kept[0].ensemble, done) if kept and done else None
    student = fit_student(pool, fit_scaling(table), table, chosen.student, work, done=begun, on_step=on_step)
    model, validation = assemble(student, table)
    of_pool, validation_of_pool = assemble(pool, table)
    model, of_pool = (with_unlisted(with_gaps_of_phases(one, gaps), nasicons) for one in (model, of_pool))
    model = replace(model, pool=of_pool)
    deviations = window_deviations(table)
    scores = _validation("validation", model, validation) | _validation("pool_validation", of_pool, validation_of_pool)
    card = Card(
        property="stability",
        summary=SUMMARY,
        intended_use=INTENDED_USE,
        limitations=LIMITATIONS,
        data=[*_data(table), data_source(GAP, len(gaps.crystals)), data_source(NASICONS, len(nasicons.batch))],
        recipe=(kept[1].card.recipe if kept else asdict(chosen)) | {"student": chosen.student.written()},
        metrics=scores
        | {
            "esw_reduction_mae_V": round(float(np.abs(deviations[0]).mean()), 4),
            "esw_oxidation_mae_V": round(float(np.abs(deviations[1]).mean()), 4),
        },
        metrics_command=METRICS_COMMAND,
        model=model.settings(),
        golden=golden_predictions(model),
        **stamped(LIBRARIES),
    )
    digest = save_bundle(folder, card, model.to_arrays())
    return StabilityFit(folder, card, digest, model, validation)


def rounds_of_kept(kept: tuple[StabilityModel, Bundle], settings: NetSettings) -> int:
    """Return how many rounds that these settings would give a student the one of a kept model has behind it."""
    recipe = kept[1].card.recipe.get("student")
    if kept[0].pool is None or recipe is None:
        return 0
    return settings.student.rounds_done(StudentSettings.read(recipe))


def assemble(nets: NetEnsemble, table: EnergyTable) -> tuple[StabilityModel, Scored]:
    """Calibrate nets on the validation split and give them the whole table to know.

    Returns
    -------
    model, validation
        The model, and its predictions of the validation rows from training phases.
    """
    everything = Surroundings.of(table, np.arange(len(table)))
    reduction, oxidation = (ConformalScale(np.sort(np.abs(part))) for part in window_deviations(table))
    none = ConformalScale(np.zeros(0))
    open_ended = Calibration(none, none, np.zeros(4), np.zeros(4), 0.5)
    uncalibrated = StabilityModel(
        everything,
        nets,
        fit_scaling(table),
        open_ended,
        reduction,
        oxidation,
        radius=1.0,
        largest_spread_eV_per_atom=np.inf,
    )
    known = Surroundings.of(table, table.rows_of("train"))
    errors = fit_known_errors(predict_rows(uncalibrated, table, ("train",), "train"), table, known)
    validation = predict_rows(replace(uncalibrated, known_errors=errors), table, ("train",), "val")
    pooled = validation.pooled
    rows = validation.rows
    _, distance = nearest_phases(known.phases, known.usable, table.atomic_number[rows], table.fraction[rows], 1)
    model = StabilityModel(
        surroundings=everything,
        ensemble=nets,
        scaling=uncalibrated.scaling,
        calibration=Calibration.fit(pooled, validation.formation - validation.hull, validation.decomposition),
        reduction_error_V=reduction,
        oxidation_error_V=oxidation,
        radius=float(np.quantile(distance[:, 0], DOMAIN_SHARE)),
        largest_spread_eV_per_atom=float(np.quantile(pooled.spread_eV_per_atom, DOMAIN_SHARE)),
        known_errors=errors,
    )
    return model, validation


def fit_known_errors(
    learnt: Scored, table: EnergyTable, known: Surroundings, relatedness: Relatedness | None = None
) -> KnownErrors:
    """Fit what carries over to relatives what the nets alone say wrongly of compounds that they learnt from."""
    true = np.column_stack([learnt.formation - learnt.hull, learnt.decomposition])
    composition = table.atomic_number[learnt.rows], table.fraction[learnt.rows]
    unlike = known.prototypes.dissimilarity_eV_per_atom
    return KnownErrors.fit(composition, learnt.pooled, true, unlike, relatedness)


def refit_for_evaluation(
    settings: NetSettings, work: Path, on_step: Callable[[str], None]
) -> tuple[StabilityModel, EnergyTable]:
    """Fit anew in a folder of its own and return model and table, ready to be scored."""
    table = load_table(settings)
    pool = fit_ensemble(settings, work / settings.fingerprint(), on_epoch=on_step)
    student = fit_student(pool, fit_scaling(table), table, settings.student, work, on_step=on_step)
    return replace(assemble(student, table)[0], pool=assemble(pool, table)[0]), table


def with_gaps_of_phases(model: StabilityModel, gaps: GapTable) -> StabilityModel:
    """Return a model whose phases carry computed band gaps, by which products of reactions are judged to conduct."""
    phases = with_band_gaps(model.phases, gaps)
    return replace(model, surroundings=replace(model.surroundings, phases=phases))


def with_unlisted(model: StabilityModel, nasicons: NasiconTable) -> StabilityModel:
    """Return a model whose nets are corrected where no table lists a composition."""
    nasicons = nasicons.take(not_listed(model.phases, nasicons))
    said, hull = model.nets_opinion(nasicons.batch)
    return replace(model, unlisted=Unlisted.fit(model.surroundings, nasicons, said, hull))


def _validation(prefix: str, model: StabilityModel, validation: Scored) -> dict[str, float]:
    return {f"{prefix}_{name}": round(value, 5) for name, value in split_scores(model, validation).items()}


def _data(table: EnergyTable) -> list[DataSource]:
    sizes = {name: len(table.rows_of(name)) for name in SPLITS}
    return [data_source(key, sizes[key.rsplit("_", 1)[1]]) for key in SOURCE_KEYS]
