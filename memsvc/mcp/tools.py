"""The tools: which verb each is, what it takes, what it gives, and what a model is told of it.

A tool takes the parameters of its verb's route, checked by the same models, but those in `hidden`, which the server
fills in or leaves as the settings say. Docstrings are what models read.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memsvc.contract.table import VERBS, Pool
from memsvc.contract.wire import Receipts
from memsvc.errors import InvalidInput
from memsvc.mcp import telling
from memsvc.mcp.hosting import Call
from memsvc.mcp.shapes import Answered, Attempts, Deleted, Picture, Quote, Recalled, Talks
from memsvc.service.bodies import Body, body
from memsvc_store.keys import Permission
from memsvc_store.values.drafts import Receipt
from memsvc_store.values.erasure_receipts import Erasure
from memsvc_store.values.learned import FeedbackReceipt

PAGE, LONGEST_PAGE = 20, 200
"""Memories or sessions of one list, by default and at most, and of a look-up at most: all go into a model's context."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. `run` takes a `Call` and what was given, and works in a thread of `pool`; `text` says what it gave."""

    name: str
    verb: str
    permission: Permission
    pool: Pool
    body: type[Body]
    gives: Any
    text: Callable[[Any], str]
    run: Callable[[Call, dict[str, Any]], Any]
    hidden: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What a model is told of it."""
        return inspect.getdoc(self.run) or ""


TOOLS: dict[str, Tool] = {}


def _tool(verb: str, **options: Any) -> Callable[..., Any]:
    """Make a tool of a function; who may use it and what it takes follow from the verb."""
    row, takes = VERBS[verb], body(verb, PAGE, LONGEST_PAGE, whole=True)

    def made(run: Callable[[Call, dict[str, Any]], Any]) -> Callable[[Call, dict[str, Any]], Any]:
        TOOLS[run.__name__] = Tool(run.__name__, verb, row.permission, row.pool, takes, run=run, **options)
        return run

    return made


@_tool("add", gives=Receipts, text=telling.receipts)
def add_memory(call: Call, given: dict[str, Any]) -> Receipts:
    """Remember what was said: store one message or several, word for word, to be found in later conversations.

    Use it for what will matter again: facts about people, preferences, decisions, dates, results. Give who said it
    (`name`) and when (`timestamp`), if you know. What you have worked out yourself goes in with kind `fact`, and the
    ids of the messages that it rests on as `sources`. What is of use for a while only gets `expires_at` (`30d`). Do not
    store what a look-up has just given you: it is there already, and comes back as an `echo`. Each message gets a
    receipt: stored, duplicate, echo, or rejected with the reason; with `strict` all are stored or none.
    """
    return Receipts(tuple(call.memory.add(**_in_session(call, given))))


@_tool("search", gives=Recalled, text=telling.recalled, hidden=("trace",))
def search_memory(call: Call, given: dict[str, Any]) -> Recalled:
    """Look memories up: what was said that fits a question or topic best, best first, each with its id and time.

    Use it before answering about anything that may have come up before. Filters (`since`, `until`, `speaker`,
    `session_id`, `kind`, `tags`, `where`) narrow the look-up itself; times may be `yesterday` or `7d`, in the person's
    `timezone`. For a worked-out answer to one question use `ask_memory`. If what was found helped or misled, say so
    with `give_feedback`. What most likely bears on nothing asked is left out; with `min_relevance` 0 it is not.
    """
    wanted = {"min_relevance": call.memory.settings.min_relevance, **given}
    if "namespaces" not in given:  # those of several have no trace, and are no session's
        wanted = {**_for_session(call, wanted), "trace": _may_reward(call)}
    return Recalled.of(call.memory.search(**wanted), given.get("timezone"))


@_tool("ask", gives=Answered, text=telling.answered, hidden=("model", "gate", "deliberation"))
def ask_memory(call: Call, given: dict[str, Any]) -> Answered:
    """Answer a question from memory, with quotes as evidence. It says so where the memories hold no answer.

    With a language model (`process` is not `extractive`) it puts several memories together, counts and dates; that may
    take minutes, and cancelling stops the work. Without one no model reasons: you get the few messages that bear on the
    question, whole, with the days that "last week" and the like mean, and work the answer out yourself.
    """
    with call.host.asks.one() as ended:
        work = call.memory._asking(**_for_session(call, given))
        answer = work.run(call.tell, lambda: call.stopped() or ended.is_set())
    call.host.answered(answer)
    return Answered.of(answer, given.get("timezone"))


@_tool("add_episode", gives=Receipt, text=telling.receipt)
def add_episode(call: Call, given: dict[str, Any]) -> Receipt:
    """Remember a task attempt: what was asked (`intent`), the steps taken (`trajectory`), and how it went.

    At least one of `reward` (-1 to 1) and `success` is needed. `experience` is what to do, or not to do, next time.
    """
    return call.memory.add_episode(**_in_session(call, given))


@_tool(
    "search_episodes", gives=Attempts, text=telling.attempts, hidden=("pool", "threshold", "weight", "epsilon", "seed")
)
def search_episodes(call: Call, given: dict[str, Any]) -> Attempts:
    """Before a task: earlier attempts at similar ones, those that worked to follow and those that failed to avoid.

    When the task is done, reward what was given with `give_feedback`.
    """
    return Attempts.of(call.memory.search_episodes(**given))


@_tool("feedback", gives=FeedbackReceipt, text=telling.feedback, hidden=("source", "credit"))
def give_feedback(call: Call, given: dict[str, Any]) -> FeedbackReceipt:
    """Say how useful what a look-up gave was, by its `trace_id`: attempts that helped rank higher from then on.

    `reward` is from -1 (misled) to 1 (solved it). `used` names the memories that mattered, if not all did.
    """
    receipt = call.memory.feedback(**given, source=f"mcp:{call.caller.access.key_id or 'local'}")
    call.host.rewarded(receipt)
    return receipt


@_tool("forget", gives=Erasure, text=telling.erasure)
def forget_memory(call: Call, given: dict[str, Any]) -> Erasure:
    """Erase for good one memory (`memory_id`), one conversation (`session_id`), all of one `source`, or what has
    `expired`.

    It cannot be undone, and nothing of it is kept. Use it only when the person it belongs to asks for it.
    """
    if not given.keys() & {"memory_id", "session_id", "source"} and not given.get("expired"):
        raise InvalidInput(
            "nothing was named that is to be erased; give memory_id, session_id, source or expired (a whole "
            "namespace is erased with `memsvc forget`)"
        )
    return call.memory.forget(**given)


@_tool("list", gives=Recalled, text=telling.listed)
def list_memories(call: Call, given: dict[str, Any]) -> Recalled:
    """List memories in the order of their time, a page at a time (`limit`, `offset`), with the filters of a look-up.

    Use it to see what there is, or to find an id. To find what fits a question use `search_memory`.
    """
    found = call.memory.list(**given)
    return Recalled(tuple(Quote.of(memory, given.get("timezone")) for memory in found), notes=found.notes)


@_tool("sessions", gives=Talks, text=telling.talks)
def list_sessions(call: Call, given: dict[str, Any]) -> Talks:
    """List earlier conversations, the latest first, a page at a time: when each was, who spoke, how many messages.

    Use it for when or with whom something was talked about. What was said in one: `list_memories` with its
    `session_id`, with `order` newest its end first.
    """
    return Talks.of(call.memory.sessions(**given))


@_tool("get", gives=Recalled, text=telling.listed)
def get_memory(call: Call, given: dict[str, Any]) -> Recalled:
    """Read one memory whole: by its id, as a look-up gave it, or by the `key` under which it was stored."""
    return Recalled((Quote.of(call.memory.get(**given)),))


@_tool("update", gives=Recalled, text=telling.listed)
def update_memory(call: Call, given: dict[str, Any]) -> Recalled:
    """Correct what a memory says (`text`), or from when (`valid_from`) or until when (`valid_to`) it is true.

    Use it when the person says that a memory is wrong. What stopped being true is not wrong: give it a `valid_to`, and
    add what holds now. What it said before is kept in its history.
    """
    return Recalled((Quote.of(call.memory.update(**given), given.get("timezone")),))


@_tool("delete", gives=Deleted, text=telling.deleted)
def delete_memory(call: Call, given: dict[str, Any]) -> Deleted:
    """Take one memory out of every look-up and list, with the facts that rest on it.

    Use it when the person wants something not to be brought up again. The log keeps what was said; to erase it for
    good there is `forget_memory`.
    """
    call.memory.delete(**given)
    return Deleted(given["memory_id"])


@_tool("graph", gives=Picture, text=telling.picture)
def graph_memory(call: Call, given: dict[str, Any]) -> Picture:
    """See how people, places and other things hang together, and by which memories.

    With `thing`: what it is joined to, most-joined first. With `to` as well: the shortest path between the two, a
    memory a step. Without either: the most central things and the communities they form. Use it for who knows whom,
    what something has to do with something else, or what there is at all. For what was said use `search_memory`.
    """
    return Picture.of(call.memory.graph(**given))


def _in_session(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    return {"session_id": call.caller.session, **given}


def _for_session(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    return {"for_session": call.caller.session, **given}


def _may_reward(call: Call) -> bool:
    """A trace is a durable write, and of use to nobody who may not give feedback."""
    return "write" in call.caller.access.allow
