"""ask, in one answer or as server-sent events."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from memsvc.asking.answer import Answer
from memsvc.asking.events import Event
from memsvc.errors import MemsvcError
from memsvc.server import streaming
from memsvc.server.routing import Call, Topic
from memsvc.service import problems
from memsvc.service.bodies import AskBody
from memsvc_retrievers.recorder import Recorder
from memsvc_store.values.document import dump

verbs = Topic("Read")
logger = logging.getLogger(__name__)


@verbs.add("ask", pool="slow",
    example={"body": {"namespace": "acme/ann", "question": "Where does Ann live?"}},
)  # fmt: skip
async def ask(call: Call, body: AskBody) -> Response:
    """Answer a question: a fast answer, a gate that judges it, and where it falls short, full deliberation.

    With `Accept: text/event-stream` the steps come as server-sent events named `retrieved`, `drafted`, `judged`,
    `deliberating` and `answered`, which holds the answer; `error` holds a problem. Hanging up cancels the work.
    """
    if body.model is not None:
        call.access.require("admin", body.namespace)  # it may load anything that this machine holds or reaches
    model = call.service.models.get(body.model)
    work = partial(_asked, call, body.given("model"), model)
    if streaming.MEDIA_TYPE not in call.request.headers.get("accept", ""):
        answer = await streaming.answered(call.service, call.request, call.access.key_id, work)
        return Response(dump(answer), media_type="application/json")

    def failed(error: MemsvcError) -> None:
        call.request.scope["memsvc.code"] = problems.code_of(type(error))
        logger.warning("a stream ended early: %s", error)

    request_id = call.request.scope["memsvc.request_id"]
    return await streaming.streamed(call.service, call.access.key_id, work, request_id, failed)


def _asked(
    call: Call, given: dict[str, Any], model: Any, tell: Callable[[Event], None], stopped: Callable[[], bool]
) -> Answer:
    """Ask with a model that stops when it is told to, calls under way included."""
    own: dict[str, Any] = {} if model is None else {"model": Recorder(model, stopped)}
    answer = call.service.memory.ask(**given, **own, on_event=tell)
    call.service.metrics.answered(answer)
    return answer
