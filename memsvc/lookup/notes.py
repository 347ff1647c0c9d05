"""What a look-up says beside what it found: of a speaker or session in its filters that there is none of that name.

It is no error: who has said nothing yet may be asked for. A name that was found in a memory costs nothing to know; only
one that was not is looked for in the namespace.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memsvc_store.store import Store
    from memsvc_store.values.hits import Filter
    from memsvc_store.values.memories import Memory

_SHOWN = 5
_TOLD = 5
"""Unknown names of one filter that are told of; of a thousand that came, nobody reads more."""


class Memories(list["Memory"]):
    """What `list` found. `notes` are sentences about filters that name nobody and nothing that there is."""

    def __init__(self, found: Iterable[Memory], notes: Sequence[str] = ()) -> None:
        super().__init__(found)
        self.notes = tuple(notes)


def notes(store: Store, namespace: str, wanted: Filter, found: Sequence[Memory]) -> tuple[str, ...]:
    """One sentence for each speaker and session of a filter that no memory of the namespace has."""
    speakers = _missing(wanted.speaker, {one.speaker for one in found})
    sessions = _missing(wanted.session_id, {one.session_id for one in found})
    told = []
    for name, known in store.unknown(namespace, "speaker", speakers[:_TOLD]).items():
        told.append(f"no memory of namespace {namespace!r} is by speaker {name!r}; {_near(name, known, 'spoke there')}")
    for name, known in store.unknown(namespace, "session_id", sessions[:_TOLD]).items():
        told.append(f"namespace {namespace!r} has no session {name!r}; {_near(name, known, 'are there')}")
    return tuple(told)


def _missing(wanted: Sequence[str] | None, seen: set[str]) -> list[str]:
    return [name for name in dict.fromkeys(wanted or ()) if name not in seen]


def _near(name: str, known: Sequence[str], what: str) -> str:
    alike = [one for one in known if one.casefold() == name.casefold()] or difflib.get_close_matches(name, known, 1)
    if alike:
        return f"did you mean {alike[0]!r}?"
    if not known:
        return f"none {what} yet"
    more = ", ..." if len(known) > _SHOWN else ""
    return f"{', '.join(map(repr, known[:_SHOWN]))}{more} {what}"
