"""The two calls of D-Mem's write path (Mem0*, section 3.1): candidate facts, and what becomes of old ones.

Pure functions of what they show. Numbers in a reply are those of the lines that were shown, from 1; 0 is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from memsvc_retrievers.language import Prompt
from memsvc_retrievers.passages import Passage, line, numbered, one_line
from memsvc_retrievers.prompts.replies import Long, Numbers, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.values.memories import Memory

_FACTS = """\
You write down facts from a conversation, for somebody who will never see the conversation.
- Take facts from the new messages only. What is known and what was said before only helps you to understand them.
- Write what a friend would remember: who somebody is, what they like, own, do, did, plan, feel or decide; names, places, numbers.
- Each fact is one short sentence that can be understood alone: write the name, not "I", "you", "she", "it" or "there".
- Write dates out, such as "on 5 May 2026" or "in June 2026". Work out "yesterday" or "next month" from the time of the message.
- Pass over greetings, thanks and small talk. If nothing is left, the list is empty.
Reply with JSON: "facts", a list; each with "fact" (the sentence) and "messages" (the numbers of the new messages it comes from)."""

_UPDATE = """\
You keep a list of facts true and without repetition. You see old facts and new facts, each with the day it is of.
For each new fact, name one action:
- ADD: no old fact is about the same matter.
- UPDATE: an old fact is about the same matter and both hold. "text" is one sentence that says everything that both say.
- DELETE: the old fact is no longer true, because of the new one. The new fact is kept.
- NOOP: an old fact already says everything that the new one says.
Reply with JSON: "decisions", a list; each with "new" (the number of the new fact), "action", "old" (the number of the old fact,
0 for ADD), and "text" (the sentence for UPDATE, else empty)."""

Action = Literal["ADD", "UPDATE", "DELETE", "NOOP"]


class CandidateReply(Reply):
    """One fact, with the numbers of the messages that it comes from."""

    fact: Long
    messages: Numbers


class CandidatesReply(Reply):
    """What a group of messages says."""

    facts: Annotated[list[CandidateReply], Field(json_schema_extra={"maxItems": 20})]


class DecisionReply(Reply):
    """What becomes of one new fact, and of the old one that it is about."""

    new: int
    action: Annotated[Action, BeforeValidator(lambda said: said.upper() if isinstance(said, str) else said)]
    old: int
    text: Long

    @model_validator(mode="before")
    @classmethod
    def _of_nothing(cls, said: Any) -> Any:
        """An ADD is of no old fact and has no text: harmless where they are left out, or null."""
        if not isinstance(said, dict):
            return said
        return {"old": 0, "text": ""} | {key: value for key, value in said.items() if value is not None}


class DecisionsReply(Reply):
    """One decision a new fact."""

    decisions: Annotated[list[DecisionReply], Field(json_schema_extra={"maxItems": 20})]


def facts_prompt(messages: Sequence[Memory], before: Sequence[Memory], known: Sequence[Memory]) -> Prompt:
    """Ask what new messages say; what was said before them and what is known gives them their meaning."""
    user = (
        f"Known:\n{_facts(known)}\n\nSaid before:\n{_plain(before)}\n\n"
        f"New messages:\n{numbered([Passage.of(message) for message in messages])}"
    )
    return Prompt(_FACTS, user, "facts")


def update_prompt(old: Sequence[Memory], new: Sequence[tuple[str, str]]) -> Prompt:
    """Ask what becomes of old facts in the light of new ones; the new ones as (day, text)."""
    lines = "\n".join(f"[{number}] ({day}) {one_line(text)}" for number, (day, text) in enumerate(new, 1))
    user = f"Old facts:\n{_facts(old, numbers=True)}\n\nNew facts:\n{lines}"
    return Prompt(_UPDATE, user, "update")


def _facts(facts: Sequence[Memory], *, numbers: bool = False) -> str:
    return "\n".join(
        f"{f'[{number}]' if numbers else '-'} ({fact.valid_from:%Y-%m-%d}) {one_line(fact.text)}"
        for number, fact in enumerate(facts, 1)
    ) or "(nothing)"  # fmt: skip


def _plain(messages: Sequence[Memory]) -> str:
    """Messages without numbers, so that no fact can name one of them as its source."""
    lines = [line(0, Passage.of(message)).removeprefix("[0]") for message in messages]
    return "\n".join(f"-{one}" for one in lines) or "(nothing)"
