"""Arguments that came as a string of JSON: many clients send every list and object so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from memsvc.writing.shapes import is_message

if TYPE_CHECKING:
    from memsvc.service.bodies import Body


def read(body: type[Body], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments, with the lists and objects that were meant; a text that merely is JSON stays the text it is."""
    return {name: _read(body, name, value) for name, value in arguments.items()}


def _read(body: type[Body], name: str, value: Any) -> Any:
    if name == "messages":
        return [_message(one) for one in value] if isinstance(value, list) else _messages(value)
    if not isinstance(value, str) or name not in body.model_fields:
        return value
    takes, found = _takes(body.model_fields[name].annotation), _json(value)
    if isinstance(found, list) and list in takes and all(isinstance(one, str | dict) for one in found):
        return found
    return found if isinstance(found, dict) and dict in takes else value


def _messages(value: Any) -> Any:
    """One message or several, where a text is JSON of them; one among several that is none gets its own receipt."""
    found = _json(value)
    several = isinstance(found, list) and all(isinstance(one, dict) for one in found) and any(map(is_message, found))
    return found if several or is_message(found) else value


def _message(value: Any) -> Any:
    found = _json(value)
    return found if is_message(found) else value


def _json(value: Any) -> Any:
    """The list or object that a text is; None where it is none."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _takes(annotation: Any) -> set[Any]:
    """The kinds of value that an annotation admits."""
    if get_origin(annotation) is Annotated:
        return _takes(get_args(annotation)[0])
    if get_origin(annotation) in (list, dict):
        return {get_origin(annotation)}
    return {annotation}.union(*map(_takes, get_args(annotation)))
