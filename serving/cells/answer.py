"""The answer to a call for the rate of one cell, as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, RowError
from features.errors import WarningCode
from serving.answers.request import read_inputs
from serving.answers.rows import ModelHeaders, material_of, warnings_of
from serving.cells.design import CELL, CellConditions, cell_conditions
from serving.cells.document import LayerBlock, RateDocument, SaltBlock, ShownNumber
from serving.cells.layers import LayerNumbers, Models, without_lithium
from serving.cells.losses import (
    SALT,
    CellArrays,
    limiting_current_A_per_cm2,
    losses_V,
    sand_time_s,
    sigma_needed_S_per_cm,
)
from serving.cells.rates import LIMITS, rates_of
from serving.cells.request import RateRequest, electrolyte_names
from training.properties.contract import CellRole
from training.properties.registry import with_needed

Array = NDArray[np.float64]
ANOLYTE, CATHOLYTE = "anolyte", "catholyte"
DIGITS = 4
ROLES_OF = {ANOLYTE: tuple(CellRole), CATHOLYTE: (CellRole.ION_CONDUCTION,)}
"""What each of the two is asked for: the anolyte alone meets lithium."""
STATED = "caller"
NOT_SEEN = "heat, ageing, contact loss and the spread of particles are not in these losses"


def answer_rate(models: Models, request: RateRequest) -> RateDocument:
    """Say which rate a cell reaches and what limits it.

    Parameters
    ----------
    models
        Served models by property.
    request
        The two electrolytes and the cell.
    """
    given = {ANOLYTE: request.anolyte, CATHOLYTE: request.catholyte}
    read = dict(zip(given, read_inputs([*given.values()]), strict=True))
    for layer, one in read.items():
        if isinstance(one, RowError):
            words = f"{layer}: {one.message}; known by name are {', '.join(electrolyte_names())}"
            return _refused({}, str(one.code), words)
        if (reason := without_lithium(one)) is not None:
            return _refused({}, str(WarningCode.NO_LITHIUM), f"{layer} {reason}")
    candidates = [one for one in read.values() if isinstance(one, Candidate)]
    design = request.conditions
    said = LayerNumbers.of(models, candidates, design.of_models())
    headers = {name: models[name].header() for name in with_needed(said.properties)}
    stated = (design.anolyte_sigma_S_per_cm, design.catholyte_sigma_S_per_cm)
    for place, layer in enumerate(given):
        reason = said.missing[CellRole.ION_CONDUCTION][place]
        if reason is not None and stated[place] is None:
            words = f"{layer} {candidates[place].formula}: {reason}; state {layer}_sigma_S_per_cm where measured"
            return _refused(headers, "no_ion_conduction", words)
    return _Answer(request, candidates, said).document(headers)


def _refused(headers: ModelHeaders, code: str, message: str) -> RateDocument:
    return {"models": headers, "status": "error", "error": {"code": code, "message": message}, "warnings": []}


def _ignored(design: CellConditions) -> list[dict[str, str]]:
    words = "the rate of a cell does not depend on {}; besides the numbers of the cell expected {}"
    known = ", ".join(cell_conditions())
    return [
        {"code": str(WarningCode.CONDITION_IGNORED), "message": words.format(name, known)}
        for name in design.without_effect()
    ]


def rounded(value: float) -> float:
    """Return a number with as many digits as mean something."""
    return float(f"{value:.{DIGITS}g}")


def shown_number(samples: Array, coverage: float) -> ShownNumber:
    """Return the median and the interval of samples; a number that all share has no width."""
    low, middle, high = np.quantile(samples, [(1.0 - coverage) / 2.0, 0.5, (1.0 + coverage) / 2.0])
    return {"value": rounded(middle), "lower": rounded(low), "upper": rounded(high), "coverage": coverage}


class _Answer:
    """One cell in samples; row 0 are the central values.

    Parameters
    ----------
    request
        As sent.
    candidates
        Anolyte and catholyte.
    said
        What models say of the two.
    """

    def __init__(self, request: RateRequest, candidates: Sequence[Candidate], said: LayerNumbers) -> None:
        self._design, self._coverage = request.conditions, request.coverage
        self._candidates, self._said = candidates, said
        sigma, ions = said.by_role[CellRole.ION_CONDUCTION], said.transference
        critical = said.by_role[CellRole.CRITICAL_CURRENT][:, 0]
        self._rates = rates_of(self._design, (sigma[:, 0], sigma[:, 1]), (ions[:, 0], ions[:, 1]), critical)
        self._cells = self._rates.cells

    def _shown(self, samples: Array) -> ShownNumber:
        return shown_number(samples[1:], self._coverage)

    def document(self, headers: ModelHeaders) -> RateDocument:
        """Return the answer."""
        rates, design, asked = self._rates, self._design, np.asarray(self._design.c_rate)
        counts = np.bincount(rates.limiting[1:], minlength=len(LIMITS)) / (len(rates.limiting) - 1)
        shares = {name: rounded(share) for name, share in zip(LIMITS, counts, strict=True) if share > 0.0}
        losses = {name: _mV(one) for name, one in losses_V(self._central(), asked).items()}
        total = None if None in losses.values() else rounded(sum(filter(None, losses.values())))
        known = bool(np.isfinite(rates.critical_mA_per_cm2[0]))
        needed = {layers: self._needed(layers) for layers in ((ANOLYTE, CATHOLYTE), (ANOLYTE,), (CATHOLYTE,))}
        return {
            "models": headers,
            "status": "ok",
            "anolyte": self._layer(0, self._cells.anolyte_S_per_cm, self._cells.anolyte_transference),
            "catholyte": self._layer(1, self._cells.catholyte_S_per_cm, self._cells.catholyte_transference),
            "c_rate": design.c_rate,
            "current_density_mA_per_cm2": rounded(design.c_rate * design.areal_capacity_mAh_cm2),
            "c_rate_reached": self._shown(rates.reached),
            "probability_reached": rounded(float((rates.reached[1:] >= design.c_rate).mean())),
            "limited_by": max(shares, key=lambda name: shares[name]),
            "limited_by_shares": shares,
            "c_rate_by_losses": self._shown(rates.by_losses),
            "c_rate_by_critical_current": self._shown(rates.by_critical_current) if known else None,
            "critical_current_mA_per_cm2": self._shown(rates.critical_mA_per_cm2) if known else None,
            "losses_mV": losses,
            "total_loss_mV": total,
            "loss_allowed_mV": design.loss_allowed_mV,
            "conductivity_needed_S_per_cm": needed[ANOLYTE, CATHOLYTE],
            "sigma_needed_by_layer_S_per_cm": {name: needed[name,] for name in (ANOLYTE, CATHOLYTE)},
            "salt": self._salt(),
            "cell": cell_of(design),
            "sources": sources_of(design),
            "notes": [*self._notes(losses, known=known), NOT_SEEN],
            "warnings": _ignored(design),
        }

    def _central(self) -> CellArrays:
        cells = self._cells
        return CellArrays(*(np.asarray(part[0] if part.ndim else part) for part in _fields(cells)))

    def _needed(self, layers: tuple[str, ...]) -> float | None:
        allowed = np.asarray(self._design.loss_allowed_mV * 1e-3)
        found = float(sigma_needed_S_per_cm(self._central(), np.asarray(self._design.c_rate), allowed, layers))
        return None if np.isnan(found) else rounded(found)

    def _layer(self, place: int, sigma: Array, transference: Array) -> LayerBlock:
        name = (ANOLYTE, CATHOLYTE)[place]
        is_stated = getattr(self._design, f"{name}_sigma_S_per_cm") is not None
        return {
            **material_of(self._candidates[place]),
            "sigma_S_per_cm": self._shown(sigma),
            "sigma_from": STATED if is_stated else "model",
            "transference_number": self._shown(transference),
            "in_domain": self._said.in_domain[place],
            "basis": self._said.basis[place],
            "warnings": warnings_of(self._said.remarks_on(place, ROLES_OF[name])),
        }

    def _salt(self) -> SaltBlock | None:
        if not bool(np.any(self._cells.anolyte_transference < 1.0)):
            return None
        current = self._cells.current_A_per_cm2(np.asarray(self._design.c_rate))
        return {
            "limiting_current_mA_per_cm2": self._shown(1e3 * limiting_current_A_per_cm2(self._cells)),
            "sand_time_min": self._shown(sand_time_s(self._cells, current) / 60.0),
        }

    def _notes(self, losses: dict[str, float | None], *, known: bool) -> list[str]:
        notes = []
        if not known:
            reason = self._said.missing[CellRole.CRITICAL_CURRENT][0]
            notes.append(f"the critical current is not known and limits nothing here: {reason}")
        if losses[SALT] is None:
            notes.append("at the rate asked for salt runs out at the surface of an electrode: no loss can be given")
        if self._needed((ANOLYTE, CATHOLYTE)) is None:
            notes.append(
                "no conductivity reaches the rate: the losses that do not depend on it are more than is allowed"
            )
        if self._rates.limiting[0] == 0:
            notes.append("the critical current limits before the losses do: a better conductor would not charge faster")
        if any(self._said.in_domain[place] is False for place in (0, 1)):
            notes.append("a material is of a chemistry that its conductivity model does not know")
        return notes


def _fields(cells: CellArrays) -> list[Array]:
    return [getattr(cells, name) for name in CellArrays.__slots__]


def _mV(loss_V: Array) -> float | None:
    return rounded(1e3 * float(loss_V)) if np.isfinite(loss_V) else None


def cell_of(design: CellConditions) -> dict[str, float]:
    """Return the numbers of a cell, stated or by default, and what follows from them."""
    stated = {name: float(value) for name in CELL if (value := getattr(design, name)) is not None}
    return {
        **stated,
        "cathode_thickness_um": rounded(design.cathode_um),
        "catholyte_fraction": rounded(design.electrolyte_fraction),
        "cathode_ion_factor": rounded(design.ion_factor),
    }


def sources_of(design: CellConditions) -> dict[str, str]:
    """Return for each number of a cell where it comes from: the caller, a DOI or `assumed`."""
    return {
        name: STATED if name in design.model_fields_set else one.source
        for name, one in CELL.items()
        if getattr(design, name) is not None
    }
