"""How episodes, utilities and a calibration look as rows."""

from operator import attrgetter
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
    from memsvc_store.values.memories import Memory


def episodes(found: "Episodes") -> Table:
    """Episodes best first, with what made their score."""
    return Table.each(
        found.hits,
        (Column("#", right=True, style="dim"), lambda hit: str(hit.rank)),
        (Column("outcome"), lambda hit: "success" if hit.episode.success else "failure"),
        (Column("intent", wrap=True), lambda hit: hit.episode.memory.text),
        (Column("cosine", right=True), lambda hit: f"{hit.similarity:.3f}"),
        (Column("z(sim)", right=True), lambda hit: f"{hit.blend.z_similarity:.3f}"),
        (Column("Q", right=True), lambda hit: f"{hit.blend.q:.3f}"),
        (Column("z(Q)", right=True), lambda hit: f"{hit.blend.z_q:.3f}"),
        (Column("lambda", right=True), lambda hit: f"{hit.blend.weight:g}"),
        (Column("score", right=True, style="bold"), lambda hit: f"{hit.score:.3f}"),
        (Column("id", below="intent"), lambda hit: hit.id),
    )


def moves(steps: "Sequence[Move]", *, of_one: bool = False) -> Table:
    """Steps of utilities, the oldest first; `of_one`: all of the same memory, which needs no naming.

    Ids stand below the source: a column each would take what the numbers need of 80 columns.
    """
    return Table.each(
        steps,
        (Column("at"), lambda step: when(step.at, seconds=True)),
        (Column("source", wrap=True, style="cyan"), lambda step: step.source or "reset"),
        (Column("reward", right=True), lambda step: "" if step.reward is None else f"{step.reward:+g}"),
        (Column("before", right=True), lambda step: f"{step.before:+.3f}"),
        (Column("after", right=True), lambda step: f"{step.after:+.3f}"),
        *([] if of_one else [(Column("memory", below="source"), attrgetter("memory_id"))]),
        (Column("trace", below="source"), lambda step: step.trace_id or ""),
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
    return Table.each(
        found,
        (Column("Q", right=True, style="bold"), lambda one: f"{one[1].q:+.3f}"),
        (Column("visits", right=True), lambda one: str(one[1].visits)),
        (Column("kind"), lambda one: one[0].kind),
        (Column("text", wrap=True), lambda one: one[0].text),
        (Column("id", below="text"), lambda one: one[0].id),
    )


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
