"""The sentences about parameters, read off the docstrings of `contract/verbs.py` and `contract/options.py`."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import TYPE_CHECKING

from memsvc.contract.options import Filters
from memsvc.contract.table import VERBS
from memsvc.contract.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENTRY = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)
_SECTION = re.compile(r"^(?:Args|Attributes):\n((?:(?: {4}.*)?\n?)*)", re.MULTILINE)


@cache
def sentences(verb: str) -> Mapping[str, str]:
    """What is said of each parameter and option of a verb that anything is said of, by name, on one line."""
    method = getattr(Verbs, verb)
    takes_options = any(one.kind is one.VAR_KEYWORD for one in inspect.signature(method).parameters.values())
    options = (Filters, VERBS[verb].options) if takes_options else ()
    return {name: text for source in (*options, method) for name, text in _entries(source).items()}


def _entries(source: object) -> dict[str, str]:
    section = _SECTION.search(inspect.getdoc(source) or "")
    return {name: " ".join(text.split()) for name, text in _ENTRY.findall(section[1])} if section else {}
