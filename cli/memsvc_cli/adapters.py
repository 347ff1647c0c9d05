"""eval adapters: what puts memsvc into other people's harnesses."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import options, output
from memsvc_cli.output import Column

if TYPE_CHECKING:
    from memsvc_evals.adapters import Adapter


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
    from memsvc_evals.adapters import ADAPTERS, adapter

    found = ADAPTERS if name is None else (adapter(name),)
    if json:
        output.document({"adapters": [asdict(one) for one in found]})
    elif name is None:
        output.table(
            [Column("name", style="cyan"), Column("calls"), Column("purpose", wrap=True)],
            [[one.name, one.calls, one.purpose] for one in found],
        )
        output.note(f"`memsvc eval adapters {found[0].name}` shows the lines that go into that harness.")
    else:
        output.stream(_lines(found[0]))  # as they are: they are copied


def _lines(one: "Adapter") -> Iterator[str]:
    yield f"{one.name}: {one.purpose}"
    yield f"Harness: {one.harness}"
    yield f"Import:  {one.path} ({one.calls})"
    for step in one.steps:
        yield ""
        yield f"{step.file} ({step.where}):"
        yield from (f"    {line}".rstrip() for line in step.lines.splitlines())
    yield ""
    yield "Then, with memsvc installed in the harness's environment:"
    yield f"    {one.command}"
