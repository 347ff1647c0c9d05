"""feedback, and the utilities that it moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memsvc import checks
from memsvc.checks import checked_choice, checked_count
from memsvc.errors import InvalidInput
from memsvc.verbs.parts import Parts
from memsvc_learners.credit import CREDITS, credited
from memsvc_learners.qvalue import decide
from memsvc_store.values.learned import Feedback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc.settings import Settings
    from memsvc.work.retaining import Retained
    from memsvc_learners.credit import Credit
    from memsvc_learners.fitted import Calibration
    from memsvc_store.values.learned import FeedbackReceipt, Move, TraceKind, Utility


class Learning(Parts):
    """The verbs of learning (MemRL, section 4)."""

    def feedback(
        self,
        trace_id: str,
        reward: float,
        *,
        used: Sequence[str] | None = None,
        key: str | None = None,
        source: str = "default",
        credit: Credit = "uniform",
        namespace: str | None = None,
    ) -> FeedbackReceipt:
        reward = checks.checked_reward(reward)
        namespace = None if namespace is None else checks.checked_namespace(namespace)
        home, trace = self.store.learning.trace(checks.checked_id(trace_id, "trace"), namespace)
        used = None if used is None else checks.checked_ids("used", used)
        if strangers := [one for one in used or () if one not in trace.used]:
            raise InvalidInput(f"trace {trace_id!r} did not give {strangers[:3]}; `used` names memories that it gave")
        feedback = Feedback(
            trace_id=trace.id,
            reward=reward,
            credited=credited(trace.used, trace.cited, checked_choice("credit", credit, CREDITS), used),
            alpha=self.settings.alpha,
            cap=self.settings.feedback_cap,
            window=timedelta(hours=self.settings.feedback_window),
            source=checks.checked_name("source", source),
            key=None if key is None else checks.checked_name("key", key),
        )
        receipt = self.store.learning.learn(home, feedback, decide)
        return replace(receipt, note=_unheard(trace.kind, self.settings))

    def utility(self, memory_id: str, *, namespace: str) -> Utility | None:
        return self.store.learning.utility(checks.checked_namespace(namespace), checks.checked_id(memory_id))

    def utility_history(self, memory_id: str, *, namespace: str) -> list[Move]:
        return self.store.learning.moves(checks.checked_namespace(namespace), checks.checked_id(memory_id))

    def top_utilities(self, *, namespace: str, limit: int = 20, worst: bool = False) -> list[tuple[str, Utility]]:
        checked_count("limit", limit, least=1)
        return self.store.learning.top_utilities(checks.checked_namespace(namespace), limit, ascending=worst)

    def reset_utility(self, memory_id: str, *, namespace: str) -> Move:
        return self.store.learning.reset(checks.checked_namespace(namespace), checks.checked_id(memory_id))

    def calibrate_gate(self, *, namespace: str, budget: float) -> Calibration:
        from memsvc.asking.calibrating import calibrate_gate

        return calibrate_gate(self.store.learning, checks.checked_namespace(namespace), budget)

    def retain(self, *, namespace: str, budget: int | None = None) -> Retained:
        from memsvc.work.retaining import retain

        budget = self.settings.hot_memories if budget is None else budget
        if budget is None:
            raise InvalidInput("no budget came, and hot_memories is not set; say how many memories stay hot")
        checked_count("budget", budget, least=1)
        return retain(self.store, checks.checked_namespace(namespace), budget, self._now())

    def calibrate_threshold(self, *, namespace: str) -> float:
        return self._recall.calibrate(checks.checked_namespace(namespace))

    def rebuild_utilities(self, *, namespace: str) -> int:
        return self.store.learning.replay(checks.checked_namespace(namespace), decide)


def _unheard(kind: TraceKind, settings: Settings) -> str | None:
    """What a caller is told whose reward moves utilities and no ranking; None where the ranking follows."""
    weight, what = ("episode_weight", "episodes") if kind == "episodes" else ("search_weight", "conversation memories")
    if getattr(settings, weight) > 0:
        return None
    return (
        f"the utilities are kept, and the ranking of {what} stays as it is: {weight} is 0; "
        f"docs/learning.md has what was measured, and MEMSVC_{weight.upper()} gives utility a part in it"
    )
