"""Requests over httpx, in threads and in asyncio. The two differ in how they wait, and in nothing else."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import tenacity

from memsvc.client import answers, encoding
from memsvc.client.endpoint import CONNECT
from memsvc.client.retrying import check, closed, ours, policy, translated
from memsvc.contract.table import EVENTS, JSON

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator

    from memsvc.client.answers import Decoder
    from memsvc.client.endpoint import Endpoint
    from memsvc.client.routes import Request

T = TypeVar("T")


def _trusted(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """Whom to trust: the usual authorities. A plain address needs none, and nobody: loading them takes 40 to 120 ms."""
    return endpoint.url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _parts(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """A request as httpx takes it."""
    seconds = endpoint.seconds(slow=request.slow, streamed=request.accept == EVENTS)
    headers = {"Accept": request.accept}
    if request.body is not None:
        headers["Content-Type"] = JSON
    return {
        "method": request.method, "url": f"{endpoint.url}{request.path}", "params": request.query,
        "content": request.body, "headers": headers,
        "timeout": httpx.Timeout(seconds, connect=min(seconds, CONNECT)),
    }  # fmt: skip


def _content(endpoint: Endpoint, request: Request, response: httpx.Response) -> bytes:
    """The answer, if it is one.

    Raises:
        Failed, ServiceForeign: it is not.
    """
    check(response.status_code, response.headers, response.content, endpoint.url)
    if response.status_code != 204:
        answers.check_kind(request.accept, response.headers, endpoint.url)
    return response.content


class Transport:
    """Sends requests and waits for them. Safe to share between threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http = httpx.Client(headers=endpoint.headers(), verify=_trusted(endpoint))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def send(self, request: Request) -> bytes:
        """The content of the answer."""
        content: bytes = self._again(request, self._once)
        return content

    def upload(self, request: Request, lines: Iterable[str]) -> bytes:
        """The same for a request whose body is made on the way; it is sent once, since lines come once."""
        with ours(), translated(self._endpoint.url):
            parts = _parts(self._endpoint, request) | {"content": encoding.chunks(lines)}
            return _content(self._endpoint, request, self._open_http().request(**parts))

    def stream(self, request: Request, decoder: Decoder[T]) -> Iterator[T]:
        """What an answer is made of, while it comes. Closing the iterator hangs up.

        What the service refuses is raised here, not at the first step.
        """
        steps = self._steps(request, decoder)
        next(steps)
        return steps  # type: ignore[return-value]  # from here on there is no None

    def _steps(self, request: Request, decoder: Decoder[T]) -> Iterator[T | None]:
        """None once the answer begins, then its parts. A generator that has begun closes the answer in any case."""
        response = self._again(request, self._open)
        try:
            yield None
            with ours(), translated(self._endpoint.url):
                for chunk in response.iter_bytes():
                    yield from decoder.feed(chunk)
            yield from decoder.end()
        finally:
            response.close()

    def _again(self, request: Request, attempt: Any) -> Any:
        with ours():
            return tenacity.Retrying(**policy(request, self._endpoint.retries))(attempt, request)

    def _once(self, request: Request) -> bytes:
        with translated(self._endpoint.url):
            response = self._open_http().request(**_parts(self._endpoint, request))
        return _content(self._endpoint, request, response)

    def _open(self, request: Request) -> httpx.Response:
        http = self._open_http()
        with translated(self._endpoint.url):
            response = http.send(http.build_request(**_parts(self._endpoint, request)), stream=True)
            try:
                if not response.is_success:
                    response.read()
                    check(response.status_code, response.headers, response.content, self._endpoint.url)
                answers.check_kind(request.accept, response.headers, self._endpoint.url)
            except BaseException:
                response.close()
                raise
        return response

    def _open_http(self) -> httpx.Client:
        if self._http.is_closed:
            raise closed()
        return self._http


class AsyncTransport:
    """Sends requests and lets others work meanwhile. Belongs to one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http = httpx.AsyncClient(headers=endpoint.headers(), verify=_trusted(endpoint))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def send(self, request: Request) -> bytes:
        """The content of the answer."""
        content: bytes = await self._again(request, self._once)
        return content

    async def upload(self, request: Request, lines: AsyncIterable[bytes]) -> bytes:
        """The same for a request whose body is made on the way; it is sent once, since lines come once."""
        with ours(), translated(self._endpoint.url):
            parts = _parts(self._endpoint, request) | {"content": lines}
            return _content(self._endpoint, request, await self._open_http().request(**parts))

    async def stream(self, request: Request, decoder: Decoder[T]) -> AsyncGenerator[T, None]:
        """What an answer is made of, while it comes. Closing the iterator hangs up."""
        response = await self._again(request, self._open)
        try:
            with ours(), translated(self._endpoint.url):
                async for chunk in response.aiter_bytes():
                    for part in decoder.feed(chunk):
                        yield part
            for part in decoder.end():
                yield part
        finally:
            await response.aclose()

    async def _again(self, request: Request, attempt: Any) -> Any:
        with ours():
            return await tenacity.AsyncRetrying(**policy(request, self._endpoint.retries))(attempt, request)

    async def _once(self, request: Request) -> bytes:
        with translated(self._endpoint.url):
            response = await self._open_http().request(**_parts(self._endpoint, request))
        return _content(self._endpoint, request, response)

    async def _open(self, request: Request) -> httpx.Response:
        http = self._open_http()
        with translated(self._endpoint.url):
            response = await http.send(http.build_request(**_parts(self._endpoint, request)), stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                    check(response.status_code, response.headers, response.content, self._endpoint.url)
                answers.check_kind(request.accept, response.headers, self._endpoint.url)
            except BaseException:
                await response.aclose()
                raise
        return response

    def _open_http(self) -> httpx.AsyncClient:
        if self._http.is_closed:
            raise closed()
        return self._http
