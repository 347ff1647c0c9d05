"""memsvc as a provider of the Agent Memory Benchmark (github.com/vectorize-io/agent-memory-benchmark, `amb`).

Read in the repository: `src/memory_bench/memory/base.py` at commits 3cf58e0 and c0f91a0, `models.py` and `runner.py` at
03c7708, `memory/__init__.py` at 00408ae, `modes/rag.py` at c59bdbe, `modes/retrieval.py` at 50b30a7,
`dataset/locomo.py` at 68eb94a, `dataset/personamem.py` at 989853c:

- A provider is a subclass of `MemoryProvider` in a registry, made without arguments, with `name`, `description`, `kind`
  and `concurrency` (queries at once). The base class has the asynchronous forms, which call these in threads.
- A run is `initialize()`, `prepare(store_dir, unit_ids, reset)`, then for each unit of isolation, or once for all,
  `ingest(documents)` and `retrieve(query, k, user_id, query_timestamp)` for every question, and `cleanup()`. With
  `reset=False` what an earlier run stored is asked. Nothing is deleted one by one.
- A document has `id`, `content`, and perhaps `user_id`, `messages` (`{"role", "content"}`), `timestamp` (ISO 8601)
  and `context`. A document of LoCoMo is a session whose `content` is the JSON of its turns as the data set has them,
  with `query`, the search for a photo that gives answers away: only speaker, text and caption are taken from it.
- `retrieve` returns documents and a raw response. LoCoMo's answer prompt shows the raw response **in place of** the
  documents where there is one, so there is none.
- `direct_answer(query, user_id, query_timestamp)` returns answer, context and raw response; an answer without
  context counts as wrong. `filters` are given only to providers that say they support them.
- Isolation is by `user_id`; documents and questions without one share a namespace.
- Its names of LoCoMo's categories are permuted: 1 "single-hop", 3 "multi-hop", 4 "open-domain" (docs/evaluation.md).
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from memsvc import Memory
from memsvc_evals.adapters.utterances import line, moment, namespace_of, store, utterance
from memsvc_evals.datasets.parts import message_text
from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_EVERYBODY = "amb/everybody"


class Source(Protocol):
    """A document of the harness."""

    id: str
    content: str
    user_id: str | None
    messages: list[dict[str, Any]] | None
    timestamp: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A memory that was found, with the fields of the harness's documents; `id` is that of the document it is from."""

    id: str
    content: str
    user_id: str | None = None
    messages: list[dict[str, Any]] | None = None
    timestamp: str | None = None
    context: str | None = None


class MemsvcBackend:
    """All that the harness's provider needs, to stand before its base class (see `catalogue`).

    Args:
        open_memory: opens the database at a path; by default as `MEMSVC_*` say.
    """

    name = "memsvc"
    description = "Every message verbatim in SQLite; found by meaning, words and a hypergraph, in process."
    kind = "local"
    concurrency = 4
    hits: int | None = None
    """How many messages to give, whatever `k` says: the harness counts documents, such as sessions of 20 turns."""

    def __init__(self, open_memory: Callable[[Path], Memory] = Memory.open) -> None:
        self._open = open_memory
        self._memory: Memory | None = None

    def prepare(self, store_dir: Path, unit_ids: set[str] | None = None, reset: bool = True) -> None:
        """Open the database in `store_dir`: an empty one or, without `reset`, as it was left; units need nothing."""
        self.cleanup()
        folder = store_dir / "memsvc"
        if reset and folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._memory = self._open(folder / "memory.db")

    def cleanup(self) -> None:
        """Close the database; it stays where it is."""
        if self._memory is not None:
            self._memory.close()
        self._memory = None

    def ingest(self, documents: Sequence[Source]) -> None:
        """Store each document as a session, its turns as messages; returns once they are on disk and found.

        Raises:
            MeasurementError: before `prepare`; a message was rejected, or a time cannot be read.
        """
        memory = self._prepared()
        for document in documents:
            messages, namespace = list(_messages(document)), _namespace(document.user_id)
            store(memory, messages, namespace=namespace, session_id=document.id, key=document.id)

    def retrieve(
        self, query: str, k: int = 10, user_id: str | None = None, query_timestamp: str | None = None
    ) -> tuple[list[Found], None]:
        """The messages that fit best, best first. `query_timestamp` is not used: the harness tells it to the reader.

        Raises:
            MeasurementError: before `prepare`.
        """
        hits = self._prepared().search(query, namespace=_namespace(user_id), top_k=self.hits or k)
        return [Found(hit.memory.session_id, line(hit.memory), user_id) for hit in hits], None

    def direct_answer(
        self, query: str, user_id: str | None = None, query_timestamp: str | None = None
    ) -> tuple[str, str, None]:
        """The answer of `ask`, gate and deliberation as `MEMSVC_*` say, and the quotes that it rests on.

        Raises:
            MeasurementError: before `prepare`.
        """
        answer = self._prepared().ask(query, namespace=_namespace(user_id))
        return answer.text, "\n".join(f"{one.speaker}: {one.quote}" for one in answer.evidence), None

    def _prepared(self) -> Memory:
        if self._memory is None:
            raise MeasurementError(
                "there is no database yet; call prepare(store_dir) first, as the harness's runner does"
            )
        return self._memory


def _namespace(user_id: str | None) -> str:
    return _EVERYBODY if user_id is None else namespace_of("amb", user_id)


def _messages(document: Source) -> Iterator[dict[str, Any]]:
    """What is said in a document, a message a turn; blank turns are left out."""
    said_at = moment(document.timestamp)
    for position, (role, speaker, text) in enumerate(_turns(document)):
        if text.strip():
            yield utterance(text, role=role, speaker=speaker, said_at=said_at, position=position)


def _turns(document: Source) -> Iterator[tuple[str, str | None, str]]:
    """Role, speaker and text of each turn; a document that is no conversation is one turn."""
    turns = document.messages or _parsed(document.content)
    if turns is None:
        yield "user", None, document.content
        return
    for turn in turns:
        if "text" in turn:
            yield "user", turn.get("speaker"), message_text(turn, "text", document.id)
        else:
            yield turn.get("role", "user"), turn.get("name"), str(turn.get("content") or "")


def _parsed(content: str) -> list[Mapping[str, Any]] | None:
    """The turns, where the content is the JSON of a conversation."""
    if not content.startswith("["):
        return None
    try:
        turns = json.loads(content)
    except ValueError:
        return None  # a text that happens to begin with a bracket, such as "[USER] ..."
    spoken = all(isinstance(turn, dict) and ("text" in turn or "content" in turn) for turn in turns)
    return turns if turns and spoken else None
