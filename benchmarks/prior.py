"""What the prior against an assistant's own messages is worth: recall by its weight, each chat left out once.

    MEMSVC_MAX_TEXT_CHARS=1000000 python benchmarks/prior.py --beam BEAM/chats/100K --db beam.db

Chats are stored once; then every question is asked again with each weight. Prints a Markdown table of evidence recall,
and what each chat reaches with the weight that is best on the others.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from unittest.mock import patch

from memsvc import Memory
from memsvc_evals import evaluate
from memsvc_evals.datasets.beam import load_beam
from memsvc_evals.retrieval.metrics import recall_at
from memsvc_evals.retrieval.results import SERVICE
from memsvc_retrievers.fast import ranking

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4)
DEPTHS = (5, 10, 50)

Recalls = dict[str, dict[int, list[float]]]


def measured(memory: Memory, beam: Path, weight: float) -> Recalls:
    """The recalls of each chat's questions at each depth, with this weight."""
    with patch.object(ranking, "W_ASSISTANT", weight):
        outcomes = evaluate(memory, load_beam(beam), baselines=False).outcomes
    found: Recalls = {}
    for one in outcomes:
        if one.question.evidence:
            depths = found.setdefault(one.conversation, {depth: [] for depth in DEPTHS})
            for depth in DEPTHS:
                depths[depth].append(recall_at(one.rankings[SERVICE], one.question.evidence, depth))
    return found


def mean(recalls: Recalls, depth: int, without: str | None = None) -> float:
    """The mean of all questions, or of all but one chat's, in per cent."""
    values = [value for chat, depths in recalls.items() if chat != without for value in depths[depth]]
    return 100 * sum(values) / len(values)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beam", type=Path, required=True)
    parser.add_argument("--db", type=Path, required=True, help="keep the stored chats here, for another run")
    given = parser.parse_args()
    with Memory.open(given.db) as memory:
        tried = {weight: measured(memory, given.beam, weight) for weight in WEIGHTS}
    say = sys.stdout.write
    say("| weight | @5 | @10 | @50 |\n|---|---|---|---|\n")
    for weight, recalls in tried.items():
        say(f"| {weight} | {' | '.join(f'{mean(recalls, depth):.1f}' for depth in DEPTHS)} |\n")
    say("\n| chat left out | weight | @10 | without |\n|---|---|---|---|\n")
    for chat, plain in tried[0.0].items():
        best = max(tried, key=lambda weight: mean(tried[weight], 10, chat))
        reached, before = ({chat: recalls} for recalls in (tried[best][chat], plain))
        say(f"| {chat} | {best} | {mean(reached, 10):.1f} | {mean(before, 10):.1f} |\n")


if __name__ == "__main__":
    main()
