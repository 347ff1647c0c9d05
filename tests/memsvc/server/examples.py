"""The examples of the OpenAPI document as requests, with the ids of a real namespace put in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc.server.routes import ALL
from memsvc_store.values.erasure_receipts import document
from tests.memsvc.server.served import ANN

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc import Memory
    from memsvc.server.routing import Verb

NAMESPACE = "acme/ann"
BY_NAME = {verb.name: verb for verb in ALL}


class Examples:
    """A namespace that every example works in, and the examples."""

    def __init__(self, memory: Memory) -> None:
        memory.add(ANN, namespace=NAMESPACE)
        lucky = [f"Ann's lucky number of day {number} is {number * 7}." for number in range(60)]
        memory.add(lucky, namespace=NAMESPACE, session_id="lucky")
        for number in range(60):  # more outcomes than a gate takes
            answer = memory.ask(f"What is Ann's lucky number of day {number}?", namespace=NAMESPACE, gate="quality")
            assert answer.trace_id is not None
            memory.feedback(answer.trace_id, 1.0 if number % 3 else -1.0, namespace=NAMESPACE)
        for number in range(3):
            memory.add_episode(f"errand {number}", ["go", "come back"], namespace=NAMESPACE, reward=1.0)
        self.memory = memory

    def request(self, verb: Verb) -> dict[str, Any]:
        """What httpx sends."""
        return request(verb, self.one)

    def arguments(self, verb: Verb) -> dict[str, Any]:
        """What the verb itself is called with."""
        given: dict[str, Any] = {}
        for part in ("path", "query", "body"):
            given |= _filled(verb.example.get(part, {}), self.one, None)
        return given | ({"lines": self.one("$export").splitlines()} if "lines" in verb.example else {})

    def one(self, mark: str) -> Any:
        """What stands for a mark of the examples."""
        if mark == "$export":
            return "\n".join(self.memory.export(namespace=NAMESPACE))
        if mark == "$memory":
            return self.memory.list(namespace=NAMESPACE, limit=1, kind="message")[0].id
        if mark == "$receipt":
            self.memory.add("Nobody needs to know.", namespace=NAMESPACE, session_id="secret")
            return document(self.memory.forget(namespace=NAMESPACE, session_id="secret"))
        trace_id = self.memory.search("Where does Ann live?", namespace=NAMESPACE, trace=True).trace_id
        assert trace_id is not None
        return trace_id


def request(verb: Verb, real: Callable[[str], Any], namespace: str | None = None) -> dict[str, Any]:
    """What httpx sends for the example of a verb; `real` says what stands for its marks."""
    known = verb.example
    path = f"/v1{verb.row.path}".format(**_filled(known.get("path", {}), real, None))
    query = _filled(known.get("query", {}), real, namespace)
    sent: dict[str, Any] = {"method": verb.row.method, "url": path, "params": query}
    if "body" in known:
        sent["json"] = _filled(known["body"], real, namespace)
    if "lines" in known:
        sent["content"] = real(known["lines"])
    return sent


def _filled(values: dict[str, Any], real: Callable[[str], Any], namespace: str | None) -> dict[str, Any]:
    found = {name: real(value) if str(value).startswith("$") else value for name, value in values.items()}
    return {**found, "namespace": namespace} if namespace is not None and "namespace" in found else found
