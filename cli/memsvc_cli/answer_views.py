"""How answers look (what they rest on, what the gate said, what was read and what it cost), and traces of look-ups."""

from typing import TYPE_CHECKING

from memsvc_cli.views import ends, plural, when
from memsvc_evals.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc import Answer, Evidence, Ledger, Verdict
    from memsvc_retrievers.deliberation.coverage import Coverage
    from memsvc_store.values.learned import Trace, TraceSummary


def evidence(quotes: "Sequence[Evidence]", timezone: str | None = None) -> Table:
    """What an answer rests on."""
    return Table.each(
        quotes,
        (Column("when"), lambda one: when(one.said_at, timezone)),
        (Column("who", style="cyan"), lambda one: one.speaker),
        (Column("quote", wrap=True), lambda one: one.quote),
        *ends(quotes, lambda one: one.valid_to, below="quote", timezone=timezone),
        (Column("id", below="quote"), lambda one: one.id),
    )


def judged(verdict: "Verdict") -> str:
    """The gate's verdict in one line."""
    failed = [reason.dimension for reason in verdict.reasons if not reason.passed]
    if not verdict.escalate:
        return "it will do"
    return f"falls short in {', '.join(failed)}" if failed else "to be deliberated"


def provenance(answer: "Answer") -> str:
    """Who gave an answer, in which time, for how many calls and tokens."""
    parts: list[str] = ["extractive: no model reasoned over it" if answer.process == "extractive" else answer.process]
    if answer.coverage is not None and answer.coverage.share < 1:
        parts.append(f"{answer.coverage.share:.0%} of the log read")
    parts.append(f"{answer.seconds:.2f} s")
    ledger = answer.ledger
    if ledger.calls:
        parts.append(plural(len(ledger.calls), "call"))
        parts.append(f"{ledger.prompt_tokens:,} + {ledger.completion_tokens:,} tokens")
    if ledger.cost:
        parts.append(f"${ledger.cost:.4f}")
    return ", ".join(parts)


def reasons(verdict: "Verdict") -> Table:
    """What the gate said, a row a dimension."""
    columns = [Column(f"gate: {verdict.policy}", style="cyan"), Column("verdict"), Column("why", wrap=True)]
    return Table(columns, [[one.dimension, "pass" if one.passed else "fail", one.why] for one in verdict.reasons])


def coverage(read: "Coverage") -> list[tuple[str, str]]:
    """What a slow process read, and what it made of it."""
    fields = [
        ("read", f"{read.read:,} of {plural(read.messages, 'message')} ({read.share:.0%})"),
        ("found", f"{plural(read.facts, 'fact')}, {read.kept:,} kept"),
        ("dropped", f"{plural(read.false_quotes, 'false quote')}, {plural(read.unsourced, 'fact')} without a source"),
        *(("problem", problem) for problem in read.problems),
    ]
    if not read.false_quotes + read.unsourced:
        del fields[2]
    return fields


def ledger(calls: "Ledger") -> Table:
    """What was asked of the model: a row a purpose, and their sum; with the models, where several shared the work."""
    several = len({call.model for call in calls.calls}) > 1
    columns = [
        Column("purpose", style="cyan"),
        *([Column("model", wrap=True)] if several else []),
        *(Column(name, right=True) for name in ("calls", "prompt", "completion", "seconds", "retries", "cost")),
        Column("problem", wrap=True),
    ]
    parts = [*calls.by_purpose().items(), ("all", calls)]
    return Table(columns, [_ledger_row(name, part, several) for name, part in parts])


def _ledger_row(name: str, part: "Ledger", several: bool) -> list[str]:
    cost = "?" if part.cost is None else f"${part.cost:.4f}" if part.cost else "-"
    problems = ", ".join(dict.fromkeys(call.error for call in part.calls if call.error and name != "all"))
    tokens = [f"{part.prompt_tokens:,}", f"{part.completion_tokens:,}"]
    models = (
        [] if not several else [", ".join(dict.fromkeys(call.model for call in part.calls)) if name != "all" else ""]
    )
    return [name, *models, str(len(part.calls)), *tokens, f"{part.seconds:.2f}", str(part.retries), cost, problems]


def trace(one: "Trace") -> list[tuple[str, str]]:
    """A look-up in short; what else was kept of it is for JSON."""
    considered = plural(len(one.pool), "memory", "memories")
    fields = [
        ("id", one.id),
        ("kind", one.kind),
        ("query", one.query),
        ("at", when(one.at, seconds=True)),
        ("considered", f"{considered}, {len(one.used):,} given, {len(one.cited):,} cited"),
        ("weight", "" if one.weight is None else f"{one.weight:g} of the ranking is utility"),
    ]
    return [(name, value) for name, value in fields if value]


def traces(found: "Sequence[TraceSummary]") -> Table:
    """Look-ups in their own order."""
    return Table.each(
        found,
        (Column("at"), lambda one: when(one.at)),
        (Column("kind", style="cyan"), lambda one: one.kind),
        (Column("query", wrap=True), lambda one: one.query),
        (Column("used", right=True), lambda one: str(one.used)),
        (Column("rewards", right=True), lambda one: ", ".join(f"{reward:+g}" for reward in one.rewards)),
        (Column("id", below="query"), lambda one: one.id),
    )


def considered(one: "Trace") -> Table:
    """The memories that were given, in their order, and then the others that were considered."""
    numbers = {candidate.memory_id: candidate for candidate in one.pool}
    columns = [
        Column("#", right=True, style="dim"),
        Column("memory", wrap=True),
        Column("role"),
        *(Column(name, right=True) for name in ("similarity", "Q", "chance")),
    ]
    rows = []
    for rank, memory_id in enumerate(dict.fromkeys((*one.used, *numbers)), 1):
        role = "cited" if memory_id in one.cited else "given" if memory_id in one.used else ""
        found = numbers.get(memory_id)
        shown = ["", "", ""] if found is None else [f"{part:.3f}" for part in found[1:]]
        rows.append([str(rank), memory_id, role, *shown])
    return Table(columns, rows)
