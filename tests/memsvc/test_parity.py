"""What is written by hand still holds to the verbs: a command and a tool each, or a reason why not.

Clients, routes, requests and tools' arguments are made of the contract (`tests/memsvc/contract`). A reason that is not
needed any more is an error like one that is missing.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from memsvc.contract.derived import NAMES
from memsvc.contract.parameters import parameters
from memsvc.mcp.tools import TOOLS
from memsvc_cli import (
    asking,
    browsing,
    care,
    episodes,
    extracting,
    forgetting,
    graphing,
    learning,
    moving,
    reading,
    writing,
)
from memsvc_cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer import Typer

PROGRESS = "shown as progress"

NO_COMMAND = {
    "count_tokens": "needs no memory",
    "ask_stream": "`ask` shows its steps while they happen",
    "ids": "commands that take an id take the beginning of one",
}
WITHOUT = {
    ("ask", "on_event"): PROGRESS,
    ("extract", "on_event"): PROGRESS,
    ("extract", "on_queued"): PROGRESS,
    ("reflect", "on_event"): PROGRESS,
    ("reindex", "progress"): PROGRESS,
    ("search_episodes", "kind"): "only episodes are looked up: any other kind is an error",
    ("search_episodes", "role"): "episodes have none",
}
"""Parameters that a command does without."""

NO_TOOL = {
    "ask_stream": "a tool gives one result; its steps are MCP's notifications of progress",
    "session": "`list_memories` of a session",
    **dict.fromkeys(
        "calibrate_gate calibrate_threshold count_tokens export extract import_ jobs namespaces rebuild_utilities "
        "reflect reindex reset_utility retain retry stats top_utilities trace utility utility_history verify "
        "verify_erasure history traces ids".split(),
        "for the operator and the host's own code, not for the model that talks",
    ),
}

COMMANDS: dict[str, Callable[..., None]] = {
    "add": writing.add,
    "update": writing.update,
    "delete": writing.delete,
    "forget": forgetting.forget,
    "verify_erasure": forgetting.forget,
    "search": reading.search,
    "ask": asking.ask,
    "traces": browsing.traces,
    "trace": reading.trace,
    "get": reading.get,
    "list": reading.list_,
    "sessions": browsing.sessions,
    "session": browsing.session,
    "history": reading.history,
    "graph": graphing.graph,
    "export": moving.export,
    "import_": moving.import_,
    "namespaces": care.namespaces,
    "stats": care.stats,
    "verify": care.verify,
    "reindex": care.reindex,
    "extract": extracting.extract,
    "retry": extracting.extract,
    "jobs": extracting.jobs,
    "add_episode": episodes.add_episode,
    "search_episodes": episodes.episodes,
    "reflect": episodes.reflect,
    "feedback": learning.feedback,
    "utility": learning.show,
    "utility_history": learning.show,
    "top_utilities": learning.top,
    "reset_utility": learning.reset,
    "rebuild_utilities": learning.rebuild,
    "calibrate_gate": learning.calibrate,
    "calibrate_threshold": episodes.calibrate_episodes,
    "retain": learning.retain,
}


CALLED: dict[tuple[str, str], str] = {
    ("add", "text"): "messages", ("import_", "file"): "lines", ("verify_erasure", "check"): "receipt",
}  # fmt: skip
"""What a command calls a parameter by a name of its own; `--session` is `session_id` everywhere."""


def test_each_verb_has_a_command_with_its_parameters_or_says_why_not() -> None:
    assert set(NAMES) - set(COMMANDS) == set(NO_COMMAND)
    missing = {(verb, name) for verb in COMMANDS for name in set(parameters(verb)) - _of_command(verb)}
    assert missing == set(WITHOUT)


def test_each_verb_has_a_tool_or_says_why_not() -> None:
    assert set(NAMES) - {tool.verb for tool in TOOLS.values()} == set(NO_TOOL)
    for tool in TOOLS.values():
        assert set(tool.hidden) <= set(tool.body.model_fields)


def _of_command(verb: str) -> set[str]:
    """What a command takes, by the verb's names; `--session` is `session_id` everywhere."""
    assert COMMANDS[verb] in _registered(app)
    names = inspect.signature(COMMANDS[verb]).parameters
    return {CALLED.get((verb, name), "session_id" if name == "session" else name) for name in names}


def _registered(group: Typer) -> set[Any]:
    inner = [_registered(one.typer_instance) for one in group.registered_groups if one.typer_instance]
    return {one.callback for one in group.registered_commands}.union(*inner)
