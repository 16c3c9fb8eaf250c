"""The space group of a CIF: what its operators, Hall symbol, name and number say.

Operators are looked up among the settings that gemmi tabulates (International Tables A and B); a group in another
origin, or with its axes in another order, is brought to one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.cif_text import HALL_TAGS, NAME_TAGS, NUMBER_TAGS, OPERATOR_TAGS, DataBlock, unusable
from features.errors import Remark, WarningCode, shown

if TYPE_CHECKING:
    import gemmi

MAX_OPERATORS = 192  # of the largest groups, Fm-3m and its like
UNKNOWN_GROUP = "unknown"
_STEPS = 24  # gemmi writes translations as multiples of 1/24
_LONGEST_SYMBOL = 80
_CELL_TOLERANCE = 0.03  # of a cell's metric, for a group to fit the cell
_ORIGIN_OF_SUFFIX = {"S": ":1", "Z": ":2"}  # as the ICSD marks origin choices: 'F d -3 m S', 'F d -3 m Z'
_DASHES = str.maketrans("\N{EN DASH}\N{MINUS SIGN}\N{HYPHEN}\N{NON-BREAKING HYPHEN}", "----")
_OPERATOR_ERRORS = (ValueError, RuntimeError)


class Setting(NamedTuple):
    """A space group in one setting.

    Attributes
    ----------
    name
        Hermann-Mauguin symbol with origin or axes, such as `F d -3 m:2`; `unknown` where no table has it.
    number
        1 to 230, NaN where unknown.
    rotations, translations
        Of its n operators, shapes (n, 3, 3) and (n, 3).
    """

    name: str
    number: float
    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]

    def fits(self, metric: NDArray[np.float64]) -> bool:
        """Whether the rotations leave the metric of a cell, shape (3, 3), as it is."""
        turned = self.rotations.transpose(0, 2, 1) @ metric @ self.rotations
        lengths = np.sqrt(np.diag(metric))
        return bool((np.abs(turned - metric) <= _CELL_TOLERANCE * np.outer(lengths, lengths)).all())


class Statement(NamedTuple):
    """One thing that a file says about its group, in words and as a setting.

    `fixes_setting` is whether it leaves no choice of origin or axes.
    """

    words: str
    setting: Setting
    fixes_setting: bool


def stated_symmetry(block: DataBlock, angles: tuple[float, float]) -> tuple[list[Statement], list[Remark]]:
    """Return what a block says about its group, the weightiest first: operators, Hall symbol, name, number.

    Parameters
    ----------
    block
        Of the CIF.
    angles
        Alpha and gamma of the cell in degrees; they tell hexagonal from rhombohedral axes.

    Raises
    ------
    CandidateError
        Where nothing is said, or nothing that can be understood.
    """
    name = block.first(NAME_TAGS)
    named = list(_named(block, angles))
    texts = tuple(text for text in block.column(OPERATOR_TAGS) if text)
    if len(texts) > MAX_OPERATORS:
        raise unusable(f"more than {MAX_OPERATORS} symmetry operators")
    if texts:
        setting = _setting_of_operators(texts)
        if setting is not None:
            if np.isnan(setting.number):
                like = (one.setting.number for one in named if _same_class(one.setting, setting))
                setting = setting._replace(number=next(like, setting.number))
            words = f"the {len(texts)} operators" if len(texts) > 1 else f"the only operator '{shown(texts[0])}'"
            return [Statement(words, setting, fixes_setting=True), *named], []
        if not named:
            raise unusable(f"the {len(texts)} symmetry operators form no group: one is missing or mistyped")
        message = f"the {len(texts)} operators form no group (one is missing or mistyped); {named[0].words} is used"
        return named, [Remark(WarningCode.SYMMETRY_CONTRADICTED, message)]
    if not named:
        received = f"the name '{shown(name)}' is in no table" if name else "neither operators nor a name are given"
        raise unusable(
            f"no space group that is known: {received}; expected a name such as 'F m -3 m', or 'P 1' where all atoms"
            " of the cell are listed"
        )
    if name and find_by_name(name, angles) is None and named[0].words.startswith("the number"):
        message = f"the name '{shown(name)}' is in no table; {named[0].words} is used, as {named[0].setting.name}"
        return named, [Remark(WarningCode.SYMMETRY_CONTRADICTED, message)]
    return named, []


def other_settings(setting: Setting) -> list[Setting]:
    """Return the group's settings of the same symbol: the other origin, rhombohedral axes, another unique axis."""
    import gemmi

    plain = _without_ones(setting.name.partition(":")[0])
    groups = [group for group in gemmi.spacegroup_table() if group.number == setting.number]
    return [_of_group(one) for one in groups if _without_ones(one.hm) == plain and one.xhm() != setting.name]


def find_by_name(name: str, angles: tuple[float, float] = (90.0, 90.0)) -> tuple[gemmi.SpaceGroup, bool] | None:
    """Find a group by its Hermann-Mauguin symbol, as tables, old papers and programs write it.

    Returns
    -------
    group, fixes_setting
        The group, and whether the name says which origin or axes; None where no table has it.
    """
    import gemmi

    if not name or len(name) > _LONGEST_SYMBOL:
        return None
    for spelling in _spellings(name):
        try:
            group = gemmi.find_spacegroup_by_name(spelling, *angles, prefer="2")
        except _OPERATOR_ERRORS:
            continue
        if group is not None:
            axes = group.ext in ("H", "R") and spelling.upper().endswith(group.ext)
            return group, axes or ":" in spelling
    return None


def _named(block: DataBlock, angles: tuple[float, float]) -> Iterator[Statement]:
    """Look up Hall symbol, names and number."""
    import gemmi

    hall = block.first(HALL_TAGS)
    if 0 < len(hall) <= _LONGEST_SYMBOL:
        try:
            group = gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(hall))
        except _OPERATOR_ERRORS:
            group = None
        if group is not None:
            yield Statement(f"the Hall symbol '{shown(hall)}'", _of_group(group), fixes_setting=True)
    for tag in NAME_TAGS:
        name = block.first((tag,))
        found = find_by_name(name, angles)
        if found is not None:
            yield Statement(f"the name '{shown(name)}'", _of_group(found[0]), fixes_setting=found[1])
    number = block.first(NUMBER_TAGS)
    if number.isascii() and number.isdigit() and len(number) <= 3 and 1 <= int(number) <= 230:
        found = find_by_name(gemmi.find_spacegroup_by_number(int(number)).hm, angles)
        if found is not None:
            yield Statement(f"the number {int(number)}", _of_group(found[0]), fixes_setting=False)


def _spellings(name: str) -> Iterator[str]:
    """Give the readings of a name: as it is, with bars before their digits, and with its full symbol shortened."""
    plain = re.sub(r"\\(?:bar|overline)\s*\{?\s*(\d)\s*\}?|(\d)[\u0304\u0305]", r"-\1\2", name.translate(_DASHES))
    plain = re.sub(r"[_$^{}~'\"]|</?su[bp]>", "", plain).strip()
    plain = re.sub(r"\s*(?:\(\s*(?:No\.?|#)?\s*\d{1,3}\s*\)|,?\s*No\.?\s*\d{1,3})$", "", plain, flags=re.IGNORECASE)
    plain = re.sub(r"\(([1-5])\)", r"\1", plain)  # 'P 2(1)/c'
    origin = re.fullmatch(r"(.*?\S)\s*[:(,]?\s*(?:origin(?:\s*choice)?|O)\s*([12])\s*\)?", plain, flags=re.IGNORECASE)
    if origin:
        plain = f"{origin[1].rstrip('(,: ')}:{origin[2]}"
    elif suffix := re.fullmatch(r"(.*\S)\s*([SZ])", plain, flags=re.IGNORECASE):
        plain = suffix[1] + _ORIGIN_OF_SUFFIX[suffix[2].upper()]
    yield plain
    yield re.sub(r"([1-46])\s?-", r"-\1", plain)  # 'F4-3m', 'R3-m', 'P1-': the bar written behind its digit
    yield _short_symbol(plain)


def _short_symbol(name: str) -> str:
    """Shorten a full symbol such as `F 4/m -3 2/m` or `P 21/n 21/m 21/a`."""
    symbol, colon, extension = name.partition(":")
    centring, axes = symbol[:1], symbol[1:].split()
    keeps_first = len(axes) != 3 or (axes[0][:1] in "346" and axes[1] not in ("3", "-3"))
    short = [axis if i == 0 and keeps_first else re.sub(r"^[246][1-5]?/", "", axis) for i, axis in enumerate(axes)]
    return " ".join([centring, *short]) + colon + extension


@lru_cache(maxsize=256)
def _setting_of_operators(texts: tuple[str, ...]) -> Setting | None:
    """Return the group of operators, completed where some are left out; None where they generate none."""
    import gemmi

    known = {gemmi.Op().triplet(): gemmi.Op()}
    for text in _rejoined(texts):
        try:
            operator = _operator(text)
            known.setdefault(operator.triplet(), operator)
        except _OPERATOR_ERRORS:
            raise unusable(
                f"symmetry operator '{shown(text)}' is not understood; expected one such as '-x, y+1/2, -z'"
            ) from None
    operators = list(known.values())
    group = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(operators))
    if group is not None and len(group.operations()) == len(operators):
        return _of_group(group)
    closed = _closed(operators)
    if closed is None:
        return None
    group = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(closed))
    name, number = (group.xhm(), float(group.number)) if group is not None else _in_another_setting(closed)
    return Setting(name, number, *_arrays(closed))


def _rejoined(texts: tuple[str, ...]) -> list[str]:
    """Put operators together that were written with blanks but without quotation marks."""
    if all(text.count(",") == 2 for text in texts):
        return list(texts)
    pieces = "".join(texts).split(",")
    if len(pieces) % 2 == 0 or any(text.count(",") > 2 for text in texts):
        return list(texts)
    return _cut_by_threes(texts)


def _cut_by_threes(texts: tuple[str, ...]) -> list[str]:
    out, parts = [], ""
    for text in texts:
        complete = parts.count(",") == 2 and not parts.endswith((",", "+", "-", "/"))
        if complete and text[0] not in "+/" and not (text[0] == "-" and len(text) == 1):
            out.append(parts)
            parts = ""
        parts += text
    return [*out, parts]


def _operator(text: str) -> gemmi.Op:
    """Read an operator; decimals such as 0.333 stand for the fractions that they round."""
    import gemmi

    if len(text) > _LONGEST_SYMBOL:
        raise ValueError("too long")
    op = gemmi.Op(re.sub(r"\d*\.\d+", _fraction, text)).wrap()
    if abs(op.det_rot()) != gemmi.Op.DEN**3:
        raise ValueError("no rotation")
    return op


def _fraction(match: re.Match[str]) -> str:
    steps = float(match[0]) * _STEPS
    if abs(steps - round(steps)) > 0.2:
        raise ValueError("no translation of a crystal")
    return f"{round(steps)}/{_STEPS}"


def _closed(operators: list[gemmi.Op]) -> list[gemmi.Op] | None:
    """Return all products of operators, None where they are no group of a crystal with this cell.

    Operators that were left out are added unless they make the lattice repeat within the cell in another way than
    centrings do: that comes of a mistyped translation.
    """
    known = {op.triplet(): op for op in operators}
    n_given = len(known)
    generators, new = list(known.values()), list(known.values())
    while new:
        found: dict[str, gemmi.Op] = {}
        for left in new:
            for right in generators:
                product = (left * right).wrap()
                triplet = product.triplet()
                if triplet not in known:
                    known[triplet] = found[triplet] = product
            if len(known) > MAX_OPERATORS:
                return None
        new = list(found.values())
    shifts = [op.tran for op in known.values() if op.rot == operators[0].rot]
    centred = all(set(shift) <= {0, 8, 12, 16} and sum(part != 0 for part in shift) != 1 for shift in shifts)
    return list(known.values()) if centred or len(known) == n_given else None


def _in_another_setting(operators: list[gemmi.Op]) -> tuple[str, float]:
    """Find a group of another origin or order of axes than those of the tables."""
    import gemmi

    for axes in ("x,y,z", "z,x,y", "y,z,x"):
        turned = gemmi.GroupOps(operators)
        turned.change_basis_forward(gemmi.Op(axes))
        given = _by_rotation(*_arrays(list(turned)))
        for name, number, there in _groups_of_order(len(operators)):
            if given.keys() == there.keys() and _differ_by_origin(given, there):
                return f"{name} (of another origin or axes)", number
    return UNKNOWN_GROUP, float("nan")


@lru_cache(maxsize=16)
def _groups_of_order(order: int) -> list[tuple[str, float, dict[bytes, list[int]]]]:
    import gemmi

    groups = [(group.hm, _of_group(group)) for group in gemmi.spacegroup_table() if len(group.operations()) == order]
    return [(hm, one.number, _by_rotation(one.rotations, one.translations)) for hm, one in groups]


def _differ_by_origin(given: dict[bytes, list[int]], there: dict[bytes, list[int]]) -> bool:
    """Whether a shift of the origin by multiples of 1/24 turns a group into another with the same rotations."""
    identity = np.eye(3, dtype=int).tobytes()
    if set(given[identity]) != set(there[identity]):
        return False
    lattice = np.zeros(_STEPS**3, dtype=bool)
    lattice[there[identity]] = True
    grid = np.arange(_STEPS)
    shifts = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), axis=-1).reshape(-1, 3)
    for key, codes in given.items():
        turn = np.frombuffer(key, dtype=int).reshape(3, 3) - np.eye(3, dtype=int)
        difference = _steps_of(codes[0]) - _steps_of(there[key][0])
        shifts = shifts[lattice[_code(shifts @ turn.T + difference)]]
        if not len(shifts) or len(codes) != len(there[key]):
            return False
    return True


def _by_rotation(rotations: NDArray[np.float64], translations: NDArray[np.float64]) -> dict[bytes, list[int]]:
    out: dict[bytes, list[int]] = {}
    codes = _code(np.rint(translations * _STEPS).astype(int))
    for rotation, code in zip(np.rint(rotations).astype(int), codes.tolist(), strict=True):
        out.setdefault(rotation.tobytes(), []).append(code)
    return out


def _code(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    inside = steps % _STEPS
    code: NDArray[np.int64] = (inside[..., 0] * _STEPS + inside[..., 1]) * _STEPS + inside[..., 2]
    return code


def _steps_of(code: int) -> NDArray[np.int64]:
    return np.array([code // _STEPS**2, code // _STEPS % _STEPS, code % _STEPS])


def _same_class(one: Setting, other: Setting) -> bool:
    """Whether two groups hold rotations of the same kinds equally often."""

    def kinds(setting: Setting) -> list[tuple[float, float]]:
        determinants = np.linalg.det(setting.rotations).round()
        return sorted(zip(determinants, np.trace(setting.rotations, axis1=1, axis2=2), strict=True))

    return kinds(one) == kinds(other)


def _arrays(operators: list[gemmi.Op]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rotations and translations, the identity first."""
    rotations = np.array([op.rot for op in operators], dtype=float) / _STEPS
    return rotations, np.array([op.tran for op in operators], dtype=float) / _STEPS


def _of_group(group: gemmi.SpaceGroup) -> Setting:
    return _tabulated(group.xhm())


@lru_cache(maxsize=600)
def _tabulated(name: str) -> Setting:
    import gemmi

    group = gemmi.SpaceGroup(name)
    return Setting(name, float(group.number), *_arrays(list(group.operations())))


def _without_ones(symbol: str) -> str:
    return "".join(part for part in symbol.split() if part != "1")
