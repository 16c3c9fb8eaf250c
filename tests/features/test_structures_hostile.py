"""Structures of any size and with any damage are read or refused in words, quickly."""

from __future__ import annotations

import contextlib
import copy
import math
import random
import time
from typing import Any

import numpy as np
from made_structures import LICL, entry

from features.candidate import Candidate
from features.errors import CandidateError
from features.kinds import read_material

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    1e-320,
    10**400,
    math.nan,
    math.inf,
    "",
    "Li",
    [],
    {},
    [[]],
    [None],
    "x" * 99,
)


def test_documents_changed_by_chance_are_read_or_refused_and_nothing_else() -> None:
    chance = random.Random(23)
    outcomes, longest = set(), 0
    for _ in range(3_000):
        document: Any = copy.deepcopy(entry())
        for _ in range(chance.randint(1, 3)):
            node, path = document, []
            while isinstance(node, dict | list) and node and (not path or chance.random() < 0.75):
                key = chance.choice([*node] if isinstance(node, dict) else range(len(node)))
                path.append((node, key))
                node = node[key]
            holder, key = path[-1]
            if chance.random() < 0.3:
                del holder[key]
            else:
                holder[key] = copy.deepcopy(chance.choice(ODD))
            if not document:
                break
        try:
            outcomes.add(read_material({"structure": document}).formula)
        except CandidateError as error:
            outcomes.add(str(error.code))
            longest = max(longest, len(error.message))
    assert longest < 500
    assert {"LiCl", "unparseable_structure"} <= outcomes


def test_poscars_changed_by_chance_are_read_or_refused_and_nothing_else() -> None:
    chance = random.Random(23)
    for _ in range(3_000):
        text = [*LICL]
        for _ in range(chance.randint(1, 5)):
            place = chance.randrange(len(text))
            text[place : place + chance.randint(0, 3)] = chance.choice(
                ["", "9", "-", "\n", " ", "e99", "Li", "\0", "{", "."]
            )
        with contextlib.suppress(CandidateError):
            read_material({"structure": "".join(text)})


def test_the_largest_structure_is_read_quickly() -> None:
    n = 5_000
    grid = np.indices((18, 18, 18)).reshape(3, -1).T[:n] * 3.0
    started = time.process_time()
    large = entry(
        lattice_vectors=(np.eye(3) * 54.0).tolist(),
        cartesian_site_positions=grid.tolist(),
        species_at_sites=["lithium", "chloride"] * (n // 2),
    )
    assert Candidate.from_structure(large).formula == "LiCl"
    assert time.process_time() - started < 5.0
