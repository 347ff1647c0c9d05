"""Lines of an export on the wire: UTF-8 that comes in pieces of any size, cut at line feeds. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lines:
    """Takes pieces, and gives the lines that they complete, without their ends.

    Cut at line feeds alone: `str.splitlines` and httpx's `iter_lines` also cut at U+2028 and its like, which JSON may
    hold in strings. The parts of a line are joined once: anew with each, 8 MiB in chunks of 64 KiB
    were half a gigabyte.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.number = 0
        """Of the latest line that was given; the first is 1."""
        self.pending = 0
        """Bytes of the line that has not ended yet."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that end in this piece."""
        first, *others = chunk.split(b"\n")
        self._add(first)
        for begun in others:
            yield self._line()
            self._add(begun)

    def end(self) -> Iterator[bytes]:
        """The last line, if it has no end."""
        if self.pending:
            yield self._line()

    def _add(self, part: bytes) -> None:
        if part:
            self._parts.append(part)
            self.pending += len(part)

    def _line(self) -> bytes:
        line = b"".join(self._parts)
        self._parts, self.pending = [], 0
        self.number += 1
        return line
