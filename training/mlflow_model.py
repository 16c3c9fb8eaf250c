"""The loader that `mlflow.pyfunc.load_model` calls for a registered conductivity bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.candidate import MaterialBatch

if TYPE_CHECKING:
    import pandas as pd

    from training.conductivity.model import ConductivityModel


class PyfuncModel:
    """A conductivity model behind MLflow's DataFrame interface."""

    def __init__(self, model: ConductivityModel) -> None:
        self._model = model

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict from columns `formula` and, optionally, `temperature_C` (25 where absent)."""
        import pandas as pd

        temperature = frame.get("temperature_C", pd.Series(np.full(len(frame), 25.0), index=frame.index))
        batch = MaterialBatch.from_formulas(list(frame["formula"]))
        answer = self._model.predict(batch, temperature.fillna(25.0).to_numpy(dtype=float))
        sigma = answer.log10_sigma_S_per_cm
        columns = {
            "log10_sigma_S_per_cm": sigma.value, "lower": sigma.lower, "upper": sigma.upper,
            "activation_energy_eV": answer.activation_energy_eV.value,
        }  # fmt: skip
        return pd.DataFrame(columns, index=frame.index)


def _load_pyfunc(path: str) -> PyfuncModel:
    from training.conductivity.bundling import load_conductivity

    card = next(Path(path).rglob("card.json")) if Path(path).is_dir() else Path(path)
    return PyfuncModel(load_conductivity(card.parent)[0])
