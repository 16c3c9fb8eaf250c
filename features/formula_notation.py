"""From the text of a paper, a web page or a spreadsheet to a plain formula: signs, markup, states, charges, blanks.

What changes nothing is dropped, what says more than a composition is dropped with a warning, and what could mean
another material is refused.
"""

from __future__ import annotations

import html
import re
import unicodedata
from itertools import pairwise

from features.errors import CandidateError, Remark, RowErrorCode, WarningCode, shown
from features.formula_doubts import ANIONS, IONS_IN_BRACKETS, is_neutral
from features.formula_terms import MAX_FORMULA_LENGTH, plain_amounts
from features.names import exact_names, refusal_of

SOLVENTS = ("H2O", "NH3")
ADDUCT_DOTS = "·•∙⋅‧"
SPACED_DOT = "*"  # an adduct beyond doubt: a dot with blanks around it

_LOOKALIKES = str.maketrans({dash: "-" for dash in "−–—‐‑"} | dict.fromkeys(ADDUCT_DOTS, "·"))
_TAGS = re.compile(r"</?(?:jats:)?(?:sub|i|b|em|strong|span|inf|p|font|a|br|small)\b[^<>]*>", re.IGNORECASE)
_SUPERSCRIPT_TAG = re.compile(r"<(?:jats:)?sup\b[^<>]*>([^<>]*)</(?:jats:)?sup>", re.IGNORECASE)
_TEX_COMMANDS = re.compile(r"\\(?:ce|mathrm|mathit|mathbf|mathsf|text|textrm|textsubscript|rm|it)\b\s*|\\[,;! ]|\$")
# {MnO}_2 and {\rm MnO}_2: the index belongs to the last symbol, not to the group
_TEX_WORD = re.compile(
    r"(?:\\(?:ce|mathrm|mathit|mathbf|mathsf|text|textrm)\s*)?\{\s*(?:\\rm\s+)?([A-Za-z0-9().]*[A-Za-z)])\s*\}(?=[_\\$}]|$)"
)
_TEX_SUBSCRIPT = re.compile(r"_\{\s*([0-9.]+)\s*\}|_([0-9.]+)|~([0-9.]+)~")
_ISOTOPE = re.compile(r"(?:(?<=^)|(?<=[(\[{]))\^\{?([0-9]{1,3})\}?(?=[A-Z])|[(\[]([67])(?=Li[)\]])")
_CHARGE = re.compile(r"\^\{?(?:[0-9]*[+-]|[+-][0-9]+)\}?|(?<=[A-Za-z)\]}])\+$|(?<=[)\]}])-$")
_STATE = re.compile(
    r"\s*\((s|l|g|aq|cr|am|gl|solid|liquid|gas|glass|glassy|crystal|crystalline|amorphous|cubic|tetragonal)\)$"
)
_PHASE = re.compile(r"^(?:[αβγδεκλ]|alpha|beta|gamma|delta|[a-z])['′]?-(?=[A-Z(\[])")
_DEUTERIUM = re.compile(r"D(?=[0-9.)\]}·*]|$)")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_DOT_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])·(?=([0-9]+(?:\.[0-9]+)?)(.*))", re.DOTALL)
_STOP_AMONG_BLANKS = re.compile(r"\s+\.\s+|(?<![0-9\s])\s+\.(?=\S)|\s+\.(?=[A-Z(\[])|(?<=\S)\.\s+(?=[A-Z(\[])")
_LOOSE_SOLVENT = re.compile(rf"(?<=[A-Za-z0-9)\]}}])\s+([0-9.]*\s?(?:{'|'.join(SOLVENTS)}))$")  # Ca(NO3)2 4H2O
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_ONE_SYMBOL = re.compile(r"[A-Z][a-z]?[0-9.]*")
_LETTERS_IN_BRACKETS = re.compile(r"[(\[{]([A-Za-z]+)[)\]}]")


def to_plain_formula(text: str) -> tuple[str, list[Remark]]:
    """Return the formula in ASCII without blanks, and warnings of what was left out of it.

    Raises
    ------
    CandidateError
        `ambiguous_formula` for what could mean another material, `empty_formula` for nothing.
    """
    remarks: list[Remark] = []
    plain = _markup_removed(text)
    plain = plain if plain.isascii() else _plain_unicode(plain)
    if len(plain) > MAX_FORMULA_LENGTH:  # one letter may stand for twenty
        raise too_long(plain)
    plain = plain.strip().strip("\"'").strip()
    plain = _words_removed(plain, remarks)
    plain = _joined(_dots_settled(plain))
    if not plain:
        raise CandidateError(RowErrorCode.EMPTY_FORMULA, "no formula given; expected one such as Li6PS5Cl")
    return _isotopes_removed(plain, remarks), remarks


def too_long(text: str) -> CandidateError:
    """Return the error of a formula above `MAX_FORMULA_LENGTH` characters."""
    message = f"formula of {len(text)} characters; at most {MAX_FORMULA_LENGTH} are read"
    return CandidateError(RowErrorCode.FORMULA_TOO_LONG, message)


def _markup_removed(text: str) -> str:
    """Remove HTML and TeX, keeping what they set below the line; what they set above it comes behind a caret."""
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAGS.sub("", _SUPERSCRIPT_TAG.sub(r"^{\1}", text))
    if "\\" in text or "$" in text or "_" in text or "~" in text:
        text = text.replace("\\cdot", " · ")
        while (plain := _TEX_WORD.sub(r"\1", text)) != text:
            text = plain
        text = _TEX_SUBSCRIPT.sub(lambda found: "".join(filter(None, found.groups())), _TEX_COMMANDS.sub("", text))
    return text


def _plain_unicode(text: str) -> str:
    out = []
    for place, letter in enumerate(text):
        kind = unicodedata.decomposition(letter)
        plain = unicodedata.normalize("NFKC", letter)
        if kind.startswith("<super>"):
            out.append("^" + _raised(text, place, plain))
        elif kind.startswith(("<circle>", "<compat>")) and unicodedata.category(letter) == "No":
            raise _doubt(text, place, f"'{letter}' is a footnote or a number of a list; leave it out")
        elif "\u2160" <= letter <= "\u217f":
            raise _doubt(text, place, "a roman numeral: leave oxidation states out")
        elif unicodedata.category(letter) != "Cf":
            out.append(plain)
    return "".join(out).translate(_LOOKALIKES)


def _raised(text: str, place: int, plain: str) -> str:
    """Return a sign of a charge or the digit of an isotope, and refuse any other letter above the line."""
    if plain in ("+", "-", "\N{MINUS SIGN}"):
        return "+" if plain == "+" else "-"
    opens = not text[:place].strip() or text[place - 1] in "([{"
    if plain.isdigit() and opens and text[place + 1 : place + 2].isupper():
        return plain
    reason = "charges and footnotes are no part of a formula; write amounts on or below the line"
    raise _doubt(text, place, f"superscript '{text[place]}': {reason}")


def _words_removed(text: str, remarks: list[Remark]) -> str:
    """Leave out the state behind a formula, the name of the phase before it, and charges."""
    for pattern, words in ((_STATE, "state"), (_PHASE, "phase")):
        if found := pattern.search(text):
            remarks.append(_ignored(f"the {words} '{found.group().strip()}' is left out: the composition alone counts"))
            text = text[: found.start()] + text[found.end() :]
    if "+" in text or "-" in text:
        charges = [found.group() for found in _CHARGE.finditer(text)]
        if charges:
            remarks.append(_ignored(f"the charge '{charges[0]}' is left out: the composition alone counts"))
            text = _CHARGE.sub("", text)
    return text


def _isotopes_removed(formula: str, remarks: list[Remark]) -> str:
    isotopes = [found.group(1) or found.group(2) for found in _ISOTOPE.finditer(formula)]
    plain = _ISOTOPE.sub(lambda found: "" if found.group(1) else found.group()[0], formula)
    lead = re.match(r"[67](?=Li(?![a-z]))", plain)
    if isotopes or (lead and not re.search(r"[-:·*]", plain)):
        message = "isotopes are read as their element" if isotopes else "6Li and 7Li are read as lithium"
        remarks.append(Remark(WarningCode.ISOTOPE, message))
    if "D" in plain and _DEUTERIUM.search(plain):
        plain = _DEUTERIUM.sub("H", plain)
        remarks.append(Remark(WarningCode.ISOTOPE, "deuterium is read as hydrogen"))
    return plain


def _ignored(message: str) -> Remark:
    return Remark(WarningCode.TEXT_IGNORED, message)


def _dots_settled(text: str) -> str:
    """Mark adducts beyond doubt, and refuse a middle dot between digits that may be a decimal point."""
    text = re.sub(r"\s+·\s+", SPACED_DOT, text)
    if "." in text:
        text = _STOP_AMONG_BLANKS.sub(SPACED_DOT, text)
    if text[:1].isdigit():  # 50Li4SiO4·50Li3PO4: an amount stands before each part
        return text
    for found in _DOT_BETWEEN_DIGITS.finditer(text):
        number, behind = found.groups()
        behind = "".join(behind.split())
        if "." in number or behind in (*SOLVENTS, "H20") or behind in exact_names():
            continue
        place = found.start()
        adduct, decimal = text[:place] + " · " + text[place + 1 :], _DOT_BETWEEN_DIGITS.sub(".", text)
        reason = f"a middle dot between digits: write '{adduct}' with blanks for an adduct, or {decimal} for a decimal"
        raise _doubt(text, place, reason)
    return text


def _joined(text: str) -> str:
    """Remove blanks that change nothing, and refuse those without which another material would be read."""
    text = re.sub(rf"([-:·*][0-9.]+)\s+(?={'|'.join(SOLVENTS)})", r"\1", text)
    text = re.sub(r"\s*([-:·*])\s*", r"\1", _LOOSE_SOLVENT.sub(rf"{SPACED_DOT}\1", text))
    chunks = text.split()
    if len(chunks) < 2:
        return text.strip()
    if _is_set_apart(chunks):
        return "".join(chunks)
    if chunks[0] in exact_names():
        raise refusal_of(exact_names()[chunks[0]], chunks[0])
    apart = all(_ONE_SYMBOL.fullmatch(chunk) for chunk in chunks)
    joined = chunks[0]
    for chunk in chunks[1:]:
        reason = None if apart else _reason_against(re.split(r"[-:·*]", joined)[-1], re.split(r"[-:·*]", chunk)[0])
        if reason:
            raise CandidateError(RowErrorCode.AMBIGUOUS_FORMULA, f"'{shown(text)}': {reason}")
        joined += chunk
    return joined


def _is_set_apart(chunks: list[str]) -> bool:
    """Whether every amount stands alone, as texts copied from a PDF have it: `Li 7 La 3 Zr 2 O 12`."""
    numbers = [_NUMBER.fullmatch(chunk) is not None for chunk in chunks]
    words = "".join(chunk for chunk, is_number in zip(chunks, numbers, strict=True) if not is_number)
    symbols = _SYMBOL.findall(words)
    alternate = not numbers[0] and not any(first and second for first, second in pairwise(numbers))
    attached = any(letter.isdigit() for letter in words)
    return sum(numbers) > 1 and alternate and not attached and len(symbols) == len(set(symbols))


def _reason_against(before: str, behind: str) -> str | None:
    """Return why a blank between two pieces may not be left out; None where it may."""
    if not before or not behind or _NUMBER.fullmatch(before) or _is_open(before):
        return None
    if behind[0].isdigit() or behind[0] == ".":
        return (
            f"'{shown(behind)}' stands behind a blank; leave remarks out, write an amount without a blank before it and"
            " a mixture as 75Li2S-25P2S5"
        )
    if (remark := _LETTERS_IN_BRACKETS.fullmatch(behind)) and remark.group(1) not in IONS_IN_BRACKETS:
        return f"'{shown(behind)}' in brackets behind a blank would be read as elements; leave remarks out"
    if reason := _reason_against_addition(before, behind):
        return reason
    if behind[0] in "([{" or behind in SOLVENTS:
        return None
    held, more = _SYMBOL.findall(before), _SYMBOL.findall(behind)
    has_anion = not ANIONS.isdisjoint(held)
    two = "two formulas in one place? Give one, or a mixture such as 75Li2S-25P2S5"
    if not set(held).isdisjoint(more) and (len(set(more)) > 1 or len(set(held)) > 1):
        return two
    if len(more) > 1 and has_anion:
        if not any(letter.isdigit() for letter in behind):
            return f"'{shown(behind)}' behind a blank would be read as elements; leave remarks out"
        if more[0] not in ANIONS | {"H"} and not ANIONS.isdisjoint(more):
            return two
    return None


def _reason_against_addition(before: str, behind: str) -> str | None:
    """Return why what stands behind a blank is hardly a part of the compound before it, which is whole without it."""
    amounts, added = plain_amounts(before), plain_amounts(behind)
    if amounts is None or added is None or not is_neutral(amounts):
        return None
    is_bracketed = behind[0] in "([{"
    if (is_bracketed and behind[-1] in ")]}" and is_neutral(added)) or (len(added) == 1 and not is_bracketed):
        return f"'{shown(behind)}' behind a blank would be added to what is a compound without it; leave remarks out"
    return None


def _is_open(text: str) -> bool:
    return sum(text.count(bracket) for bracket in "([{") > sum(text.count(bracket) for bracket in ")]}")


def _doubt(text: str, place: int, reason: str) -> CandidateError:
    return CandidateError(RowErrorCode.AMBIGUOUS_FORMULA, f"'{shown(text)}' (character {place + 1}): {reason}")
