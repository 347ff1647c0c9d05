"""memsvc as a backend of OmniMemEval (github.com/MemTensor/OmniMemEval, its user memory track).

Read in the repository at commit 45bf103 (`scripts/client_factory/registry.py`, `scripts/locomo/locomo_ingestion.py`,
`locomo_search.py`, `scripts/longmemeval/lme_ingestion.py`, `scripts/utils/ingest_helpers.py`, `search_helpers.py`,
`scripts/cleanup_eval_memory.py`, `scripts/tests/integration/smoke_clients.py`):

- A backend is a class in a module of `client_factory`, named in a registry and made without arguments: a client per
  conversation in each stage (500 in LongMemEval), in worker threads. All calls are synchronous; none closes a client.
- `add(messages, user_id)`, a call per session. A message is `{"role", "content"}`, in LoCoMo with `name` and with the
  content written as `<name>: <text>`; a backend that the harness has no branch for gets the session's time as
  `chat_time` (ISO 8601). Backends of its `_SESSION_KEY_LIBS` are given `session_key` too. What `add` returns is not
  looked at.
- `search(query, user_id, top_k)`, also by keywords and from several threads, gives one text, or a list of lines, that
  goes into the answer prompt.
- `delete(user_id)` before an ingestion with `--clear`, and by the clean-up script; the user may not exist yet.
- Isolation is by `user_id`. A LoCoMo conversation has two: every session is added under each speaker's id, the other
  speaker as `assistant`. Captions of photos are left out by the harness.

The stages are processes of their own, so that nothing is remembered here: all state is in the database.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from memsvc import Memory
from memsvc.errors import NotFound
from memsvc_evals.adapters.utterances import line, moment, namespace_of, store, utterance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPENING = Lock()


class MemsvcClient:
    """Adds, searches and deletes a user's messages.

    Args:
        memory: by default one for all clients of this process, opened as `MEMSVC_*` say.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or shared_memory()

    def add(self, messages: Sequence[Mapping[str, Any]], user_id: str, session_key: str | None = None) -> None:
        """Store a session; returns once it is on disk and found by every search.

        Without a `session_key`, the time of a session stands for it. Blank messages are left out.

        Raises:
            MeasurementError: a message was rejected, or its time cannot be read.
        """
        made = [_utterance(message, position, session_key) for position, message in enumerate(messages)]
        said = [message for message in made if message["content"].strip()]
        store(self.memory, said, namespace=_home(user_id))

    def search(self, query: str, user_id: str, top_k: int) -> str:
        """The messages that fit best, best first, a line each with its time and speaker; empty where nothing is."""
        hits = self.memory.search(query, namespace=_home(user_id), top_k=top_k)
        return "\n".join(line(hit.memory) for hit in hits)

    def delete(self, user_id: str) -> None:
        """Erase all that a user has; no user, nothing to do. The harness writes the same sessions again afterwards, and
        what is only deleted would stay deleted then.
        """
        with suppress(NotFound):
            self.memory.forget(namespace=_home(user_id))


def _home(user_id: str) -> str:
    return namespace_of("omnimemeval", user_id)


def shared_memory() -> Memory:
    """One memory for a process: a client for each of 500 conversations would load the embedder 500 times."""
    with _OPENING:
        return _opened()


@cache
def _opened() -> Memory:
    return Memory.open()


def _utterance(message: Mapping[str, Any], position: int, session_key: str | None) -> dict[str, Any]:
    name, time = message.get("name"), message.get("chat_time")
    content = str(message.get("content") or "")
    return utterance(
        content.removeprefix(f"{name}: ") if name else content,
        role=message.get("role", "user"),
        speaker=name,
        said_at=moment(time),
        position=position,
        session_id=session_key or time,
    )
