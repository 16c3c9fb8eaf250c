"""The imports of a source tree: circles, rooms and the arrows between them, and what is private in frameworks.

Every import statement counts, also those inside functions and under `TYPE_CHECKING`; modules that are named in
strings for a lazy import do not. A room is what lies at the top of a package: a folder, or a file.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from house_source import PACKAGES, House, Place, Source

Edge = tuple[str, str]
_NO_ROOMS = ("__init__.py", "__pycache__", "py.typed")


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that an import statement asks for.

    Parameters
    ----------
    line
        Of the statement.
    module
        The module after `from` or `import`, absolute.
    name
        What is taken from it, "" of `import module`.
    """

    line: int
    module: str
    name: str

    @property
    def dotted(self) -> str:
        """The whole name."""
        return f"{self.module}.{self.name}" if self.name else self.module


def imports_of(source: Source) -> Iterator[Imported]:
    """Yield what a module imports, wherever the statement stands."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (Imported(node.lineno, one.name, "") for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parts = source.module.split(".")
                above = parts[: len(parts) - node.level + source.is_package]
                module = ".".join([*above, *filter(None, [module])])
            yield from (Imported(node.lineno, module, one.name) for one in node.names)


def module_edges(house: House) -> set[Edge]:
    """Return which module imports which, of the tree's own modules."""
    modules = {source.module for source in house.sources}
    edges = set()
    for source in house.sources:
        for imported in imports_of(source):
            target = imported.dotted if imported.dotted in modules else imported.module
            if target in modules and target != source.module:
                edges.add((source.module, target))
    return edges


def room_edges(edges: Iterable[Edge], package: str = "") -> set[Edge]:
    """Return which room imports which other one, all rooms or those of one package; its face is no room of it."""
    rooms = {(_room(one), _room(other)) for one, other in edges}
    return {
        (one, other)
        for one, other in rooms
        if one != other
        and all("." in room for room in (one, other))
        and (not package or all(room.startswith(f"{package}.") for room in (one, other)))
    }


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def circles(edges: Iterable[Edge]) -> list[list[str]]:
    """Return the strongly connected components of more than one node, the largest first."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = sorted(edges)
    nodes = sorted({node for pair in pairs for node in pair})
    if not nodes:
        return []
    number = {node: i for i, node in enumerate(nodes)}
    rows, columns = ([number[pair[side]] for pair in pairs] for side in (0, 1))
    graph = coo_array(([1] * len(pairs), (rows, columns)), shape=(len(nodes), len(nodes)))
    _, component = connected_components(graph, connection="strong")
    groups: dict[int, list[str]] = {}
    for node, label in zip(nodes, component.tolist(), strict=True):
        groups.setdefault(label, []).append(node)
    return sorted((group for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group))


def rooms_at_the_top(root: Path, package: str) -> list[str]:
    """Return the folders and files at the top of a package, its face and its type marker left out."""
    folder = root / package
    return sorted(path.name for path in folder.iterdir() if path.name not in _NO_ROOMS) if folder.is_dir() else []


def private_imports(house: House) -> list[Place]:
    """Return the imports of what a third party's package marks as private: a part of the name begins with `_`."""
    own = set(PACKAGES)
    found = set()
    for source in house.sources:
        for imported in imports_of(source):
            parts = imported.dotted.split(".")
            is_foreign = parts[0] not in own and parts[0] not in sys.stdlib_module_names
            if is_foreign and any(part.startswith("_") and not part.startswith("__") for part in parts):
                found.add(Place(source.path, imported.line, imported.dotted))
    return sorted(found)
