"""The verbs as routes. `ALL` is the whole list: a row of the contract each, done as `Memory` does it or as `otherwise`
says, with an example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc.contract.table import VERBS
from memsvc.server.routes.examples import EXAMPLES, TOPICS
from memsvc.server.routes.otherwise import OTHERWISE
from memsvc.server.routing import Verb

if TYPE_CHECKING:
    from memsvc.server.routing import Call, Run


def _done(verb: str) -> Run:
    """The verb as the memory does it, in its envelope."""

    def run(call: Call, given: dict[str, Any]) -> Any:
        return VERBS[verb].wrapped(getattr(call.service.memory, verb)(**given))

    return run


ALL: tuple[Verb, ...] = tuple(
    Verb(
        verb, VERBS[verb], OTHERWISE.get(verb) or _done(verb), tag, EXAMPLES.get(verb, {}),
        "seen" if verb == "namespaces" else "one",
    )
    for tag, verbs in TOPICS.items()
    for verb in verbs
)  # fmt: skip
