"""feedback, and the utilities that it moves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memsvc import ingest
from memsvc.budget import checked_count
from memsvc.errors import InvalidInput
from memsvc.filters import checked_choice
from memsvc.verbs.parts import Parts
from memsvc_learners.credit import CREDITS, credited
from memsvc_learners.qvalue import decide
from memsvc_store.learned import Feedback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc.retaining import Retained
    from memsvc_learners.calibration import Calibration
    from memsvc_learners.credit import Credit
    from memsvc_store.learned import FeedbackReceipt, Move, Utility


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
        """Reward what a `search(trace=True)`, an `ask` or a `search_episodes` gave: `Q <- Q + alpha (reward - Q)`.

        Args:
            trace_id: of the answer, the hits or the episodes.
            reward: from -1 to 1.
            used: which of the memories that were given were of use; by default all of them.
            key: makes the call idempotent: under one key a feedback counts once.
            source: who gives it. In `feedback_window` hours one source moves a memory by at most `feedback_cap`.
            credit: `uniform` (all that were used), or `cited` (those of them that the answer names as its sources).
            namespace: if given, the trace must be of it.

        Memories that were deleted meanwhile are skipped, and the receipt names them.

        Raises:
            NotFound: no such trace (in this namespace).
            InvalidInput: a reward out of bounds, a memory that the trace did not give, a key of another feedback.
        """
        reward = ingest.checked_reward(reward)
        namespace = None if namespace is None else ingest.checked_namespace(namespace)
        home, trace = self.store.learning.trace(ingest.checked_id(trace_id, "trace"), namespace)
        used = None if used is None else ingest.checked_ids("used", used)
        if strangers := [one for one in used or () if one not in trace.used]:
            raise InvalidInput(f"trace {trace_id!r} did not give {strangers[:3]}; `used` names memories that it gave")
        feedback = Feedback(
            trace_id=trace.id,
            reward=reward,
            credited=credited(trace.used, trace.cited, checked_choice("credit", credit, CREDITS), used),
            alpha=self.settings.alpha,
            cap=self.settings.feedback_cap,
            window=timedelta(hours=self.settings.feedback_window),
            source=ingest.checked_name("source", source),
            key=None if key is None else ingest.checked_name("key", key),
        )
        return self.store.learning.learn(home, feedback, decide)

    def utility(self, memory_id: str, *, namespace: str) -> Utility | None:
        """What a memory is worth; None before its first feedback and after a reset.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        return self.store.learning.utility(ingest.checked_namespace(namespace), ingest.checked_id(memory_id))

    def utility_history(self, memory_id: str, *, namespace: str) -> list[Move]:
        """Every step of a memory's utility, the oldest first, with its reward, source and trace.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        return self.store.learning.moves(ingest.checked_namespace(namespace), ingest.checked_id(memory_id))

    def top_utilities(self, *, namespace: str, limit: int = 20, worst: bool = False) -> list[tuple[str, Utility]]:
        """The memories that are worth most, or least: (id, utility).

        Raises:
            NotFound: no such namespace.
        """
        checked_count("limit", limit, least=1)
        return self.store.learning.top_utilities(ingest.checked_namespace(namespace), limit, ascending=worst)

    def reset_utility(self, memory_id: str, *, namespace: str) -> Move:
        """Take a memory's utility back to 0, as before its first feedback; its history stays.

        Raises:
            NotFound: no such live memory.
        """
        return self.store.learning.reset(ingest.checked_namespace(namespace), ingest.checked_id(memory_id))

    def calibrate_gate(self, *, namespace: str, budget: float) -> Calibration:
        """Fit the gate `calibrated` of a namespace to what was logged of its questions and their rewards.

        Args:
            budget: the share of questions that may escalate, from 0 to 1.

        Raises:
            NotFound: no such namespace.
            InvalidInput: another budget, or too few outcomes, with the counts; what was calibrated before stays.
        """
        from memsvc.calibrating import calibrate_gate

        return calibrate_gate(self.store.learning, ingest.checked_namespace(namespace), budget)

    def retain(self, *, namespace: str, budget: int | None = None) -> Retained:
        """Keep the messages and facts most worth it in the fast index (by utility, recency, rhythm of use).

        The rest turn cold: out of `search` and of the fast answer, and kept in full. Deliberation reads them and finds
        them, and one that an answer then rests on turns warm again. Episodes stay hot.

        Args:
            budget: how many messages and facts stay hot; by default the setting `hot_memories`.

        Raises:
            NotFound: no such namespace.
            InvalidInput: no budget, here or in the settings.
        """
        from memsvc.retaining import retain

        budget = self.settings.hot_memories if budget is None else budget
        if budget is None:
            raise InvalidInput("no budget came, and hot_memories is not set; say how many memories stay hot")
        checked_count("budget", budget, least=1)
        return retain(self.store, ingest.checked_namespace(namespace), budget, self._now())

    def calibrate_threshold(self, *, namespace: str) -> float:
        """Work out how alike intents must be to count as similar, and keep it for this namespace and embedder.

        The 80th percentile of the cosines of all pairs of intents (MemRL, Tables 7-9): one pair in five is above it.
        `search_episodes` uses it from then on.

        Raises:
            InvalidInput: fewer than two different intents that are embedded.
        """
        return self._recall.calibrate(ingest.checked_namespace(namespace))

    def rebuild_utilities(self, *, namespace: str) -> int:
        """Work all utilities out anew from the log, bit for bit; how many feedbacks and resets it has.

        Raises:
            NotFound: no such namespace.
        """
        return self.store.learning.replay(ingest.checked_namespace(namespace), decide)
