"""The SDK's own client, as tests use it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from memsvc.mcp.serving import build_server
from memsvc.mcp.stdio import LocalAccess, LocalHost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from mcp_types import CallToolResult

    from memsvc import Memory
    from memsvc_store.keys import Permission

MODES = ("legacy", "auto")
"""Clients that shake hands first, and those of the protocol of 2026, which know no sessions."""

ALL: tuple[Permission, ...] = ("read", "write", "erase")


def run(talk: Callable[[], Awaitable[None]]) -> None:
    """Run a conversation to its end, which is near."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await talk()

    asyncio.run(bounded())


def local(memory: Memory, *namespaces: str, allow: tuple[Permission, ...] = ALL) -> LocalHost:
    """A host in this process."""
    return LocalHost(memory, LocalAccess(namespaces or ("ann",), allow))


@asynccontextmanager
async def inside(host: LocalHost, mode: str = "legacy") -> AsyncIterator[Client]:
    """A client of a server in this process."""
    async with Client(build_server(host), mode=mode) as client:
        yield client


@asynccontextmanager
async def over_http(url: str, token: str | None = None, mode: str = "legacy") -> AsyncIterator[Client]:
    """A client of the service."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def text(result: CallToolResult) -> str:
    """What a tool said."""
    [content] = result.content
    assert content.type == "text"
    return content.text


async def given(client: Client, tool: str, /, **arguments: Any) -> Any:
    """The structured output of a call that works; the client has checked it against the tool's schema."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    return result.structured_content


async def refused(client: Client, tool: str, /, **arguments: Any) -> str:
    """What a call is told that does not work."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, text(result)
    return text(result)
