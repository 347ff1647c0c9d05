"""extract, reflect, jobs, retry."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

from fastapi import Query

from memsvc.contract.wire import Count, Jobs
from memsvc.server.routes.parameters import AnyNamespace
from memsvc.server.routing import Call, Topic
from memsvc.service.bodies import AnyNamespace as AnyBody
from memsvc.work.outcomes import ExtractionSummary
from memsvc_store.values.patterns import EVERYTHING
from memsvc_store.values.shapes import Job, JobState

verbs = Topic("Improve")

_ANN = {"body": {"namespace": "acme/ann"}}


@verbs.add("extract", pool="slow", example=_ANN)
def extract(call: Call, body: AnyBody) -> ExtractionSummary:
    """Work out the facts of messages that were not worked through yet, now. Needs a language model."""
    return call.service.memory.extract(**body.given(), on_event=call.service.check_open)


@verbs.add("reflect", pool="slow", example=_ANN)
def reflect(call: Call, body: AnyBody) -> Jobs:
    """Have the model write the experience of episodes that only a rule has summed up, now; the jobs as they ended."""
    return _shown(call, call.service.memory.reflect(**body.given(), on_event=call.service.check_open))


@verbs.add("jobs", pool="read",
    example={"query": {"namespace": "acme/ann", "state": "queued"}},
)  # fmt: skip
def jobs(call: Call, namespace: AnyNamespace = None, state: Annotated[JobState | None, Query()] = None) -> Jobs:
    """The jobs of one namespace or of all, in the order they were queued."""
    return _shown(call, call.service.memory.jobs(namespace=namespace, state=state))


@verbs.add("retry", pool="write", example=_ANN)
def retry(call: Call, body: AnyBody) -> Count:
    """Queue failed jobs anew, and those that wait after an error, as if they had never been tried; how many."""
    return Count(call.service.memory.retry(**body.given()))


def _shown(call: Call, found: Iterable[Job]) -> Jobs:
    """Jobs as the caller may see them. The queue numbers those of all namespaces in a row: who sees only some of them
    would count the others by the gaps, so that they get numbers which follow from the job itself.
    """
    if call.access.sees(EVERYTHING):
        return Jobs(tuple(found))
    return Jobs(tuple(replace(job, key=_own_number(job)) for job in found))


def _own_number(job: Job) -> int:
    """48 bits: JSON's readers hold numbers up to 2**53."""
    told = "\0".join((job.kind, job.created_at.isoformat(), *job.memories))
    return int.from_bytes(hashlib.blake2b(told.encode(), digest_size=6).digest())
