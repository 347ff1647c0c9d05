"""What evaluating costs beyond asking: sharing, scoring, the journal with its flush to disk, order and summary.

A run of one policy whose model replies by rules, one question at a time; storing and the questions' own seconds are
taken off its time. The baseline is what a question itself takes.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.values import Conversation, Dataset, Question, Turn, score_groups
from memsvc_evals.speed import chatter
from memsvc_evals.speed.measurement import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_evals.speed.workbench import Workbench

EACH = 5
"""Questions a query of the bench's sizes: 1,000 at full size."""


def measure_harness(bench: Workbench) -> tuple[Measurement, ...]:
    """The harness's own milliseconds a question."""
    from memsvc import Settings, wiring
    from memsvc.testing import RuleModel
    from memsvc_evals.answers.plan import Parts, Plan
    from memsvc_evals.answers.run import run

    settings = Settings.load(extraction="off", reflection="off")
    embedder = bench.embedder or wiring.build_embedder(settings)
    dataset = _dataset(chatter.messages(bench.sizes.log), EACH * bench.sizes.queries)
    parts = Parts(RuleModel(), settings, embedder=embedder, parallel=1)
    began = time.perf_counter()
    found = run(dataset, bench.folder / "run", Plan(("fast",)), parts, progress=lambda *_: bench.count.add("harness"))
    seconds = time.perf_counter() - began
    stored = json.loads((found.folder / "ingestion.json").read_text("utf-8"))["conversations"]
    asking = sum(record.seconds for record in found.records)
    own = seconds - asking - sum(one["seconds"] for one in stored.values())
    count = len(found.records)
    what = f"an evaluation's own time a question, {count:,} questions, asking and storing taken off; against asking"
    return (Measurement("harness", 1000 * own / count, 1000 * asking / count, "ms", 20.0, "value at most", what),)


def steps(log: int, queries: int) -> int:
    """How often progress is told: once a session of messages, and once a question."""
    return -(-log // chatter.SESSION) + EACH * queries


def _dataset(messages: Sequence[dict[str, Any]], questions: int) -> Dataset:
    """Chatter as a conversation with questions of category 4, each of which has some turn as its evidence."""
    turns = tuple(
        Turn(f"D1:{place}", one["session_id"], one["name"], one["content"], one["timestamp"])
        for place, one in enumerate(messages, 1)
    )
    asked = tuple(
        Question(f"bench/q{place}", text, 4, (turns[place % len(turns)].id,), turns[place % len(turns)].text)
        for place, text in enumerate(chatter.questions(questions))
    )
    categories = {4: "single-hop"}
    conversation = Conversation("bench", turns, asked)
    return Dataset("bench", "chatter", {"chatter": ""}, (conversation,), categories, score_groups(categories))
