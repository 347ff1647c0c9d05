"""What our own code costs around the model calls of `ask`: `ask` (the fast process) and `ask_scan` (full deliberation).

The model replies by rules, without a server, and the time inside it is taken off: what is left is the look-up with its
embedding, prompts, parsing, gate, facts and evidence. The baseline is embedding the question alone.
"""

from __future__ import annotations

import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Literal

from memsvc_evals.speed import chatter
from memsvc_evals.speed.measurement import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from memsvc_evals.speed.workbench import Workbench
    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch

NAMESPACE = "bench/ask"


class Clocked:
    """A model that adds up the seconds spent inside it. Implements `LanguageModel`."""

    def __init__(self, inner: LanguageModel) -> None:
        self._inner = inner
        self.seconds = 0.0

    @property
    def name(self) -> str:
        """The inner one's."""
        return self._inner.name

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """As the inner one, on the clock."""
        began = time.perf_counter()
        try:
            return self._inner.complete_many(prompts, schema=schema, watch=watch)
        finally:
            self.seconds += time.perf_counter() - began


def measure_ask(bench: Workbench) -> tuple[Measurement, ...]:
    """`ask` in a namespace of a LoCoMo conversation's size, with the time in the model taken off."""
    from memsvc.testing import RuleModel

    sizes, model = bench.sizes, Clocked(RuleModel())
    with bench.open("ask") as memory:
        bench.fill(memory, NAMESPACE, chatter.messages(sizes.log), "ask")
        embed = partial(memory.embedder.embed, purpose="query")
        gates: dict[str, Literal["quality", "always"]] = {"ask": "quality", "ask_scan": "always"}
        own: dict[str, list[float]] = {name: [] for name in (*gates, "embed")}
        for question in [chatter.WARM_UP, *chatter.questions(sizes.queries)]:
            for name, gate in gates.items():
                inside = model.seconds
                answer = memory.ask(question, namespace=NAMESPACE, model=model, gate=gate, deliberation="scan")
                own[name].append(answer.seconds - (model.seconds - inside))
            began = time.perf_counter()
            embed([question])
            own["embed"].append(time.perf_counter() - began)
            bench.count.add("ask")
    baseline = 1000 * median(own["embed"][1:])
    what = f"our own p50 in `ask` among {sizes.log:,} messages, model calls taken off; against embedding the question"
    return tuple(
        Measurement(name, 1000 * median(own[name][1:]), baseline, "ms", 15.0, "value at most", f"{what} ({gate})")
        for name, gate in gates.items()
    )
