"""How many files one formula passes through in `elyte predict`, by a trace of the running code.

Traced is the answer to one new formula, all properties, models loaded and warm: from `Predictor.predict_formulas` to
the finished document. Reading the command line, loading models and printing are not in it. A stop is a call of a
function that is written in one of the tree's packages (comprehensions and generators belong to the function around
them); a change is a stop in another file than the stop before. Calls from compiled code are seen, calls within are not.
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from house_source import PACKAGES, House

FORMULA = "Li3.2Y0.8Zr0.2Br2Cl4"  # in no table; both models and the hull are asked
WARMING = ("Li6PS5Cl", "Li7La3Zr2O12", "Li2.9Y0.9Zr0.1Br3Cl3")


@dataclass(frozen=True, slots=True)
class Stop:
    """One call.

    Parameters
    ----------
    path
        The file of the function, relative to the root of the tree.
    function
        Its qualified name.
    """

    path: str
    function: str


@dataclass(frozen=True, slots=True)
class Walk:
    """The calls of one answer, in their order."""

    stops: Sequence[Stop]

    @property
    def files(self) -> list[str]:
        """The files, each once."""
        return sorted({stop.path for stop in self.stops})

    @property
    def changes(self) -> list[Stop]:
        """The stops in another file than the one before."""
        pairs = zip(self.stops, self.stops[1:], strict=False)
        return [after for before, after in pairs if after.path != before.path]


def traced(root: Path, run: Callable[[], object]) -> Walk:
    """Run something and return its calls of functions that are written in the packages below `root`."""
    prefixes = tuple(f"{root / package}{os.sep}" for package in PACKAGES)
    stops: list[Stop] = []

    def on_event(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(prefixes) and not code.co_name.startswith("<"):
            stops.append(Stop(Path(code.co_filename).relative_to(root).as_posix(), code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(on_event)
    try:
        run()
    finally:
        sys.setprofile(before)
    return Walk(stops)


def walk(house: House) -> Walk:
    """Trace the answer to one formula by the shipped models.

    Raises
    ------
    LookupError
        If the tree has no class `Predictor`, or more than one.
    RuntimeError
        If the modules are imported from another tree, or the formula is not answered.
    """
    os.environ["ELYTE_MODELS"] = "shipped"
    sys.path.insert(0, str(house.root))
    predictor = _predictor(house).load()
    predictor.predict_formulas(list(WARMING))
    documents: list[dict[str, Any]] = []
    found = traced(house.root, lambda: documents.append(predictor.predict_formulas([FORMULA])))
    result = documents[0]["results"][0]
    if result["status"] != "ok" or not found.stops:
        raise RuntimeError(f"{FORMULA}: expected an answer by modules of {house.root}, received {result}")
    return found


def _predictor(house: House) -> Any:  # noqa: ANN401
    """Import the class `Predictor` from the module that defines it."""
    modules = [
        source.module
        for source in house.sources
        for node in source.tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Predictor"
    ]
    if len(modules) != 1:
        raise LookupError(f"{house.root}: expected one class Predictor, found it in {modules or 'no module'}")
    return importlib.import_module(modules[0]).Predictor
