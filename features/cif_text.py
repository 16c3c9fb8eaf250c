"""The text of a CIF: its data blocks, by names that old and new dictionaries share, blemishes of real writers mended.

Read with gemmi (Wojdyr, J. Open Source Softw. 7, 4200 (2022), doi 10.21105/joss.04200). What gemmi refuses is mended
where one reading alone makes sense, and read once more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from features.errors import CandidateError, RowErrorCode, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    import gemmi

MAX_CIF_CHARACTERS = 1_000_000
MAX_SITES = 5_000
MAX_BLOCKS = 1_000  # gemmi compares the name of each with all before it: 90,000 blocks took 2 s

CELL_TAGS = (
    "_cell_length_a",
    "_cell_length_b",
    "_cell_length_c",
    "_cell_angle_alpha",
    "_cell_angle_beta",
    "_cell_angle_gamma",
)
OPERATOR_TAGS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
HALL_TAGS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
NAME_TAGS = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_ref",
    "_space_group_name_h-m_full",
)
NUMBER_TAGS = ("_space_group_it_number", "_symmetry_int_tables_number")
FORMULA_TAGS = ("_chemical_formula_sum", "_chemical_formula_moiety")
POSITION_TAGS = tuple(f"_atom_site_fract_{axis}" for axis in "xyz")
CARTESIAN_TAGS = tuple(f"_atom_site_cartn_{axis}" for axis in "xyz")
MULTIPLICITY_TAGS = ("_atom_site_site_symmetry_multiplicity", "_atom_site_symmetry_multiplicity")
SITE_TAGS = (
    "_atom_site_label",
    "_atom_site_type_symbol",
    *POSITION_TAGS,
    *CARTESIAN_TAGS,
    "_atom_site_occupancy",
    "_atom_site_calc_flag",
    "_atom_site_attached_hydrogens",
    *MULTIPLICITY_TAGS,
)
_WANTED = frozenset(CELL_TAGS + OPERATOR_TAGS + HALL_TAGS + NAME_TAGS + NUMBER_TAGS + FORMULA_TAGS + SITE_TAGS)
_LONGEST_NUMBER = 200
_MOST_WORDS = 100  # of a line that is mended
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?)(?:\([\d.]+\))?")
_GEMMI_ERRORS = (ValueError, RuntimeError, IndexError, OverflowError, TypeError)
_UNEQUAL_ROWS = (
    "the table that begins here has rows of unequal length (a value is missing, or one with blanks unquoted)"
)
_PARSER_WORDS = (
    ("Wrong number of values", _UNEQUAL_ROWS),
    ("unterminated 'string'", "a quotation mark is not closed"),
    ('unterminated "string"', "a quotation mark is not closed"),
    ("unterminated text field", "a text that begins with ; at the start of a line is not closed"),
    ("expected block header", "expected a data block: a line such as data_Li3N before everything else"),
)


class DataBlock(NamedTuple):
    """One data block: values by name, in small letters and without dots, `''` where the file says `?` or `.`."""

    name: str
    values: dict[str, list[str]]
    conflicts: dict[str, tuple[str, str]]

    @property
    def has_sites(self) -> bool:
        """Whether atoms stand in it, at whatever kind of position."""
        return any(any(self.values.get(tag, ())) for tag in POSITION_TAGS + CARTESIAN_TAGS) or bool(
            self.values.get("_atom_site_label") or self.values.get("_atom_site_type_symbol")
        )

    @property
    def has_positions(self) -> bool:
        """Whether atoms stand in it at fractional coordinates."""
        return all(self.values.get(tag) for tag in POSITION_TAGS)

    def first(self, tags: tuple[str, ...]) -> str:
        """Return the first value that says something, or `''`."""
        return next((value for tag in tags for value in self.values.get(tag, ()) if value), "")

    def column(self, tags: tuple[str, ...]) -> list[str]:
        """Return the values of the first name that stands in the block; empty where none does."""
        return next((self.values[tag] for tag in tags if self.values.get(tag)), [])


def unusable(reason: str) -> CandidateError:
    """Return the error of a CIF that holds no usable structure."""
    return CandidateError(RowErrorCode.UNPARSEABLE_CIF, reason)


def too_large(reason: str) -> CandidateError:
    """Return the error of a CIF beyond the limits."""
    return CandidateError(RowErrorCode.CIF_TOO_LARGE, reason)


def number_of(text: str) -> float | None:
    """Return a number as a CIF writes it, standard uncertainty in brackets and all; None for anything else."""
    if len(text) > _LONGEST_NUMBER:
        return None
    match = _NUMBER.fullmatch(text.strip().replace("\N{MINUS SIGN}", "-"))
    return float(re.sub("[dD]", "e", match[1])) if match else None


def decimals_of(text: str) -> int:
    """Return how many digits behind the point a number is written with."""
    digits = text.partition(".")[2]
    return len(digits) - len(digits.lstrip("0123456789"))


def read_blocks(text: str) -> list[DataBlock]:
    """Return the data blocks of a CIF.

    Raises
    ------
    CandidateError
        `cif_too_large` beyond the limits, `unparseable_cif` where the text is no CIF, with the line.
    """
    if not isinstance(text, str):
        raise unusable(f"a CIF is text, received {type(text).__name__}")
    if len(text) > MAX_CIF_CHARACTERS:
        raise too_large(f"CIF of {len(text)} characters; at most {MAX_CIF_CHARACTERS} are read")
    if text.lower().count("data_") > MAX_BLOCKS:
        raise too_large(f"more than {MAX_BLOCKS} data blocks")
    document = _document(text.removeprefix("\ufeff").rstrip("\x1a"))
    try:
        blocks = [_block(block) for block in document]
    except CandidateError:
        raise
    except _GEMMI_ERRORS as error:
        raise unusable(f"not a readable CIF: {shown(str(error))}") from error
    return _with_own_names(blocks)


def _document(text: str) -> gemmi.cif.Document:
    import gemmi

    try:
        return gemmi.cif.read_string(text, check_level=0)
    except _GEMMI_ERRORS:
        mended = _mended(text)
    try:
        return gemmi.cif.read_string(mended, check_level=0)
    except _GEMMI_ERRORS as error:
        raise unusable(_in_words(str(error), mended)) from error


def _in_words(error: str, text: str) -> str:
    """Say what a parser stumbled over, and where."""
    reason = next((words for sign, words in _PARSER_WORDS if sign in error), None)
    place = re.match(r"string:(\d+)", error)
    lines = text.split("\n")
    number = int(place[1]) if place else 0
    if not 0 < number <= len(lines):
        return f"not a readable CIF: {reason or 'its text ends too early or holds unreadable characters'}"
    line = shown(lines[number - 1].strip())
    reason = reason or "expected a name such as _cell_length_a with one value; text with blanks needs quotation marks"
    return f"not a readable CIF, line {number} ('{line}'): {reason}"


def _block(block: gemmi.cif.Block) -> DataBlock:
    values: dict[str, list[str]] = {}
    conflicts: dict[str, tuple[str, str]] = {}
    for tag, given in _columns(block):
        if tag.startswith("_atom_site_") and len(given) > MAX_SITES:
            raise too_large(f"more than {MAX_SITES} atom sites")
        if tag not in values or not any(values[tag]):
            values[tag] = given
        elif any(given) and (pair := _first_difference(values[tag], given)) is not None:
            conflicts.setdefault(tag, pair)
    return DataBlock(block.name.strip(), values, conflicts)


def _columns(block: gemmi.cif.Block) -> Iterator[tuple[str, list[str]]]:
    import gemmi

    for item in block:
        if isinstance(item.pair, list | tuple):
            tag = _plain(item.pair[0])
            if tag in _WANTED:
                yield tag, [gemmi.cif.as_string(item.pair[1]).strip()]
        elif item.loop is not None:
            tags = [_plain(tag) for tag in item.loop.tags]
            wanted = [(place, tag) for place, tag in enumerate(tags) if tag in _WANTED]
            cells = item.loop.values if wanted else []
            for place, tag in wanted:
                yield tag, [gemmi.cif.as_string(cell).strip() for cell in cells[place :: len(tags)]]


def _plain(tag: str) -> str:
    """Write a name as the old dictionaries do: `_atom_site.fract_x` is `_atom_site_fract_x`."""
    return tag.lower().replace(".", "_", 1)


def _first_difference(one: list[str], other: list[str]) -> tuple[str, str] | None:
    if len(one) != len(other):
        return f"{len(one)} values", f"{len(other)} values"
    for left, right in zip(one, other, strict=True):
        if left != right and (number_of(left) is None or number_of(left) != number_of(right)):
            return left, right
    return None


def _with_own_names(blocks: list[DataBlock]) -> list[DataBlock]:
    """Give blocks of one name a number, so that each can be chosen."""
    seen: dict[str, int] = {}
    out = []
    for block in blocks:
        seen[block.name] = seen.get(block.name, 0) + 1
        out.append(block if seen[block.name] == 1 else block._replace(name=f"{block.name}({seen[block.name]})"))
    return out


def _mended(text: str) -> str:
    """Undo what writers are known to do wrong; the number of lines stays."""
    if text.lstrip().startswith("#\\#CIF_2"):
        text = _without_lists(text)
    lines = text.split("\n")
    start = next((i for i, line in enumerate(lines) if line.lstrip().lower().startswith("data_")), None)
    if start is None:
        lines[0] = f"data_ {lines[0]}" if any(line.startswith(("_", "loop_")) for line in lines) else lines[0]
    else:
        lines[:start] = ["" if not line.lstrip().startswith("#") else line for line in lines[:start]]
    in_text = False
    for i, line in enumerate(lines):
        if line.startswith(";"):
            in_text = not in_text
        elif not in_text:
            lines[i] = _mended_line(line)
    return "\n".join(lines)


def _mended_line(line: str) -> str:
    """Join the name of a block that holds blanks; put a value of several words into quotation marks."""
    first, *words = line.partition(" #")[0].split()[:_MOST_WORDS] or [""]
    if not words or words[0][0] in "_'\";#":
        return line
    if first.lower().startswith("data_") and not words[0].lower().startswith(("loop_", "save_", "data_", "global_")):
        return "_".join([first.rstrip("_"), *words])
    if first.startswith("_") and len(words) > 1 and not any(word[0] in '_"' for word in words):
        return f'{first} "{" ".join(words)}"'
    return line


_CIF2_TOKEN = re.compile(
    r"(?P<text>^;.*?^;)|(?P<triple>'''.*?'''|\"\"\".*?\"\"\")|(?P<quoted>'[^'\n]*'|\"[^\"\n]*\")|(?P<comment>\#[^\n]*)"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<word>[^\s\[\]{}]+)",
    re.MULTILINE | re.DOTALL,
)


def _without_lists(text: str) -> str:
    """Write what CIF2 alone knows as older dictionaries do: lists, tables and long texts, none of them needed here."""
    out: list[str] = []
    depth, done, start = 0, 0, 0
    for token in _CIF2_TOKEN.finditer(text):
        kind, instead = token.lastgroup, "'(left out)'"
        ends = False
        if kind == "triple" and depth == 0:
            start, ends = token.start(), True
            if not set('"\n') & set(token[0][3:-3]):
                instead = f'"{token[0][3:-3]}"'
        elif kind == "open" and (depth or text[token.start() - 1].isspace()):
            start = start if depth else token.start()
            depth += 1
        elif kind == "close" and depth:
            depth -= 1
            ends = depth == 0
        if ends:
            out += [text[done:start], instead, "\n" * text.count("\n", start, token.end())]
            done = token.end()
    return "".join([*out, text[done:]])
