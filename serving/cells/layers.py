"""What models say of the electrolytes of cells, as samples: conductivity, transference number, critical current.

Row 0 of every array holds central values, the others joint samples of the predictive distributions, in which quantities
and materials share the errors that they share in a ranking. Models are asked for the role that a quantity plays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from features.candidate import INORGANIC, Candidate
from features.errors import Remark
from serving.answers.conditions import Conditions
from serving.answers.documents import remarks_of
from serving.answers.judging import by_kind, lacking, query_of
from serving.cells.design import MOBILE_ANIONS
from serving.models.store import ServedModel
from training.distributions import Predictive
from training.joint_samples import SEED, JointSamples, material_keys, own_normals
from training.properties import registry
from training.properties.conditions import ConditionColumns
from training.properties.contract import CellRole
from training.properties.outputs import COVERAGE, ModelOutputs

Array = NDArray[np.float64]
Models = Mapping[str, ServedModel]
N_SAMPLES = 512


def without_lithium(candidate: Candidate) -> str | None:
    """Return why a material is no electrolyte of a lithium cell, None where it holds lithium."""
    if candidate.kind != INORGANIC or "Li" in candidate.amounts:
        return None
    return f"{candidate.read_as} holds no lithium; expected an electrolyte of lithium cells"


@dataclass(frozen=True, eq=False)
class LayerNumbers:
    """Numbers of n electrolytes.

    Attributes
    ----------
    by_role
        In S/cm and mA/cm2, shape (1 + `N_SAMPLES`, n); NaN where nothing is known.
    missing
        Why, by role, a material each.
    transference
        Of lithium, as `by_role`.
    read, remarks
        Warnings of reading a material, and of the models by role, a material each.
    in_domain, basis
        Of the conductivity: whether its model knows the like, and on what the answer stands.
    properties
        Whose models spoke.
    """

    by_role: dict[CellRole, Array]
    missing: dict[CellRole, list[str | None]]
    transference: Array
    read: list[tuple[Remark, ...]]
    remarks: dict[CellRole, list[list[Remark]]]
    in_domain: list[bool | None]
    basis: list[str | None]
    properties: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, models: Models, candidates: Sequence[Candidate], conditions: Conditions) -> LayerNumbers:
        """Ask the models about materials of any kind, all under the same conditions."""
        n = len(candidates)
        found = cls(
            {role: np.full((1 + N_SAMPLES, n), np.nan) for role in CellRole},
            {role: [None] * n for role in CellRole},
            np.ones((1 + N_SAMPLES, n)),
            [one.remarks for one in candidates],
            {role: [[] for _ in candidates] for role in CellRole},
            [None] * n,
            [None] * n,
        )
        for kind, rows in by_kind(candidates).items():
            query = query_of([candidates[row] for row in rows], [conditions] * len(rows), COVERAGE)
            outputs = ModelOutputs(query, {name: one.model for name, one in models.items()}, registry.get)
            found._ask(models, kind, rows, outputs)
        return found

    def remarks_on(self, place: int, roles: Sequence[CellRole]) -> list[Remark]:
        """Return the warnings on a material in some roles, each once."""
        return list(dict.fromkeys((*self.read[place], *(one for role in roles for one in self.remarks[role][place]))))

    def _ask(self, models: Models, kind: str, rows: NDArray[np.int64], outputs: ModelOutputs) -> None:
        said: dict[CellRole, Predictive] = {}
        for role in CellRole:
            owned = registry.of_role(role, kind)
            reason: str | None = f"no model says the {role.replace('_', ' ')} of such a material"
            if owned is not None:
                name, quantity = owned
                reason = f"this installation serves no {name} model" if name not in models else lacking(name, models)
            if owned is None or reason is not None:
                for row in rows.tolist():
                    self.missing[role][row] = reason
                continue
            own = _under_own_conditions(outputs, name)
            said[role] = registry.get(name).distribution(quantity, own, None)
            self._tell(role, name, rows, own)
        self._draw(kind, rows, outputs, said)

    def _tell(self, role: CellRole, name: str, rows: NDArray[np.int64], outputs: ModelOutputs) -> None:
        """Keep what a judgement says besides its numbers."""
        self.properties.append(name)
        judged = outputs.judged(name)
        if judged.judgement is None:
            return
        own, basis = rows[judged.rows].tolist(), judged.judgement.basis
        for place, said in zip(own, remarks_of(judged.judgement), strict=True):
            self.remarks[role][place] = said
        if role is CellRole.ION_CONDUCTION:
            for place, inside, word in zip(own, judged.judgement.in_domain.tolist(), basis, strict=True):
                self.in_domain[place], self.basis[place] = inside, word or None

    def _draw(
        self, kind: str, rows: NDArray[np.int64], outputs: ModelOutputs, said: Mapping[CellRole, Predictive]
    ) -> None:
        sources = sorted({source for one in said.values() for source in one.distribution.sources})
        shared = {source: share for one in said.values() for source, share in one.shared.items()}
        errors = JointSamples.draw(outputs.composition, sources, shared, count=N_SAMPLES).errors()
        for role, one in said.items():
            owned = registry.of_role(role, kind)
            drawn = np.broadcast_to(one.distribution.values(errors), (N_SAMPLES, len(rows)))
            values = np.vstack([one.distribution.central(), drawn])
            is_log10 = owned is not None and owned[1].is_log10
            self.by_role[role][:, rows] = 10.0**values if is_log10 else values
            for place, reason, value in zip(rows.tolist(), one.missing, values[0].tolist(), strict=True):
                if value != value:
                    self.missing[role][place] = reason or "the models give no number"
        if kind != INORGANIC:
            low, high = MOBILE_ANIONS
            share = ndtr(own_normals(material_keys(outputs.composition), SEED, N_SAMPLES))
            self.transference[:, rows] = low + (high - low) * np.vstack([np.full(len(rows), 0.5), share])


def _under_own_conditions(outputs: ModelOutputs, name: str) -> ModelOutputs:
    """Return the same outputs, so that a property is not told what only others depend on, and warns of nothing."""
    declared = {one.name for one in registry.get(name).conditions}
    given, n = outputs.query.conditions, len(outputs)
    columns = ConditionColumns(
        {key: column if key in declared else np.full(n, np.nan) for key, column in given.numbers.items()},
        {key: column if key in declared else np.full(n, None, object) for key, column in given.texts.items()},
    )
    return replace(outputs, query=replace(outputs.query, conditions=columns), own=given)
