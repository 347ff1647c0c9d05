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
from memsvc_store.values.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from memsvc.asking.answer import Answer
    from memsvc_store.values.shapes import Hit

LEAST_WORDS = 4
"""Of 302 turns of up to three words in the dev conversations of LoCoMo and RealTalk, 24 repeat an earlier one, word for
word; of 5,738 longer ones 4 do."""

KEPT = 50_000
"""Texts that are remembered at most, of all sessions together (10 MB). The tenant with most makes room, the first part
of its namespaces' names, and what it was given longest ago goes first: nobody's look-ups push out those of others."""

LONGEST_WORD = 1_000
"""Characters of a word that is normalised; a longer one counts as it stands. Python's NFC takes time with the square of
a run of combining marks: 16 s for one of 100,000, and 0.2 s for a hundred of 1,000."""

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
        self._given: dict[str, OrderedDict[bytes, tuple[str, datetime]]] = {}  # by tenant; none is empty
        self._count = 0

    def remember(self, namespace: str, session_id: str, given: Iterable[tuple[str, str]], at: datetime) -> None:
        """A session was given these: (text, id of the memory that it is or rests on)."""
        if not self._while:
            return
        until = at + self._while
        with self._lock:
            for text, memory_id in given:
                mine = self._given.setdefault(_tenant(namespace), OrderedDict())
                key = self._key(namespace, session_id, text)
                self._count += key not in mine
                mine[key] = (memory_id, until)
                mine.move_to_end(key)
            while self._count > self._kept:
                self._make_room()

    def repeated(self, namespace: str, session_id: str, text: str, at: datetime) -> str | None:
        """The memory that a text of this session repeats, if it was given to it and that is not too long ago."""
        if not self._given:
            return None
        key = self._key(namespace, session_id, text)
        with self._lock:
            mine = self._given.get(_tenant(namespace))
            found = None if mine is None else mine.get(key)
        return found[0] if found is not None and at < found[1] else None

    def _make_room(self) -> None:
        """Forget what is too much of the tenant with most, or all of it; looking for it takes 3 ms among 50,000."""
        tenant = max(self._given, key=lambda name: len(self._given[name]))
        most = self._given[tenant]
        for _ in range(min(self._count - self._kept, len(most))):
            most.popitem(last=False)
            self._count -= 1
        if not most:
            del self._given[tenant]

    def _key(self, namespace: str, session_id: str, text: str) -> bytes:
        named = "\0".join((namespace, session_id, normalised(text)))
        return hashlib.blake2b(named.encode(), digest_size=16, key=self._secret).digest()


def _tenant(namespace: str) -> str:
    return namespace.partition("/")[0]


def normalised(text: str) -> str:
    """A text without what copying it changes: white space, quotation marks, a prompt line's number, a quote's fence."""
    plain = _NUMBER.sub("", _FENCE.sub("", text), count=1)
    return " ".join(map(_composed, plain.split())).translate(_QUOTES).strip(_MARKS)


def _composed(word: str) -> str:
    """Nothing composes across white space, so that a text's words can be taken one by one."""
    return unicodedata.normalize("NFC", word) if len(word) <= LONGEST_WORD else word


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
