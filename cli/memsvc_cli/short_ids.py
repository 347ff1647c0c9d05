"""Ids by how they begin: what a person types of an id is looked up, and several that begin so are told."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from memsvc_cli.opening import Opened

_WHOLE = {"memory": 20, "trace": 32}
"""Characters of a whole id."""

_SHOWN = 5


def full(memory: "Opened", given: str, namespace: str, of: Literal["memory", "trace"] = "memory") -> str:
    """The one id that begins so; what was given where it is whole, or where none does: the verb says what it misses.

    Raises:
        InvalidInput: too short, or several begin so.
    """
    from memsvc.errors import InvalidInput

    if len(given) >= _WHOLE[of]:
        return given
    found = memory.ids(given, namespace=namespace, of=of, limit=_SHOWN + 1)
    if len(found) > 1:
        shown = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise InvalidInput(f"several ids begin with {given!r}: {shown}; give more characters of the one that is meant")
    return found[0] if found else given
