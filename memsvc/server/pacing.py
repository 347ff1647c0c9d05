"""How long a caller may keep others waiting: between the parts of a body."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SILENT_SECONDS = 30.0
"""How long nothing of a request may come, or of an answer be taken: a phone that changes networks needs some ten."""


class BodyPace:
    """ASGI middleware that gives up on a body of which nothing comes any more, whoever reads it.

    Else a request that is half sent would hold for ever what waits for the other half: a place of its key, and of an
    import a thread.
    """

    def __init__(self, app: ASGIApp, seconds: float = SILENT_SECONDS) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; `HTTPException` of 408 is raised to whoever reads its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        whole = False

        async def timed() -> Message:
            nonlocal whole
            if whole:  # what comes now is that the caller hangs up, and that may take its time
                return await receive()
            try:
                async with asyncio.timeout(self._seconds):
                    message = await receive()
            except TimeoutError as error:
                detail = f"nothing of the body came for {self._seconds:g} s; send the request again, without a pause"
                raise HTTPException(408, detail, {"Connection": "close"}) from error
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, timed, send)
