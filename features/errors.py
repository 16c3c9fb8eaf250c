"""What can be wrong with one candidate, in one documented list of codes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RowErrorCode(StrEnum):
    """Codes of the errors that concern one row; `docs/operate/errors.md` explains each to a user."""

    EMPTY_FORMULA = "empty_formula"
    UNPARSEABLE_FORMULA = "unparseable_formula"
    AMBIGUOUS_FORMULA = "ambiguous_formula"
    NAME_NOT_FORMULA = "name_not_formula"
    ORGANIC_PART = "organic_part"
    UNKNOWN_ELEMENT = "unknown_element"
    NON_POSITIVE_AMOUNT = "non_positive_amount"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    TOO_MANY_ELEMENTS = "too_many_elements"
    FORMULA_TOO_LONG = "formula_too_long"
    MISSING_MATERIAL = "missing_material"
    UNPARSEABLE_CIF = "unparseable_cif"
    CIF_TOO_LARGE = "cif_too_large"
    UNPARSEABLE_STRUCTURE = "unparseable_structure"
    STRUCTURE_WITHOUT_ELEMENTS = "structure_without_elements"
    UNSUPPORTED_STRUCTURE = "unsupported_structure"
    STRUCTURE_TOO_LARGE = "structure_too_large"
    INVALID_CONDITION = "invalid_condition"
    UNREADABLE_ROW = "unreadable_row"
    ELEMENT_WITHOUT_ENERGIES = "element_without_energies"
    UNPARSEABLE_POLYMER = "unparseable_polymer"
    OPEN_ENDS_NOT_TWO = "open_ends_not_two"
    POLYMER_TOO_LARGE = "polymer_too_large"
    UNKNOWN_NAME = "unknown_name"
    NOT_LITHIUM = "not_lithium"
    MISSING_CONCENTRATION = "missing_concentration"
    CONTRADICTING_CONCENTRATION = "contradicting_concentration"
    CONCENTRATION_OUT_OF_RANGE = "concentration_out_of_range"
    LIQUID_COMPONENT = "liquid_component"
    FILLER_UNSUPPORTED = "filler_unsupported"
    BLEND_UNSUPPORTED = "blend_unsupported"
    KIND_NOT_INSTALLED = "kind_not_installed"
    WRONG_KIND = "wrong_kind"
    NO_WINDOW = "no_window"
    CELL_TOO_SMALL = "cell_too_small"
    CELL_TOO_LARGE = "cell_too_large"
    NOT_NEUTRAL = "not_neutral"
    NO_LITHIUM_SITES = "no_lithium_sites"
    ATOMS_COLLIDE = "atoms_collide"
    NO_BOND_VALENCE = "no_bond_valence"
    ONE_ATOM = "one_atom"
    ELEMENT_WITHOUT_POTENTIAL = "element_without_potential"
    FORCES_TOO_LARGE = "forces_too_large"
    VOLUME_CHANGED = "volume_changed"


class WarningCode(StrEnum):
    """Codes of the remarks that accompany an answered row."""

    NO_LITHIUM = "no_lithium"
    NAME_TAKEN = "name_taken"
    TEXT_IGNORED = "text_ignored"
    ISOTOPE = "isotope"
    MIXTURE_WITHOUT_AMOUNTS = "mixture_without_amounts"
    WORD_FOR_NOTHING = "word_for_nothing"
    NOT_CHARGE_BALANCED = "not_charge_balanced"
    TEMPERATURE_EXTRAPOLATED = "temperature_extrapolated"
    TEMPERATURE_IN_KELVIN = "temperature_in_kelvin"
    PHASE_CHANGE = "phase_change"
    UNSEEN_ELEMENT = "unseen_element"
    OUT_OF_DOMAIN = "out_of_domain"
    CONDITION_IGNORED = "condition_ignored"
    WINDOW_CLOSED = "window_closed"
    MEASUREMENTS_DISAGREE = "measurements_disagree"
    SEVERAL_STRUCTURES = "several_structures"
    FORMULA_CONTRADICTED = "formula_contradicted"
    SYMMETRY_CONTRADICTED = "symmetry_contradicted"
    OTHER_SETTING = "other_setting"
    SITES_MERGED = "sites_merged"
    SITE_OVERFULL = "site_overfull"
    OCCUPANCY_CLIPPED = "occupancy_clipped"
    SITES_IGNORED = "sites_ignored"
    IMPLAUSIBLE_DENSITY = "implausible_density"
    NO_SPACE_GROUP = "no_space_group"
    CRYSTAL_MEANT = "crystal_meant"
    NEAR_GLASS_TRANSITION = "near_glass_transition"
    CRYSTALLISES = "crystallises"
    ONE_ARRANGEMENT = "one_arrangement"
    ISOLATED_MOLECULES = "isolated_molecules"
    NOT_RELAXED = "not_relaxed"
    POTENTIALS_DISAGREE = "potentials_disagree"
    NO_ELASTIC_CONSTANTS = "no_elastic_constants"
    SHORT_CHAIN = "short_chain"
    PICTURE_ONLY = "picture_only"
    NO_PATH = "no_path"


_LONGEST_SHOWN = 60


def shown(text: str) -> str:
    """Return a user's text as it may stand in a message: one short line for any terminal and encoding."""
    short = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
    if short.isprintable():
        return short
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in short)


class CandidateError(ValueError):
    """One candidate cannot be used.

    Parameters
    ----------
    code
        Entry of the documented list.
    message
        What was received and what was expected, in words.
    """

    def __init__(self, code: RowErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning that accompanies an answer."""

    code: WarningCode
    message: str

    def as_dict(self) -> dict[str, str]:
        """Return the JSON form of the remark."""
        return {"code": str(self.code), "message": self.message}
