"""Where a source tree names its properties outside their folders, and where an `else` means one of them.

A property is named by its folder's name as a word of an identifier (`Property.CCD`, `answer_ccd`) or of a string
without blanks (`"conductivity"`, `"training.ccd.bundling"`), by an import from its folder, and by one of its
quantities anywhere (`"reduction_V"`, `reduction_V_lower`). Docstrings, comments and prose in strings do not count.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from house_source import REGISTRY, House, Place, Source

PAGE = "serving/page"
REASONS = "benchmarks/house_reasons.toml"
KINDS = frozenset({"polymer"})
"""Words of kinds of material, which name no property although one is called the same."""

FIXED_KEYS = frozenset({"conductivity_needed_S_per_cm"})
"""Keys of the fixed interface that say what a cell needs, not what a property says."""

_SCRIPT = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<quoted>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<template>`(?:\\.|[^`\\])*`)""",
    re.DOTALL,
)
_MARKUP = re.compile(r"(?P<comment><!--.*?-->)|(?P<tag><[^>]*>)", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_PROSE_ATTRIBUTES = ("title", "alt", "content", "placeholder", "aria-label", "aria-description")


@dataclass(frozen=True)
class Words:
    """What names the properties of a tree.

    Parameters
    ----------
    name
        Finds the name of a property as a word, in lower-case text.
    quantity
        Finds a quantity.
    """

    name: re.Pattern[str]
    quantity: re.Pattern[str]

    @classmethod
    def of(cls, house: House) -> Words:
        """Return what names the properties of a tree."""
        names = "|".join(map(re.escape, sorted({*house.property_folders} - KINDS))) or "(?!)"
        quantities = "|".join(map(re.escape, house.quantities))
        return cls(
            re.compile(rf"(?<![a-z])(?:{names})(?![a-z])"),
            re.compile(rf"(?<![A-Za-z0-9])(?:{quantities})(?![A-Za-z0-9])"),
        )

    def in_identifier(self, text: str) -> bool:
        """Whether an identifier, or a dotted name, names a property or a quantity."""
        if text in FIXED_KEYS:
            return False
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)  # CcdModel is ccd_model
        return bool(self.quantity.search(text) or self.name.search(spaced.lower()))

    def in_string(self, text: str) -> bool:
        """Whether a string does: prose, which has blanks, by quantities only."""
        is_prose = any(mark.isspace() for mark in text.strip())
        return bool(self.quantity.search(text)) if is_prose else self.in_identifier(text)


def naming_places(house: House) -> list[Place]:
    """Return every place outside the properties' folders and the registry that names a property or a quantity."""
    words = Words.of(house)
    found: set[Place] = set()
    for source in _outside(house):
        found.update(_in_python(source, words))
    for path in sorted((house.root / PAGE).glob("**/*")):
        if path.suffix in (".js", ".html"):
            find = _in_script if path.suffix == ".js" else _in_markup
            found.update(find(path.relative_to(house.root).as_posix(), path.read_text("utf-8"), words))
    return sorted(found)


def reasons_of(house: House) -> Mapping[str, str]:
    """Return the files of a tree that may name a property, each with its reason; none where it lists none."""
    place = house.root / REASONS
    return tomllib.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}


def without_reason(places: Iterable[Place], reasons: Mapping[str, str]) -> list[str]:
    """Return the files that name a property and are in no list of reasons."""
    return sorted({place.path for place in places} - set(reasons))


def reasons_without_use(places: Iterable[Place], reasons: Mapping[str, str]) -> list[str]:
    """Return the files that are listed with a reason and name no property."""
    return sorted(set(reasons) - {place.path for place in places})


def _outside(house: House) -> list[Source]:
    return [s for s in house.sources if s.path != REGISTRY and not house.is_inside_a_property(s.path)]


def _in_python(source: Source, words: Words) -> Iterator[Place]:
    docstrings = source.docstrings()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and id(node) not in docstrings and words.in_string(node.value):
                yield Place(source.path, node.lineno, repr(node.value))
            continue
        for name in _identifiers(node):
            if words.in_identifier(name):
                yield Place(source.path, getattr(node, "lineno", 0), name)


def _identifiers(node: ast.AST) -> list[str]:
    """Return the identifiers that stand in one node itself."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.keyword(arg=str(name)) | ast.MatchAs(name=str(name)):
            return [name]
        case ast.ImportFrom(module=module, names=names):
            return [module or "", *(word for one in names for word in (one.name, one.asname or ""))]
        case ast.Import(names=names):
            return [word for one in names for word in (one.name, one.asname or "")]
    return []


def _in_script(path: str, text: str, words: Words) -> Iterator[Place]:
    """Yield the places of JavaScript: identifiers, strings, and what template strings compute."""

    def shorter(found: re.Match[str]) -> str:
        kept = ""
        if found["quoted"] is not None and words.in_string(found["quoted"][1:-1]):
            kept = found["quoted"][1:-1].replace(" ", "_")
        elif found["template"] is not None:
            prose = words.quantity.findall(found["template"])
            kept = " ".join([*prose, *re.findall(r"\$\{([^}]*)\}", found["template"])])
        return f" {kept} " + "\n" * (found[0].count("\n") - kept.count("\n"))

    yield from _identifiers_of_lines(path, _SCRIPT.sub(shorter, text), words)


def _in_markup(path: str, text: str, words: Words) -> Iterator[Place]:
    """Yield the places of HTML: attributes that are no prose, and quantities anywhere."""
    for found in _MARKUP.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        for name, *values in _ATTRIBUTE.findall(found["tag"] or ""):
            if name not in _PROSE_ATTRIBUTES and any(map(words.in_identifier, " ".join(values).split())):
                yield Place(path, line, f"{name}={' '.join(values).strip()}")
    bare = _MARKUP.sub(lambda found: "\n" * found[0].count("\n"), text)
    for number, content in enumerate(bare.split("\n"), start=1):
        yield from (Place(path, number, name) for name in words.quantity.findall(content))


def _identifiers_of_lines(path: str, text: str, words: Words) -> Iterator[Place]:
    for number, content in enumerate(text.split("\n"), start=1):
        for name in re.findall(r"[A-Za-z_$][\w$]*", content):
            if words.in_identifier(name):
                yield Place(path, number, name)


def silent_fallthroughs(house: House) -> list[Place]:
    """Return the branches outside the properties' folders that silently mean "the other properties".

    Such a branch follows a comparison with a property (`kind is Kind.CCD`, `name == "ccd"`, `Property.CCD in models`,
    `case Kind.CCD:`) and does not raise: an `else` of a statement or an expression, `case _`, what follows an `if`
    whose body leaves the block, and the body of an `if` whose comparison is negative.
    """
    names = frozenset(house.property_folders) - KINDS
    return sorted({place for source in _outside(house) for place in _fallthroughs(source, names)})


def _fallthroughs(source: Source, names: frozenset[str]) -> Iterator[Place]:
    for node in ast.walk(source.tree):
        match node:
            case ast.IfExp(test=test, orelse=other) if _compares(test, names):
                yield Place(source.path, other.lineno, f"else of `{ast.unparse(test)}`: {ast.unparse(other)}")
            case ast.Match(cases=cases) if any(_is_property(one.pattern, names) for one in cases):
                last = cases[-1]
                if isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and not _raises(last.body):
                    yield Place(source.path, last.pattern.lineno, f"case _: {_first(last.body)}")
        for block in _blocks(node, names):
            yield from _fallthroughs_of_block(source, block, names)


def _fallthroughs_of_block(source: Source, block: Sequence[ast.stmt], names: frozenset[str]) -> Iterator[Place]:
    for position, statement in enumerate(block):
        if not isinstance(statement, ast.If) or not _compares(statement.test, names):
            continue
        chain = _chain(statement, names)
        last = chain[-1]
        test = f"`{ast.unparse(last.test)}`"
        others: Sequence[ast.stmt] = last.orelse
        what = f"else of {test}"
        if _is_negative(last.test, names):
            others, what = last.body, f"body of {test}"
        elif not others and all(_leaves(one.body) for one in chain):
            others, what = block[position + 1 :], f"after {test}"
            if others and isinstance(others[0], ast.If) and _compares(others[0].test, names):
                continue  # what follows that comparison is judged
        if others and not _raises(others):
            yield Place(source.path, others[0].lineno, f"{what}: {_first(others)}")


def _chain(statement: ast.If, names: frozenset[str]) -> list[ast.If]:
    """Return an `if` with those of its `elif`s that compare with a property."""
    chain = [statement]
    while (following := _elif(chain[-1], names)) is not None:
        chain.append(following)
    return chain


def _elif(statement: ast.If, names: frozenset[str]) -> ast.If | None:
    others = statement.orelse
    is_one = len(others) == 1 and isinstance(others[0], ast.If) and _compares(others[0].test, names)
    return others[0] if is_one and isinstance(others[0], ast.If) else None


def _blocks(node: ast.AST, names: frozenset[str]) -> list[Sequence[ast.stmt]]:
    """Return the lists of statements of a node, without an `elif` that belongs to the chain of its `if`."""
    is_chained = isinstance(node, ast.If) and _compares(node.test, names) and _elif(node, names) is not None
    fields = ("body", "finalbody") if is_chained else ("body", "orelse", "finalbody")
    blocks = [getattr(node, field, None) for field in fields]
    return [block for block in blocks if isinstance(block, list)]


def _compares(test: ast.expr, names: frozenset[str]) -> bool:
    return any(_is_comparison(node, names) for node in ast.walk(test))


def _is_comparison(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Compare) and any(_is_property(one, names) for one in (node.left, *node.comparators))


def _is_negative(test: ast.expr, names: frozenset[str]) -> bool:
    """Whether a test asks that something is not one property: `is not`, `!=`, `not in`, `not (... is ...)`."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _is_comparison(test.operand, names) and not _is_negative(test.operand, names)
    if isinstance(test, ast.BoolOp):
        return any(_is_negative(one, names) for one in test.values)
    return (
        isinstance(test, ast.Compare)
        and _is_comparison(test, names)
        and isinstance(test.ops[0], ast.IsNot | ast.NotEq | ast.NotIn)
    )


def _is_property(node: ast.AST, names: frozenset[str]) -> bool:
    """Whether an expression or a pattern is a property: its name, a member of an enumeration, or several of them."""
    match node:
        case ast.Constant(value=str(name)):
            return name in names
        case ast.Attribute(attr=name):
            return name.isupper() and name.lower() in names
        case ast.Tuple(elts=several) | ast.List(elts=several) | ast.Set(elts=several):
            return any(_is_property(one, names) for one in several)
        case ast.MatchValue(value=value):
            return _is_property(value, names)
        case ast.MatchOr(patterns=patterns):
            return any(_is_property(one, names) for one in patterns)
    return False


def _leaves(body: Sequence[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Return | ast.Continue | ast.Break)


def _raises(body: Sequence[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Raise) and len(body) <= 2  # at most one line that makes the message


def _first(body: Sequence[ast.stmt]) -> str:
    return ast.unparse(body[0]).split("\n", 1)[0]
