"""Episodes in and out: one method, one statement, and every statement names its namespace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import Statements
from memsvc_store.sql.rows import readable
from memsvc_store.values.clock import from_instant
from memsvc_store.values.memories import Episode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Row

    from memsvc_store.sql.rows import Namespace
    from memsvc_store.values.drafts import EpisodeDraft
    from memsvc_store.values.memories import ExperienceBy, Memory, Trajectory

_ep = schema.episodes


class Contents(NamedTuple):
    """What makes an episode the one it is, beside its time. The trajectory is as SQL holds it: text, or JSON."""

    intent: str
    trajectory: str
    trajectory_format: str
    reward: float | None
    success: bool | None

    @classmethod
    def of(cls, draft: EpisodeDraft) -> Contents:
        """The contents of a draft."""
        text, format_ = packed(draft.trajectory)
        return cls(draft.intent, text, format_, None if draft.reward is None else float(draft.reward), draft.success)


class EpisodeRows(Statements):
    """The episodes, beside their memories."""

    def insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append episodes."""
        self.connection.execute(sa.insert(_ep), list(rows))

    def keyed(self, namespace: Namespace, keys: Sequence[str]) -> dict[str, tuple[str, Contents]]:
        """Write key -> (id, contents) of the episode that was written under it."""
        select = sa.select(_ep).where(_ep.c.namespace_key == namespace.key)
        rows = self.rows_in(select, _ep.c.write_key, keys)
        return {row.write_key: (row.memory_id, contents(row)) for row in rows}

    def known(self, namespace: Namespace, ids: Sequence[str]) -> set[str]:
        """Which of these ids are episodes."""
        select = sa.select(_ep.c.memory_id).where(_ep.c.namespace_key == namespace.key)
        return {row.memory_id for row in self.rows_in(select, _ep.c.memory_id, ids)}

    def write_keys(self, namespace: Namespace, ids: Sequence[str]) -> dict[str, str]:
        """Episode id -> the key that its writer gave it, where one was given."""
        select = sa.select(_ep.c.memory_id, _ep.c.write_key)
        where = (_ep.c.namespace_key == namespace.key) & _ep.c.write_key.is_not(None)
        rows = self.rows_in(select.where(where), _ep.c.memory_id, ids)
        return {row.memory_id: row.write_key for row in rows}

    def ids(self, namespace: Namespace) -> list[str]:
        """Ids of all episodes, those of deleted memories too."""
        select = sa.select(_ep.c.memory_id).where(_ep.c.namespace_key == namespace.key)
        return list(self.connection.execute(select).scalars())

    def of(self, namespace: Namespace, memories: Sequence[Memory]) -> list[Episode]:
        """The episodes of these memories, in the order given; memories that are none are left out."""
        select = sa.select(_ep).where(_ep.c.namespace_key == namespace.key)
        ids = [memory.id for memory in memories]
        rows = {row.memory_id: row for row in self.rows_in(select, _ep.c.memory_id, ids)}
        return [_to_episode(rows[memory.id], memory) for memory in memories if memory.id in rows]

    def set_experience(self, namespace: Namespace, memory_id: str, text: str, by: ExperienceBy) -> bool:
        """Replace what is taken from an episode; False if it is none."""
        where = (_ep.c.namespace_key == namespace.key) & (_ep.c.memory_id == memory_id)
        update = sa.update(_ep).where(where).values(experience=text, experience_by=by)
        return self.connection.execute(update).rowcount == 1


def packed(trajectory: Trajectory) -> tuple[str, str]:
    """(text, format) as columns hold a trajectory."""
    if isinstance(trajectory, str):
        return trajectory, "text"
    return json.dumps(trajectory, ensure_ascii=False), "json"


def contents(row: Row[Any]) -> Contents:
    """What a row says, as it was given."""
    success = None if row.success is None else bool(row.success)
    return Contents(row.intent, row.trajectory, row.trajectory_format, row.reward, success)


def _to_episode(row: Row[Any], memory: Memory) -> Episode:
    with readable("episode", row.memory_id):
        if row.trajectory_format not in ("text", "json"):
            raise ValueError(f"its trajectory is in the format {row.trajectory_format!r}")
        return Episode(
            memory=memory,
            intent=row.intent,
            happened_at=from_instant(row.happened_at, row.happened_at_offset),
            trajectory=row.trajectory if row.trajectory_format == "text" else json.loads(row.trajectory),
            experience=row.experience,
            experience_by=row.experience_by,
            reward=row.reward,
            success=contents(row).success,
            occurrence=row.occurrence,
        )
