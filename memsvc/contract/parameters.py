"""The parameters of the verbs, as faces need them: name, annotation, default, and the sentence about each.

Read off the signatures and docstrings of `contract/verbs.py` and `contract/options.py`; `**options` are spelled out.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict

from memsvc.contract import options
from memsvc.contract.options import Filters
from memsvc.contract.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL = ("on_event", "on_queued", "progress", "lines")
"""Parameters that are called or gone through where they were given: callbacks, and the lines of an import."""

SHARED: Mapping[str, str] = {
    "namespace": "whose memories: names joined by `/`, such as acme/alice",
    "memory_id": "the id that a receipt or a hit names",
    "trace_id": "the `trace_id` that a look-up gave",
    "timezone": "the zone, such as Asia/Shanghai, in which a time without an offset is meant and messages have their "
    "day; by default the setting `timezone`, which is UTC",
}
"""What is said of parameters that mean the same in every verb, unless it says more of them."""

_ALL = "only this namespace; null: all of them"
_ENTRY = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)
_SECTION = re.compile(r"^(?:Args|Attributes):\n((?:(?: {4}.*)?\n?)*)", re.MULTILINE)
_SECTIONS = re.compile(r"^(?:Args|Returns|Raises):\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter or option. `kind` is its annotation as it is written, such as `Time | None`."""

    name: str
    kind: str
    default: Any
    sentence: str

    @property
    def required(self) -> bool:
        """Whether a call has to give it."""
        return self.default is inspect.Parameter.empty


@cache
def parameters(verb: str) -> Mapping[str, Parameter]:
    """What a verb takes, by name, in the order of its signature; its options and filters come last."""
    said = sentences(verb)
    return {
        name: Parameter(name, kind, default, said.get(name) or _shared(name, default))
        for name, (kind, default) in _annotations(verb).items()
    }


def options_of(verb: str) -> type:
    """What a verb takes as `**options`, as a `TypedDict` of their names; one without names if it takes none."""
    *_, last = inspect.signature(getattr(Verbs, verb)).parameters.values()
    found: type = getattr(options, last.annotation[len("Unpack[") : -1]) if last.kind is last.VAR_KEYWORD else _None
    return found


class _None(TypedDict):
    """No options."""


@cache
def sentences(verb: str) -> Mapping[str, str]:
    """What the contract says of each parameter and option of a verb, by name, on one line."""
    sources = (Filters, options_of(verb), getattr(Verbs, verb))
    found = {name: text for source in sources for name, text in _entries(source).items()}
    return {name: text for name, text in found.items() if name in _annotations(verb)}


def about(verb: str) -> str:
    """What the contract says of a verb, without its parameters and errors."""
    return _SECTIONS.split(inspect.getdoc(getattr(Verbs, verb)) or "")[0].strip()


def _annotations(verb: str) -> dict[str, tuple[str, Any]]:
    """The annotation and the default of each parameter and option."""
    signature = list(inspect.signature(getattr(Verbs, verb)).parameters.values())[1:]
    found = {one.name: (one.annotation, one.default) for one in signature if one.kind is not one.VAR_KEYWORD}
    return found | {name: (kind.__forward_arg__, None) for name, kind in options_of(verb).__annotations__.items()}


def _shared(name: str, default: Any) -> str:
    return _ALL if name == "namespace" and default is None else SHARED.get(name, "")


def _entries(source: object) -> dict[str, str]:
    section = _SECTION.search(inspect.getdoc(source) or "")
    return {name: " ".join(text.split()) for name, text in _ENTRY.findall(section[1])} if section else {}
