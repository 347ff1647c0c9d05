"""Everything of a namespace that is live, a page at a time: what `export` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_store.errors import DatabaseUnreadable
from memsvc_store.sql.episode_rows import EpisodeRows
from memsvc_store.sql.records import there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc_store.sql.records import Records
    from memsvc_store.values.shapes import Episode, Memory, Message

_PAGE = 500


def entries(records: Records, namespace: str) -> Iterator[tuple[Message | Episode | None, Memory, str | None]]:
    """See `Store.export`.

    Raises:
        NotFound: no such namespace.
    """
    found = there(records, namespace)
    ids = records.live_ids(found, "message")
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        messages, keys = records.messages(found, page), records.write_keys(found, page)
        for memory in records.memories(found, namespace, page):
            if memory.id not in messages:
                raise DatabaseUnreadable(f"memory {memory.id!r} has lost its message; run `memsvc verify`")
            yield messages[memory.id], memory, keys.get(memory.id)
    for fact in records.memories(found, namespace, records.live_ids(found, "fact")):
        yield None, fact, None
    ids, rows = records.live_ids(found, "episode"), EpisodeRows(records.connection)
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        keys = rows.write_keys(found, page)
        for episode in rows.of(found, records.memories(found, namespace, page)):
            yield episode, episode.memory, keys.get(episode.id)
