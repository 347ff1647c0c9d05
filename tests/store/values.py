"""Small makers of the store's values, for tests."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
from numpy.typing import NDArray

from memsvc_store.nodes import hyperedge
from memsvc_store.shapes import Draft, Fact
from memsvc_store.store import Store

DIMENSION = 16
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Space:
    """A vector space without a model."""

    model: str = "test-model"
    dimension: int = DIMENSION


def vector(seed: object, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """A unit vector that belongs to a seed."""
    values = np.random.default_rng(zlib.crc32(str(seed).encode())).normal(size=dimension).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values), np.float32)


def draft(text: str, *, speaker: str = "Ann", session: str = "s1", minutes: float = 0.0, **fields: object) -> Draft:
    """A message said some minutes after START, with its hyperedge and a vector."""
    said_at = START + timedelta(minutes=minutes)
    made = Draft(
        text=text,
        speaker=speaker,
        role="user",
        session_id=session,
        said_at=said_at,
        entities=hyperedge(text, speaker, session, said_at.date()),
        vector=vector(text),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def fact(text: str, *sources: str, speaker: str = "Ann", session: str = "s1", **fields: object) -> Fact:
    """A fact that rests on these messages, with its hyperedge and a vector."""
    made = Fact(
        text=text,
        sources=sources,
        speaker=speaker,
        session_id=session,
        valid_from=START,
        entities=hyperedge(text, speaker, session, START.date()),
        vector=vector(text),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def said(store: Store, *texts: str, namespace: str = "ann", session: str = "s1", start: float = 0.0) -> list[str]:
    """Store messages, a minute apart; returns their ids."""
    receipts = store.add(namespace, [draft(text, session=session, minutes=start + i) for i, text in enumerate(texts)])
    return [receipt.id or "" for receipt in receipts]


def ticking() -> Callable[[], datetime]:
    """A clock: one second later at each look."""
    seconds = count()
    return lambda: START + timedelta(seconds=next(seconds))
