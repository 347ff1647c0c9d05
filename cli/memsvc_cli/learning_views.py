"""How episodes, utilities and a calibration look as rows."""

from typing import TYPE_CHECKING

from memsvc_cli.views import when
from memsvc_evals.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc.episodes.found import Episodes
    from memsvc_evals.learning.offpolicy import Report
    from memsvc_learners.fitted import Calibration
    from memsvc_learners.offpolicy import Estimate
    from memsvc_store.values.learned import Move, Utility
    from memsvc_store.values.shapes import Memory


def episodes(found: "Episodes") -> Table:
    """Episodes best first, with what made their score."""
    columns = [
        Column("#", right=True, style="dim"),
        Column("outcome"),
        Column("intent", wrap=True),
        *(Column(name, right=True) for name in ("cosine", "z(sim)", "Q", "z(Q)", "lambda")),
        Column("score", right=True, style="bold"),
        Column("id", below="intent"),
    ]
    rows = []
    for hit in found.hits:
        blend = hit.blend
        numbers = [f"{one:.3f}" for one in (hit.similarity, blend.z_similarity, blend.q, blend.z_q)]
        outcome = "success" if hit.episode.success else "failure"
        numbers += [f"{blend.weight:g}", f"{hit.score:.3f}"]
        rows.append([str(hit.rank), outcome, hit.episode.memory.text, *numbers, hit.id])
    return Table(columns, rows)


def moves(steps: "Sequence[Move]", *, of_one: bool = False) -> Table:
    """Steps of utilities, the oldest first; `of_one`: all of the same memory, which needs no naming.

    Ids stand below the source: a column each would take what the numbers need of 80 columns.
    """
    columns = [
        Column("at"),
        Column("source", wrap=True, style="cyan"),
        *(Column(name, right=True) for name in ("reward", "before", "after")),
        *([] if of_one else [Column("memory", below="source")]),
        Column("trace", below="source"),
    ]
    return Table(
        columns,
        [
            [
                when(step.at, seconds=True),
                step.source or "reset",
                "" if step.reward is None else f"{step.reward:+g}",
                f"{step.before:+.3f}",
                f"{step.after:+.3f}",
                *([] if of_one else [step.memory_id]),
                step.trace_id or "",
            ]
            for step in steps
        ],
    )


def utility(worth: "Utility") -> list[tuple[str, str]]:
    """What one memory is worth."""
    return [
        ("Q", f"{worth.q:+.3f}"),
        ("visits", str(worth.visits)),
        ("rewards", f"{worth.reward_average:+.3f} on average lately, {worth.last_reward:+g} last"),
        ("updated", when(worth.updated_at, seconds=True)),
    ]


def utilities(found: "Sequence[tuple[Memory, Utility]]") -> Table:
    """Memories with what they are worth."""
    columns = [
        Column("Q", right=True, style="bold"),
        Column("visits", right=True),
        Column("kind"),
        Column("text", wrap=True),
        Column("id", below="text"),
    ]
    return Table(columns, [[f"{worth.q:+.3f}", str(worth.visits), one.kind, one.text, one.id] for one, worth in found])


def calibration(found: "Calibration") -> list[tuple[str, str]]:
    """What a fitted gate does, and what to expect of it."""
    failures, good = found.caught + found.missed, found.spared + found.wasted
    return [
        ("threshold", f"escalates above a risk of {found.threshold:.3f}"),
        ("escalates", f"{found.escalation_rate:.1%} of the questions expected, {found.budget:.1%} allowed"),
        ("catches", f"{found.caught} of {failures} bad answers"),
        ("wastes", f"deliberation on {found.wasted} of {good} good answers"),
        ("fitted to", f"{found.outcomes} answers with a reward, each judged by a model that was fitted without it"),
    ]


def weights(report: "Report") -> Table:
    """What weights would earn, below what was earned."""
    columns = [
        Column("lambda"),
        *(Column(name, right=True) for name in ("mean reward", "from", "to")),
        Column("worth choices", right=True),
    ]
    rows = [_estimate("as logged", report.earned)]
    rows += [_estimate(f"{one.weight:g}", one.estimate) for one in report.weights]
    return Table(columns, rows)


def _estimate(name: str, one: "Estimate | None") -> list[str]:
    if one is None:
        return [name, "too little overlap", "", "", ""]
    return [name, *(f"{value:+.3f}" for value in (one.value, one.low, one.high)), f"{one.effective:.1f}"]
