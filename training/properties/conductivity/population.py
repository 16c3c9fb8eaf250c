"""Like what gets reported: who asks so may have the model's answers moved by what publications taught of it.

The model answers for all materials. Tables of recent years hold what was worth reporting, conductors mostly, and there
its left-out answers lay below what was measured. `python benchmarks/conductivity.py --what population` measures what
the shift does: since 2019 it pays, before it costs, and so it is off unless asked for.
"""

from __future__ import annotations

from training.properties.contract import Condition, Content

ALL, REPORTED = POPULATIONS = ("all", "reported")
POPULATION = Condition(
    "population",
    Content.TEXT,
    "'reported' asks for materials like those that get reported, conductors mostly, and moves the model's answer by the"
    " median error of its left-out papers ('all', which moves nothing, unless a row says otherwise).",
    short="population",
    words=lambda: POPULATIONS,
    label="Population",
)
