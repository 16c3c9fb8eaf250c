"""What the pages show of the command line is what it prints today."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.cli import elyte

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *(page for part in ("start", "use", "science") for page in (ROOT / "docs" / part).glob("*.md")),
]
TAKES_A_MINUTE = "elyte relax "
CRYSTAL, ENTRY_OF_OBELIX = "Li6PS5Cl.cif", "122"

TABLES = {
    "c.csv": "id,formula\na,Li6PS5Cl\nb,Li3YCl6\nc,Li6.5La3Zr1.5Ta0.5O12\nd,Li10GeP2S12\nf,Li1.3Al0.3Ti1.7(PO4)3\n"
    "g,Li3InCl6\nh,Li2ZrCl6\ni,LiTaOCl4\nk,UO2\n",
    "anolytes.csv": "formula\nLi6PS5Cl\nLi5.5PS4.5Cl1.5\nLi7P3S11\nLi10GeP2S12\nLi6.5La3Zr1.5Ta0.5O12\n",
    "catholytes.csv": "formula\nLi3InCl6\nLi3YCl6\nLi2ZrCl6\nLiTaOCl4\nLiNbOCl4\n",
}
"""As the pages say them in words."""

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
CLOSE = 0.02  # sums in another order, on another machine
LAST_DIGIT = 1.01
SOME_ROWS_FAILED = 1


def consoles() -> list[tuple[str, str, str]]:
    """Return page, command and what is said to be printed, of every block that can be run as it stands."""
    found = []
    for page in sorted(PAGES):
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for call in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, shown = call.partition("\n")
                if command.startswith("elyte ") and not command.startswith(TAKES_A_MINUTE):
                    found.append((page.stem, command.removeprefix("elyte "), shown))
    return found


def crystal_of_obelix() -> str:
    from training import sources

    if sources.missing(["obelix_cifs"]):
        pytest.skip(f"the crystals of OBELiX are absent: run `elyte data fetch` or set {sources.MIRROR_VARIABLE}")
    return sources.texts_of_archive("obelix_cifs")[ENTRY_OF_OBELIX]


def unit_of(number: str) -> float:
    """Return what one more in the last digit is worth."""
    mantissa, _, exponent = number.partition("e")
    return float(10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])))


def says_the_same(shown: str, printed: str) -> bool:
    """Whether two lines differ in blanks and in what machines differ by alone."""
    if _NUMBER.sub("#", shown).split() != _NUMBER.sub("#", printed).split():
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(
        math.isclose(
            float(one.replace(",", "")),
            float(other.replace(",", "")),
            rel_tol=CLOSE,
            abs_tol=LAST_DIGIT * max(unit_of(one), unit_of(other)),
        )
        for one, other in pairs
    )


def missing_lines(shown: str, printed: str) -> list[str]:
    """Return the lines of a page that are not printed, or not in this order; a page may leave lines out."""
    left, missing = printed.splitlines(), []
    for line in filter(None, map(str.strip, shown.splitlines())):
        place = next((at for at, other in enumerate(left) if says_the_same(line, other)), None)
        if place is None:
            missing.append(line)
        else:
            left = left[place + 1 :]
    return missing


def test_the_comparison_tells_values_and_words_apart() -> None:
    assert says_the_same("sigma 4.8e-03  60", "sigma  4.9e-03 60")
    assert not says_the_same("sigma 4.8e-03", "sigma 5.8e-03")
    assert not says_the_same("Li6PS5Cl 1", "Li5PS5Cl 1")
    assert missing_lines("a 1\nb 2", "a 1\nc 3\nb 2") == []
    assert missing_lines("b 2\na 1", "a 1\nb 2") == ["a 1"]


def test_there_is_something_to_run() -> None:
    assert len(consoles()) >= 10


@pytest.mark.parametrize(("page", "command", "shown"), consoles())
def test_what_a_page_shows_is_printed(
    page: str, command: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = TABLES | ({CRYSTAL: crystal_of_obelix()} if CRYSTAL in command else {})  # the mirror may be a relative path
    monkeypatch.chdir(tmp_path)
    for name, text in texts.items():
        Path(name).write_text(text, encoding="utf-8")
    result = CliRunner().invoke(elyte, shlex.split(command))
    assert result.exception is None or isinstance(result.exception, SystemExit), f"{page}.md, elyte {command} fails"
    assert result.exit_code in (0, SOME_ROWS_FAILED), f"{page}.md, elyte {command} is refused"
    assert missing_lines(shown, result.output) == [], f"{page}.md, elyte {command} prints\n{result.output}"
