"""The verbs of which HTTP asks more than to call them: streams, and what a caller may do or see."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from memsvc.contract.table import EVENTS, JSON
from memsvc.contract.wire import Found, Holds, Jobs, Namespaces, Problems, Receipts, Worth
from memsvc.errors import Forbidden, InvalidInput
from memsvc.server import lines, streaming
from memsvc.server.routing import status_of
from memsvc.service import problems
from memsvc_store.values.document import dump
from memsvc_store.values.patterns import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from memsvc.asking.answer import Answer, Event
    from memsvc.errors import MemsvcError
    from memsvc.server.routing import Call, Run
    from memsvc.work.outcomes import ExtractionSummary
    from memsvc_store.values.jobs import Job
    from memsvc_store.values.learned import FeedbackReceipt

    Given = dict[str, Any]

logger = logging.getLogger(__name__)


def search(call: Call, given: Given) -> Found:
    """The memories that fit a question best, best first, each with the parts of its score."""
    if given["trace"] and "write" not in call.access.allow:
        raise Forbidden(
            "to keep a trace is to write, for a feedback later, which takes the permission 'write'; leave `trace` out, "
            "or use a key that allows it"
        )
    return Found.of(call.service.memory.search(**given))


async def ask(call: Call, given: Given) -> Response:
    """Answer a question: a fast answer, a gate that judges it, and where it falls short, full deliberation.

    With `Accept: text/event-stream` the steps come as server-sent events named `retrieved`, `drafted`, `judged`,
    `deliberating` and `answered`, which holds the answer; `error` holds a problem. Hanging up cancels the work.
    """
    if given.get("model") is not None:
        call.access.require("admin", given["namespace"])  # it may load anything that this machine holds or reaches
    work = partial(_asked, call, given)
    if EVENTS not in call.request.headers.get("accept", ""):
        answer = await streaming.answered(call.service, call.request, call.access.key_id, work)
        return Response(dump(answer), media_type=JSON)

    def failed(error: MemsvcError) -> None:
        call.request.scope["memsvc.code"] = problems.code_of(type(error))
        logger.warning("a stream ended early: %s", error)

    request_id = call.request.scope["memsvc.request_id"]
    return await streaming.streamed(call.service, call.access.key_id, work, request_id, failed)


def _asked(call: Call, given: Given, tell: Callable[[Event], None], stopped: Callable[[], bool]) -> Answer:
    """Ask, and stop when told to, calls under way included."""
    answer = call.service.memory._asking(**given).run(tell, stopped)
    call.service.metrics.answered(answer)
    return answer


def feedback(call: Call, given: Given) -> FeedbackReceipt:
    """Reward what a look-up gave: the utilities of the memories that were used move towards the reward."""
    receipt = call.service.memory.feedback(**given)
    call.service.metrics.rewarded(receipt)
    return receipt


def utility(call: Call, given: Given) -> Worth:
    """What a memory is worth by the rewards of its uses; null before its first feedback."""
    return Worth(given["memory_id"], call.service.memory.utility(**given))


def extract(call: Call, given: Given) -> ExtractionSummary:
    """Work out the facts of messages that were not worked through yet, now. Needs a language model."""
    return call.service.memory.extract(**given, on_event=call.service.check_open)


def reflect(call: Call, given: Given) -> Jobs:
    """Have the model write the experience of episodes that only a rule has summed up, now; the jobs as they ended."""
    return _shown(call, call.service.memory.reflect(**given, on_event=call.service.check_open))


def jobs(call: Call, given: Given) -> Jobs:
    """The jobs of one namespace or of all, in the order they were queued."""
    return _shown(call, call.service.memory.jobs(**given))


def _shown(call: Call, found: Iterable[Job]) -> Jobs:
    """Jobs as the caller may see them. The queue numbers those of all namespaces in a row: who sees only some of them
    would count the others by the gaps, so that they get numbers which follow from the job itself.
    """
    if call.access.sees(EVERYTHING):
        return Jobs.of(found)
    return Jobs.of(replace(job, key=_own_number(job)) for job in found)


def _own_number(job: Job) -> int:
    """48 bits: JSON's readers hold numbers up to 2**53."""
    told = "\0".join((job.kind, job.created_at.isoformat(), *job.memories))
    return int.from_bytes(hashlib.blake2b(told.encode(), digest_size=6).digest())


async def export(call: Call, given: Given) -> Response:
    """The namespace as JSON lines: a header, the messages, the facts, the episodes; one snapshot."""
    return await lines.out(call.service.pools, call.access.key_id, partial(call.service.memory.export, **given))


async def import_(call: Call, given: Given) -> Response:
    """Store an export, in this namespace or another; the body is the JSON lines that `export` gave, of any length."""

    def stored() -> Receipts:
        return Receipts.of(call.service.memory.import_(lines.incoming(call.request), **given))

    receipts = await call.service.pools.take(call.access.key_id, "slow", stored)
    return Response(dump(receipts), status_of(receipts), media_type=JSON)


def verify_erasure(call: Call, given: Given) -> Holds:
    """Whether this database issued a receipt of `forget`, and it says what it said then."""
    receipt = given["receipt"]
    if receipt.get("namespace") != given["namespace"]:
        raise InvalidInput("the receipt is of another namespace than the request; name the one that it names")
    return Holds(call.service.memory.verify_erasure(receipt))


def namespaces(call: Call, given: Given) -> Namespaces:
    """The namespaces that the key may see, sorted."""
    return Namespaces.of(call.service.memory.store.namespaces(call.access.namespaces))


def verify(call: Call, given: Given) -> Problems:
    """Check the database, every hash, and the projections against the rows; one sentence a problem.

    The database's own check goes through the rows of everybody, and is left out for keys that are not to see them.
    """
    if "namespace" in given and not call.access.sees(EVERYTHING):
        return Problems.of(call.service.memory.store.verify(given["namespace"]))
    return Problems.of(call.service.memory.verify(**given))


OTHERWISE: Mapping[str, Run] = {
    run.__name__: run
    for run in (
        search, ask, feedback, utility, extract, reflect, jobs, export, import_, verify_erasure, namespaces, verify,
    )
}  # fmt: skip
