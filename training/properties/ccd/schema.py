"""The columns of the CCD table with units and ranges, and the vocabularies of class, interlayer, anode and regime."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from features.errors import CandidateError
from features.formula import parse_formula
from features.formula_doubts import ANIONS
from features.names import find_name
from training.splits import paper_keys

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

CLASSES = (
    "argyrodite",
    "garnet",
    "thiophosphate",
    "sulfide (unspecified)",
    "halide",
    "nitride-halide",
    "hydride",
    "antiperovskite",
    "perovskite",
    "polyoxometalate",
    "LiPON",
    "polymer",
    "composite",
    "unspecified",
)
NO_INTERLAYER, SCAFFOLD = "none", "MIEC/3D"
INTERLAYER_TYPES = (
    NO_INTERLAYER,
    "fluoride/halide",
    "oxide",
    "nitride",
    "sulfide",
    "hydride",
    "carbon",
    "metal",
    "alloy anode",
    "polymer",
    "liquid wetting",
    "acid/heat treatment",
    SCAFFOLD,
)
PLAIN_ANODE, ALLOY_ANODE, MOLTEN_ANODE = "Li", "Li alloy or composite", "molten Li"
ANODES = (PLAIN_ANODE, ALLOY_ANODE, "anode-free", MOLTEN_ANODE)
PROVENANCES = ("primary", "second-hand", "review")
LITHIUM_MELTS_C = 180.6
"""Melting point of lithium (Rumble, CRC Handbook of Chemistry and Physics, 97th ed., 180.50 to 180.6 C)."""
REGULAR, SCAFFOLD_REGIME, MOLTEN_REGIME = "regular", "scaffold", "molten"

# column -> (smallest, largest, unit); empty means not given, never zero
RANGES: dict[str, tuple[float, float, str]] = {
    "relative_density": (0.3, 1.0, "as a fraction"),
    "thickness_um": (0.1, 20_000.0, "um"),
    "grain_size_um": (0.001, 10_000.0, "um"),
    "sigma_S_per_cm": (1e-9, 1.0, "S/cm"),
    "electronic_sigma_S_per_cm": (1e-15, 1e-3, "S/cm"),
    "interfacial_resistance_ohm_cm2": (0.01, 1e6, "ohm cm2"),
    "temperature_C": (-60.0, 400.0, "C"),
    "stack_pressure_MPa": (0.001, 1000.0, "MPa"),
    "areal_capacity_mAh_cm2": (0.001, 100.0, "mAh/cm2 per half cycle"),
    "step_time_h": (0.001, 100.0, "h per half cycle"),
    "ccd_mA_per_cm2": (1e-3, 1e4, "mA/cm2"),
    "year": (2000.0, 2100.0, ""),
}
TEXTS = ("material", "form", "doi", "reference")


_NOT_METALS = ANIONS | {"H", "C", "B", "P"}


def anode_word(text: str) -> str:
    """Return the anode of `ANODES` that a name of `features.names` or a formula stands for; else the text as it is."""
    if text.strip().casefold() in {anode.casefold() for anode in ANODES}:
        return text
    name = find_name(text)
    try:
        amounts = parse_formula((name.formula or "") if name else text)
    except CandidateError:
        return text
    if amounts.keys() == {"Li"}:
        return PLAIN_ANODE
    is_alloy = "Li" in amounts and len(amounts) == 2 and not amounts.keys() & _NOT_METALS
    return ALLOY_ANODE if is_alloy else text


def _reads(formula: object) -> bool:
    try:
        return formula == "" or "Li" in parse_formula(str(formula))
    except CandidateError:
        return False


def _one_paper_each(frame: pd.DataFrame) -> pd.Series[bool]:
    """Whether rows of one DOI carry one paper key."""
    of_doi = frame.groupby("doi")["paper"].transform("nunique")
    plain: pd.Series[bool] = (frame["doi"] == "") | (of_doi == 1)
    return plain


@cache
def literature_schema() -> pa.DataFrameSchema:
    """Return the rules of `literature.csv`; docs/science/ccd.md says them in words."""
    import pandera.pandas as pa

    def choice(allowed: tuple[str, ...]) -> pa.Column:
        return pa.Column(str, pa.Check.isin(allowed, error=f"one of: {', '.join(allowed)}"))

    def number(low: float, high: float, unit: str, *, nullable: bool) -> pa.Column:
        within = pa.Check.in_range(low, high, error=f"{low:g} to {high:g} {unit}".strip())
        return pa.Column(float, within, nullable=nullable, coerce=True)

    readable = pa.Check(_reads, element_wise=True, error="nothing, or a formula with lithium, such as Li6PS5Cl")
    one_doi = pa.Check(
        lambda text: text == "" or len(paper_keys(text)) == 1, element_wise=True, error="one DOI or nothing"
    )
    return pa.DataFrameSchema(
        {
            "id": pa.Column(str, pa.Check.str_matches(r"^\S+$", error="a name without blanks"), unique=True),
            "formula": pa.Column(str, readable),
            **{name: pa.Column(str) for name in TEXTS if name != "doi"},
            "doi": pa.Column(str, one_doi),
            "electrolyte_class": choice(CLASSES),
            "interlayer_type": choice(INTERLAYER_TYPES),
            "anode": choice(ANODES),
            **{name: number(*limits, nullable=name != "ccd_mA_per_cm2") for name, limits in RANGES.items()},
            "is_lower_bound": pa.Column(int, pa.Check.isin([0, 1], error="0 or 1"), coerce=True),
            "paper": pa.Column(str, pa.Check.str_length(min_value=1, error="the key of the source paper")),
            "provenance": choice(PROVENANCES),
        },
        checks=[
            pa.Check(lambda f: (f["doi"] != "") | (f["reference"] != ""), error="a value in one of doi, reference"),
            pa.Check(_one_paper_each, error="the same paper key as other rows of this DOI"),
        ],
        strict=True,
    )


def regime(temperature_C: float, interlayer_type: str, anode: str) -> str:
    """Return which physics limits the current: a flat solid interface, a scaffold, or molten lithium.

    The true interface of a scaffold is larger than the geometric one, and molten lithium fills voids at once; neither
    belongs in one average with flat solid interfaces. An unknown temperature counts as below the melting point.
    """
    if anode == MOLTEN_ANODE or temperature_C > LITHIUM_MELTS_C:
        return MOLTEN_REGIME
    return SCAFFOLD_REGIME if interlayer_type == SCAFFOLD else REGULAR
