"""demo: the bundled conversations are stored, asked about and timed.

Covered: what a first user wants to see. Not covered: how good the answers are; that is what
`memsvc eval` measures, on whole data sets.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from memsvc_cli import options, output, views
from memsvc_cli.opening import opened, own_or_temporary

if TYPE_CHECKING:
    from memsvc import Memory, Receipt
    from memsvc_evals.dataset import Conversation, Question

TOP_K = 10
_QUESTIONS = 3
"""Asked of each conversation: the first one of each category."""
_ASKED = (1, 2, 3, 4)
"""LoCoMo's categories that have an answer; the fifth asks for what was never said."""
_BATCH = 64


@dataclass(frozen=True)
class Quote:
    """A memory that was found, with its rank; `gold` if the data set names it as evidence."""

    rank: int
    text: str
    speaker: str
    said_at: datetime
    gold: bool


@dataclass(frozen=True)
class Asked:
    """A question of the demo and what came of it: the first hit, and the first gold one if another."""

    conversation: str
    question: str
    expected: str | None
    quotes: tuple[Quote, ...]
    seconds: float

    @property
    def found(self) -> bool:
        """Whether the gold evidence is among the hits."""
        return any(quote.gold for quote in self.quotes)


@dataclass(frozen=True)
class Run:
    """What the demo did. `stored` leaves out the messages that were there already."""

    messages: int
    stored: int
    seconds: float
    asked: tuple[Asked, ...]
    model: str

    @property
    def speed(self) -> float:
        """Messages a second."""
        return self.stored / max(self.seconds, 1e-9)

    @property
    def found(self) -> int:
        """Questions whose gold evidence was among the hits."""
        return sum(one.found for one in self.asked)

    @property
    def median_ms(self) -> float:
        """The median time of a search."""
        from statistics import median

        return 1000 * median(one.seconds for one in self.asked)


def demo(db: options.Db = None, json: options.Json = False) -> None:
    """Store the bundled conversations, ask about them, and show the evidence and the times.

    Without --db it works in a temporary database and leaves nothing behind.

    \b
    memsvc demo
    memsvc demo --db demo.db
    """
    from memsvc_evals.locomo import load_locomo

    with _samples() as path:
        conversations = load_locomo(path).conversations
    with own_or_temporary(db) as target:
        with opened(target, create=True) as memory:
            run = _run(memory, conversations, show=not json)
        file = Path(target)
        size = file.stat().st_size if file.is_file() else None  # closed: nothing is left in the write-ahead log
    if json:
        output.document(_summary(run, size))
    else:
        _show_totals(run, size, db, conversations[0])


@contextmanager
def _samples() -> Iterator[Path]:
    """The sample file: inside the package when installed, in `examples/` of a checkout."""
    from importlib import resources

    packaged = resources.files("memsvc_cli") / "samples" / "conversations.json"
    if packaged.is_file():
        with resources.as_file(packaged) as path:
            yield path
    else:
        yield Path(__file__).resolve().parents[2] / "examples" / "conversations.json"


def _run(memory: "Memory", conversations: "tuple[Conversation, ...]", *, show: bool) -> Run:
    with output.spinner("Loading the embedding model (it is prepared the first time, about 10 s)"):
        model = _prepared(memory)
    turns = sum(len(conversation.turns) for conversation in conversations)
    receipts: dict[str, list[Receipt]] = {}
    started = time.perf_counter()
    with output.progress("Storing", turns) as advance:
        for conversation in conversations:
            receipts[conversation.id] = _store(memory, conversation, advance)
    seconds = time.perf_counter() - started
    asked: list[Asked] = []
    for conversation in conversations:
        if show:
            _show_conversation(conversation)
        given = receipts[conversation.id]
        turn_ids = {one.id: turn.id for one, turn in zip(given, conversation.turns, strict=True) if one.id}
        for question in _chosen(conversation):
            asked.append(_ask(memory, conversation.id, question, turn_ids))
            if show:
                _show_asked(asked[-1])
    stored = sum(receipt.status == "stored" for given in receipts.values() for receipt in given)
    return Run(turns, stored, seconds, tuple(asked), model)


def _prepared(memory: "Memory") -> str:
    """The model's name; loads it, so that its loading is not counted as storing."""
    prepare = getattr(memory.embedder, "prepare", None)
    if prepare is not None:
        prepare()
    return memory.embedder.model


def _store(memory: "Memory", conversation: "Conversation", advance: output.Advance) -> "list[Receipt]":
    """Store a conversation in a namespace of its own."""
    receipts: list[Receipt] = []
    for start in range(0, len(conversation.turns), _BATCH):
        turns = conversation.turns[start : start + _BATCH]
        messages = [
            {"name": turn.speaker, "content": turn.text, "timestamp": turn.said_at, "session_id": turn.session_id}
            for turn in turns
        ]
        receipts += memory.add(messages, namespace=conversation.id)
        advance(len(turns))
    return receipts


def _chosen(conversation: "Conversation") -> "list[Question]":
    """The first question of each category: no picking of those that go well."""
    first: dict[int, Question] = {}
    for question in conversation.questions:
        if question.evidence and question.category in _ASKED:
            first.setdefault(question.category, question)
    return list(first.values())[:_QUESTIONS]


def _ask(memory: "Memory", namespace: str, question: "Question", turn_ids: dict[str, str]) -> Asked:
    started = time.perf_counter()
    hits = memory.search(question.text, namespace=namespace, top_k=TOP_K)
    seconds = time.perf_counter() - started
    quotes = [
        Quote(hit.rank, hit.text, hit.memory.speaker, hit.memory.valid_from, turn_ids.get(hit.id) in question.evidence)
        for hit in hits
    ]
    gold = next((quote for quote in quotes if quote.gold), None)
    shown = [quote for quote in quotes if quote.rank == 1 or quote is gold]
    return Asked(namespace, question.text, question.answer, tuple(shown), seconds)


def _summary(run: Run, size: int | None) -> dict[str, object]:
    return {
        "asked": run.asked,
        "messages": run.messages,
        "stored": run.stored,
        "messages_per_second": round(run.speed, 1),
        "evidence_in_top_10": run.found,
        "search_p50_ms": round(run.median_ms, 1),
        "model": run.model,
        "database_bytes": size,
    }


def _show_conversation(conversation: "Conversation") -> None:
    speakers = list(dict.fromkeys(turn.speaker for turn in conversation.turns))
    output.line()
    output.line(" and ".join(speakers), style="bold cyan")
    sessions = views.plural(len(conversation.sessions()), "session")
    output.line(f"{conversation.id}: {views.plural(len(conversation.turns), 'message')} in {sessions}", style="dim")


def _show_asked(one: Asked) -> None:
    output.line()
    output.line(f"? {one.question}", style="bold", indent=2)
    for quote in one.quotes:
        output.line(f"“{quote.text}”", indent=4, lead=f"{quote.rank:>2}  ")
        source = f"{quote.speaker}, {views.day(quote.said_at)}{' · the evidence' if quote.gold else ''}"
        output.line(source, style="green" if quote.gold else "dim", indent=8)
    missed = "" if one.found else f" · the evidence is not among the first {TOP_K}"
    expected = f"expected: {one.expected} · " if one.expected else ""
    output.line(f"{expected}{1000 * one.seconds:.0f} ms{missed}", style="cyan" if one.found else "yellow", indent=8)


def _show_totals(run: Run, size: int | None, db: str | None, sample: "Conversation") -> None:
    output.line()
    output.pairs(
        [
            ("stored", _stored(run)),
            ("found", f"the evidence for {run.found} of {len(run.asked)} questions, in the first {TOP_K}"),
            ("search", f"{run.median_ms:.0f} ms (median)"),
            ("model", run.model),
            *([("database", views.size(size))] if size is not None else []),
        ]
    )
    output.line()
    output.line("Try next", style="bold")
    if db is None:
        output.line("memsvc demo --db demo.db", indent=2)
    output.line(f'memsvc search "{run.asked[0].question}" --db {db or "demo.db"} -n {sample.id}', indent=2)
    output.line('memsvc add "I moved to Oslo last week." --speaker Ann', indent=2)
    output.line('memsvc ask "Where does Ann live?"', indent=2)


def _stored(run: Run) -> str:
    if not run.stored:
        return f"nothing new: the {views.plural(run.messages, 'message')} were there already"
    return f"{views.plural(run.stored, 'message')} in {run.seconds:.1f} s: {run.speed:,.0f} a second"
