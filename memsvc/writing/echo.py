"""Recalled text that comes back: it is stored as what was said, and gets no place of its own in the ranking.

An agent that writes down its own prompt or its reply hands back what it was just given as if somebody had said it
again, and each round would find more of it. A look-up `for_session` is a trace that names its session, so that every
process on the database knows for a while what a session was told; `add` asks here about the messages of that session,
and marks those that repeat it as echoes of the memory that they repeat. Nothing is lost by it: an echo is in the raw
log, in listings, exports and what deliberation reads.

Only a whole text counts, or one in the dress that this library itself puts around it (`shown`): a message that quotes a
memory among words of its own says something of its own. For the same reason texts of fewer than `LEAST_WORDS` words are
never echoes: people say "What about you?" again and again. Nor is a user's turn that carries its own time: it was said.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memsvc_retrievers.passages import Passage, line
from memsvc_store.values.drafts import Draft
from memsvc_store.values.text import words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from memsvc_store.store import Store
    from memsvc_store.values.drafts import Receipt
    from memsvc_store.values.learned import Trace
    from memsvc_store.values.memories import Memory

LEAST_WORDS = 4
"""Of 302 turns of up to three words in the dev conversations of LoCoMo and RealTalk, 24 repeat an earlier one, word for
word; of 5,738 longer ones 4 do."""

LATEST = 50
"""Look-ups of the sessions of one `add` that are looked at, the latest ones."""

LONGEST_WORD = 1_000
"""Characters of a word that is normalised; a longer one counts as it stands. Python's NFC takes time with the square of
a run of combining marks: 16 s for one of 100,000, and 0.2 s for a hundred of 1,000."""

_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’‚`", "'"))
_MARKS = " \"'"
_NUMBER = re.compile(r"\A\s*\[\d+\] ")
_COUNT = re.compile(r" \(\d+ times(?: since [\d-]+)?: [0-9a-f, ]+\)\s*\Z")
_FENCE = re.compile(
    r"^(?:What is quoted from memory is data: .*|⟦(?:quoted from|end of) memory⟧|\[\d+\] id \S+ · .*|> )", re.MULTILINE
)
"""What the tools of `memsvc.mcp` put around a quote: a sentence, the marks, its heading, and `> ` before each line."""


class Echoes:
    """Tells what look-ups gave a session of late. Keeps nothing itself.

    Args:
        minutes: how long; 0: not at all.
    """

    def __init__(self, store: Store, minutes: float) -> None:
        self._store, self._while = store, timedelta(minutes=minutes)

    def marked(self, namespace: str, drafts: Sequence[Draft | Receipt], now: datetime) -> list[Draft | Receipt]:
        """The drafts; each that repeats what its session was told says of which memory it is the echo."""
        plain = {
            place: normalised(draft.text)
            for place, draft in enumerate(drafts)
            if self._while and isinstance(draft, Draft) and _may_be(draft)
        }
        marked = list(drafts)
        if plain:
            sessions = {one.session_id for one in drafts if isinstance(one, Draft)}
            told = self._told(namespace, sorted(sessions), now, {*plain.values()})
            for place, text in plain.items():
                draft = drafts[place]
                assert isinstance(draft, Draft)
                marked[place] = replace(draft, echo_of=told.get((draft.session_id, text)))
        return marked

    def _told(
        self, namespace: str, sessions: Sequence[str], now: datetime, wanted: Collection[str]
    ) -> dict[tuple[str, str], str]:
        """(Session, normalised text) -> the memory that it is or rests on, as far as that is there; of those wanted."""
        traces = self._store.learning.told(namespace, sessions, now - self._while, LATEST)
        given = {memory_id for trace in traces for memory_id in _given(trace)}
        memories = self._store.live(namespace, sorted(given)) if given else []
        alike = {one.id: one for one in memories if _ends_as(wanted, one.text)}
        there = {one.id: one for one in memories}
        return {
            (trace.session_id or "", normalised(text)): memory.echo_of or memory.id
            for trace in traces
            for text, memory in told(trace, alike if trace.kind == "search" else there)
        }


def _ends_as(wanted: Collection[str], text: str) -> bool:
    """Whether a text wanted ends as this one, bare or in any dress: so few are read whole."""
    end = normalised(text[-60:])[-16:]
    return any(one.endswith(end) for one in wanted)


def _may_be(draft: Draft) -> bool:
    return _long_enough(draft.text) and not (draft.role == "user" and draft.timed)


def _given(trace: Trace) -> Sequence[str]:
    """The memories whose words a look-up gave to its session; `ask` gives quotes and not all that it read."""
    return trace.used if trace.kind == "search" else [quote[0] for quote in trace.document.get("quotes", ())]


def told(trace: Trace, memories: Mapping[str, Memory]) -> Iterator[tuple[str, Memory]]:
    """The texts that a look-up gave, each with the memory that it is or rests on; of those that are there."""
    if trace.kind == "search":
        for memory_id in trace.used:
            if memory_id in memories:
                yield from ((text, memories[memory_id]) for text in shown(memories[memory_id]))
        return
    quotes = [quote for quote in trace.document.get("quotes", ()) if quote[0] in memories]
    for memory_id, speaker, quote in quotes:
        if _long_enough(quote):
            yield from ((text, memories[memory_id]) for text in (quote, f"{speaker}: {quote}"))
    if quotes:
        yield trace.document["answer"], memories[quotes[0][0]]


def shown(memory: Memory) -> Iterator[str]:
    """The text of a hit, bare and as this library's own prompt lines show it."""
    if _long_enough(memory.text):
        yield memory.text
        yield f"{memory.speaker}: {memory.text}"
        yield line(0, Passage.of(memory))


def normalised(text: str) -> str:
    """A text without what copying it changes: white space, quotation marks, a prompt line's number and
    count, a quote's fence."""
    plain = _COUNT.sub("", _NUMBER.sub("", _FENCE.sub("", text), count=1))
    return " ".join(map(_composed, plain.split())).translate(_QUOTES).strip(_MARKS)


def _composed(word: str) -> str:
    """Nothing composes across white space, so that a text's words can be taken one by one."""
    return unicodedata.normalize("NFC", word) if len(word) <= LONGEST_WORD else word


def _long_enough(text: str) -> bool:
    return len(words(text)) >= LEAST_WORDS
