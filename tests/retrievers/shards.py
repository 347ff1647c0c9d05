"""Small shards by hand, for tests of the look-up."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from memsvc_store.projections.shard import Shard
from memsvc_store.sql.rows import Entry
from memsvc_store.values.clock import to_instant
from memsvc_store.values.memories import Kind, Memory
from memsvc_store.values.nodes import hyperedge

DIMENSION = 12
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def vector(seed: str) -> NDArray[np.float32]:
    values = np.random.default_rng(zlib.crc32(seed.encode())).normal(size=DIMENSION)
    return np.asarray(values / np.linalg.norm(values), np.float32)


def entry(
    key: int,
    speaker: str,
    text: str,
    *,
    session: str = "s1",
    position: int | None = None,
    days: int = 0,
    embedded: bool = True,
    kind: Kind = "message",
) -> Entry:
    said_at = START + timedelta(days=days, minutes=key)
    memory = Memory(
        id=f"m{key}",
        namespace="ns",
        kind=kind,
        text=text,
        session_id=session,
        position=key if position is None else position,
        speaker=speaker,
        entities=hyperedge(text, speaker, session, said_at.date()),
        sources=(f"m{key}",),
        valid_from=said_at,
        valid_to=None,
        created_at=said_at,
        retired_at=None,
        metadata={},
    )
    return Entry(memory, key, to_instant(said_at).micros, None, None, vector(text) if embedded else None)


def shard(entries: Sequence[Entry]) -> Shard:
    built = Shard(DIMENSION, exact_limit=20_000)
    built.apply((), entries)
    return built


def day(text: str) -> date:
    return date.fromisoformat(text)
