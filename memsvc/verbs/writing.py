"""add, add_episode, update, delete."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from memsvc import checks
from memsvc.contract.receipts import Receipts, accepted
from memsvc.episodes import attempts
from memsvc.verbs.parts import Parts
from memsvc.writing import messages as messages_of
from memsvc.writing.messages import Envelope
from memsvc.writing.shapes import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc.contract.options import Names, Time
    from memsvc.episodes.experience import Trajectory
    from memsvc.writing.messages import Messages
    from memsvc_store.values.shapes import Memory, Receipt


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
        )  # fmt: skip
        drafts = self._echoes.marked(namespace, messages_of.drafts(messages, envelope), times.now)
        receipts = Receipts(self._store(namespace, drafts, partial(accepted, strict=strict)))
        self._wake(namespace)
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
        timezone: str | None = None,
    ) -> Memory:
        namespace, memory_id = checks.checked_namespace(namespace), checks.checked_id(memory_id)
        times = self._times(timezone)
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
            intent=intent,
        )
        self._wake(namespace)
        return updated

    def delete(self, memory_id: str, *, namespace: str) -> None:
        namespace = checks.checked_namespace(namespace)
        self.store.delete(namespace, checks.checked_id(memory_id))
        self._wake(namespace)
