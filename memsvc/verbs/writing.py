"""add, add_episode, update, delete."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from memsvc import checks
from memsvc.contract.receipts import Receipts, accepted
from memsvc.episodes import attempts
from memsvc.errors import InvalidInput
from memsvc.verbs.parts import Parts
from memsvc.writing import facts as facts_of
from memsvc.writing import messages as messages_of
from memsvc.writing.messages import Envelope
from memsvc.writing.shapes import ROLES
from memsvc_store.values.drafts import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from memsvc.contract.options import Kept, Names, Time
    from memsvc.episodes.experience import Trajectory
    from memsvc.times import Times
    from memsvc.writing.messages import Messages
    from memsvc_store.values.memories import Memory

KEPT: tuple[Kept, ...] = ("message", "fact")


class Writing(Parts):
    """The verbs that write."""

    def add(
        self,
        messages: Messages,
        *,
        namespace: str,
        session_id: str | None = None,
        key: str | None = None,
        role: str | None = None,
        name: str | None = None,
        timestamp: Time | None = None,
        timezone: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Names | None = None,
        kind: Kept = "message",
        sources: Sequence[str] | None = None,
        expires_at: Time | None = None,
        strict: bool = False,
    ) -> Receipts:
        namespace = checks.checked_namespace(namespace)
        strict = checks.checked_choice("strict", strict, (False, True))
        times = self._times(timezone)
        envelope = Envelope(
            times=times, max_text_chars=self.settings.max_text_chars,
            session_id=None if session_id is None else checks.checked_name("session_id", session_id),
            key=None if key is None else checks.checked_name("key", key),
            role=None if role is None else checks.checked_name("role", ROLES.get(role, role)),
            name=None if name is None else checks.checked_name("name", name),
            said_at=None if timestamp is None else times.moment(timestamp),
            metadata=checks.checked_metadata(metadata),
            tags=checks.checked_tags(tags),
            expires_at=None if expires_at is None else times.expiry(expires_at),
        )  # fmt: skip
        if checks.checked_choice("kind", kind, KEPT) == "fact":
            return self._add_facts(namespace, messages, sources, envelope, strict=strict)
        if sources is not None:
            raise InvalidInput("sources came, and only facts have any; give kind='fact', or leave them out")
        drafts = self._echoes.marked(namespace, messages_of.drafts(messages, envelope), times.now)
        receipts = Receipts(self._store(namespace, drafts, partial(accepted, strict=strict)))
        self._wake(namespace)
        return receipts

    def _add_facts(
        self, namespace: str, given: object, sources: object, envelope: Envelope, *, strict: bool
    ) -> Receipts:
        """Store what the caller worked out."""
        for field, value in (("key", envelope.key), ("role", envelope.role)):
            if value is not None:
                raise InvalidInput(
                    f"{field} came with kind='fact', and a fact is known by what it says and rests on; leave it out"
                )
        worked = facts_of.read(given, sources, envelope)

        def placed(written: Iterable[Receipt]) -> list[Receipt]:
            of_facts = iter(written)
            return [one if isinstance(one, Receipt) else next(of_facts) for one in worked]

        ready = [one for one in worked if not isinstance(one, Receipt)]
        accepted(placed(Receipt("stored") for _ in ready), strict=strict)  # before the model works for nothing
        ids = sorted({source for one in ready for source in one.sources})
        messages = {memory.id: memory for memory in self.store.live(namespace, ids) if memory.kind == "message"}
        vectors = self._vectors(namespace, [one.text for one in ready])
        found = [replace(one.fact(messages, envelope.times.here), vector=vectors.get(one.text)) for one in ready]
        receipts = Receipts(
            placed(self.store.add_facts(namespace, found, accept=lambda one: accepted(placed(one), strict=strict)))
        )
        self._keep_budget(namespace)
        return receipts

    def add_episode(
        self,
        intent: str,
        trajectory: Trajectory,
        *,
        namespace: str,
        reward: float | None = None,
        success: bool | None = None,
        experience: str | None = None,
        key: str | None = None,
        session_id: str | None = None,
        timestamp: Time | None = None,
        timezone: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Names | None = None,
    ) -> Receipt:
        namespace = checks.checked_namespace(namespace)
        draft = attempts.drafted(
            intent, trajectory, reward=reward, success=success, experience=experience, key=key,
            session_id=session_id, timestamp=timestamp,
            metadata=checks.tagged(checks.checked_metadata(metadata), checks.checked_tags(tags)),
            times=self._times(timezone), max_text_chars=self.settings.max_text_chars,
            max_trajectory_chars=self.settings.max_trajectory_chars,
        )  # fmt: skip
        [vector] = self._checked.embed([draft.intent])
        node = self._lookup.intent_node(namespace, draft.intent, vector, self.settings.intent_similarity)
        complete = replace(draft, vector=vector, entities=(*draft.entities, node))
        [receipt] = self.store.add_episodes(namespace, [complete])
        if self.settings.reflection == "background" and self.models.of("reflect") is not None:
            self._reflection.wake(namespace)
        return receipt

    def update(
        self,
        memory_id: str,
        *,
        namespace: str,
        text: str | None = None,
        valid_from: Time | None = None,
        valid_to: Time | None = None,
        expires_at: Time | None = None,
        metadata: Mapping[str, Any] | None = None,
        timezone: str | None = None,
    ) -> Memory:
        namespace, memory_id = checks.checked_namespace(namespace), checks.checked_id(memory_id)
        times = self._times(timezone)
        known = checks.checked_metadata(metadata)
        vector = intent = None
        if text is not None:
            [vector] = self._checked.embed([checks.checked_text(text, self.settings.max_text_chars)])
            intent = self._lookup.intent_node(namespace, text, vector, self.settings.intent_similarity)
        updated = self.store.update(
            namespace,
            memory_id,
            text=text,
            vector=vector,
            valid_from=None if valid_from is None else times.moment(valid_from),
            valid_to=None if valid_to is None else times.moment(valid_to),
            expires_at=_expiry(expires_at, times),
            metadata=known,
            intent=intent,
        )
        self._wake(namespace)
        return updated

    def delete(self, memory_id: str, *, namespace: str) -> None:
        namespace = checks.checked_namespace(namespace)
        self.store.delete(namespace, checks.checked_id(memory_id))
        self._wake(namespace)


def _expiry(given: Time | None, times: Times) -> datetime | Literal["never"] | None:
    return given if given is None or given == "never" else times.expiry(given)  # type: ignore[return-value]
