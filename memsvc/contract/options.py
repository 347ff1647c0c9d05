"""The options and filters that verbs take by name, beside their own parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from memsvc_retrievers.choices import Deliberation, Policy, Style
    from memsvc_retrievers.language import LanguageModel

Kept = Literal["message", "fact"]
Time = str | datetime | date | float
Names = str | Sequence[str]
Where = Mapping[str, Any] | str
Order = Literal["oldest", "newest"]
ORDERS: tuple[Order, ...] = ("oldest", "newest")
Identified = Literal["memory", "trace"]
IDENTIFIED: tuple[Identified, ...] = ("memory", "trace")
"""What has an id that can be looked up by how it begins."""


class Filters(TypedDict, total=False):
    """Which memories come into question, applied inside the look-up.

    Attributes:
        since: said at or after this time: ISO 8601, a date, `yesterday`, `7d` or `12h` (ago), a month (`2026-03`).
        until: said at or before this time; of a day, week (`2026-W10`) or month all of it.
        as_of: valid at this moment.
        include_ended: what has ended (its `valid_to` has passed) as well; look-ups leave it out, listings show it.
        session_id: only these sessions.
        speaker: only what these said.
        role: only what was said in these roles: user, assistant, tool, system.
        kind: message, fact, episode.
        timezone: the zone, such as Asia/Shanghai, in which `today`, a date or a time without an offset is meant; by
            default the setting `timezone`, which is UTC.
        tags: only what has one of these among the `tags` of its metadata.
        where: conditions on metadata, such as {"topic": "pets", "price": {"$lt": 10}}; an object, or its JSON.
    """

    since: Time | None
    until: Time | None
    as_of: Time | None
    include_ended: bool | None
    session_id: Names | None
    speaker: Names | None
    role: Names | None
    kind: Names | None
    timezone: str | None
    tags: Names | None
    where: Where | None


class AskOptions(Filters, total=False):
    """How `ask` answers; what is left out, or None, is as the settings say.

    Attributes:
        top_k: memories that the fast answer sees; 30, or 10 without a model.
        min_relevance: the least relevance of those memories, 0 to 1; by default the setting `min_relevance`, 0.01,
            below which most of what bears on nothing is.
        min_similarity: the least cosine of those memories with the question, -1 to 1; any by default.
        gate: who decides whether the fast answer will do.
        deliberation: what follows where it will not: scan (read the log again), hypergraph (look up step by step),
            auto.
        style: how the answer is worded: short (five or six words), reasoned (sentences that give their grounds).
        model: a model's name, or a model of your own.
    """

    top_k: int | None
    min_relevance: float | None
    min_similarity: float | None
    gate: Policy | None
    deliberation: Deliberation | None
    style: Style | None
    model: str | LanguageModel | None


class EpisodeOptions(Filters, total=False):
    """How episodes are found; what is left out, or None, is as the settings say.

    Attributes:
        top_k: how many are given at most (k2); 5, or fewer where `pool` is smaller.
        pool: how many of the most similar are considered (k1), at least `top_k`; 10, or more where `top_k` is larger.
        threshold: the cosine that an intent must exceed; by default the one that `calibrate_threshold` found, or none.
        weight: utility's part in the ranking (lambda), 0 to 1; 0: similarity alone.
        epsilon: the probability of choosing from the pool at random.
        seed: makes that choice repeatable.
    """

    top_k: int | None
    pool: int | None
    threshold: float | None
    weight: float | None
    epsilon: float | None
    seed: int | None


def own(options: type) -> tuple[str, ...]:
    """The names that options have beside the filters."""
    return tuple(name for name in options.__annotations__ if name not in Filters.__annotations__)
