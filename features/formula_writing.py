"""A composition written as chemists write it: `Li6PS5Cl`, `Li7La3Zr2O12`, `LiOH`, `LiNO3`, `Li3OCl`.

One composition is written one way, whatever was typed, so that two spellings can be compared by eye. Cations come
first, alkali metals before all, then by rising common oxidation state (`Li6.5La3Zr1.5Ta0.5O12`), then carbon, boron and
phosphorus as centres of complex anions, then anions in the order of use (`Li6PS5Cl`, `LiTaOCl4`, `Li2PO2N`). Nitrogen
and halogens that oxygen outnumbers are centres themselves (`LiNO3`, `LiClO4`). Hydrogen stands behind what holds it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from features.blank_words import WORDS_FOR_NOTHING
from features.elements import SYMBOLS
from features.formula_doubts import doubt_of
from features.names import exact_names

_ALKALI = ("Li", "Na", "K", "Rb", "Cs", "Fr")
_COMMON_CHARGE = {  # in solids, where it is not 3; decides the order of cations and nothing else
    1: ("Ag", "Tl", "Au"),
    2: ("Be", "Mg", "Ca", "Sr", "Ba", "Ra", "Zn", "Cd", "Hg", "Pb", "Cu", "Ni", "Fe", "Pd", "Pt", "Eu"),
    4: ("Ti", "Zr", "Hf", "Ge", "Sn", "Mn", "Th", "U", "Ce", "Ir", "Ru", "Os"),
    5: ("V", "Nb", "Ta", "As", "Sb"),
    6: ("Mo", "W", "Cr"),
    7: ("Re", "Tc"),
}
_CENTRES = ("Si", "C", "B", "P")  # of complex anions, behind the metals: LiCB11H12, LiTi2P3O12
_ANIONS = ("Te", "Se", "S", "O", "N", "F", "Cl", "Br", "I", "At")
_SURROUNDED = ("N", "Cl", "Br", "I")  # centres themselves where oxygen outnumbers them: LiNO3, LiClO4
_OXYANIONS = frozenset(("C", "P", "S", "N", "Se", "As", "Cl", "Br", "I"))
_OXYGEN_PER_CENTRE = 1.5
_SOLVATE_LIKE = re.compile(r"\.[0-9]+(?:H2O|NH3)$")  # would be read as water or ammonia behind a full stop
_BEHIND_OXYGEN, _BEHIND_NITROGEN, _BEFORE_ANIONS, _BEHIND_ALKALI = 403.5, 404.5, 399.0, 99.0


def _ranks() -> dict[str, float]:
    charge = {symbol: state for state, symbols in _COMMON_CHARGE.items() for symbol in symbols}
    ranks = {symbol: 100.0 + 10.0 * charge.get(symbol, 3) + z / 1000 for z, symbol in enumerate(SYMBOLS, start=1)}
    for first, symbols in ((0.0, _ALKALI), (300.0, _CENTRES), (400.0, _ANIONS)):
        ranks |= {symbol: first + place for place, symbol in enumerate(symbols)}
    return ranks


_RANK = _ranks()


def write_formula(amounts: Mapping[str, float], *, reduce: bool = True, sound: str = "") -> str:
    """Write amounts as a reduced formula in the order of chemists; `features.formula.parse_formula` reads it back.

    Integer amounts (to 1e-6) are divided by their greatest common divisor, others are kept as they are, to six
    digits.

    Parameters
    ----------
    amounts
        Element symbol to amount, above 0.
    reduce
        False keeps integers as they are, for the content of a unit cell; that is shown and never read back.
    sound
        A text that was read as these amounts and not doubted, which need not be asked again.

    Examples
    --------
    >>> write_formula({"O": 12, "Zr": 2, "La": 3, "Li": 7})
    'Li7La3Zr2O12'
    >>> write_formula({"Li": 2, "O": 1, "H": 1, "Cl": 1})
    'Li2OHCl'
    """
    order = sorted(amounts, key=_ranks_among(amounts).__getitem__)
    values = [amounts[symbol] for symbol in order]
    values = reduced_amounts(values) if reduce else values
    text = "".join([symbol + written_amount(value) for symbol, value in zip(order, values, strict=True)])
    if not reduce or not _misleads(text, amounts, is_sound=text == sound):
        return text
    written = dict(zip(order, values, strict=True))
    explicit = with_every_amount(written)
    return with_every_amount(written, decimals=True) if _misleads(explicit, amounts) else explicit


def _misleads(text: str, amounts: Mapping[str, float], *, is_sound: bool = False) -> bool:
    """Whether a written formula would be read as a name, a word or a slip of the pen."""
    if text in exact_names() or text in WORDS_FOR_NOTHING:
        return True
    if not is_sound and doubt_of(text, amounts) is not None:
        return True
    return "H" in amounts and _SOLVATE_LIKE.search(text) is not None


def with_every_amount(amounts: Mapping[str, float], *, decimals: bool = False) -> str:
    """Write every amount, ones too, and integers that hold a zero with a point: `Li1P1O1N1`, `Li20.0`.

    So is written what would else be taken for a name (`LiPON`), for a word (`NaN`) or for a slip of the pen. With
    `decimals`, every amount gets a last zero behind a point, which no slip has: `Li3.0Po4.0`.
    """
    texts = {symbol: written_amount(amount) or "1" for symbol, amount in amounts.items()}
    for symbol, text in texts.items():
        if text.isdigit() and (decimals or "0" in text):
            texts[symbol] = f"{text}.0"
        elif decimals:
            texts[symbol] = f"{text}0"
    return "".join(symbol + text for symbol, text in texts.items())


def reduced_amounts(values: list[float]) -> list[float]:
    """Divide integers (to 1e-6) by their greatest common divisor; return anything else as it is."""
    whole: list[int] = []
    for value in values:
        count = round(value)
        if count <= 0 or abs(value - count) >= 1e-6:
            return values
        whole.append(count)
    divisor = math.gcd(*whole)
    return [count / divisor for count in whole]


def written_amount(amount: float) -> str:
    """Write an amount to six digits without an exponent; one is left out."""
    if abs(amount - 1) < 1e-6:
        return ""
    text = f"{amount:.6g}"
    return text if "e" not in text else f"{float(text):.11f}".rstrip("0").rstrip(".")


def _ranks_among(amounts: Mapping[str, float]) -> Mapping[str, float]:
    """Return where each element stands; hydrogen, nitrogen and halogens depend on their company."""
    oxygen = amounts.get("O", 0.0)
    moved: dict[str, float] = {}
    for symbol in _SURROUNDED if oxygen else ():
        if symbol in amounts and oxygen > _OXYGEN_PER_CENTRE * amounts[symbol] and not _has_centre(amounts, symbol):
            moved[symbol] = _BEFORE_ANIONS
    if "H" in amounts:
        moved["H"] = _hydrogen_rank(amounts)
    return {**_RANK, **moved} if moved else _RANK


def _has_centre(amounts: Mapping[str, float], besides: str) -> bool:
    """Whether oxygen has another partner than alkali metals, hydrogen and the element itself."""
    return any(symbol not in (*_ALKALI, "H", "O", besides) for symbol in amounts)


def _hydrogen_rank(amounts: Mapping[str, float]) -> float:
    others = [symbol for symbol in amounts if symbol != "H"]
    metals = any(_RANK[symbol] < _RANK["Si"] for symbol in others)
    if "O" in amounts:
        oxyanion = any(symbol in _OXYANIONS and symbol not in ("Cl", "Br", "I") for symbol in others)
        before = not metals or (oxyanion and any(symbol in _ALKALI for symbol in others))
        return _BEHIND_ALKALI if before else _BEHIND_OXYGEN  # H2O, LiH2PO4; LiOH
    return _BEHIND_NITROGEN if "N" in amounts else _BEFORE_ANIONS  # LiNH2, NH3; LiBH4, H2S
