"""export and import, as streams of JSON lines."""

from functools import partial

from starlette.responses import Response

from memsvc.contract.wire import Receipts
from memsvc.server import lines
from memsvc.server.routes.parameters import Namespace
from memsvc.server.routing import Call, Topic
from memsvc_store.values.document import dump

verbs = Topic("Move")


@verbs.add("export", pool="slow",
    example={"query": {"namespace": "acme/ann"}},
)  # fmt: skip
async def export(call: Call, namespace: Namespace) -> Response:
    """The namespace as JSON lines: a header, the messages, the facts, the episodes; one snapshot."""
    export = partial(call.service.memory.export, namespace=namespace)
    return await lines.out(call.service.pools, call.access.key_id, export)


@verbs.add("import_", pool="slow",
    example={"query": {"namespace": "acme/ben"}, "lines": "$export"},
)  # fmt: skip
async def import_(call: Call, namespace: Namespace) -> Response:
    """Store an export, in this namespace or another; the body is the JSON lines that `export` gave, of any length."""

    def stored() -> bytes:
        return dump(Receipts(tuple(call.service.memory.import_(lines.incoming(call.request), namespace=namespace))))

    return Response(await call.service.pools.take(call.access.key_id, "slow", stored), media_type="application/json")
