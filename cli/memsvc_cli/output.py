"""The only module that prints.

Results go to stdout: tables on a terminal, tab-separated lines in a pipe, or one JSON document.
Everything that only a person wants (notes, progress, errors) goes to stderr. Rich is imported when
a terminal is there to use it.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from memsvc_evals.table import Table, plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

Advance = Callable[[int], None]
Report = Callable[[str, int, int], None]
Step = Callable[[str, str], None]


def on_terminal() -> bool:
    """Whether a person looks at stdout."""
    return sys.stdout.isatty()


def error(message: str) -> None:
    """Say on stderr what went wrong: in one line, which a terminal breaks between words."""
    _tell(f"memsvc: {plain(message, sep='; ')}")


def note(message: str) -> None:
    """Tell a person something that is not part of the result."""
    _tell(plain(message))


def document(value: Any) -> None:
    """Print a value as the one JSON document of a command."""
    from memsvc_store.values.document import to_dict  # pydantic, which `--help` does without

    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(to_dict(value), ensure_ascii=not utf8, indent=2 if on_terminal() else None))


def line(text: str = "", *, style: str = "", indent: int = 0, lead: str = "") -> None:
    """Print a paragraph: wrapped on a terminal, one line in a pipe. `lead` stands out at its left."""
    if not on_terminal():
        print(" " * indent + lead + plain(text))
        return
    from rich.padding import Padding
    from rich.table import Table as Grid
    from rich.text import Text

    paragraph: RenderableType = Text(plain(text, sep="\n"), style=style)
    if lead:
        grid = Grid.grid()
        grid.add_row(Text(lead, style="dim"), paragraph)
        paragraph = grid
    show(Padding(paragraph, (0, 0, 0, indent), expand=False) if text else paragraph)


def show(renderable: "RenderableType") -> None:
    """Print something of rich's; in a pipe without colours, and as wide as it likes up to 100 columns."""
    _console().print(renderable)


def stream(lines: Iterable[str]) -> None:
    """Print lines as they come, in UTF-8 whatever the terminal's encoding: they are a file's."""
    for text in lines:
        sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.flush()


def table(shown: Table) -> None:
    """Print rows under their title: a table on a terminal, tab-separated with a line of heads in a pipe."""
    if shown.title:
        line(shown.title, style="bold")
    if on_terminal():
        show(shown.to_text())
    else:
        for text in shown.to_lines():
            print(text)
    if shown.note:
        note(shown.note)


def tables(several: Iterable[Table]) -> None:
    """Print those that have rows, with a blank line after each."""
    for one in several:
        if one.rows:
            table(one)
            line()


def pairs(fields: Sequence[tuple[str, str]]) -> None:
    """Print one thing's fields, a line each."""
    if not on_terminal():
        for name, value in fields:
            print(f"{name}\t{plain(value)}")
        return
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2))
    for name, value in fields:
        grid.add_row(Text(name, style="dim"), Text(plain(value, sep="\n")))
    show(grid)


def can_ask() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin.isatty()


def confirmed(question: str) -> bool:
    """Ask on stderr; only y and yes are a yes."""
    print(f"{plain(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def progress(label: str, total: int | None = None, *, size: bool = False) -> Iterator[Advance]:
    """A bar on stderr while the block runs, if stderr is a terminal; call the result with steps done.

    Args:
        total: how many steps there are; None when nobody knows.
        size: the steps are bytes.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with _bars(size=size) as bars:
        task = bars.add_task(plain(label), total=total)
        yield lambda steps: bars.advance(task, steps)


@contextmanager
def stages(labels: Mapping[str, str], *, remaining: bool = False) -> Iterator[Report]:
    """As `progress`, with a bar for every stage that is reported; call the result with stage, done, total.

    Args:
        labels: how to call the stages, where not by their own names.
        remaining: show how long each will still take, as far as that can be told.
    """
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    with _bars(remaining=remaining) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(plain(labels.get(stage, stage)), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


@contextmanager
def spinner(label: str) -> Iterator[None]:
    """Say on stderr, if it is a terminal, what is being waited for."""
    if not sys.stderr.isatty():
        yield
        return
    with _console(stderr=True).status(plain(label)):
        yield


@contextmanager
def steps(doing: str) -> Iterator[Step]:
    """Say on stderr, if it is a terminal, what is under way; call the result with what is done and what comes next."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    console = _console(stderr=True)
    with console.status(plain(doing)) as status:

        def step(done: str, doing: str) -> None:
            if done:
                console.print(plain(done), style="dim", markup=False)
            status.update(plain(doing))

        yield step


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        import shutil
        import textwrap

        # Options and paths stay whole: they are copied.
        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    print(text, file=sys.stderr)


def _bars(*, size: bool = False, remaining: bool = False) -> "Progress":
    from rich import progress as rich

    count = rich.DownloadColumn() if size else rich.MofNCompleteColumn()
    columns = [rich.TextColumn("{task.description}"), rich.BarColumn(), count, rich.TimeElapsedColumn()]
    if remaining:
        columns += [rich.TextColumn("left"), rich.TimeRemainingColumn()]
    # One answer of a slow model takes minutes: over the usual half minute its speed could never be told.
    return rich.Progress(*columns, console=_console(stderr=True), transient=True, speed_estimate_period=3600)


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, width=None if on_terminal() or stderr else 100)
