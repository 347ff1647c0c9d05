"""Missions and scripts: the small language in which BabyAI asks, and in which the agent notes what it did.

A script is a list of steps with slots, which a mission fills: `pick up {object}` becomes `pick up the red box`. The
repertoire is fixed and small, and states all that the agent knows how to do; nothing in it says which of its scripts
suits a mission. That is tried out, and remembered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable, Mapping

Script = tuple[str, ...]

_FETCH_KEY = "pick up a fitting key"
_UNLOCK = (_FETCH_KEY, "open a fitting door", "drop it")

REPERTOIRE: Mapping[str, tuple[Script, ...]] = {
    "go to": (
        ("go to {object}",),
        (*_UNLOCK, "go to {object}"),
    ),
    "pick up": (
        ("pick up {object}",),
        ("clear the way to {object}", "pick up {object}"),
        (*_UNLOCK, "pick up {object}"),
        ("clear the way to a locked door", *_UNLOCK, "pick up {object}"),
        (*_UNLOCK, *_UNLOCK, "pick up {object}"),
    ),
    "open": (
        ("open {object}",),
        (_FETCH_KEY, "open {object}"),
        ("open a box", _FETCH_KEY, "open {object}"),
    ),
    "put": (
        ("pick up {object}", "put it next to {other}"),
        ("put it next to {other}",),
        ("clear the way to {object}", "pick up {object}", "put it next to {other}"),
    ),
}
"""A mission's verb -> what the agent may try for it."""

_THING = r"(?:an?|the) (?:(?P<quality>locked|fitting) )?(?:(?P<color>\w+) )?(?P<kind>ball|box|key|door|object)"
_PHRASE = r"(?:an?|the) (?:\w+ )?(?:ball|box|key|door|object)"
_MISSION = re.compile(rf"(?P<verb>go to|pick up|open|put) (?P<object>{_PHRASE})(?: next to (?P<other>{_PHRASE}))?")


@dataclass(frozen=True, slots=True)
class Mission:
    """What BabyAI asks for. `object` and `other` are phrases of it, such as "the red box"; only `put` has an other."""

    verb: str
    object: str
    other: str | None = None

    @property
    def scripts(self) -> tuple[Script, ...]:
        """What may be tried for it."""
        return REPERTOIRE[self.verb]

    def choose(self, worked: Iterable[Script], failed: Collection[Script], chance: random.Random) -> Script:
        """The script to try, given those that went well and those that went wrong, best first.

        The first success that can be filled from this mission, that is of its verb, is followed. With none to follow
        one is tried by chance, rather one that was not shown to fail.
        """
        for script in worked:
            if script in self.scripts:
                return script
        return chance.choice([script for script in self.scripts if script not in failed] or self.scripts)

    def fill(self, script: Script) -> tuple[str, ...]:
        """A script of this mission's verb, with this mission's phrases in its slots."""
        return tuple(step.format(object=self.object, other=self.other) for step in script)


@dataclass(frozen=True, slots=True)
class Thing:
    """What a phrase is about; None for any kind or color, `quality` is `locked`, `fitting` or None."""

    kind: str | None
    color: str | None
    quality: str | None


def read_mission(text: str) -> Mission:
    """A mission in words.

    Raises:
        MeasurementError: words that are not of this language, which a level that was chosen for it never says.
    """
    found = _MISSION.fullmatch(text)
    if found is None or (found["verb"] == "put") != (found["other"] is not None):
        raise MeasurementError(f"{text!r} is not a mission of one verb with its objects; leave its level out")
    return Mission(found["verb"], found["object"], found["other"])


def read_thing(phrase: str) -> Thing:
    """A phrase of a mission or a step.

    Raises:
        MeasurementError: it names no thing.
    """
    found = re.fullmatch(_THING, phrase)
    if found is None:
        raise MeasurementError(f"{phrase!r} names no thing; it should be such as 'the red box' or 'a locked door'")
    return Thing(None if found["kind"] == "object" else found["kind"], found["color"], found["quality"])
