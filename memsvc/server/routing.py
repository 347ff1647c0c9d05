"""How a verb becomes a route, and the one check that every route makes.

What a request may hold follows from the contract: path, query or body, with the verb's own sentences. A `Verb` cannot
be a route without a namespace that its caller is checked against. The route does, in this order: who is asking
(`door`), what came (strict JSON), may they (`Access.require`), the work in its pool, and the answer as JSON. Nothing
else puts a route below `/v1`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from fastapi import Path, Query
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from memsvc.contract.parameters import about
from memsvc.contract.table import JSON, UNNAMED
from memsvc.contract.wire import Receipts
from memsvc.errors import InvalidInput
from memsvc.models.quota import charged, rate_limit
from memsvc.server.strict_json import StrictRequest
from memsvc.service.bodies import body as body_of
from memsvc.service.bodies import queried, sent
from memsvc_store.errors import shown
from memsvc_store.values.document import dump

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from memsvc.contract.table import Row
    from memsvc.service.door import Access
    from memsvc.service.service import Service


MULTI_STATUS = 207
"""Of several messages, some were rejected (RFC 4918)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a verb: the service, who asks, and the request itself."""

    service: Service
    access: Access
    request: Request


Run = Callable[[Call, dict[str, Any]], Any]
"""The work of a verb: what was given, by name, and what the verb's row says it gives."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb as a route. `name` is its operation id and its label in metrics and logs.

    `scope`: "one" namespace, which the request names; or "seen": all that the caller may see, which `run` keeps to.
    `run` works in the row's pool when it is its key's turn there, unless it is a coroutine and sees to both itself.
    `example` has `path`, `query` and `body` of a request that works.
    """

    verb: str
    row: Row
    run: Run
    tag: str
    example: Mapping[str, Any] = field(default_factory=dict)
    scope: Literal["one", "seen"] = "one"

    @property
    def name(self) -> str:
        """The verb, without the line that keeps `import_` apart from Python's word."""
        return self.verb.rstrip("_")

    @property
    def status(self) -> int:
        """Of an answer: 204 where there is nothing to say."""
        return 204 if self.row.gives is None and self.row.accept == JSON else 200

    @property
    def description(self) -> str:
        """What is said of it: its own words, where HTTP does it otherwise, or else the contract's."""
        return inspect.getdoc(self.run) or about(self.verb)


class VerbRoute(APIRoute):
    """The route of a verb. Who asks is known before anything that they sent is looked at."""

    def __init__(self, service: Service, verb: Verb) -> None:
        self.service, self.verb = service, verb
        super().__init__(
            _pattern(verb), _endpoint(service, verb),
            methods=[verb.row.method], operation_id=verb.name, name=verb.name, tags=[verb.tag], response_model=None,
            summary=_summary(verb), description=verb.description, status_code=verb.status,
        )  # fmt: skip

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """FastAPI's handler behind the door and the strict reading of the body."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.scope["memsvc.verb"] = self.verb.name
            access = request.state.access = await self.service.door(request)
            payer = charged(access.key_id, access.tokens_per_day)
            self._check_query(request)
            taken = request if self.body_field is None else StrictRequest(request.scope, request.receive)
            if taken is not request and await taken.body():
                _require_json(taken)
                await taken.json()  # FastAPI would say of its errors no more than that there was one
            response = await handle(taken)
            if payer is not None and payer.used is not None:
                response.headers.update(rate_limit(payer))
            return response

        return guarded

    def _check_query(self, request: Request) -> None:
        """A misspelt filter that went unheard would give, or export, more than was asked for.

        Raises:
            InvalidInput: a query parameter that the verb does not have.
        """
        known = [field.alias for field in self.dependant.query_params]
        for name in request.query_params:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                takes = f"known: {', '.join(known)}" if known else "it takes none; what it is told stands in the body"
                hint = f"did you mean {near[0]!r}?" if near else takes
                raise InvalidInput(f"unknown query parameter {shown(name)}; {hint}")


def _pattern(verb: Verb) -> str:
    """The path that the route matches. A session's id is its caller's own, and may hold a `/`, which comes decoded."""
    return f"/v1{verb.row.path}".replace("{session_id}", "{session_id:path}")


def _endpoint(service: Service, verb: Verb) -> Callable[..., Awaitable[Response]]:
    """What FastAPI calls: the check, then the work."""
    takes = _parameters(verb)
    may_lack = [name for name, one in sent(verb.verb).items() if f"{{{name}}}" in verb.row.path and not one.required]

    async def endpoint(request: Request, **received: Any) -> Response:
        body = received.pop("body", None)
        received |= {name: None for name in may_lack if received[name] == UNNAMED}
        given = {name: value for name, value in received.items() if value is not None}
        given |= {} if body is None else body.given()
        call = Call(service, cast("Access", request.state.access), request)
        if verb.scope == "one":
            given = call.access.within(verb.row.permission, given)
        else:
            call.access.permit(verb.row.permission)
        if inspect.iscoroutinefunction(verb.run):
            return cast("Response", await verb.run(call, given))

        def work() -> tuple[bytes, int]:
            value = verb.run(call, given)
            return b"" if verb.status == 204 else dump(value), status_of(value, verb.status)

        content, status = await service.pools.take(call.access.key_id, verb.row.pool, work)
        return Response(content, status, media_type="application/json")

    request = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    endpoint.__signature__ = inspect.Signature([request, *takes])  # type: ignore[attr-defined]
    endpoint.__name__ = verb.name
    return endpoint


def status_of(value: object, otherwise: int = 200) -> int:
    """The status of an answer: 207 where some messages were stored and others were not, which 200 would hide."""
    rejected = isinstance(value, Receipts) and any(one.status == "rejected" for one in value.receipts)
    return MULTI_STATUS if rejected else otherwise


def _parameters(verb: Verb) -> list[inspect.Parameter]:
    """What FastAPI reads off a request: parts of the path, and the query or the body.

    Raises:
        TypeError: the verb names no namespace, so that nobody could be checked.
    """
    known = sent(verb.verb)
    if verb.scope == "one" and verb.row.queried and "namespace" not in known:
        raise TypeError(f"verb {verb.name!r} names no namespace, which its caller is checked against")
    found = []
    for name, one in known.items():
        if f"{{{name}}}" in verb.row.path:
            sentence = one.sentence if one.required else f"{one.sentence.rstrip('.')}; `{UNNAMED}` for none"
            found.append(_parameter(name, Annotated[str, Path(description=sentence)]))
        elif verb.row.queried:
            kind, said = queried(verb.verb, one)
            found.append(_parameter(name, Annotated[kind, Query(**said)], one.default))
    if not verb.row.queried:
        found.append(_parameter("body", body_of(verb.verb)))
    return found


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _require_json(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise HTTPException(415, f"the body came as {kind[:80] or 'no type'}; send Content-Type: application/json")


def _summary(verb: Verb) -> str:
    if not verb.description:
        raise TypeError(f"verb {verb.name!r} does not say what it does")
    return " ".join(verb.description.partition("\n\n")[0].split()).rstrip(".")
