"""extract, reflect, jobs, retry."""

from typing import Annotated

from fastapi import Query

from memsvc.outcomes import ExtractionSummary
from memsvc.server.bodies import AnyNamespace as AnyBody
from memsvc.server.routes.parameters import AnyNamespace
from memsvc.server.routing import Call, Verbs
from memsvc.server.wire import Count, Jobs
from memsvc_store.shapes import JobState

verbs = Verbs("Improve")

_ANN = {"body": {"namespace": "acme/ann"}}


@verbs.add("extract", "POST", "/extract", permission="write", pool="slow", gives=ExtractionSummary, example=_ANN)
def extract(call: Call, body: AnyBody) -> ExtractionSummary:
    """Work out the facts of messages that were not worked through yet, now. Needs a language model."""
    return call.service.memory.extract(**body.given(), on_event=call.service.check_open)


@verbs.add("reflect", "POST", "/reflect", permission="write", pool="slow", gives=Jobs, example=_ANN)
def reflect(call: Call, body: AnyBody) -> Jobs:
    """Have the model write the experience of episodes that only a rule has summed up, now; the jobs as they ended."""
    return Jobs(tuple(call.service.memory.reflect(**body.given(), on_event=call.service.check_open)))


@verbs.add(
    "jobs", "GET", "/jobs", permission="read", pool="read", gives=Jobs,
    example={"query": {"namespace": "acme/ann", "state": "queued"}},
)  # fmt: skip
def jobs(call: Call, namespace: AnyNamespace = None, state: Annotated[JobState | None, Query()] = None) -> Jobs:
    """The jobs of one namespace or of all, in the order they were queued."""
    return Jobs(tuple(call.service.memory.jobs(namespace=namespace, state=state)))


@verbs.add("retry", "POST", "/jobs/retry", permission="write", pool="write", gives=Count, example=_ANN)
def retry(call: Call, body: AnyBody) -> Count:
    """Queue failed jobs anew, and those that wait after an error, as if they had never been tried; how many."""
    return Count(call.service.memory.retry(**body.given()))
