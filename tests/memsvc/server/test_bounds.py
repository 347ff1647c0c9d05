"""Bodies that are wrong in very many places, or want very much: they cost no more than small ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from memsvc.contract.table import VERBS
from memsvc.service import bodies
from memsvc.service.access import build_door
from memsvc.service.bodies import MAX_FIELDS, MAX_MESSAGES, MAX_TOP_K
from memsvc.service.keys import Keys
from tests.memsvc.server.served import ANN, fresh, served
from tests.memsvc.server.test_problems import is_problem

if TYPE_CHECKING:
    import httpx

    from tests.memsvc.server.served import Running

BODIES = [bodies.body(name) for name, row in VERBS.items() if not row.queried]
WRONG: list[Any] = [[1] * 50_000, [[]] * 50_000, [{"a": 1}] * 50_000, {str(number): [] for number in range(50_000)}]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("wrong", WRONG, ids=["numbers", "lists", "objects", "fields"])
def test_a_body_that_is_wrong_all_over_has_few_errors(body: type[bodies.Body], wrong: Any) -> None:
    given: list[Any] = [dict.fromkeys(body.model_fields, wrong)]
    if isinstance(wrong, dict):
        given += [wrong, {**dict.fromkeys(body.model_fields), **wrong}]
    for one in given:
        with pytest.raises(ValidationError) as told:
            body.model_validate(one)
        assert told.value.error_count() <= MAX_FIELDS


def test_such_a_body_is_told_what_is_wrong(ann: Running) -> None:
    numbers = is_problem(
        ann.post("/search", namespace="acme/ann", query="x", session_id=[1] * 50_000), 422, "invalid_input"
    )
    assert "session_id" in numbers["detail"]
    assert len(numbers["errors"]) <= 3
    fields = is_problem(ann.post("/search", **{f"k{number}": 1 for number in range(50_000)}), 422, "invalid_input")
    assert fields["detail"] == "body: 50000 fields came, and at most 64 are looked at"


def test_the_messages_of_one_request_are_bounded(ann: Running) -> None:
    few = is_problem(
        ann.post("/messages", namespace="acme/ann", messages=[{}] * MAX_MESSAGES), 422, "messages_rejected"
    )
    assert [one["at"] for one in few["errors"]] == [f"messages.{place}" for place in range(MAX_MESSAGES)]
    many = is_problem(
        ann.post("/messages", namespace="acme/ann", messages=[{}] * (MAX_MESSAGES + 1)), 422, "invalid_input"
    )
    assert "at most 1000 items" in many["detail"]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/search", {"query": "x"}), ("/ask", {"question": "x"}), ("/episodes/search", {"intent": "x"}),
    ],
)  # fmt: skip
def test_hits_are_bounded(ann: Running, path: str, more: dict[str, str]) -> None:
    assert ann.post(path, namespace="acme/ann", top_k=MAX_TOP_K, **more).status_code == 200
    found = is_problem(ann.post(path, namespace="acme/ann", top_k=MAX_TOP_K + 1, **more), 422, "invalid_input")
    assert "less than or equal to 1000" in found["detail"]


def test_the_bounds_are_in_the_document(ann: Running) -> None:
    schemas = ann("GET", "/openapi.json").json()["components"]["schemas"]
    [several] = [one for one in schemas["AddBody"]["properties"]["messages"]["anyOf"] if one["type"] == "array"]
    assert several["maxItems"] == MAX_MESSAGES


def test_a_trace_takes_the_permission_to_write() -> None:
    with fresh() as memory:
        memory.add(ANN, namespace="acme/ann")
        keys = Keys(memory.store.database)
        tokens = {
            allow: keys.create(namespaces=["acme/*"], allow=allow).token for allow in [("read",), ("read", "write")]
        }
        with served(memory, door=build_door(memory, no_auth=False)) as one:

            def search(allow: tuple[str, ...], **more: object) -> httpx.Response:
                body = {"namespace": "acme/ann", "query": "Oslo", **more}
                return one("POST", "/v1/search", json=body, headers={"Authorization": f"Bearer {tokens[allow]}"})

            assert search(("read",)).json()["trace_id"] is None
            assert search(("read", "write"), trace=True).json()["trace_id"]
            told = is_problem(search(("read",), trace=True), 403, "forbidden")
            assert "takes the permission 'write'; leave `trace` out" in told["detail"]
        keys.close()
