"""The conductivity model behind MLflow's DataFrame interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.candidate import ROOM_TEMPERATURE_C, MaterialBatch
from training.properties.conductivity.bundling import load_conductivity

if TYPE_CHECKING:
    import pandas as pd

    from training.properties.conductivity.model import ConductivityModel

OUTPUT_COLUMNS = ("log10_sigma_S_per_cm", "lower", "upper", "activation_energy_eV")


class ConductivityFrames:
    """Formulas and temperatures in, conductivities with their 90 % interval out."""

    def __init__(self, model: ConductivityModel) -> None:
        self._model = model

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict from columns `formula` and, optionally, `temperature_C` (25 where absent)."""
        import pandas as pd

        temperature = frame.get("temperature_C", pd.Series(np.nan, index=frame.index)).fillna(ROOM_TEMPERATURE_C)
        answer = self._model.predict(
            MaterialBatch.from_formulas(list(frame["formula"])), temperature.to_numpy(dtype=float)
        )
        sigma = answer.log10_sigma_S_per_cm
        columns = (sigma.value, sigma.lower, sigma.upper, answer.activation_energy_eV.value)
        return pd.DataFrame(dict(zip(OUTPUT_COLUMNS, columns, strict=True)), index=frame.index)


def load_frame_model(folder: Path) -> ConductivityFrames:
    """Load a bundle; raises `BundleError` where it cannot be used."""
    return ConductivityFrames(load_conductivity(folder)[0])
