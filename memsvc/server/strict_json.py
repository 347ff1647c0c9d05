"""Reading JSON that strangers send: what every database and every number can take, and no deeper than is of use."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.requests import Request

from memsvc import checks
from memsvc.errors import InvalidInput

MAX_DEPTH = 64
"""Lists and objects in each other. A message has three; the parser itself gives up at about a thousand."""


def read(raw: bytes) -> Any:
    """The value of a JSON document.

    Raises:
        InvalidInput: not UTF-8, not JSON, NaN or Infinity, deeper than `MAX_DEPTH`, or half a character, but in a list
            of messages: there it is its message's alone.
    """
    try:
        text = raw.decode()
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body is not UTF-8 at byte {error.start}; encode it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON at character {error.pos}: {error.msg}; send one document") from error
    except RecursionError as error:
        raise _too_deep() from error
    except InvalidInput:
        raise
    except ValueError as error:  # an integer of more digits than Python reads
        raise InvalidInput("the body holds a number that is too long to be read; shorten it") from error
    if text.count("[") + text.count("{") > MAX_DEPTH or "\\u" in text:  # else there is nothing to look for
        _check(value)
    return value


class StrictRequest(Request):
    """A request whose JSON is read by `read`."""

    async def json(self) -> Any:
        """The body as `read` reads it, once."""
        if not hasattr(self, "_value"):
            self._value = read(await self.body())
        return self._value


def _check(value: Any) -> None:
    left = [(value, 1)]
    while left:
        one, depth = left.pop()
        if isinstance(one, dict | list):
            if depth > MAX_DEPTH:
                raise _too_deep()
            left += [(inner, depth + 1) for inner in (one.values() if isinstance(one, dict) else one)]
    checks.checked_whole("the body", value)


def _too_deep() -> InvalidInput:
    return InvalidInput(f"the body nests lists and objects deeper than {MAX_DEPTH}; flatten it")


def _refused(name: str) -> float:
    raise InvalidInput(f"the body holds {name}, which is no JSON; send a number, or leave it out")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise InvalidInput("the body holds a number beyond what a float can hold; send a smaller one")
    return value
