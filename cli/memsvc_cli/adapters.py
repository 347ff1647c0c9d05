"""eval adapters: what puts memsvc into other people's harnesses."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import options, output
from memsvc_cli.output import Column

if TYPE_CHECKING:
    from memsvc_evals.adapters.catalogue import Adapter


def adapters(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Show the lines that go into this harness.", show_default=False),
    ] = None,
    json: options.Json = False,
) -> None:
    """List the harnesses that memsvc can be put into, or show how for one.

    \b
    memsvc eval adapters omnimemeval
    """
    from memsvc_evals.adapters.catalogue import ADAPTERS, adapter

    found = ADAPTERS if name is None else (adapter(name),)
    if json:
        output.document({"adapters": [asdict(one) for one in found]})
    elif name is None:
        output.table(
            [
                Column("name", style="cyan"),
                Column("calls"),
                Column("purpose", wrap=True),
                Column("import", below="purpose"),
            ],
            [[one.name, one.calls, one.purpose, one.path] for one in found],
        )
    else:
        _show(found[0])


def _show(one: "Adapter") -> None:
    output.pairs([("harness", one.harness), ("purpose", one.purpose), ("calls", one.calls), ("import", one.path)])
    for step in one.steps:
        output.line()
        output.line(f"{step.file} ({step.where}):", style="bold")
        output.stream(f"    {line}".rstrip() for line in step.lines.splitlines())  # as they are: they are copied
    output.line()
    output.line("Then, with memsvc installed in the harness's environment:", style="bold")
    output.stream([f"    {one.command}"])
