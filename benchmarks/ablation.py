"""What each ingredient of the look-up is worth: recall without it, on the same conversations.

    python benchmarks/ablation.py --locomo locomo10.json --realtalk REALTALK/data

Conversations are stored once; then every question is asked again with one ingredient switched off.
Prints a Markdown table of evidence recall@10 and @50 (LoCoMo: categories 1-4).
"""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from memsvc import Memory
from memsvc_evals import evaluate, load_locomo, load_realtalk
from memsvc_retrievers.fast import question, ranking, walk
from memsvc_store.projections import hypergraph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def constants(module: Any, **values: Any) -> list[Any]:
    """Patches that set constants of a module."""
    return [patch.object(module, name, value) for name, value in values.items()]


def raw_question(text: str, _names: dict[str, str]) -> question.Question:
    """A question whose names of speakers are embedded with the rest."""
    taken = take_apart(text, _names)
    return question.Question(text, taken.speakers, taken.terms, taken.days)


take_apart = question.take_apart
NO_GRAPH = {"W_WORDS": 0.0, "W_SPEAKER": 0.0, "W_DAY": 0.0, "W_NEAR": 0.0, "W_THINGS": 0.0}
VARIANTS: dict[str, Callable[[], list[Any]]] = {
    "nothing": list,
    "dense": lambda: constants(ranking, W_DENSE=0.0),
    "lexical": lambda: constants(ranking, W_LEXICAL=0.0),
    "the whole graph": lambda: constants(ranking, **NO_GRAPH),
    "the walk from words": lambda: constants(ranking, W_WORDS=0.0),
    "its reach to neighbours": lambda: constants(walk, DECAY=0.0),
    "the speaker node": lambda: constants(ranking, W_SPEAKER=0.0),
    "the day node": lambda: constants(ranking, W_DAY=0.0),
    "the second hop": lambda: constants(ranking, W_NEAR=0.0),
    "the walk from things and phrases": lambda: constants(ranking, W_THINGS=0.0),
    "neighbours in dense": lambda: constants(ranking, NEIGHBOUR=0.0),
    "the prior": lambda: constants(ranking, W_LENGTH=0.0, W_QUESTION=0.0),
    "names learned from greetings": lambda: constants(hypergraph, MIN_CALLS=sys.maxsize),
    "taking names out of the question": lambda: [patch("memsvc.memory.take_apart", raw_question)],
}


@contextmanager
def without(name: str) -> Iterator[None]:
    """One ingredient switched off."""
    patches = VARIANTS[name]()
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locomo", type=Path, required=True)
    parser.add_argument("--realtalk", type=Path, required=True)
    parser.add_argument("--db", type=Path, help="keep the stored conversations here, for another run")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="memsvc-ablation-") as folder:
        _print_table(given.locomo, given.realtalk, given.db or Path(folder) / "memory.db")


def _print_table(locomo: Path, realtalk: Path, database: Path) -> None:
    sets = [(load_locomo(locomo), "1-4"), (load_realtalk(realtalk), "all")]
    say = sys.stdout.write
    say("| without | LoCoMo @10 | LoCoMo @50 | RealTalk @10 | RealTalk @50 |\n|---|---|---|---|---|\n")
    for name in VARIANTS:
        with without(name), Memory.open(database) as memory:
            row = []
            for dataset, group in sets:
                measures = evaluate(memory, dataset, baselines=False).metrics["memsvc"][group]
                row += [measures["recall@10"], measures["recall@50"]]
        say(f"| {name} | {' | '.join(f'{100 * value:.1f}' for value in row)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
