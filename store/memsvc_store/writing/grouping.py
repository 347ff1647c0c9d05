"""Which memories are worked on together: those of one session, in groups of a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_store.writing.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.values.shapes import JobKind
    from memsvc_store.writing.transaction import Write


def grouped(memories: Sequence[tuple[str, str]], size: int) -> list[list[str]]:
    """(id, session) in groups of one session, in the order in which the first of each was stored."""
    groups: list[list[str]] = []
    growing: dict[str, list[str]] = {}
    for memory, session in memories:
        if len(growing.get(session, ())) in (0, size):
            growing[session] = []
            groups.append(growing[session])
        growing[session].append(memory)
    return groups


def filled_up(
    write: Write, kind: JobKind, size: int, fresh: Sequence[tuple[int, str, str]], through: int
) -> list[tuple[str, str]]:
    """Fill the groups that wait with what is new in their sessions; the (id, session) that are left over.

    A group that is full is due. One that has grown covers the memories up to the row `through`, as a new job would.
    """
    jobs, records = Jobs(write.records.connection), write.records
    waiting = jobs.filling(write.namespace, kind, write.at)
    first = records.memories(write.namespace, write.name, [group[0] for _, group in waiting])
    session_of = {memory.id: memory.session_id for memory in first}
    new: dict[str, list[str]] = {}
    for _, memory, session in fresh:
        new.setdefault(session, []).append(memory)
    taken: set[str] = set()
    for key, group in waiting:
        room = max(0, size - len(group))
        more = [one for one in new.get(session_of.get(group[0], ""), ()) if one not in taken][:room]
        if more:
            jobs.fill(write.namespace, key, [*group, *more], through=through)
            taken.update(more)
        if more and len(more) == room:
            jobs.set(write.namespace, [key], not_before=write.at.micros)
    return [(memory, session) for _, memory, session in fresh if memory not in taken]
