"""The faces that are written by hand hold to the verbs and their parameters; `contract/` has those that are derived.

What a face does without, or has beside it, stands in a table with its reason; a reason that is not needed any more is
an error like one that is missing. A new verb or parameter fails here until each face has it, or says why it has not.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Memory, Settings
from memsvc.contract.table import VERBS
from memsvc.mcp.tools import TOOLS
from memsvc.server.app import build_app
from memsvc.server.openapi import document
from memsvc.testing import HashEmbedder
from memsvc_cli import asking, care, episodes, extracting, forgetting, graphing, learning, moving, reading, writing
from memsvc_cli.app import app
from tests.memsvc.server.served import open_door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer import Typer

    Parameters = dict[str, set[str]]
    """The parameters of each verb."""

CALLBACK = "a callback is called where it was given: in the process that does the work"
ONE_KIND = "only episodes are looked up: any other kind is an error"
ONE_PROCESS = "what was recalled is remembered in the process, and a command is over before it could come back"
ALONE = "needs no memory: each face that counts does so itself"

NO_PLACE = {"open": "not a verb", "close": "not a verb"}


def verbs() -> Parameters:
    """The list: the public methods of `Memory`; `**options` are spelled out."""
    methods = inspect.getmembers(Memory, inspect.isroutine)
    return {name: _named(one, name) for name, one in methods if not name.startswith("_") and name not in NO_PLACE}


def _named(method: Callable[..., Any], verb: str) -> set[str]:
    found = list(inspect.signature(method).parameters.values())[1:]
    names = {one.name for one in found if one.kind is not one.VAR_KEYWORD}
    open_ended = any(one.kind is one.VAR_KEYWORD for one in found)
    return names | set(VERBS[verb].options.__annotations__) if open_ended else names


# Who does without what, and why: (verb, parameter), with "" for the verb itself.
Differences = dict[tuple[str, str], str]

_OPERATOR = "the settings say; what an operator decides is no question to a model"

HTTP: Differences = {
    ("count_tokens", ""): ALONE,
    ("ask_stream", ""): "it is `ask` with Accept: text/event-stream",
    ("ask", "on_event"): "its steps are server-sent events",
    ("extract", "on_event"): CALLBACK,
    ("extract", "on_queued"): CALLBACK,
    ("reflect", "on_event"): CALLBACK,
    ("reindex", "progress"): CALLBACK,
    ("import_", "lines"): "it is the body of the request, as a stream",
    ("search_episodes", "kind"): ONE_KIND,
}

COMMAND_LINE: Differences = {
    ("count_tokens", ""): ALONE,
    ("ask_stream", ""): "`ask` shows its steps while they happen",
    ("ask", "on_event"): "`ask` shows its steps while they happen",
    ("extract", "on_event"): "shown as progress",
    ("extract", "on_queued"): "shown as progress",
    ("reflect", "on_event"): "shown as progress",
    ("reindex", "progress"): "shown as progress",
    ("search", "for_session"): ONE_PROCESS,
    ("ask", "for_session"): ONE_PROCESS,
    ("search_episodes", "kind"): ONE_KIND,
}

TOOL: Differences = {
    **{(verb, ""): "for the operator and the host's own code, not for the model that talks" for verb in (
        "calibrate_gate", "calibrate_threshold", "count_tokens", "export", "extract", "import_", "jobs", "namespaces",
        "rebuild_utilities", "reflect", "reindex", "reset_utility", "retain", "retry", "stats", "top_utilities",
        "trace", "utility", "utility_history", "verify", "verify_erasure", "update", "delete", "get", "history",
    )},
    ("ask_stream", ""): "a tool gives one result; its steps are MCP's notifications of progress",
    ("ask", "on_event"): "a tool gives one result; its steps are MCP's notifications of progress",
    ("ask", "model"): _OPERATOR,
    ("ask", "gate"): _OPERATOR,
    ("ask", "deliberation"): _OPERATOR,
    ("search", "trace"): "it is kept whenever the key may reward it",
    ("search_episodes", "kind"): ONE_KIND,
    ("feedback", "source"): "it is the key",
    ("feedback", "credit"): _OPERATOR,
    **{("search_episodes", name): _OPERATOR for name in ("pool", "threshold", "weight", "epsilon", "seed")},
}  # fmt: skip

MORE: Differences = {
    ("verify_erasure", "namespace"): "over HTTP: what the key is checked against; the receipt must name the same",
}
"""What a face has beside the parameters of the verb."""


def http() -> Parameters:
    """What the OpenAPI document says."""
    with Memory.open(":memory:", embedder=HashEmbedder(), settings=Settings.load()) as memory:
        found = document(build_app(memory, door=open_door))
    operations = [one for path in found["paths"].values() for one in path.values()]
    return {_method(one["operationId"]): set(_of_operation(one, found["components"]["schemas"])) for one in operations}


def _method(operation: str) -> str:
    return "import_" if operation == "import" else operation


def _of_operation(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    yield from (one["name"] for one in operation.get("parameters", ()))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "$ref" in content["schema"]:
            yield from schemas[content["schema"]["$ref"].rpartition("/")[2]]["properties"]


COMMANDS: dict[str, Callable[..., None]] = {
    "add": writing.add,
    "update": writing.update,
    "delete": writing.delete,
    "forget": forgetting.forget,
    "verify_erasure": forgetting.forget,
    "search": reading.search,
    "ask": asking.ask,
    "trace": reading.trace,
    "get": reading.get,
    "list": reading.list_,
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
    "calibrate_threshold": learning.threshold,
    "retain": learning.retain,
}


CALLED: dict[tuple[str, str], str] = {
    ("add", "text"): "messages", ("import_", "file"): "lines", ("verify_erasure", "check"): "receipt",
    ("calibrate_gate", "escalations"): "budget", ("retain", "hot"): "budget",
}  # fmt: skip
"""What a command calls a parameter by a name of its own; `--session` is `session_id` everywhere."""


def command_line() -> Parameters:
    """What the commands take. Options beside those of the verb are theirs: how it is shown, asked for, and where."""
    return {
        verb: {CALLED.get((verb, name), "session_id" if name == "session" else name) for name in _of_command(verb)}
        for verb in COMMANDS
    }


def _of_command(verb: str) -> set[str]:
    assert COMMANDS[verb] in _registered(app)
    return set(inspect.signature(COMMANDS[verb]).parameters)


def _registered(group: Typer) -> set[Any]:
    inner = [_registered(one.typer_instance) for one in group.registered_groups if one.typer_instance]
    return {one.callback for one in group.registered_commands}.union(*inner)


def tools() -> Parameters:
    """What the MCP tools take."""
    return {tool.verb: set(tool.body.model_fields) - set(tool.hidden) for tool in TOOLS.values()}


@pytest.mark.parametrize(
    ("face", "without", "more"),
    [(http, HTTP, MORE), (command_line, COMMAND_LINE, None), (tools, TOOL, {})],
    ids=["http", "command line", "mcp"],
)
def test_each_face_has_each_verb_and_parameter_or_says_why_not(
    face: Callable[[], Parameters], without: Differences, more: Differences | None
) -> None:
    wanted, found = verbs(), face()
    assert set(found) <= set(wanted)
    missing = {(verb, "") for verb in set(wanted) - set(found)}
    missing |= {(verb, name) for verb in found for name in wanted[verb] - found[verb]}
    assert missing == set(without)
    if more is not None:
        assert {(verb, name) for verb in found for name in found[verb] - wanted[verb]} == set(more)
