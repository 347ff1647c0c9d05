"""Lines of stdin that the SDK cannot read: each gets an error, with the id of its request where it has one.

The SDK passes over them in silence, and whoever sent one waits for ever.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from anyio.streams.memory import MemoryObjectReceiveStream
    from mcp.shared._stream_protocols import WriteStream

logger = logging.getLogger(__name__)

_ID = re.compile(r'"id"\s*:\s*(-?\d{1,18}|"[^"\\]{1,200}")')


class Readable:
    """The messages of a transport, those that it could not read mended or answered with an error."""

    messages: MemoryObjectReceiveStream[SessionMessage | Exception]

    def __init__(self, read: AsyncIterable[SessionMessage | Exception], write: WriteStream[SessionMessage]) -> None:
        self._read, self._write = read, write
        self._send, self.messages = anyio.create_memory_object_stream[SessionMessage | Exception](0)

    async def pass_on(self) -> None:
        """Pass messages on until the transport ends."""
        async with self._send:
            async for came in self._read:
                message = came if isinstance(came, SessionMessage) else await self._mended(came)
                if message is not None:
                    await self._send.send(message)

    async def _mended(self, error: Exception) -> SessionMessage | None:
        """A line that holds half a character, which is its arguments' to tell of; others are answered."""
        line = _came(error)
        if isinstance(line, str) and not line.strip():
            return None
        code, said = mcp_types.INVALID_REQUEST, "this is no message of JSON-RPC 2.0"
        if isinstance(line, str):
            try:
                value = json.loads(line)
                json.dumps(_but_arguments(value), ensure_ascii=False).encode()  # what is sent back must be whole
                return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_python(value, by_name=False))
            except (ValidationError, UnicodeEncodeError):
                line = value
            except (ValueError, RecursionError) as found:
                code, said = mcp_types.PARSE_ERROR, f"this line is no JSON: {found}"
        logger.warning("a line on stdin could not be read: %s", said)
        told = mcp_types.ErrorData(code=code, message=f"{said}; send one message a line, in UTF-8")
        await self._write.send(SessionMessage(mcp_types.JSONRPCError(jsonrpc="2.0", id=_id(line), error=told)))
        return None


def _but_arguments(value: Any) -> Any:
    """A message without the arguments of its tool, which may hold half a character: they are checked one by one."""
    if not isinstance(value, dict) or not isinstance(value.get("params"), dict):
        return value
    return value | {"params": {name: one for name, one in value["params"].items() if name != "arguments"}}


def _came(error: Exception) -> Any:
    """What could not be read: the line where it is no JSON, else its value."""
    inputs = [one["input"] for one in error.errors(include_url=False)] if isinstance(error, ValidationError) else [""]
    return next((one for one in inputs if isinstance(one, dict)), inputs[0])  # of a value some name but a part of it


def _id(line: Any) -> int | str | None:
    """The id that a message has, or that stands before the parameters of a line that is no JSON."""
    if isinstance(line, str):
        found = _ID.search(line.partition('"params"')[0])
        return None if found is None else json.loads(found[1])
    named = line.get("id") if isinstance(line, dict) else None
    whole = type(named) is int or (isinstance(named, str) and named.isprintable())
    return named if whole else None
