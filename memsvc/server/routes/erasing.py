"""forget, verify_erasure."""

from memsvc.contract.wire import Holds
from memsvc.errors import InvalidInput
from memsvc.server.routing import Call, Topic
from memsvc.service.bodies import ErasureBody, ForgetBody
from memsvc_store.values.erasure_receipts import Erasure

verbs = Topic("Erase")


@verbs.add("forget", pool="slow",
    example={"body": {"namespace": "acme/ann", "session_id": "s1"}},
)  # fmt: skip
def forget(call: Call, body: ForgetBody) -> Erasure:
    """Erase for good, from every table, file and snapshot; the answer is a signed receipt.

    One of `session_id`, `memory_id` and `source`, or none of them for the whole namespace. Keep the receipt: it is
    what `verify_erasure` takes.
    """
    return call.service.memory.forget(**body.given())


@verbs.add("verify_erasure", pool="read",
    example={"body": {"namespace": "acme/ann", "receipt": "$receipt"}},
)  # fmt: skip
def verify_erasure(call: Call, body: ErasureBody) -> Holds:
    """Whether this database issued a receipt of `forget`, and it says what it said then."""
    if body.receipt.get("namespace") != body.namespace:
        raise InvalidInput("the receipt is of another namespace than the request; name the one that it names")
    return Holds(call.service.memory.verify_erasure(body.receipt))
