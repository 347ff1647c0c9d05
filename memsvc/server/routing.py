"""How a verb becomes a route, and the one check that every route makes.

A `Verb` cannot be registered without saying whose namespace it is about and which permission that takes. The route then
does, in this order: who is asking (`door`), what came (strict JSON), may they (`Access.require`), the work in its pool,
and the answer as JSON. Nothing else puts a route below `/v1`.
"""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from memsvc.contract.table import VERBS
from memsvc.errors import InvalidInput
from memsvc.server.strict_json import StrictRequest
from memsvc_store.errors import shown
from memsvc_store.values.document import dump

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from memsvc.service.door import Access
    from memsvc.service.pools import Pool
    from memsvc.service.service import Service
    from memsvc_store.keys import Permission


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a verb: the service, who asks, and the request itself."""

    service: Service
    access: Access
    request: Request


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of the service. `name` is its operation id and its label in metrics and logs.

    `scope`: "one" namespace, which the request names; or "seen": all that the caller may see, which `run` keeps to.
    `run` takes a `Call` and the request's parts; it works in `pool` when it is its key's turn there, unless it is a
    coroutine and sees to both itself.
    `gives` is the type of the answer. `example` has `path`, `query` and `body` of a request that works.
    """

    name: str
    method: str
    path: str
    permission: Permission
    pool: Pool
    run: Callable[..., Any]
    gives: Any
    tag: str
    example: dict[str, Any] = field(default_factory=dict)
    scope: Literal["one", "seen"] = "one"
    status: int = 200


class Topic:
    """The verbs of one topic, and the decorator that makes them."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.all: list[Verb] = []

    def add(self, name: str, *, pool: Pool, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Make a verb of a function; what it is called with follows from its signature, the rest from its row."""
        row = VERBS[name]

        def made(run: Callable[..., Any]) -> Callable[..., Any]:
            of_row = (row.method, row.path, row.permission)
            self.all.append(Verb(name.rstrip("_"), *of_row, pool, run, row.gives, self.tag, **options))
            return run

        return made


class VerbRoute(APIRoute):
    """The route of a verb. Who asks is known before anything that they sent is looked at."""

    def __init__(self, service: Service, verb: Verb) -> None:
        self.service, self.verb = service, verb
        super().__init__(
            f"/v1{verb.path}", _endpoint(service, verb),
            methods=[verb.method], operation_id=verb.name, name=verb.name, tags=[verb.tag], response_model=None,
            summary=_summary(verb), description=inspect.getdoc(verb.run), status_code=verb.status,
        )  # fmt: skip

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """FastAPI's handler behind the door and the strict reading of the body."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.scope["memsvc.verb"] = self.verb.name
            request.state.access = await self.service.door(request)
            self._check_query(request)
            if self.body_field is None:
                return await handle(request)
            strict = StrictRequest(request.scope, request.receive)
            if await strict.body():
                _require_json(strict)
                await strict.json()  # FastAPI would say of its errors no more than that there was one
            return await handle(strict)

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


def _endpoint(service: Service, verb: Verb) -> Callable[..., Awaitable[Response]]:
    """What FastAPI calls: the check, then the work."""
    signature = inspect.signature(verb.run)
    parameters = list(signature.parameters.values())[1:]  # the first is the Call
    namespace_of = _namespace_of(verb, parameters)

    async def endpoint(request: Request, **given: Any) -> Response:
        call = Call(service, cast("Access", request.state.access), request)
        if verb.scope == "one":
            call.access.require(verb.permission, namespace_of(given))
        else:
            call.access.permit(verb.permission)
        if inspect.iscoroutinefunction(verb.run):
            return cast("Response", await verb.run(call, **given))
        content = await service.pools.take(call.access.key_id, verb.pool, lambda: dump(verb.run(call, **given)))
        return Response(b"" if verb.status == 204 else content, verb.status, media_type="application/json")

    first = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    endpoint.__signature__ = inspect.Signature([first, *keyword])  # type: ignore[attr-defined]
    endpoint.__name__ = verb.name
    return endpoint


def _namespace_of(verb: Verb, parameters: list[inspect.Parameter]) -> Callable[[dict[str, Any]], str | None]:
    """Where a request says whose memories it is about.

    Raises:
        TypeError: nowhere: such a verb cannot be checked, and so cannot be.
    """
    names = {one.name: one.annotation for one in parameters}
    if verb.scope == "seen":
        return lambda _: None  # never asked for
    if "namespace" in names:
        return lambda given: cast("str | None", given["namespace"])
    if "namespace" in getattr(names.get("body"), "model_fields", {}):
        return lambda given: cast("str | None", given["body"].namespace)
    raise TypeError(f"verb {verb.name!r} names no namespace: take `namespace`, or a body that has one")


def _require_json(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise HTTPException(415, f"the body came as {kind[:80] or 'no type'}; send Content-Type: application/json")


def _summary(verb: Verb) -> str:
    doc = inspect.getdoc(verb.run)
    if not doc:
        raise TypeError(f"verb {verb.name!r} does not say what it does")
    return doc.partition("\n")[0].rstrip(".")
