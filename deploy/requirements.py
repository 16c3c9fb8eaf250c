"""Write `requirements-serve.txt`: the pins of what the extra `serve` needs, with all that it needs in turn.

Asks no index: what needs what is read from the packages installed here, the versions from `constraints.txt`.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
TARGET = Path(__file__).with_name("requirements-serve.txt")
HEAD = """\
# What the extra `serve` needs, with all that it needs in turn, pinned as in constraints.txt. Not written by hand:
# python deploy/requirements.py
"""


def closure(wanted: list[str]) -> set[str]:
    """Return the canonical names of requirements and of all that they need in turn, for this interpreter."""
    extras_of: dict[str, set[str]] = {}
    queue = [Requirement(text) for text in wanted]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        if name in extras_of and requirement.extras <= extras_of[name]:
            continue
        extras = extras_of.setdefault(name, set())
        extras |= requirement.extras
        for text in distribution(name).requires or ():
            needed = Requirement(text)
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
                queue.append(needed)
    return set(extras_of)


def requirements_text() -> str:
    """Return what the file must hold.

    Raises
    ------
    KeyError
        If something has no pin in `constraints.txt`.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [line.strip() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    pins = {canonicalize_name(line.partition("==")[0]): line for line in lines}
    names = closure(project["dependencies"] + project["optional-dependencies"]["serve"])
    return HEAD + "".join(f"{pins[name]}\n" for name in sorted(names))


if __name__ == "__main__":
    TARGET.write_text(requirements_text())
