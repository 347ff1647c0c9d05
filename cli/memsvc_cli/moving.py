"""export, import: moving memories between databases."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from memsvc_cli import options, output, views
from memsvc_cli.messages import STDIN, name_of
from memsvc_cli.opening import opened
from memsvc_cli.receipts import report

STDOUT = "-"


@options.takes("export")
def export(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="Where to; '-' is stdout.")] = STDOUT,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Write a namespace as JSON lines: a header, then one memory a line.

    \b
    memsvc export -n acme/ann --since 2026-01-01 --where '{"topic": "pets"}'
    memsvc export ann.jsonl -n acme/ann
    memsvc export -n acme/ann | gzip > ann.jsonl.gz
    """
    if json and file == STDOUT:
        raise typer.BadParameter(
            "stdout gets the export itself, which is JSON lines already; name a file to use --json"
        )
    path = None if file == STDOUT else _free_path(file, force)
    with opened(db) as memory:
        lines = memory.export(namespace=namespace, **given)
        if path is None:
            output.stream(lines)
            return
        count = None if given else memory.stats(namespace=namespace)["memories"] + 1
        with output.progress("Exporting", count) as advance:
            written = _write(path, _counted(lines, advance)) - 1
    summary = {"namespace": namespace, "file": str(path), "memories": written}
    output.document(summary) if json else output.line(
        f"exported {views.plural(written, 'memory', 'memories')} to {file}"
    )


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A file that `export` wrote; '-' is stdin.")],
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Store what `export` wrote, in this namespace or another; importing twice stores once.

    Exits with 1 if a message was rejected, as one is whose key names something else here; the others are stored all
    the same.

    \b
    memsvc import ann.jsonl -n acme/ann
    """
    from memsvc.errors import InvalidMessage, InvalidTimestamp

    name = name_of(file)
    places: list[str] = []
    with _source(file) as source:
        total = _size(source)
        with opened(db, create=True) as memory, output.progress(f"Importing {name}", total, size=True) as advance:
            try:
                receipts = memory.import_(_lines(source, places, advance), namespace=namespace)
            except (InvalidMessage, InvalidTimestamp) as error:
                raise type(error)(f"{name}: {error}") from error
    report(namespace, receipts, places, json=json)


def _free_path(file: str, force: bool) -> Path:
    path = Path(file)
    if path.exists() and not path.is_file():
        raise typer.BadParameter(f"{file} is not a file; name one")
    if path.exists() and not force:
        raise typer.BadParameter(f"{file} exists already; replace it with --force")
    return path.resolve()


def _counted(lines: Iterable[str], advance: output.Advance) -> Iterator[str]:
    for line in lines:
        yield line
        advance(1)


def _write(path: Path, lines: Iterable[str]) -> int:
    """Write beside the target and rename: the target is the whole export, or untouched."""
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            count = sum(1 for line in lines if file.write(f"{line}\n"))
            file.flush()
            os.fsync(handle)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    return count


def _source(file: str) -> IO[bytes]:
    return sys.stdin.buffer if file == STDIN else open(file, "rb")


def _size(source: IO[bytes]) -> int | None:
    """How many bytes will come, if the source is a file that tells."""
    try:
        return os.fstat(source.fileno()).st_size or None
    except OSError:
        return None


def _lines(source: IO[bytes], places: list[str], advance: output.Advance) -> Iterator[str]:
    """The lines of an export; those that hold a message, which the header does not, are noted in `places`."""
    from memsvc.errors import InvalidMessage

    for number, line in enumerate(source, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidMessage(f"line {number} is not UTF-8; give a file that `export` wrote") from error
        if number > 1 and text.strip():
            places.append(f"line {number}")
        yield text
        advance(len(line))
