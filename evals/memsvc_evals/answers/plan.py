"""What is run, with what, and the manifest that says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memsvc.asking.prepare import TOP_K
from memsvc_evals.answers.selection import Selection

if TYPE_CHECKING:
    from memsvc import Settings
    from memsvc_evals.answers.audit import AuditedKey
    from memsvc_evals.datasets.values import Dataset
    from memsvc_retrievers.choices import Style
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder

VERSION = 1
"""Of the files of a run directory."""

JUDGE_PROMPTS = ("lenient-1", "strict-1")

_SETTINGS = ("model_context", "scan_tokens", "chunk_messages", "context_messages", "extract_messages", "search_weight")
"""Settings that change what is answered."""


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
        "dataset": {
            "name": dataset.name,
            "source": dataset.source,
            "sha256": dataset.sha256,
            "files": dict(dataset.files),
            "conversations": len(dataset.conversations),
            "messages": dataset.turns,
            "questions": dataset.questions,
        },
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
