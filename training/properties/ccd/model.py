"""The CCD model: a hierarchical regression with conformal intervals, and the reports that stand behind an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.properties.ccd.cells import Cells, Reports
from training.properties.ccd.mixed_model import Fit, fit_regression, predictive_sd
from training.properties.ccd.shelf import Shelf
from training.properties.ccd.terms import Terms
from training.splits import leave_one_group_out
from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
DEFAULT_COVERAGE = 0.9


class Opinion(NamedTuple):
    """What a regression says about n cells: centre and standard deviation of a report from a new paper."""

    centre: Array
    sd: Array


class LeftOut(NamedTuple):
    """Predictions of reports by models that had not seen their paper; the ground of all calibration."""

    reports: Reports
    opinion: Opinion


@dataclass(frozen=True, eq=False)
class Regression:
    """Terms with their coefficients."""

    terms: Terms
    fit: Fit

    @classmethod
    def of(cls, reports: Reports) -> Regression:
        """Learn everything, scalings included, from reports of the regular regime."""
        terms = Terms.fit(reports.cells)
        design = terms.design(reports.cells)
        fit = fit_regression(design, terms.prior(), reports.log10_ccd, reports.is_lower_bound, reports.paper)
        return cls(terms, fit)

    def __call__(self, cells: Cells) -> Opinion:
        """Predict cells of papers that are not in the table."""
        design = self.terms.design(cells)
        return Opinion(design @ self.fit.mean, predictive_sd(design, self.fit))


@dataclass(frozen=True, eq=False)
class CcdModel:
    """See the module's docstring.

    Attributes
    ----------
    regression
        Of all reports of the regular regime.
    scale
        Scores of reports whose paper was left out.
    shelf
        All reports, for what stands behind an answer.
    """

    regression: Regression
    scale: ConformalScale
    shelf: Shelf

    def predict(self, cells: Cells, coverage: float = DEFAULT_COVERAGE) -> Interval:
        """Predict log10 of the critical current density in mA/cm2.

        Parameters
        ----------
        cells
            n cells of the regular regime (`schema.regime`) and of classes that the shelf holds.
        coverage
            Nominal coverage of the intervals.

        Raises
        ------
        InsufficientCalibrationError
            If the table holds too few rows for this coverage.
        """
        said = self.regression(cells)
        reach = self.scale.factor(coverage) * said.sd
        return Interval(said.centre, said.centre - reach, said.centre + reach)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        parts = {
            "terms": self.regression.terms.arrays(),
            "fit": {name: np.asarray(part) for name, part in self.regression.fit._asdict().items()},
            "shelf": self.shelf.arrays(),
        }
        stored = {f"{part}/{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        return stored | {"scores": self.scale.scores}

    def settings(self) -> dict[str, Any]:
        """Return the named effects, for the card; the arrays hold what is computed with."""
        labels = [label for label in self.regression.terms.labels() if not label.startswith("material ")]
        sd = np.sqrt(np.diag(self.regression.fit.covariance))
        fit = self.regression.fit
        return {
            "effects": {
                label: [round(float(fit.mean[i]), 4), round(float(sd[i]), 4)] for i, label in enumerate(labels)
            },
            "paper_sd": round(fit.paper_variance**0.5, 4),
            "noise_scale": round(fit.noise_variance**0.5, 4),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> CcdModel:
        """Rebuild from `arrays()`."""

        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}

        stored = part("fit/")
        fit = Fit(
            stored["mean"], stored["covariance"], float(stored["paper_variance"]), float(stored["noise_variance"])
        )
        terms = Terms.from_arrays(part("terms/"))
        return cls(Regression(terms, fit), ConformalScale(arrays["scores"]), Shelf.from_arrays(part("shelf/")))


def fit_model(
    reports: Reports, shelf: Shelf, *, on_step: Callable[[str], None] = lambda what: None
) -> tuple[CcdModel, LeftOut]:
    """Fit on all reports of the regular regime and calibrate on left-out papers.

    Parameters
    ----------
    reports
        Of the regular regime.
    shelf
        All reports.
    on_step
        Called with what is being done, once a paper and once at the end.
    """
    left_out = cross_fit(reports, on_step=on_step)
    on_step("fitting")
    return CcdModel(Regression.of(reports), conformal_scale(left_out), shelf), left_out


def cross_fit(reports: Reports, *, on_step: Callable[[str], None] = lambda what: None) -> LeftOut:
    """Predict every report by a model that learned nothing, means and spreads included, from its paper."""
    centre, sd = np.empty(len(reports)), np.empty(len(reports))
    for train, test in leave_one_group_out(reports.paper):
        centre[test], sd[test] = Regression.of(reports.take(train))(reports.cells.take(test))
        on_step("leaving papers out")
    return LeftOut(reports, Opinion(centre, sd))


def conformal_scale(left_out: LeftOut, rows: NDArray[np.bool_] | None = None) -> ConformalScale:
    """Return the scores of left-out reports; a lower bound is covered where the interval reaches up to it.

    `ConformalScale` knows upper bounds: everything is turned upside down.
    """
    chosen = np.ones(len(left_out.reports), dtype=bool) if rows is None else rows
    centre, sd = (part[chosen] for part in left_out.opinion)
    reports = left_out.reports.take(chosen)
    return ConformalScale.fit(-reports.log10_ccd, reports.is_lower_bound, -centre, sd, sd)


def is_covered(reports: Reports, interval: Interval) -> NDArray[np.bool_]:
    """Return which intervals hold their report, shape (n,); a bound is held where the interval reaches up to it."""
    below = interval.upper >= reports.log10_ccd
    covered: NDArray[np.bool_] = below & (reports.is_lower_bound | (interval.lower <= reports.log10_ccd))
    return covered
