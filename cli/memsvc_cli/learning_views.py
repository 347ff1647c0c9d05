"""How episodes, utilities and a calibration look as rows."""

from typing import TYPE_CHECKING

from memsvc_cli.output import Column
from memsvc_cli.views import Rows, when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc.episodes import Episodes
    from memsvc_learners.calibration import Calibration
    from memsvc_store.learned import Move, Utility
    from memsvc_store.shapes import Memory


def episodes(found: "Episodes") -> tuple[list[Column], Rows]:
    """Episodes best first, with what made their score."""
    columns = [
        Column("#", right=True, style="dim"),
        Column("outcome"),
        Column("intent", wrap=True),
        *(Column(name, right=True) for name in ("similarity", "z(sim)", "Q", "z(Q)")),
        Column("score", right=True, style="bold"),
        Column("id", below="intent"),
    ]
    rows = []
    for hit in found.hits:
        blend = hit.blend
        numbers = (hit.similarity, blend.z_similarity, blend.q, blend.z_q, hit.score)
        outcome = "success" if hit.episode.success else "failure"
        rows.append([str(hit.rank), outcome, hit.episode.memory.text, *(f"{one:.3f}" for one in numbers), hit.id])
    return columns, rows


def moves(steps: "Sequence[Move]") -> tuple[list[Column], Rows]:
    """Steps of utilities, the oldest first."""
    columns = [
        Column("at"),
        Column("memory"),
        Column("source", style="cyan"),
        *(Column(name, right=True) for name in ("reward", "before", "after")),
        Column("trace"),
    ]
    return columns, [
        [
            when(step.at, seconds=True),
            step.memory_id,
            step.source or "reset",
            "" if step.reward is None else f"{step.reward:+g}",
            f"{step.before:+.3f}",
            f"{step.after:+.3f}",
            step.trace_id or "",
        ]
        for step in steps
    ]


def utility(worth: "Utility") -> list[tuple[str, str]]:
    """What one memory is worth."""
    return [
        ("Q", f"{worth.q:+.3f}"),
        ("visits", str(worth.visits)),
        ("rewards", f"{worth.reward_average:+.3f} on average lately, {worth.last_reward:+g} last"),
        ("updated", when(worth.updated_at, seconds=True)),
    ]


def utilities(found: "Sequence[tuple[Memory, Utility]]") -> tuple[list[Column], Rows]:
    """Memories with what they are worth."""
    columns = [
        Column("Q", right=True, style="bold"),
        Column("visits", right=True),
        Column("kind"),
        Column("text", wrap=True),
        Column("id", below="text"),
    ]
    return columns, [[f"{worth.q:+.3f}", str(worth.visits), one.kind, one.text, one.id] for one, worth in found]


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
