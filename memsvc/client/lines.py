"""Streams as they come, cut into what they are made of: lines of an export, and server-sent events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from memsvc.asking.answer import Event
from memsvc.client import answers
from memsvc.contract import lines
from memsvc.errors import ServiceForeign, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T_co = TypeVar("T_co", covariant=True)


class Decoder(Protocol, Generic[T_co]):
    """Takes the bytes of a stream, in pieces of any size, and gives what they complete."""

    def feed(self, chunk: bytes) -> Iterable[T_co]:
        """What this piece completes."""
        ...

    def end(self) -> Iterable[T_co]:
        """What is left when the stream is over."""
        ...


class Lines:
    """Lines of UTF-8 without their ends."""

    def __init__(self) -> None:
        self._lines = lines.Lines()

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines that end in this piece."""
        return map(_decoded, self._lines.feed(chunk))

    def end(self) -> Iterator[str]:
        """The last line, if it has no end."""
        return map(_decoded, self._lines.end())


class Events:
    """The events of one `ask`. An event `error` is raised as the error that it tells of."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._name = ""
        self._answered = False

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events whose data is whole with this piece.

        Raises:
            MemsvcError: what `ask` raises.
        """
        for line in self._lines.feed(chunk):
            field, _, value = line.partition(": ")
            if field == "event":
                self._name = value
            elif field == "data" and self._name == "error":
                raise answers.problem_of(value.encode())
            elif field == "data":
                event: Event = answers.decoded(Event, value.encode())
                self._answered = event.stage == "answered"
                yield event

    def end(self) -> Iterator[Event]:
        """Nothing: the last event is the one that holds the answer.

        Raises:
            ServiceUnavailable: it never came.
        """
        if not self._answered:
            raise ServiceUnavailable("the service stopped in the middle of an answer; ask again")
        return iter(())


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ServiceForeign("a stream came that is not UTF-8, so it is none of memsvc; check the address") from error
