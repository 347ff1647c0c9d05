"""How the library's values look as rows; printing them is `output`'s business."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from memsvc_evals.table import Column, Table

if TYPE_CHECKING:
    from memsvc import Change, Hit
    from memsvc.doctor import Check
    from memsvc_store.values.shapes import Blend, Job, Memory

_COSTS = ("calls", "prompt_tokens", "completion_tokens")
_LONGEST_ERROR = 100


def hits(found: "Sequence[Hit]", *, explain: bool) -> Table:
    """Ranked memories; `explain` adds the parts of each score, and how learned utility came in where it did."""
    if explain:
        return _explained(found)
    columns = [
        Column("#", right=True, style="dim"),
        Column("when"),
        Column("who", style="cyan"),
        Column("text", wrap=True),
        Column("score", right=True, style="bold"),
        Column("id", below="text"),
        *_flag_columns(found),
    ]
    return Table(
        columns,
        [
            [
                str(hit.rank),
                when(hit.memory.valid_from),
                hit.memory.speaker,
                hit.text,
                f"{hit.score:.3f}",
                hit.id,
                *_flag_cells(hit, columns),
            ]
            for hit in found
        ],
    )


def memories(found: "Sequence[Memory]") -> Table:
    """Memories in their own order."""
    columns = [
        Column("when"),
        Column("who", style="cyan"),
        Column("text", wrap=True),
        Column("session"),
        Column("id", below="text"),
    ]
    return Table(columns, [[when(one.valid_from), one.speaker, one.text, one.session_id, one.id] for one in found])


def jobs(found: "Sequence[Job]") -> Table:
    """Jobs in the order they were queued, with what came of them or the beginning of what went wrong."""
    columns = [
        Column("job", right=True, style="dim"),
        Column("namespace", style="cyan"),
        Column("kind"),
        Column("state"),
        Column("tries", right=True),
        Column("queued"),
        Column("outcome", wrap=True),
    ]
    return Table(
        columns,
        [
            [
                str(one.key),
                one.namespace,
                one.kind,
                one.state,
                str(one.attempts),
                when(one.created_at),
                _shortened(one.error) if one.error else counted([one]),
            ]
            for one in found
        ],
    )


def counted(jobs: "Sequence[Job]") -> str:
    """What came of jobs, summed up; what it cost is for JSON."""
    sums: Counter[str] = Counter()
    for job in jobs:
        sums.update({name: n for name, n in job.result.items() if isinstance(n, int) and name not in _COSTS})
    return ", ".join(f"{number:,} {name}" for name, number in sums.items() if number)


def checks(found: "Sequence[Check]") -> Table:
    """What the doctor found, a row a part."""
    columns = [
        Column("part", style="cyan"),
        Column("status"),
        Column("found", wrap=True),
        Column("advice", below="found"),
    ]
    return Table(columns, [[one.part, one.status, one.found, one.advice] for one in found])


def memory(one: "Memory") -> list[tuple[str, str]]:
    """One memory in full."""
    fields = [
        ("id", one.id),
        ("text", one.text),
        ("who", one.speaker),
        ("when", one.valid_from.isoformat()),
        ("valid to", "" if one.valid_to is None else one.valid_to.isoformat()),
        ("session", f"{one.session_id}, message {one.position}"),
        ("kind", one.kind),
        ("namespace", one.namespace),
        ("stored", one.created_at.isoformat(timespec="seconds")),
        ("sources", "" if one.sources == (one.id,) else ", ".join(one.sources)),
        ("nodes", ", ".join(f"{node.kind}:{node.name}" for node in one.entities)),
        ("metadata", _mapping(one.metadata)),
    ]
    return [(name, value) for name, value in fields if value]


def changes(steps: "Sequence[Change]") -> Table:
    """The steps in a memory's life, oldest first."""
    columns = [
        Column("version", right=True),
        Column("at"),
        Column("operation", style="cyan"),
        Column("before", wrap=True),
    ]
    return Table(
        columns,
        [[str(step.version), when(step.at, seconds=True), step.operation, _mapping(step.before)] for step in steps],
    )


def counts(by_namespace: Mapping[str, Mapping[str, int]]) -> Table:
    """One row a namespace of the counts that fit a terminal; --json has the rest."""
    names = ("sessions", "messages", "memories", "cold", "episodes", "stale", "version")
    columns = [Column("namespace", style="cyan", wrap=True), *(Column(name, right=True) for name in names)]
    return Table(columns, [[namespace, *(str(row[name]) for name in names)] for namespace, row in by_namespace.items()])


def when(moment: datetime, *, seconds: bool = False) -> str:
    """A moment as its author's clock showed it."""
    return moment.replace(tzinfo=None).isoformat(" ", "seconds" if seconds else "minutes")


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


def _explained(found: "Sequence[Hit]") -> Table:
    """Hits with what made their scores; all but numbers below the text, so that 80 columns hold them."""
    blended = any(hit.blend for hit in found)
    parts = [field.name for field in fields(found[0].parts)]
    columns = [
        Column("#", right=True, style="dim"),
        Column("text", wrap=True),
        *(Column(part, right=True) for part in parts),
        Column("final", right=True, style="bold"),
        *(Column(name, below="text") for name in ("when", "who", "id", *(["blend"] if blended else []))),
        *_flag_columns(found),
    ]
    return Table(
        columns,
        [
            [
                str(hit.rank),
                hit.text,
                *(f"{getattr(hit.parts, part):.3f}" for part in (*parts, "final")),
                when(hit.memory.valid_from),
                hit.memory.speaker,
                hit.id,
                *([_blend(hit.blend)] if blended else []),
                *_flag_cells(hit, columns),
            ]
            for hit in found
        ],
    )


def _flag_columns(found: "Sequence[Hit]") -> list[Column]:
    """The last column, where there is something to warn of."""
    return [Column("flags", below="text")] if any(hit.flags for hit in found) else []


def _flag_cells(hit: "Hit", columns: Sequence[Column]) -> list[str]:
    return [" ".join(f"! {flag}" for flag in hit.flags)] if columns[-1].name == "flags" else []


def _blend(one: "Blend | None") -> str:
    """Without blanks inside a term, so that a narrow column breaks between them."""
    return "" if one is None else f"z(similarity)={one.z_similarity:+.3f} z(Q)={one.z_q:+.3f} lambda={one.weight:g}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 1]}…"


def _mapping(values: Mapping[str, object]) -> str:
    shown = ((name, value.isoformat() if isinstance(value, datetime) else value) for name, value in values.items())
    return ", ".join(f"{name}: {value}" for name, value in shown if value is not None)
