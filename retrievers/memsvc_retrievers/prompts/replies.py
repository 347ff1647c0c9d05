"""What models are asked to reply with.

Bounds of strings and lists are told to back ends that decode under a schema, which keeps a rambling
model from never ending; they are not held against a reply that was complete without them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Item = TypeVar("Item")


def _at_most(characters: int) -> Any:
    return Field(json_schema_extra={"maxLength": characters})


def _at_most_items(count: int) -> Any:
    return Field(json_schema_extra={"maxItems": count})


def _numbers(given: Any) -> Any:
    """A single number, or none at all, where a list was asked for: harmless, and no reason to ask again."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _score(given: Any) -> Any:
    """7.5 or "8" mean what they say; beyond the scale is its end."""
    try:
        return round(min(max(float(given), 0.0), 10.0))
    except (TypeError, ValueError, OverflowError):
        return given


def _text(given: Any) -> Any:
    return "" if given is None else given


Short = Annotated[str, BeforeValidator(_text), _at_most(200)]
Long = Annotated[str, BeforeValidator(_text), _at_most(600)]
Numbers = Annotated[list[int], BeforeValidator(_numbers), _at_most_items(12)]
Score = Annotated[int, BeforeValidator(_score), Field(json_schema_extra={"minimum": 0, "maximum": 10})]


class Reply(BaseModel):
    """What they have in common: fields that nobody asked for are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class AnswerReply(Reply):
    """An answer with the numbers of the lines that it rests on. Thoughts come first: they are for the model."""

    thoughts: Long
    answer: Short
    sources: Numbers


class LinesReply(Reply):
    """Numbers of lines that are needed."""

    needed: Annotated[list[int], _at_most_items(60)]


class Judgement(Reply):
    """One dimension of the gate."""

    reason: Short
    status: Literal["pass", "fail"]


class GateReply(Reply):
    """The three dimensions of D-Mem's gate (Policy 3)."""

    relevance: Judgement
    faithfulness: Judgement
    completeness: Judgement


class VoteReply(Reply):
    """The largest group of answers that say the same, and the best worded one of them."""

    same: Annotated[list[int], _at_most_items(3)]
    best: int


class FoundFact(Reply):
    """A fact that bears on the question, with the numbers of the messages that it comes from."""

    fact: Long
    score: Score
    messages: Numbers
    quote: Short


class FactsReply(Reply):
    """The facts of one chunk."""

    facts: Annotated[list[FoundFact], _at_most_items(20)]


class NewPoint(Reply):
    """A point to insert, with the numbers of the lines that it comes from."""

    point: Long
    lines: Numbers


class ChangedPoint(Reply):
    """A point that is worded anew, with the numbers of further lines that it comes from."""

    number: int
    point: Long
    lines: Numbers


class EvolveReply(Reply):
    """What one look adds to working memory."""

    update: Annotated[list[ChangedPoint], _at_most_items(8)]
    insert: Annotated[list[NewPoint], _at_most_items(8)]


class MergedPoint(Reply):
    """Points that belong together, and one that says what they say together."""

    numbers: Annotated[list[int], _at_most_items(6)]
    point: Long


class MergeReply(Reply):
    """Groups of points to merge."""

    merge: Annotated[list[MergedPoint], _at_most_items(6)]


class Concern(Reply):
    """What is still missing: a question to look up, and the points that it digs into; none to look elsewhere."""

    question: Short
    points: Numbers


class JudgeReply(Reply):
    """Whether working memory answers the question; if not, at most three concerns."""

    sufficient: bool
    concerns: Annotated[list[Concern], _at_most_items(3)]
