"""namespaces, stats, verify, reindex."""

from memsvc.contract.wire import Count, Namespaces, Problems
from memsvc.server.routes.parameters import Namespace
from memsvc.server.routing import Call, Topic
from memsvc.service.bodies import AnyNamespace, Body
from memsvc_store.values.patterns import EVERYTHING

verbs = Topic("Care")


@verbs.add("namespaces", pool="read", scope="seen")
def namespaces(call: Call) -> Namespaces:
    """The namespaces that the key may see, sorted."""
    return Namespaces(tuple(call.service.memory.store.namespaces(call.access.namespaces)))


@verbs.add("stats", pool="read",
    example={"query": {"namespace": "acme/ann"}},
)  # fmt: skip
def stats(call: Call, namespace: Namespace) -> dict[str, int]:
    """What a namespace holds, counted."""
    return call.service.memory.stats(namespace=namespace)


@verbs.add("verify", pool="slow",
    example={"body": {"namespace": "acme/ann"}},
)  # fmt: skip
def verify(call: Call, body: AnyNamespace) -> Problems:
    """Check the database, every hash, and the projections against the rows; one sentence a problem.

    The database's own check goes through the rows of everybody, and is left out for keys that are not to see them.
    """
    if body.namespace is not None and not call.access.sees(EVERYTHING):
        return Problems(tuple(call.service.memory.store.verify(body.namespace)))
    return Problems(tuple(call.service.memory.verify(**body.given())))


@verbs.add("reindex", pool="slow",
    example={"body": {"namespace": "acme/ann"}},
)  # fmt: skip
def reindex(call: Call, body: Body) -> Count:
    """Embed what the model in use has not embedded yet and build the projections anew; how many memories they hold."""
    return Count(call.service.memory.reindex(**body.given()))
