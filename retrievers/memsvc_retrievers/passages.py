"""What an answer may rest on: numbered lines that a model is shown, and the messages behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from memsvc_retrievers.relative_dates import relative_dates
from memsvc_store.values.document import Value
from memsvc_store.values.text import asks, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.values.memories import Memory

_SENTENCE = re.compile(r"[^.!?\n。！？]+[.!?。！？]*")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_QUOTE_MARKS = " \t\n\"'“”‘’«»…"

QUOTED = 400
"""Characters of a quote that is looked for; what is longer counts as not found."""

_HEAD = 15
"""Tokens of a line's number, time and speaker."""

UNCITED = 3
"""Passages that stand as evidence where a model names none; they are marked as not cited."""


class Source(NamedTuple):  # a tuple, as a passage is: a whole log is made of them, in half a dataclass's time
    """A message, and the span of it that was quoted, if one was."""

    message: Memory
    quote: str | None = None


class Passage(NamedTuple):
    """One line that a model is shown: a message, a fact or a point of working memory.

    `memory_id` is that of the stored memory that it is, None where it was worked out for one question. `valid_to` is
    when it ended, None while it holds.
    """

    text: str
    said_at: datetime
    speaker: str
    sources: tuple[Source, ...]
    memory_id: str | None = None
    valid_to: datetime | None = None

    @classmethod
    def of(cls, memory: Memory, sources: Sequence[Memory] = ()) -> Passage:
        """A memory as it stands; a fact with the messages that it came from."""
        behind = tuple(Source(message) for message in sources or (memory,))
        return cls(memory.text, memory.valid_from, memory.speaker, behind, memory.id, memory.valid_to)

    @property
    def ids(self) -> list[str]:
        """The memories that it is made of: itself, if it is one, and the messages behind it."""
        own = [] if self.memory_id is None else [self.memory_id]
        return [*own, *(source.message.id for source in self.sources)]


@dataclass(frozen=True, slots=True)
class Evidence(Value):
    """A quote that occurs, word for word, in the memory `id`.

    `valid_to` is when that ended, None while it holds. `dates` are the relative dates of the quote, with the time that
    each means ("last week": "the week before 9 March 2026"). `cited`: the model named it as what its
    answer rests on. Else it is the best that was found.
    """

    id: str
    quote: str
    speaker: str
    said_at: datetime
    cited: bool = False
    valid_to: datetime | None = None
    dates: Mapping[str, str] = field(default_factory=dict)


def one_line(text: str) -> str:
    """A text without line breaks and runs of blanks: no stored text, and no name, can pose as another line."""
    plain = text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]
    return text if plain else " ".join(text.split())


def tokens(text: str) -> int:
    """A cautious estimate of what a line costs a model: a token for three bytes of its text, and 15 for its head.

    English takes a token for four bytes, code and other scripts for about three. Counting a log exactly would cost more
    than all else around a call.
    """
    return len(text.encode(errors="replace")) // 3 + _HEAD


def pieces(text: str, limit: int) -> list[str]:
    """A text in pieces of at most `limit` estimated tokens, cut at blanks where there are any; one if it fits."""
    if 4 * len(text) // 3 + _HEAD <= limit or tokens(text) <= limit:  # four bytes a character at most
        return [text]
    size = max(1, 3 * (limit - _HEAD) // 4)  # characters; four bytes at most each
    found = []
    while text:
        cut = len(text) if len(text) <= size else text.rfind(" ", size // 2, size) + 1 or size
        found.append(text[:cut])
        text = text[cut:]
    return found


def shortened(passage: Passage, about: str, limit: int) -> Passage:
    """A passage cut to the piece that shares most words with what it is about, if it is longer than `limit` tokens."""
    found = pieces(passage.text, limit)
    wanted = set(terms(about))
    best = found[0] if len(found) == 1 else max(found, key=lambda piece: len(wanted & set(terms(piece))))
    return passage._replace(text=best)


def fitting(passages: Sequence[Passage], room: int) -> list[Passage]:
    """The passages in their order, each taken if it fits into what is left of so many estimated tokens."""
    taken = []
    for passage in passages:
        cost = tokens(passage.text)
        if cost <= room:
            room -= cost
            taken.append(passage)
    return taken


def numbered(passages: Sequence[Passage], first: int = 1) -> str:
    """Passages as lines: number, day and time on its author's clock, until when it held, speaker, text on one line."""
    return "\n".join(line(number, passage) for number, passage in enumerate(passages, first))


def line(number: int, passage: Passage) -> str:
    """One passage as a line."""
    ended = "" if passage.valid_to is None else f", until {until(passage.valid_to)}"
    return f"[{number}] {_when(passage.said_at)}{ended} | {one_line(passage.speaker)}: {one_line(passage.text)}"


def until(end: datetime) -> str:
    """When something ended, on its author's clock: a day, with the time unless that is midnight."""
    return end.date().isoformat() if not (end.hour or end.minute) else f"{end.replace(tzinfo=None):%Y-%m-%d %H:%M}"


def _when(moment: datetime) -> str:
    """`strftime` would name the day in the machine's language, and with an offset `isoformat` takes twice as long."""
    on_the_clock = datetime.combine(moment.date(), moment.time())
    return f"{on_the_clock.isoformat(' ', 'minutes')}, {_DAYS[moment.weekday()]}"


def cited(numbers: Sequence[int], passages: Sequence[Passage]) -> list[Passage]:
    """The passages of those numbers that there are, each once, in the order named."""
    return [passages[number - 1] for number in dict.fromkeys(numbers) if 1 <= number <= len(passages)]


def evidence(passages: Sequence[Passage], about: str, *, cited: bool) -> tuple[Evidence, ...]:
    """The messages behind passages, each once, with the span that was quoted or that says most of what it is about."""
    sources = [source for passage in passages for source in passage.sources]
    quotes = {source.message.id: source.quote for source in reversed(sources) if source.quote}
    messages = {source.message.id: source.message for source in sources}
    return tuple(
        quoted(one, quotes.get(key) or best_sentence(about, one.text), cited=cited) for key, one in messages.items()
    )


def quoted(memory: Memory, quote: str, *, cited: bool = False) -> Evidence:
    """A quote from a memory as evidence."""
    dates = relative_dates(quote, memory.valid_from.date())
    return Evidence(memory.id, quote, memory.speaker, memory.valid_from, cited, memory.valid_to, dates)


def nearest(passages: Sequence[Passage], about: str) -> list[Passage]:
    """The `UNCITED` passages that share most words with what it is about; the earlier ones among equals."""
    wanted = set(terms(about))
    return sorted(passages, key=lambda passage: -len(wanted & set(terms(passage.text))))[:UNCITED]


def best_sentence(about: str, text: str) -> str:
    """The sentence with the most of the words that it is about, the earliest among equals; at least the first."""
    wanted = set(terms(about))
    return max(sentences(text), key=lambda sentence: len(wanted & set(terms(sentence))), default=text.strip())


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order; a line break ends one as well."""
    return [match.group().strip() for match in _SENTENCE.finditer(text) if match.group().strip()]


def around(about: str, text: str, limit: int) -> str:
    """A text of at most `limit` characters whole; of a longer one, as it stands there, what surrounds the match.

    The match is the statement with the most of the words that it is about; sentences around it are taken while there is
    room, those after it first.
    """
    if len(text) <= limit:
        return text.strip()
    wanted = set(terms(about))
    spans = [match.span() for match in _SENTENCE.finditer(text) if match.group().strip()]

    def shared(span: tuple[int, int]) -> tuple[bool, int]:
        sentence = text[slice(*span)]
        common = len(wanted & set(terms(sentence)))
        return common > 0 and not asks(sentence)[1], common

    first = last = max(range(len(spans)), key=lambda place: shared(spans[place]), default=0)
    if not spans or spans[first][1] - spans[first][0] > limit:
        cut = text[spans[first][0] if spans else 0 :][:limit]
        return (cut.rpartition(" ")[0] or cut).strip()
    while True:
        if last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= limit:
            last += 1
        elif first and spans[last][1] - spans[first - 1][0] <= limit:
            first -= 1
        else:
            return text[spans[first][0] : spans[last][1]].strip()


def span(quote: str, text: str) -> str | None:
    """Where a quote occurs in a text as whole words, as the text has it; None if it does not.

    White space, case and the marks around a quote may differ; a word may not. Nobody quotes more than `QUOTED`
    characters.
    """
    quote = quote[: QUOTED + 1].strip(_QUOTE_MARKS)
    if not quote or len(quote) > QUOTED:
        return None
    at = text.find(quote)  # nearly always, and no pattern has to be compiled (0.7 ms)
    if at >= 0 and _whole(text, at, at + len(quote)):
        return quote
    pattern = r"\s+".join(map(re.escape, quote.split()))
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)
    return match.group() if match else None


def _whole(text: str, start: int, stop: int) -> bool:
    """Whether a span begins and ends where words do."""
    before, after = text[start - 1 : start + 1] if start else "", text[stop - 1 : stop + 1]
    return not any(len(pair) == 2 and all(map(_in_a_word, pair)) for pair in (before, after))


def _in_a_word(character: str) -> bool:
    return character.isalnum() or character == "_"
