"""The stability model behind MLflow's DataFrame interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from features.candidate import MaterialBatch
from training.properties.stability.bundling import load_stability

if TYPE_CHECKING:
    import pandas as pd

    from training.properties.stability.model import StabilityModel

OUTPUT_COLUMNS = (
    "formation_energy_eV_per_atom", "lower", "upper", "energy_above_hull_eV_per_atom", "probability_stable",
    "reduction_V", "oxidation_V",
)  # fmt: skip


class StabilityFrames:
    """Formulas in, energies and windows out; a window that does not exist is NaN."""

    def __init__(self, model: StabilityModel) -> None:
        self._model = model

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict from the column `formula`; conditions play no part."""
        import pandas as pd

        said = self._model.predict(MaterialBatch.from_formulas(list(frame["formula"])))
        energy = said.formation_energy_eV_per_atom
        columns = (
            energy.value, energy.lower, energy.upper, said.energy_above_hull_eV_per_atom.value,
            said.probability_stable, said.reduction_V.value, said.oxidation_V.value,
        )  # fmt: skip
        return pd.DataFrame(dict(zip(OUTPUT_COLUMNS, columns, strict=True)), index=frame.index)


def load_frame_model(folder: Path) -> StabilityFrames:
    """Load a bundle; raises `BundleError` where it cannot be used."""
    return StabilityFrames(load_stability(folder)[0])
