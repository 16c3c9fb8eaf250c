"""The CCD model behind MLflow's DataFrame interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.formula import parse_formula
from training.properties.ccd.bundling import load_ccd
from training.properties.ccd.cells import Cells, MaterialNumbers
from training.properties.ccd.classes import class_of
from training.properties.ccd.schema import REGULAR, regime

if TYPE_CHECKING:
    import pandas as pd

    from training.properties.ccd.model import CcdModel

OUTPUT_COLUMNS = ("log10_ccd_mA_per_cm2", "lower", "upper")


class CcdFrames:
    """Formulas and conditions in, critical current densities with their 90 % interval out; NaN where none is known.

    No other model is asked: conductivity, reduction potential and energy above hull count as those of the class.
    """

    def __init__(self, model: CcdModel) -> None:
        self._model = model

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict from the column `formula` and, where there, columns named as the conditions of `Cells.of`."""
        import pandas as pd

        n = len(frame)

        def numbers(name: str) -> NDArray[np.float64]:
            return frame[name].to_numpy(dtype=float) if name in frame else np.full(n, np.nan)

        def names(name: str) -> list[str]:
            return list(frame[name].fillna("").astype(str)) if name in frame else [""] * n

        formulas = list(frame["formula"])
        cells = Cells.of(
            [class_of(parse_formula(formula)) or "" for formula in formulas],
            MaterialBatch.from_formulas(formulas).matrix(), MaterialNumbers.unknown(n),
            interlayer_type=names("interlayer_type"), anode=names("anode"), temperature_C=numbers("temperature_C"),
            relative_density=numbers("relative_density"),
            interfacial_resistance_ohm_cm2=numbers("interfacial_resistance_ohm_cm2"),
            stack_pressure_MPa=numbers("stack_pressure_MPa"),
        )  # fmt: skip
        asked = zip(cells.temperature_C, cells.interlayer_type, cells.anode, cells.electrolyte_class, strict=True)
        seen = self._model.shelf.classes
        known = [
            regime(float(t), str(layer), str(anode)) == REGULAR and group in seen for t, layer, anode, group in asked
        ]
        columns = [np.where(known, part, np.nan) for part in self._model.predict(cells)]
        return pd.DataFrame(dict(zip(OUTPUT_COLUMNS, columns, strict=True)), index=frame.index)


def load_frame_model(folder: Path) -> CcdFrames:
    """Load a bundle; raises `BundleError` where it cannot be used."""
    return CcdFrames(load_ccd(folder)[0])
