"""What Ada and Bo said, what is asked about it, and models that answer by rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc import Settings
from memsvc.testing import HashEmbedder, RuleModel
from memsvc_evals.answers.plan import Parts
from tests.evals.builders import turn

if TYPE_CHECKING:
    from memsvc_retrievers.language import LanguageModel, Prompt

SESSIONS = {
    1: [
        turn("D1:1", "I moved to Oslo in March."),
        turn("D1:2", "Did the cello survive the journey?", "Bo"),
        turn("D1:3", "The cello is fine, the piano fell down the stairs."),
        turn("D1:4", "My sister keeps goats in Bergen.", "Bo"),
    ],
    2: [
        turn("D2:1", "I bake bread on Sundays, rye and spelt."),
        turn("D2:2", "My sister sold two goats yesterday.", "Bo"),
        turn("D2:3", "Her goats eat everything."),
        turn("D2:4", "Everything but nettles.", "Bo"),
    ],
}
QUESTIONS: list[dict[str, Any]] = [
    {"question": "Where did Ada move?", "answer": "Oslo", "evidence": ["D1:1"], "category": 4},
    {"question": "When did Ada move?", "answer": "March", "evidence": ["D1:1"], "category": 2},
    {"question": "Which breads does Ada bake?", "answer": "rye, spelt", "evidence": ["D2:1"], "category": 1},
    {"question": "Would the goats eat nettles?", "answer": "No; they leave them", "evidence": ["D2:4"], "category": 3},
    {"question": "What fell down the stairs?", "answer": "the piano", "evidence": ["D1:3"], "category": 4},
    {"question": "How many sheep did Bo sell?", "adversarial_answer": "two", "evidence": ["D2:2"], "category": 5},
    {"question": "Is Ada a musician?", "answer": "Yes", "evidence": [], "category": 3},
]
ANSWERS = {
    "Where did Ada move?": "Oslo",
    "When did Ada move?": "in May",
    "Which breads does Ada bake?": "rye",
    "Would the goats eat nettles?": "no, they would not",
    "What fell down the stairs?": "a piano",
    "How many sheep did Bo sell?": "NONE",
    "Is Ada a musician?": "NONE",
}
"""What a draft says to each question."""


def asked(prompt: Prompt) -> str:
    return prompt.user.partition("Question: ")[2].partition("\n")[0]


def says(prompt: Prompt) -> dict[str, Any]:
    return {"thoughts": "", "answer": ANSWERS[asked(prompt)], "sources": [1]}


def answers(prompt: Prompt) -> dict[str, Any]:
    """Who has read more knows one answer more; who is shown nothing knows none."""
    if " | " not in prompt.user:  # no line at all
        return {"thoughts": "", "answer": "NONE", "sources": []}
    known = {**ANSWERS, "When did Ada move?": "March"}
    return {"thoughts": "", "answer": known[asked(prompt)], "sources": [1]}


def gates(prompt: Prompt) -> dict[str, Any]:
    """Content with all but one answer."""
    said = {"reason": "as it likes", "status": "pass"}
    doubt = {"reason": "no month is named", "status": "fail" if "in May" in prompt.user else "pass"}
    return {"relevance": said, "faithfulness": doubt, "completeness": said}


def judges(prompt: Prompt) -> dict[str, Any]:
    """Right if the gold answer's first word stands in the answer."""
    gold, answer = (prompt.user.partition(f"{name}: ")[2].partition("\n")[0] for name in ("Gold answer", "Answer"))
    right = gold.split()[0].strip(",;").lower() in answer.lower().split()
    return {"reason": "by its first word", "label": "correct" if right else "WRONG"}


def answering(**rules: Any) -> RuleModel:
    """Drafts `ANSWERS`, doubts one of them, and judges by the first word."""
    own = {"draft": says, "answer": answers, "gate": gates, "judge:lenient-1": judges, "judge:strict-1": judges}
    return RuleModel({**own, **rules}, seconds=0.5)


def parts(model: LanguageModel, **more: Any) -> Parts:
    return Parts(model, Settings.load(extraction="off"), embedder=HashEmbedder(), **more)


def untimed(value: Any) -> Any:
    """A JSON value without its times, which are all that may differ between two runs."""
    if isinstance(value, dict):
        return {key: untimed(inner) for key, inner in value.items() if key != "seconds"}
    return [untimed(inner) for inner in value] if isinstance(value, list) else value
