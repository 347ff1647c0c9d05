"""The command `memsvc`: which commands there are.

Only the standard library and Typer are imported here, so that `--help` comes at once (0.1 s;
Rich's help would double it).
"""

import gc
import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from memsvc_cli import (
    asking,
    browsing,
    care,
    demo,
    episodes,
    evaluate,
    extracting,
    forgetting,
    graphing,
    keys,
    learning,
    mcp,
    moving,
    output,
    reading,
    serving,
    writing,
)
from memsvc_cli.group import Commands

WRITE, READ, MOVE, SERVE, CARE, IMPROVE, LEARN = "Write", "Read", "Move", "Serve", "Care", "Improve", "Learn"
TRY = "Try and measure"

app = typer.Typer(
    cls=Commands,
    name="memsvc",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    import memsvc

    output.line(f"memsvc {memsvc.__version__}")
    raise typer.Exit


@app.callback()
def memsvc(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Agent memory: write conversations, ask later, see where each answer came from.

    \b
    memsvc add "I moved to Oslo last week." --speaker Ann
    memsvc search "Where does Ann live?"
    memsvc demo
    """


_COMMANDS: list[tuple[str, str, Callable[..., None]]] = [
    (WRITE, "add", writing.add),
    (WRITE, "update", writing.update),
    (WRITE, "delete", writing.delete),
    (WRITE, "forget", forgetting.forget),
    (READ, "search", reading.search),
    (READ, "ask", asking.ask),
    (READ, "traces", browsing.traces),
    (READ, "trace", reading.trace),
    (READ, "get", reading.get),
    (READ, "list", reading.list_),
    (READ, "sessions", browsing.sessions),
    (READ, "session", browsing.session),
    (READ, "history", reading.history),
    (READ, "graph", graphing.graph),
    (MOVE, "export", moving.export),
    (MOVE, "import", moving.import_),
    (SERVE, "serve", serving.serve),
    (SERVE, "mcp", mcp.mcp),
    (CARE, "namespaces", care.namespaces),
    (CARE, "stats", care.stats),
    (CARE, "verify", care.verify),
    (CARE, "reindex", care.reindex),
    (CARE, "doctor", care.doctor),
    (CARE, "config", care.config),
    (IMPROVE, "extract", extracting.extract),
    (IMPROVE, "jobs", extracting.jobs),
    (LEARN, "add-episode", episodes.add_episode),
    (LEARN, "episodes", episodes.episodes),
    (LEARN, "calibrate-episodes", episodes.calibrate_episodes),
    (LEARN, "reflect", episodes.reflect),
    (LEARN, "feedback", learning.feedback),
    (LEARN, "retain", learning.retain),
    (TRY, "demo", demo.demo),
    (TRY, "bench", evaluate.bench),
]
for _panel, _name, _command in _COMMANDS:
    app.command(_name, rich_help_panel=_panel)(_command)
learning.gate.command("threshold", hidden=True)(episodes.calibrate_episodes)  # what it was called
app.add_typer(keys.app, name="keys", rich_help_panel=SERVE)
app.add_typer(learning.utility, name="utility", rich_help_panel=LEARN)
app.add_typer(learning.gate, name="gate", rich_help_panel=LEARN)
app.add_typer(evaluate.app, name="eval", rich_help_panel=TRY)


def main() -> None:
    """Run `memsvc`."""
    _open_closed_streams()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn whoever develops with them; -W and PYTHONWARNINGS still hold
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without the character is no reason to fail
    # A search makes a million objects by importing and nearly no garbage: looking for some as often
    # as Python does by default, and again at exit, is 0.2 s of 1.0 s.
    gc.set_threshold(100_000, 20, 100)
    try:
        app(prog_name="memsvc")
    finally:
        gc.freeze()


def _open_closed_streams() -> None:
    """A stream that the caller closed (`memsvc list >&-`) is None in Python, and every print would fail."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process lives
