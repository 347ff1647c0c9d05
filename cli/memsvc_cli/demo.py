"""demo: shows how the bundled conversations are stored, asked about and timed.

The work is done by `memsvc_evals.demo`; here it is shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from memsvc_cli import options, output, views
from memsvc_cli.opening import load_model, opened_here, own_or_temporary

if TYPE_CHECKING:
    from memsvc_evals.datasets.values import Conversation, Dataset
    from memsvc_evals.demo import Asked, Demo

_STAGES = {"add": "Storing", "search": "Asking"}


def demo(db: options.Db = None, json: options.Json = False) -> None:
    """Store the bundled conversations, ask about them, and show the evidence and the times.

    Without --db it works in a temporary database and leaves nothing behind.

    \b
    memsvc demo
    memsvc demo --db demo.db
    """
    from memsvc_evals import load_locomo, run_demo

    with _samples() as path:
        dataset = load_locomo(path)
    with own_or_temporary(db) as target:
        with opened_here(target, create=True) as memory:
            with output.spinner("Loading the embedding model"):
                load_model(memory)
            with output.stages(_STAGES) as progress:
                run = run_demo(memory, dataset, progress=progress)
        file = Path(target)
        size = file.stat().st_size if file.is_file() else None  # closed: nothing is left in the write-ahead log
    if json:
        output.document(_summary(run, size))
    else:
        _show(run, dataset)
        _show_totals(run, size)
        _show_next(run, db)


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


def _summary(run: "Demo", size: int | None) -> dict[str, object]:
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


def _show(run: "Demo", dataset: "Dataset") -> None:
    for conversation in dataset.conversations:
        _show_conversation(conversation)
        for one in run.asked:
            if one.conversation == conversation.id:
                _show_asked(one)


def _show_conversation(conversation: "Conversation") -> None:
    speakers = list(dict.fromkeys(turn.speaker for turn in conversation.turns))
    output.line()
    output.line(" and ".join(speakers), style="bold cyan")
    sessions = views.plural(len(conversation.sessions()), "session")
    output.line(f"{conversation.id}: {views.plural(len(conversation.turns), 'message')} in {sessions}", style="dim")


def _show_asked(one: "Asked") -> None:
    from memsvc_evals.demo import TOP_K

    output.line()
    output.line(f"? {one.question}", style="bold", indent=2)
    for quote in one.quotes:
        output.line(f"“{quote.text}”", indent=4, lead=f"{quote.rank:>2}  ")
        source = f"{quote.speaker}, {views.day(quote.said_at)}{' · the evidence' if quote.gold else ''}"
        output.line(source, style="green" if quote.gold else "dim", indent=8)
    missed = "" if one.found else f" · the evidence is not among the first {TOP_K}"
    expected = f" · expected: {one.expected}" if one.expected else ""
    output.line(f"{1000 * one.seconds:.0f} ms{expected}{missed}", style="cyan" if one.found else "yellow", indent=8)


def _show_totals(run: "Demo", size: int | None) -> None:
    from memsvc_evals.demo import TOP_K

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


def _show_next(run: "Demo", db: str | None) -> None:
    output.line()
    output.line("Try next", style="bold")
    if db is None:
        output.line("memsvc demo --db demo.db", indent=2)
    first = run.asked[0]
    output.line(f'memsvc search "{first.question}" --db {db or "demo.db"} -n {first.conversation}', indent=2)
    output.line('memsvc add "I moved to Oslo last week." --speaker Ann', indent=2)
    output.line('memsvc ask "Where does Ann live?"', indent=2)


def _stored(run: "Demo") -> str:
    if not run.stored:
        return f"nothing new: the {views.plural(run.messages, 'message')} were there already"
    return f"{views.plural(run.stored, 'message')} in {run.seconds:.1f} s: {run.speed:,.0f} a second"
