"""Two embedders side by side, in one run: how much evidence a look-up finds with each, and how fast each one is.

    python benchmarks/embedders.py --locomo locomo10.json --realtalk REALTALK/data --beam BEAM/chats/100K

The embedders are named as in MEMSVC_EMBEDDER; the last is the baseline. Recall is that of `memsvc eval` (LoCoMo:
categories 1-4). Speed: batches of messages, and single questions, in turns; the median of the rounds.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from memsvc import Memory, Settings, wiring
from memsvc_evals import evaluate, load_beam, load_locomo, load_realtalk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc_evals import Dataset
    from memsvc_retrievers.protocols import Embedder

LOADERS = {"locomo": (load_locomo, "1-4"), "realtalk": (load_realtalk, "all"), "beam": (load_beam, "all")}
BATCH, QUESTIONS = 256, 40


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in LOADERS:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--embedders", nargs="+", default=["minilm", "minilm-fp32"])
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    settings = Settings.load(max_text_chars=1_000_000)  # one of BEAM's messages has 348,000 characters
    embedders = {
        name: wiring.build_embedder(settings.model_copy(update={"embedder": name})) for name in given.embedders
    }
    datasets = {
        name: (load(path), group)
        for name, (load, group) in LOADERS.items()
        if (path := getattr(given, name)) is not None
    }
    for table in (speeds(embedders, datasets, given.rounds), recalls(embedders, datasets, settings)):
        for line in table:
            sys.stdout.write(f"| {' | '.join(line)} |\n")
            sys.stdout.flush()
        sys.stdout.write("\n")


def recalls(
    embedders: Mapping[str, Embedder], datasets: Mapping[str, tuple[Dataset, str]], settings: Settings
) -> list[list[str]]:
    """Recall@10 and @50 of each on each, and how far it is from the baseline's, in points."""
    rows = [["data", "questions", *(f"{name} @{depth}" for name in embedders for depth in (10, 50)), "difference"], []]
    rows[1] = ["---"] * len(rows[0])
    for name, (dataset, group) in datasets.items():
        found: list[tuple[float, float]] = []
        for embedder in embedders.values():
            with Memory.open(":memory:", embedder=embedder, settings=settings) as memory:
                result = evaluate(memory, dataset, baselines=False)
            measures = result.metrics["memsvc"][group]
            found.append((100 * measures["recall@10"], 100 * measures["recall@50"]))
        away = ", ".join(f"{first - last:+.2f}" for first, last in zip(found[0], found[-1], strict=True))
        figures = [f"{value:.2f}" for pair in found for value in pair]
        rows.append([name, str(result.counts[group]["scored"]), *figures, away])
    return rows


def speeds(
    embedders: Mapping[str, Embedder], datasets: Mapping[str, tuple[Dataset, str]], rounds: int
) -> list[list[str]]:
    """Messages a second in batches, and milliseconds of a single question, with the ratio to the baseline's."""
    rows = [["embedder", "messages a second", "to the baseline", "a question, ms", "to the baseline"], ["---"] * 5]
    conversations = [one for dataset, _ in datasets.values() for one in dataset.conversations]
    texts = [turn.text for one in conversations for turn in one.turns][:BATCH]
    questions = [question.text for one in conversations for question in one.questions][:QUESTIONS]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in embedders}
    for embedder in embedders.values():
        embedder.embed(texts[:8])
    for _ in range(rounds):
        for name, embedder in embedders.items():
            started = time.perf_counter()
            embedder.embed(texts)
            stored = time.perf_counter()
            for question in questions:
                embedder.embed([question], purpose="query")
            times[name].append((stored - started, (time.perf_counter() - stored) / len(questions)))
    last = times[list(embedders)[-1]]
    for name, mine in times.items():
        batch, single = (median(one[at] for one in mine) for at in (0, 1))
        ratios = [median(theirs[at] / own[at] for own, theirs in zip(mine, last, strict=True)) for at in (0, 1)]
        rows.append(
            [name, f"{len(texts) / batch:.0f}", f"{ratios[0]:.2f} x", f"{1000 * single:.1f}", f"{1 / ratios[1]:.2f} x"]
        )
    return rows


if __name__ == "__main__":
    main()
