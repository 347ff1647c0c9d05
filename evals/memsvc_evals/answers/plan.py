"""What is run, on which part of a data set and with what, and the manifest that says so."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from memsvc.asking.prepare import TOP_K
from memsvc_evals.answers.journal import VERSION
from memsvc_evals.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc import Settings
    from memsvc_evals.answers.audit import AuditedKey
    from memsvc_evals.datasets.values import Conversation, Dataset, Note
    from memsvc_retrievers.choices import Style
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder

JUDGE_PROMPTS = ("lenient-1", "strict-1")
_SETTINGS = ("model_context", "scan_tokens", "chunk_messages", "context_messages", "extract_messages", "search_weight")
"""Settings that change what is answered."""
_QUESTION = re.compile(r"\.qa\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked: the first `limit` questions of these conversations and categories; None for all of them."""

    limit: int | None = None
    conversations: tuple[str, ...] | None = None
    categories: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def select(dataset: Dataset, selection: Selection) -> Dataset:
    """The part that is asked; conversations without a question left are left out.

    Raises:
        DatasetError: a conversation or a category that the data set does not have, or no question is left.
    """
    _check("conversation", selection.conversations, [one.id for one in dataset.conversations])
    _check("category", selection.categories, list(dataset.categories))
    room = dataset.questions if selection.limit is None else selection.limit
    kept: list[Conversation] = []
    for conversation in dataset.conversations:
        if selection.conversations is not None and conversation.id not in selection.conversations:
            continue
        wanted = [one for one in conversation.questions if _wanted(one.category, selection.categories)][:room]
        room -= len(wanted)
        if wanted:
            kept.append(replace(conversation, questions=tuple(wanted)))
    if not kept:
        raise DatasetError(f"{dataset.source}: no question is left of {selection.to_json()}; select more")
    within = _within(dataset, kept)
    return replace(
        dataset,
        conversations=tuple(kept),
        exclusions=tuple(note for note in dataset.exclusions if within.holds(note)),
        repairs=tuple(note for note in dataset.repairs if within.holds(note)),
    )


@dataclass(frozen=True, slots=True)
class _Within:
    """Where notes of selected conversations stand, each with the places of its selected questions."""

    places: Mapping[str, frozenset[int]]

    def holds(self, note: Note) -> bool:
        for prefix, questions in self.places.items():
            if note.place.startswith((f"{prefix}.", f"{prefix}[")):
                of = _QUESTION.search(note.place)
                return of is None or int(of[1]) in questions
        return False


def _within(dataset: Dataset, kept: Sequence[Conversation]) -> _Within:
    """A LoCoMo conversation stands in a file of several, by its number; a chat of REALTALK in a file of its own."""
    numbered = [f"{dataset.source}[{index}]" for index in range(len(dataset.conversations))]
    places = dataset.files if dataset.name == "realtalk" else numbered
    prefixes = {conversation.id: place for conversation, place in zip(dataset.conversations, places, strict=True)}
    return _Within(
        {prefixes[one.id]: frozenset(int(asked.id.rpartition("/q")[2]) for asked in one.questions) for one in kept}
    )


def _wanted(category: int, categories: Sequence[int] | None) -> bool:
    return categories is None or category in categories


def _check(what: str, wanted: Sequence[object] | None, known: Sequence[object]) -> None:
    unknown = [one for one in wanted or () if one not in known]
    if unknown:
        there = ", ".join(map(str, known))
        raise DatasetError(f"the data set has no {what} {unknown[0]!r}; there are {there}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run. `facts`: facts are worked out of the messages before they are asked about."""

    policies: tuple[str, ...]
    selection: Selection = field(default_factory=Selection)
    judge_prompts: tuple[str, ...] = JUDGE_PROMPTS
    style: Style = "short"
    top_k: int = TOP_K
    runs: int = 1
    seed: int = 0
    facts: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What it is run with.

    `judge` None judges nothing; `embedder` None is the one that the settings name; `key` is a corrected answer key;
    `database` is where the memories are, if not in the run directory; `parallel` questions are asked side by side.
    """

    model: LanguageModel
    settings: Settings
    judge: LanguageModel | None = None
    embedder: Embedder | None = None
    key: AuditedKey | None = None
    database: str | None = None
    parallel: int = 4


def manifest(dataset: Dataset, plan: Plan, parts: Parts, embedder: Embedder) -> dict[str, Any]:
    """What makes two runs the same; the data set is the part that is asked. Names of models, and no addresses."""
    return {
        "version": VERSION,
        "dataset": dataset.to_dict(),
        "selection": plan.selection.to_json(),
        "policies": list(plan.policies),
        "model": parts.model.name,
        "judge": None if parts.judge is None else parts.judge.name,
        "judge_prompts": list(plan.judge_prompts) if parts.judge is not None else [],
        "style": plan.style,
        "top_k": plan.top_k,
        "runs": plan.runs,
        "seed": plan.seed,
        "facts": plan.facts,
        "audited_key": None if parts.key is None else parts.key.sha256,
        "settings": {
            "embedder": embedder.model,
            **{name: getattr(parts.settings, name) for name in _SETTINGS},
        },
    }
