"""Objectives: a quantity under conditions, with a target, a direction or both; written as text or as JSON.

`sigma>=1e-3@60`, `hull<=25 meV`, `window against NMC811`, `ccd>=1@25,interlayer=oxide`, `minimise cost`, each with
`weight=2` behind the `@` if it matters more.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ValidationError

from features.errors import shown
from features.text import suggestion
from serving.answers.conditions import Conditions
from serving.answers.vocabulary import Electrode, electrodes, find_electrode
from serving.ranking.quantities import known_names, quantities, short_names
from training.properties import registry
from training.properties.contract import Content, Quantity

MAX_OBJECTIVES = 12
MAX_OBJECTIVE_LENGTH = 300
MAX_WEIGHT = 1000.0
ANYWHERE = Conditions()
"""No conditions of its own: a row's hold."""


class ObjectiveError(ValueError):
    """An objective cannot be understood or cannot be met together with another; the message says why."""


class Sense(StrEnum):
    """What is wanted of a quantity."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MAXIMISE = "maximise"
    MINIMISE = "minimise"

    @property
    def upward(self) -> bool:
        """Whether more is wanted."""
        return self in (Sense.AT_LEAST, Sense.MAXIMISE)


@dataclass(frozen=True, slots=True)
class Objective:
    """One wish.

    Parameters
    ----------
    quantity
        What it is about.
    sense
        A bound or a direction.
    target
        In the quantity's own scale (log10 for a conductivity); None for a direction.
    at
        Conditions that win over a row's own.
    electrode
        What a quantity that is `against` one is held against.
    weight
        How much it counts in the utility, which orders ties and upper confidences; targets are met or not, and have
        none.
    """

    quantity: Quantity
    sense: Sense
    target: float | None = None
    at: Conditions = ANYWHERE
    electrode: Electrode | None = None
    weight: float = 1.0

    @property
    def key(self) -> tuple[str, Conditions, str]:
        """What it is about, conditions included: objectives of one key are about the same number."""
        return self.quantity.name, self.at, self.electrode.name if self.electrode else ""

    @property
    def label(self) -> str:
        """What it is about, for people."""
        return self.quantity.label if self.electrode is None else f"margin against {self.electrode.name}"

    @property
    def text(self) -> str:
        """The objective as `parse_objective` reads it."""
        name = self.quantity.aliases[0]
        if self.electrode:
            name = f"{_held_against(self.quantity).aliases[0]} against {self.electrode.name}"
        given = self.at.model_dump(exclude_none=True).items()
        numbers = ((key, f"{value:g}" if isinstance(value, float) else value) for key, value in given)
        said = [f"{_SHORT_CONDITIONS[key]}={value}" for key, value in numbers]
        said = [part.removeprefix("temperature=") for part in said]
        if self.weight != 1.0:
            said.append(f"weight={self.weight:g}")
        where = f"@{','.join(said)}" if said else ""
        if self.target is None:
            return f"{self.sense} {name}{where}"
        if self.electrode and self.sense is Sense.AT_LEAST and self.target == 0.0:
            return f"{name}{where}"
        return f"{name}{'>=' if self.sense is Sense.AT_LEAST else '<='}{shown_value(self.quantity, self.target)}{where}"

    def as_dict(self) -> dict[str, object]:
        """Return the objective as JSON; the target in the quantity's own scale."""
        about = self.quantity
        return {
            "text": self.text,
            "quantity": about.name,
            "label": self.label,
            "sense": str(self.sense),
            "target": self.target,
            "unit": f"log10 {about.unit}" if about.is_log10 else about.unit,
            "conditions": self.at.model_dump(exclude_none=True),
            "electrode": self.electrode.name if self.electrode else None,
            "weight": self.weight,
        } | ({"levels": list(about.levels)} if about.levels else {})


def shown_value(quantity: Quantity, value: float) -> str:
    """Return a value of a quantity as users write it: without the logarithm, a level by its name."""
    return quantity.level(value) or (f"{10**value:.3g}" if quantity.is_log10 else f"{value:.4g}")


def _held_against(quantity: Quantity) -> Quantity:
    """Return the quantity by whose name one that needs an electrode is called."""
    return next(one for one in quantities().values() if one.against == quantity.name)


def _needs_electrode(quantity: Quantity) -> bool:
    return quantity.against == quantity.name


_SHORT_CONDITIONS = {name: one.short or name for name, one in registry.conditions().items()}
_LONG_CONDITIONS = {short: name for name, short in _SHORT_CONDITIONS.items()} | {n: n for n in _SHORT_CONDITIONS}
_WISH = re.compile(r"^(maximi[sz]e|minimi[sz]e|max|min)\s+(.+)$", re.IGNORECASE)
_BOUND = re.compile(r"^(.*?)\s*(>=|<=|=>|=<|≥|≤|>|<|==|=)\s*(.+)$")
_NUMBER = re.compile(r"^([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*)?$")
_UP, _DOWN = (">=", "=>", ">", "≥"), ("<=", "=<", "<", "≤")


def parse_objective(text: str) -> Objective:
    """Read one objective.

    Parameters
    ----------
    text
        See the module's docstring.

    Raises
    ------
    ObjectiveError
        With what was received and what was expected.

    Examples
    --------
    >>> parse_objective("sigma >= 1 mS/cm @ 60").target
    -3.0
    >>> parse_objective("window against NMC811").text
    'window against NMC811'
    """
    head, _, where = text.partition("@")
    head = head.strip()
    if not head:
        raise ObjectiveError(f"objective '{shown(text)}': expected a quantity, such as sigma>=1e-3@60")
    at, weight = _read_where(where, text)
    if wish := _WISH.match(head):
        if _BOUND.match(wish[2]):
            raise ObjectiveError(f"objective '{shown(text)}': expected a direction or a bound, received both")
        quantity, electrode, _ = _read_name(wish[2], text)
        sense = Sense.MAXIMISE if wish[1].lower().startswith("max") else Sense.MINIMISE
        return make_objective(quantity, sense, None, at, electrode, weight)
    if bound := _BOUND.match(head):
        name, sign, number = bound[1], bound[2], bound[3]
        if sign not in _UP + _DOWN:
            raise ObjectiveError(f"objective '{shown(text)}': expected >= or <=, received {sign}")
        quantity, electrode, is_log = _read_name(name, text)
        sense = Sense.AT_LEAST if sign in _UP else Sense.AT_MOST
        return make_objective(quantity, sense, _read_number(number, quantity, text, is_log), at, electrode, weight)
    quantity, electrode, _ = _read_name(head, text)
    if _needs_electrode(quantity):
        return make_objective(quantity, Sense.AT_LEAST, 0.0, at, electrode, weight)
    name = quantity.aliases[0]
    raise ObjectiveError(
        f"objective '{shown(text)}': expected a bound or a direction, such as {name}>=..., {name}<=..., maximise {name}"
        f" or minimise {name}"
    )


def make_objective(
    quantity: Quantity, sense: Sense, target: float | None, at: Conditions, electrode: Electrode | None, weight: float
) -> Objective:
    """Make an objective of parts; the target in the quantity's own scale.

    Raises
    ------
    ObjectiveError
        If a part does not fit the quantity.
    """
    about, name = quantity, quantity.aliases[0]
    if _needs_electrode(quantity) != (electrode is not None):
        known = ", ".join(one.name for one in electrodes())
        called = f"{_held_against(quantity).aliases[0]} against NAME"
        raise ObjectiveError(f"objective {name}: name an electrode with '{called}'; there are {known}")
    given = at.model_dump(exclude_none=True)
    unfit = [key for key in given if key not in about.conditions]
    if unfit:
        taken = ", ".join(_SHORT_CONDITIONS[key] for key in about.conditions) or "no conditions"
        raise ObjectiveError(f"objective {name}: it does not depend on {', '.join(unfit)}; it takes {taken}")
    if target is not None and not about.lowest <= _plain(quantity, target) <= about.highest:
        raise ObjectiveError(
            f"objective {name}: the target is {shown_value(quantity, target)}, expected {about.lowest:g} to"
            f" {about.highest:g} {about.unit}".rstrip()
        )
    if not 0.0 < weight <= MAX_WEIGHT:
        raise ObjectiveError(f"objective {name}: weight is {weight:g}, expected above 0 and at most {MAX_WEIGHT:g}")
    return Objective(quantity, sense, target, at, electrode, weight)


def read_quantity(name: str) -> Quantity:
    """Return the quantity of a name.

    Raises
    ------
    ObjectiveError
        If there is none.
    """
    names = known_names()
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    if plain not in names:
        hint = suggestion(plain, [*names])
        raise ObjectiveError(f"'{shown(name.strip())}' is no quantity{hint}; there are: {short_names()}")
    return names[plain]


def read_electrode(name: str) -> Electrode:
    """Return the electrode of a name, as `GET /vocabulary` lists them.

    Raises
    ------
    ObjectiveError
        If there is none.
    """
    found = find_electrode(name)
    if found is None:
        names = [electrode.name for electrode in electrodes()]
        hint = suggestion(" ".join(name.split()), names)
        raise ObjectiveError(f"'{shown(name.strip())}' is no electrode{hint}; there are: {', '.join(names)}")
    return found


def against_electrode(quantity: Quantity) -> Quantity | None:
    """Return what is meant where a quantity is named with an electrode; None where that means nothing."""
    return quantities()[quantity.against] if quantity.against else None


def _named_with_electrodes() -> list[Quantity]:
    """Return the quantities that are named with an electrode, those besides that need one left out."""
    return [one for one in quantities().values() if one.against and not _needs_electrode(one)]


def _read_name(text: str, whole: str) -> tuple[Quantity, Electrode | None, bool]:
    """Return the quantity, its electrode, and whether its name says that numbers are logarithms."""
    name, against, electrode = text.partition(" against ")
    try:
        if against:
            held = against_electrode(read_quantity(name))
            if held is None:
                called = ", ".join(f"'{one.aliases[0]} against NAME'" for one in _named_with_electrodes())
                raise ObjectiveError(f"'{shown(name)}' is not held against an electrode; write {called}")
            return held, read_electrode(electrode), False
        return read_quantity(name), None, name.strip().lower().startswith("log10")
    except ObjectiveError as error:
        raise ObjectiveError(f"objective '{shown(whole)}': {error}") from None


def _read_number(text: str, quantity: Quantity, whole: str, is_log: bool) -> float:
    about = quantity
    word = re.sub(r"[\s-]+", "_", text.strip().lower())
    if word in about.levels:
        return float(about.levels.index(word))
    found = _NUMBER.match(text.strip())
    if found is None and about.levels:
        hint = suggestion(word, [*about.levels])
        known = ", ".join(about.levels)
        raise ObjectiveError(f"objective '{shown(whole)}': '{shown(text)}' is no level{hint}; there are: {known}")
    if found is None:
        hint = "; write decimals with a point" if "," in text else ""
        raise ObjectiveError(f"objective '{shown(whole)}': '{shown(text)}' is no number{hint}")
    units = dict(about.units)
    if found[2] is not None and found[2] not in units:
        known = ", ".join(units) or "none"
        raise ObjectiveError(f"objective '{shown(whole)}': unit '{shown(found[2])}', expected one of: {known}")
    if is_log and found[2] is None:
        return float(found[1])
    number = float(found[1]) * units.get(found[2] or "", 1.0)
    if about.is_log10 and number <= 0.0:
        raise ObjectiveError(f"objective '{shown(whole)}': expected a number above 0 in {about.unit}")
    return math.log10(number) if about.is_log10 else number


def _plain(quantity: Quantity, target: float) -> float:
    return 10.0 ** max(min(target, 300.0), -300.0) if quantity.is_log10 else target


def _read_where(text: str, whole: str) -> tuple[Conditions, float]:
    """Read what stands behind the @: conditions and a weight."""
    given: dict[str, float | str] = {}
    weight = 1.0
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        key, value = (key, value) if equals else ("temperature", key.removesuffix("C").removesuffix("°").strip())
        name = "weight" if key.lower() == "weight" else _LONG_CONDITIONS.get(key, _LONG_CONDITIONS.get(key.lower()))
        if name is None:
            hint = suggestion(key, [*_LONG_CONDITIONS, "weight"])
            known = ", ".join([*_SHORT_CONDITIONS.values(), "weight"])
            raise ObjectiveError(
                f"objective '{shown(whole)}': '{shown(key)}' is no condition{hint}; there are: {known}"
            )
        if name != "weight" and registry.conditions()[name].content is Content.TEXT:
            given[name] = value
            continue
        try:
            number = float(value)
        except ValueError:
            raise ObjectiveError(f"objective '{shown(whole)}': {key} is '{shown(value)}', expected a number") from None
        if name == "weight":
            weight = number
        else:
            given[name] = number
    return read_conditions(given, whole), weight


def read_conditions(given: dict[str, float | str], whole: str) -> Conditions:
    """Return the conditions of an objective, with words as the models know them.

    Raises
    ------
    ObjectiveError
        If a value is out of range or a name is unknown.
    """
    for name, condition in registry.conditions().items():
        if name in given and condition.words is not None:
            allowed = condition.words()
            plain = {known.casefold(): known for known in allowed}
            found = plain.get(condition.plain(str(given[name])).casefold())
            if found is None:
                hint = suggestion(str(given[name]), list(allowed))
                message = f"{name} '{shown(str(given[name]))}' is not known{hint}; there are: {', '.join(allowed)}"
                raise ObjectiveError(f"objective '{shown(whole)}': {message}")
            given[name] = found
    try:
        return Conditions(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        message = f"{name}: received {first['input']}; {first['msg'].lower()}"
        raise ObjectiveError(f"objective '{shown(whole)}': {message}") from None
