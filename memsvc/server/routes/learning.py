"""feedback, trace, retain, and what is calibrated."""

from memsvc.contract.wire import Threshold
from memsvc.server.routes.parameters import Namespace, TraceId
from memsvc.server.routing import Call, Topic
from memsvc.service.bodies import Body, FeedbackBody, GateBody, RetainBody
from memsvc.work.retaining import Retained
from memsvc_learners.fitted import Calibration
from memsvc_store.values.learned import FeedbackReceipt, Trace

verbs = Topic("Learn")


@verbs.add("feedback", pool="write",
    example={"body": {"namespace": "acme/ann", "trace_id": "$trace", "reward": 1.0, "key": "task-17"}},
)  # fmt: skip
def feedback(call: Call, body: FeedbackBody) -> FeedbackReceipt:
    """Reward what a look-up gave: the utilities of the memories that were used move towards the reward."""
    receipt = call.service.memory.feedback(**body.given())
    call.service.metrics.rewarded(receipt)
    return receipt


@verbs.add("trace", pool="read",
    example={"path": {"trace_id": "$trace"}, "query": {"namespace": "acme/ann"}},
)  # fmt: skip
def trace(call: Call, trace_id: TraceId, namespace: Namespace) -> Trace:
    """What a look-up considered and gave."""
    return call.service.memory.trace(trace_id, namespace=namespace)


@verbs.add("retain", pool="slow",
    example={"body": {"namespace": "acme/ann", "budget": 10_000}},
)  # fmt: skip
def retain(call: Call, body: RetainBody) -> Retained:
    """Keep the memories most worth it in the fast index; the rest turn cold. Nothing is deleted."""
    return call.service.memory.retain(**body.given())


@verbs.add("calibrate_gate", pool="slow",
    example={"body": {"namespace": "acme/ann", "budget": 0.2}},
)  # fmt: skip
def calibrate_gate(call: Call, body: GateBody) -> Calibration:
    """Fit the gate `calibrated` of a namespace to what was logged of its questions and their rewards."""
    return call.service.memory.calibrate_gate(**body.given())


@verbs.add("calibrate_threshold", pool="slow",
    example={"body": {"namespace": "acme/ann"}},
)  # fmt: skip
def calibrate_threshold(call: Call, body: Body) -> Threshold:
    """Work out how alike intents must be to count as similar, and keep it for this namespace."""
    return Threshold(call.service.memory.calibrate_threshold(**body.given()))
