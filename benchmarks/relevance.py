"""Fits a hit's relevance to development questions with and without answers, and says how reliable it is.

    python benchmarks/relevance.py --locomo locomo_dev.json --realtalk realtalk --beam beam/100K [--plot relevance.png]

Each question is asked in its own conversation, in single sessions of it (30 messages in place of 600), and in other
conversations of its set, once as it is and once with the speakers' names exchanged for those who speak there. Of the
first ten hits each, those that are evidence are positive. Sets count alike, and so do askers and strangers. Every
conversation is judged by weights that were fitted without it. Prints the weights for
`memsvc_retrievers/fast/relevance.py`, a reliability table, and what floors keep and drop.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

from memsvc import Memory, Settings
from memsvc_evals import load_locomo, load_realtalk
from memsvc_evals.datasets.beam import load_beam
from memsvc_evals.datasets.values import Conversation
from memsvc_evals.ingestion import ingest
from memsvc_evals.progress import Count
from memsvc_learners import logistic
from memsvc_learners.fitted import sigmoid
from memsvc_retrievers.fast import relevance

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from memsvc_evals.datasets.values import Dataset

    Values = NDArray[np.float64]

DEPTH, STRANGERS, SESSIONS, ELSEWHERE = 10, 25, 4, 20
"""Hits a question; questions of each other conversation; sessions of each, and questions of elsewhere in a session."""

OWN = ("own", "session")
"""Kinds of questions that have their evidence there."""

BINS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 1.0)


@dataclass(frozen=True)
class Asked:
    """The hits of one question: cues `(hits, weights)`, and which are evidence."""

    dataset: str
    conversation: str
    kind: str
    cues: Values
    evidence: NDArray[np.bool_]


def main() -> None:
    """Print weights, reliability, and floors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("locomo", "realtalk", "beam"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--plot", type=Path, help="draw the reliability here")
    given = parser.parse_args()
    sets = [load_locomo(given.locomo), load_realtalk(given.realtalk), load_beam(given.beam)]
    with (
        TemporaryDirectory() as folder,
        Memory.open(Path(folder) / "memory.db", settings=Settings.load(max_text_chars=1_000_000)) as memory,
    ):
        asked = [one for dataset in sets for one in _asked(memory, dataset)]
    bias, weights = _fitted(asked)
    sys.stdout.write(f"BIAS = {bias:.3f}\nWEIGHTS = ({', '.join(f'{weight:.3f}' for weight in weights)})\n\n")
    apart = _apart(asked)
    _reliability(asked, apart)
    _floors(asked, apart)
    if given.plot:
        _draw(asked, apart, given.plot)


def _asked(memory: Memory, dataset: Dataset) -> Iterator[Asked]:
    """Every question that is asked of a data set's conversations."""
    dice = random.Random(0)  # a sample, no secret
    for one in dataset.conversations:
        ids = _stored(memory, dataset, one)
        own = [question for question in one.questions if question.evidence]
        own = [question for question in own if dataset.categories[question.category] != "adversarial"]
        for question in own:
            yield _ask(memory, dataset, one.id, one.id, question.text, "own", ids, question.evidence)
        sessions = list(one.sessions().items())
        for session, turns in dice.sample(sessions, min(SESSIONS, len(sessions))):
            part = Conversation(f"{one.id}/{session}", turns, ())
            ids, held = _stored(memory, dataset, part), {turn.id for turn in turns}
            within = [question for question in own if held.issuperset(question.evidence)]
            apart = [question for question in own if held.isdisjoint(question.evidence)]
            for question in within + dice.sample(apart, min(ELSEWHERE, len(apart))):
                kind = "session" if question in within else "elsewhere"
                yield _ask(memory, dataset, one.id, part.id, question.text, kind, ids, question.evidence)
        for other in dataset.conversations:
            for question in () if other is one else dice.sample(other.questions, min(STRANGERS, len(other.questions))):
                yield _ask(memory, dataset, one.id, one.id, question.text, "stranger")
                if (exchanged := _exchanged(question.text, other, one)) != question.text:
                    yield _ask(memory, dataset, one.id, one.id, exchanged, "exchanged")


def _stored(memory: Memory, dataset: Dataset, conversation: Conversation) -> dict[str, str]:
    """The turn's id by the memory's."""
    count = Count(None, {"add": len(conversation.turns)})
    ids, _ = ingest(memory, conversation, f"{dataset.name}/{conversation.id}", count)
    return ids


def _ask(
    memory: Memory, dataset: Dataset, conversation: str, space: str, text: str, kind: str,
    ids: Mapping[str, str] = MappingProxyType({}), evidence: Collection[str] = (),
) -> Asked:  # fmt: skip
    seen: list[relevance.Cues] = []
    probability = relevance.relevance

    def watched(cues: relevance.Cues) -> Values:
        seen.append(cues)
        return probability(cues)

    with patch.object(relevance, "relevance", watched):
        hits = memory.search(text, namespace=f"{dataset.name}/{space}", top_k=DEPTH)
    found = np.array([ids.get(hit.id) in evidence for hit in hits], np.bool_)
    return Asked(dataset.name, conversation, kind, seen[0].matrix(), found)


def _exchanged(text: str, theirs: Conversation, ours: Conversation) -> str:
    """A question with the names of those who speak there for those who speak here, roles apart."""
    names = [sorted({turn.speaker for turn in one.turns if turn.speaker != turn.role}) for one in (theirs, ours)]
    for their, our in zip(*names, strict=False):
        text = re.sub(rf"\b{re.escape(their)}\b", our, text)
    return text


def _counts(asked: Sequence[Asked]) -> Values:
    """What each hit counts for: sets alike, in each the askers as much as the strangers, kinds of those alike."""
    kinds = Counter((one.dataset, one.kind) for one in asked for _ in one.evidence)
    sides = Counter((dataset, kind in OWN) for dataset, kind in kinds)
    return np.array(
        [
            1e4 / kinds[one.dataset, one.kind] / sides[one.dataset, one.kind in OWN]
            for one in asked
            for _ in one.evidence
        ]
    )


def _fitted(asked: Sequence[Asked]) -> tuple[float, Values]:
    """Bias and weights of the cues as they come."""
    model = logistic.fit(*_hits(asked), counts=_counts(asked))
    weights = np.array(model.weights) / np.array(model.scale)
    return model.intercept - float(weights @ np.array(model.centre)), weights


def _hits(asked: Sequence[Asked]) -> tuple[Values, NDArray[np.bool_]]:
    return np.vstack([one.cues for one in asked]), np.concatenate([one.evidence for one in asked])


def _apart(asked: Sequence[Asked]) -> list[Values]:
    """Each question's probabilities, by weights that were fitted without its conversation."""
    held_out: dict[tuple[str, str], tuple[float, Values]] = {}
    for place in dict.fromkeys((one.dataset, one.conversation) for one in asked):
        held_out[place] = _fitted([one for one in asked if (one.dataset, one.conversation) != place])
    fitted = (held_out[one.dataset, one.conversation] for one in asked)
    return [sigmoid(bias + one.cues @ weights) for one, (bias, weights) in zip(asked, fitted, strict=True)]


def _reliability(asked: Sequence[Asked], apart: Sequence[Values]) -> None:
    say = sys.stdout.write
    names = dict.fromkeys(one.dataset for one in asked)
    say(f"| said | is | {' | '.join(names)} | hits |\n|{'---|' * (len(names) + 3)}\n")
    for low, high, said, shares, hits in _bins(asked, apart):
        say(f"| {low:g}-{high:g}: {said:.3f} | {' | '.join(f'{share:.3f}' for share in shares)} | {hits} |\n")


def _bins(asked: Sequence[Asked], apart: Sequence[Values]) -> Iterator[tuple[float, float, float, list[float], int]]:
    """Of each bin: its bounds, what is said on average, the share of evidence in all and in each set, and how many."""
    probability, counts = np.concatenate(list(apart)), _counts(asked)
    evidence = np.concatenate([one.evidence for one in asked])
    sets = np.array([one.dataset for one in asked for _ in one.evidence])
    for low, high in pairwise(BINS):
        inside = (probability >= low) & (probability < high)
        if inside.any():
            parts = [inside, *(inside & (sets == name) for name in dict.fromkeys(sets.tolist()))]
            shares = [float(np.average(evidence[part], weights=counts[part])) if part.any() else nan for part in parts]
            yield low, high, float(np.average(probability[inside], weights=counts[inside])), shares, int(inside.sum())


def _floors(asked: Sequence[Asked], apart: Sequence[Values]) -> None:
    """What each floor keeps of the evidence among the first hits, and drops of what others' questions find."""
    say = sys.stdout.write
    groups = sorted({(one.dataset, one.kind) for one in asked})
    say(f"\n| floor | {' | '.join(f'{dataset} {kind}' for dataset, kind in groups)} |\n|{'---|' * (len(groups) + 1)}\n")
    for floor in (0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.03, 0.05):
        row = []
        for group in groups:
            pairs = [(one, p) for one, p in zip(asked, apart, strict=True) if (one.dataset, one.kind) == group]
            kept = np.concatenate([p >= floor for _, p in pairs])
            evidence = np.concatenate([one.evidence for one, _ in pairs])
            empty = np.mean([not (p >= floor).any() for _, p in pairs])
            said = (
                f"keeps {kept[evidence].mean():.3f}"
                if evidence.any()
                else f"drops {1 - kept.mean():.2f}, all of {empty:.2f}"
            )
            row.append(said)
        say(f"| {floor} | {' | '.join(row)} |\n")


def _draw(asked: Sequence[Asked], apart: Sequence[Values], place: Path) -> None:
    from matplotlib import pyplot

    bins = list(_bins(asked, apart))
    names = ["all", *dict.fromkeys(one.dataset for one in asked)]
    figure, axes = pyplot.subplots(figsize=(6, 5))
    axes.plot([0.003, 1], [0.003, 1], color="0.7", linewidth=1)
    for number, name in enumerate(names):
        axes.plot(
            [one[2] for one in bins],
            [one[3][number] for one in bins],
            marker="o",
            label=name,
            lw=2 if not number else 1,
        )
    axes.set(xscale="log", yscale="log", xlabel="relevance that was said", ylabel="share of evidence")
    axes.legend()
    figure.savefig(place, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
