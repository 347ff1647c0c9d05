"""How the library's values look as rows; printing them is `output`'s business."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from memsvc.times import local
from memsvc_evals.table import Column, Table

if TYPE_CHECKING:
    from memsvc import Change, Hit
    from memsvc.doctor import Check
    from memsvc.sources import Setting
    from memsvc_store.values.jobs import Job
    from memsvc_store.values.memories import Memory, Session

T = TypeVar("T")

_COSTS = ("calls", "prompt_tokens", "completion_tokens")
_LONGEST_ERROR = 100


def hits(found: "Sequence[Hit]", *, explain: bool, timezone: str | None = None) -> Table:
    """Ranked memories; `explain` adds the parts of each score, and how learned utility came in where it did."""
    if explain:
        return _explained(found, timezone)
    return Table.each(
        found,
        (Column("#", right=True, style="dim"), lambda hit: str(hit.rank)),
        (Column("when"), lambda hit: when(hit.memory.valid_from, timezone)),
        *_places(found),
        (Column("who", style="cyan"), lambda hit: hit.memory.speaker),
        (Column("text", wrap=True), lambda hit: hit.text),
        (Column("relevance", right=True, style="bold"), _relevance),
        *ends(found, lambda hit: hit.memory.valid_to, timezone=timezone),
        (Column("id", below="text"), lambda hit: hit.id),
        *_flags(found),
    )


def memories(found: "Sequence[Memory]", timezone: str | None = None) -> Table:
    """Memories in their own order."""
    return Table.each(
        found,
        (Column("when"), lambda one: when(one.valid_from, timezone)),
        (Column("who", style="cyan"), lambda one: one.speaker),
        (Column("text", wrap=True), lambda one: one.text),
        (Column("session"), lambda one: one.session_id),
        *ends(found, lambda one: one.valid_to, timezone=timezone),
        (Column("id", below="text"), lambda one: one.id),
    )


def conversation(found: "Sequence[Memory]") -> Table:
    """The messages of one session; an echo says so."""
    return Table.each(
        found,
        (Column("when"), lambda one: when(one.valid_from)),
        (Column("who", style="cyan"), lambda one: one.speaker),
        (Column("text", wrap=True), lambda one: one.text),
        *ends(found, lambda one: one.valid_to),
        *([(Column("echo", below="text"), _echo)] if any(one.echo_of for one in found) else []),
        (Column("id", below="text"), lambda one: one.id),
    )


def sessions(found: "Sequence[Session]") -> Table:
    """Sessions in their own order."""
    return Table.each(
        found,
        (Column("session", wrap=True, style="cyan"), lambda one: one.id),
        (Column("first"), lambda one: when(one.first_at)),
        (Column("last"), lambda one: when(one.last_at)),
        (Column("messages", right=True), lambda one: str(one.messages)),
        (Column("speakers", wrap=True), lambda one: ", ".join(one.speakers)),
    )


def jobs(found: "Sequence[Job]") -> Table:
    """Jobs in the order they were queued, with what came of them or the beginning of what went wrong."""
    return Table.each(
        found,
        (Column("job", right=True, style="dim"), lambda one: str(one.key)),
        (Column("namespace", style="cyan"), lambda one: one.namespace),
        (Column("kind"), lambda one: one.kind),
        (Column("state"), lambda one: one.state),
        (Column("tries", right=True), lambda one: str(one.attempts)),
        (Column("queued"), lambda one: when(one.created_at)),
        (Column("outcome", wrap=True), lambda one: _shortened(one.error) if one.error else counted([one])),
    )


def counted(jobs: "Sequence[Job]") -> str:
    """What came of jobs, summed up; what it cost is for JSON."""
    sums: Counter[str] = Counter()
    for job in jobs:
        sums.update({name: n for name, n in job.result.items() if isinstance(n, int) and name not in _COSTS})
    return ", ".join(f"{number:,} {name}" for name, number in sums.items() if number)


def checks(found: "Sequence[Check]") -> Table:
    """What the doctor found, a row a part."""
    return Table.each(
        found,
        (Column("part", style="cyan"), lambda one: one.part),
        (Column("status"), lambda one: one.status),
        (Column("found", wrap=True), lambda one: one.found),
        (Column("advice", below="found"), lambda one: one.advice),
    )


def settings(found: "Sequence[Setting]") -> Table:
    """What is set, a row a setting; a default says the variable that would change it."""
    return Table.each(
        found,
        (Column("setting", style="cyan"), lambda one: one.name),
        (Column("value", wrap=True), lambda one: "" if one.value is None else str(one.value)),
        (Column("from"), lambda one: one.origin),
        (Column("where"), lambda one: one.where),
    )


def memory(one: "Memory") -> list[tuple[str, str]]:
    """One memory in full."""
    fields = [
        ("id", one.id),
        ("text", one.text),
        ("who", one.speaker),
        ("when", one.valid_from.isoformat()),
        ("valid to", "" if one.valid_to is None else one.valid_to.isoformat()),
        ("session", f"{one.session_id}, message {one.position}"),
        ("expires", "" if one.expires_at is None else one.expires_at.isoformat()),
        ("kind", one.kind if one.fact_by is None else f"{one.kind}, worked out by the {one.fact_by}"),
        ("namespace", one.namespace),
        ("stored", one.created_at.isoformat(timespec="seconds")),
        ("sources", "" if one.sources == (one.id,) else ", ".join(one.sources)),
        ("nodes", ", ".join(f"{node.kind}:{node.name}" for node in one.entities)),
        ("metadata", _mapping(one.metadata)),
    ]
    return [(name, value) for name, value in fields if value]


def changes(steps: "Sequence[Change]") -> Table:
    """The steps in a memory's life, oldest first."""
    return Table.each(
        steps,
        (Column("version", right=True), lambda step: str(step.version)),
        (Column("at"), lambda step: when(step.at, seconds=True)),
        (Column("operation", style="cyan"), lambda step: step.operation),
        (Column("before", wrap=True), lambda step: _mapping(step.before)),
    )


def counts(by_namespace: Mapping[str, Mapping[str, int]]) -> Table:
    """One row a namespace of the counts that fit a terminal; --json has the rest."""
    names = ("sessions", "messages", "memories", "cold", "episodes", "stale", "version")
    columns = [Column("namespace", style="cyan", wrap=True), *(Column(name, right=True) for name in names)]
    return Table(columns, [[namespace, *(str(row[name]) for name in names)] for namespace, row in by_namespace.items()])


def when(moment: datetime, timezone: str | None = None, *, seconds: bool = False) -> str:
    """A moment in a zone; without one as its author's clock showed it."""
    return local(moment, timezone).replace(tzinfo=None).isoformat(" ", "seconds" if seconds else "minutes")


def day(moment: datetime) -> str:
    """A day in words."""
    return f"{moment.day} {moment:%b} {moment.year}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def size(number: float) -> str:
    """A number of bytes, readable."""
    for unit in ("B", "KB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _explained(found: "Sequence[Hit]", timezone: str | None) -> Table:
    """Hits with what made their scores; all but numbers below the text, so that 80 columns hold them."""
    blended = any(hit.blend for hit in found)
    return Table.each(
        found,
        (Column("#", right=True, style="dim"), lambda hit: str(hit.rank)),
        (Column("text", wrap=True), lambda hit: hit.text),
        *((Column(part.name, right=True), _part(part.name)) for part in fields(found[0].parts)),
        (Column("final", right=True, style="bold"), _part("final")),
        (Column("when", below="text"), lambda hit: when(hit.memory.valid_from, timezone)),
        (Column("who", below="text"), lambda hit: hit.memory.speaker),
        (Column("relevance", below="text"), lambda hit: f"relevance={_relevance(hit)} cosine={hit.similarity:.3f}"),
        *ends(found, lambda hit: hit.memory.valid_to, timezone=timezone),
        (Column("id", below="text"), lambda hit: hit.id),
        *([(Column("blend", below="text"), _blended)] if blended else []),
        *_flags(found),
    )


def _relevance(hit: "Hit") -> str:
    return f"{hit.relevance:.3f}"


def _places(found: "Sequence[Hit]") -> "list[tuple[Column, Callable[[Hit], str]]]":
    """The namespace of each, where they are of several."""
    several = len({hit.memory.namespace for hit in found}) > 1
    return [(Column("namespace"), lambda hit: hit.memory.namespace)] if several else []


def _part(name: str) -> "Callable[[Hit], str]":
    return lambda hit: f"{getattr(hit.parts, name):.3f}"


def ends(
    found: "Sequence[T]", end: "Callable[[T], datetime | None]", below: str = "text", timezone: str | None = None
) -> "list[tuple[Column, Callable[[T], str]]]":
    """A column that says until when, where something has an end."""

    def shown(one: "T") -> str:
        return "" if (moment := end(one)) is None else f"until {when(moment, timezone)}"

    return [(Column("until", below=below), shown)] if any(end(one) for one in found) else []


def _flags(found: "Sequence[Hit]") -> "list[tuple[Column, Callable[[Hit], str]]]":
    """The last column, where there is something to warn of."""
    shown = (Column("flags", below="text"), lambda hit: " ".join(f"! {flag}" for flag in hit.flags))
    return [shown] if any(hit.flags for hit in found) else []


def _blended(hit: "Hit") -> str:
    """Without blanks inside a term, so that a narrow column breaks between them."""
    one = hit.blend
    return "" if one is None else f"z(similarity)={one.z_similarity:+.3f} z(Q)={one.z_q:+.3f} lambda={one.weight:g}"


def _echo(one: "Memory") -> str:
    return "" if one.echo_of is None else f"echo of {one.echo_of}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 1]}…"


def _mapping(values: Mapping[str, object]) -> str:
    shown = ((name, value.isoformat() if isinstance(value, datetime) else value) for name, value in values.items())
    return ", ".join(f"{name}: {value}" for name, value in shown if value is not None)
