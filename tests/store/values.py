"""Small makers of the store's values, for tests."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memsvc_store.store import Store
from memsvc_store.values.drafts import Draft, EpisodeDraft, Fact
from memsvc_store.values.learned import Considered, Feedback, Situation, Trace, Utility
from memsvc_store.values.nodes import hyperedge

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


def episode(
    intent: str, trajectory: str | list[Any] = "did it", *, minutes: float = 0.0, **fields: object
) -> EpisodeDraft:
    """A task attempt some minutes after START, with its hyperedge and a vector."""
    happened_at = START + timedelta(minutes=minutes)
    made = EpisodeDraft(
        intent=intent,
        trajectory=trajectory,
        experience="- did it",
        experience_by="rule",
        session_id="tasks",
        happened_at=happened_at,
        entities=hyperedge(intent, "agent", "tasks", happened_at.date()),
        vector=vector(intent),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def tried(store: Store, *intents: str, namespace: str = "ann") -> list[str]:
    """Store episodes, a minute apart; returns their ids."""
    drafts = [episode(intent, minutes=place) for place, intent in enumerate(intents)]
    return [receipt.id or "" for receipt in store.add_episodes(namespace, drafts)]


def said(store: Store, *texts: str, namespace: str = "ann", session: str = "s1", start: float = 0.0) -> list[str]:
    """Store messages, a minute apart; returns their ids."""
    receipts = store.add(namespace, [draft(text, session=session, minutes=start + i) for i, text in enumerate(texts)])
    return [receipt.id or "" for receipt in receipts]


class Clock:
    """Stands still until it is moved, but for a step at each look."""

    def __init__(self, step: timedelta = timedelta(0)) -> None:
        self.at, self._step = START, step

    def __call__(self) -> datetime:
        self.at += self._step
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by


def ticking() -> Callable[[], datetime]:
    """A clock: one second later at each look."""
    seconds = count()
    return lambda: START + timedelta(seconds=next(seconds))


def trace(*used: str, kind: str = "search", **fields: object) -> Trace:
    """A trace, of a random id, that gave these memories."""
    pool = tuple(Considered(memory_id, 0.5, 0.0, 1 / len(used)) for memory_id in used)
    return replace(
        Trace(secrets.token_hex(16), "search", "Where?", START, used, pool=pool, weight=0.5), kind=kind, **fields
    )  # type: ignore[arg-type]


def feedback(given: Trace, reward: float, **fields: object) -> Feedback:
    """A reward for a trace that credits all it gave."""
    made = Feedback(given.id, reward, given.used, alpha=0.3, cap=None, window=timedelta(hours=1))
    return replace(made, **fields)  # type: ignore[arg-type]


def towards(situation: Situation) -> Utility:
    """The next utility: a step towards the reward, no further than the cap leaves room for."""
    old = situation.utility or Utility(0.0, 0, 0.0, 0.0, situation.at)
    step = situation.alpha * (situation.reward - old.q)
    if situation.cap is not None:
        low, high = -situation.cap - situation.balance, situation.cap - situation.balance
        step = max(min(0.0, low), min(max(0.0, high), step))
    average = old.reward_average + (situation.reward - old.reward_average) / (old.visits + 1)
    return Utility(old.q + step, old.visits + 1, average, situation.reward, situation.at)
