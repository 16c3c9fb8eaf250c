"""What the counters of `house.py` read: the Python modules of a source tree, its properties, and places in files."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REGISTRY = "training/properties/registry.py"
_ASK_REGISTRY = """
import json
from training.properties.registry import quantities
print(json.dumps([name for _, one in quantities().values() for name in dict.fromkeys((one.name, *one.columns))]))
"""
PACKAGES = ("features", "training", "serving", "elyte")
# where the properties of 28 November 2026 lie in a tree without `training/properties`
FIRST_PROPERTIES = ("conductivity", "stability", "ccd")
# of these three, for a tree without a registry; else the registry is asked
FIRST_QUANTITIES = (
    "log10_sigma_S_per_cm",
    "activation_energy_eV",
    "formation_energy_eV_per_atom",
    "decomposition_energy_eV_per_atom",
    "energy_above_hull_eV_per_atom",
    "probability_stable",
    "reduction_V",
    "oxidation_V",
    "window_width_V",
    "margin_V",
    "lithium_interphase",
    "hydrolysis_eV_per_H2O",
    "h2s_mmol_per_g",
    "log10_ccd_mA_per_cm2",
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file, and what stands there.

    Parameters
    ----------
    path
        Relative to the root of the tree.
    line
        From 1; 0 for the whole file.
    text
        What was found.
    """

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Source:
    """One Python file.

    Parameters
    ----------
    path
        Relative to the root of the tree, with slashes.
    text
        Its content.
    """

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; comments are not in it, docstrings are."""
        return ast.parse(self.text, self.path)

    @property
    def is_package(self) -> bool:
        """Whether it is the `__init__.py` of a folder."""
        return self.path.endswith("/__init__.py")

    @property
    def module(self) -> str:
        """Its dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        """The first folder of its path."""
        return self.path.split("/", 1)[0]

    @property
    def n_lines(self) -> int:
        """Lines, as `wc -l` counts them."""
        return self.text.count("\n")

    def docstrings(self) -> set[int]:
        """Return the identities of the syntax nodes that are docstrings."""
        owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        bodies = (node.body for node in ast.walk(self.tree) if isinstance(node, owners))
        first = (body[0].value for body in bodies if body and isinstance(body[0], ast.Expr))
        return {id(value) for value in first if isinstance(value, ast.Constant)}

    def comments(self) -> Iterator[Place]:
        """Yield its comments."""
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield Place(self.path, token.start[0], token.string)


@dataclass(frozen=True)
class House:
    """A source tree with what is known of its properties.

    Parameters
    ----------
    root
        Its folder.
    sources
        The Python files of `PACKAGES`, by path.
    """

    root: Path
    sources: Sequence[Source]

    @classmethod
    def at(cls, root: Path) -> House:
        """Read a tree; a package that it lacks has no files.

        Raises
        ------
        FileNotFoundError
            If none of the packages is there.
        """
        files = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
        if not files:
            raise FileNotFoundError(f"{root}: expected Python files in one of {', '.join(PACKAGES)}; found none")
        return cls(root, [Source(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in files])

    @cached_property
    def property_folders(self) -> dict[str, str]:
        """The folder of each property, relative to the root, by the property's name."""
        home = self.root / "training" / "properties"
        if home.is_dir():
            found = sorted(path.name for path in home.iterdir() if (path / "__init__.py").is_file())
            return {name: f"training/properties/{name}" for name in found}
        return {name: f"training/{name}" for name in FIRST_PROPERTIES if (self.root / "training" / name).is_dir()}

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """The names of quantities and of their columns, as the registry says them.

        Raises
        ------
        RuntimeError
            If there is a registry that cannot be asked.
        """
        if not (self.root / REGISTRY).is_file():
            return FIRST_QUANTITIES
        # in a process of its own: modules of another tree may be loaded in this one
        environment = os.environ | {"PYTHONPATH": str(self.root)}
        command = [sys.executable, "-c", _ASK_REGISTRY]
        said = subprocess.run(command, cwd=self.root, env=environment, check=False, capture_output=True, text=True)
        if said.returncode != 0:
            raise RuntimeError(f"{self.root / REGISTRY} does not say the quantities:\n{said.stderr[-4000:]}")
        return tuple(json.loads(said.stdout))

    def is_inside_a_property(self, path: str) -> bool:
        """Whether a path, relative to the root, lies in the folder of a property."""
        return any(path.startswith(f"{folder}/") for folder in self.property_folders.values())
