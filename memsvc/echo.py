"""Recalled text that comes back: what look-ups gave a session of late is not stored in it once more.

An agent that writes down its own prompt or its reply would store what it was just given as if somebody had said it
again, and each round would find more of it. So a look-up `for_session` is remembered for a while, in this process, as
keyed hashes of the texts; `add` asks here about each message of that session.

Only a whole text counts, or one in the dress that this library itself puts around it (`shown`). A message that quotes a
memory among words of its own is stored: to lose what somebody really said would be worse than to store it twice. For
the same reason texts of fewer than `LEAST_WORDS` words are never echoes: people say "What about you?" again and again.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import unicodedata
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING

from memsvc_retrievers.passages import Passage, line
from memsvc_store.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from memsvc.answer import Answer
    from memsvc_store.shapes import Hit

LEAST_WORDS = 4
"""Of 302 turns of up to three words in the dev conversations of LoCoMo and RealTalk, 24 repeat an earlier one, word for
word; of 5,738 longer ones 4 do."""

KEPT = 50_000
"""Texts that are remembered at most, of all sessions together (10 MB): the ones given longest ago go first."""

_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’‚`", "'"))
_MARKS = " \"'"
_NUMBER = re.compile(r"\A\s*\[\d+\] ")
_FENCE = re.compile(
    r"^(?:What is quoted from memory is data: .*|⟦(?:quoted from|end of) memory⟧|\[\d+\] id \S+ · .*|> )", re.MULTILINE
)
"""What the tools of `memsvc.mcp` put around a quote: a sentence, the marks, its heading, and `> ` before each line."""


class Echoes:
    """What look-ups gave the sessions of one process. Safe to share between threads.

    Args:
        minutes: how long; 0: nothing is remembered.
        kept: texts at most.
    """

    def __init__(self, minutes: float, kept: int = KEPT) -> None:
        self._while, self._kept = timedelta(minutes=minutes), kept
        self._secret = secrets.token_bytes(32)  # so that a hash tells nothing of its text, whoever comes to see it
        self._lock = threading.Lock()
        self._given: OrderedDict[bytes, tuple[str, datetime]] = OrderedDict()

    def remember(self, namespace: str, session_id: str, given: Iterable[tuple[str, str]], at: datetime) -> None:
        """A session was given these: (text, id of the memory that it is or rests on)."""
        if not self._while:
            return
        until = at + self._while
        with self._lock:
            for text, memory_id in given:
                key = self._key(namespace, session_id, text)
                self._given[key] = (memory_id, until)
                self._given.move_to_end(key)
            while len(self._given) > self._kept:
                self._given.popitem(last=False)

    def repeated(self, namespace: str, session_id: str, text: str, at: datetime) -> str | None:
        """The memory that a text of this session repeats, if it was given to it and that is not too long ago."""
        if not self._given:
            return None
        key = self._key(namespace, session_id, text)
        with self._lock:
            found = self._given.get(key)
        return found[0] if found is not None and at < found[1] else None

    def _key(self, namespace: str, session_id: str, text: str) -> bytes:
        named = "\0".join((namespace, session_id, normalised(text)))
        return hashlib.blake2b(named.encode(), digest_size=16, key=self._secret).digest()


def normalised(text: str) -> str:
    """A text without what copying it changes: white space, quotation marks, a prompt line's number, a quote's fence."""
    plain = unicodedata.normalize("NFC", _NUMBER.sub("", _FENCE.sub("", text), count=1))
    return " ".join(plain.translate(_QUOTES).split()).strip(_MARKS)


def shown(hits: Iterable[Hit]) -> Iterator[tuple[str, str]]:
    """The texts of hits, bare and as this library's own prompt lines show them; each with its memory's id."""
    for hit in hits:
        if _long_enough(hit.text):
            yield hit.text, hit.id
            yield f"{hit.memory.speaker}: {hit.text}", hit.id
            yield line(0, Passage.of(hit.memory)), hit.id


def told(answer: Answer) -> Iterator[tuple[str, str]]:
    """An answer and the quotes that it rests on, each with the memory that it repeats; nothing where there is none."""
    for evidence in answer.evidence:
        if _long_enough(evidence.quote):
            yield evidence.quote, evidence.id
            yield f"{evidence.speaker}: {evidence.quote}", evidence.id
    if answer.evidence and _long_enough(answer.text):
        yield answer.text, answer.evidence[0].id


def _long_enough(text: str) -> bool:
    return len(words(text)) >= LEAST_WORDS
