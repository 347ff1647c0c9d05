"""Messages over HTTP: what was not stored is seen by whoever looks at the status, and half a character is alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.memsvc.server.test_problems import is_problem
from tests.memsvc.writing.shapes_of import SHAPES

if TYPE_CHECKING:
    from tests.memsvc.server.served import Running


def statuses(found: Any) -> list[str]:
    """What became of each message."""
    return [one["status"] for one in found.json()["receipts"]]


def test_messages_of_every_framework_are_taken_as_json(ann: Running) -> None:
    found = ann.post("/messages", namespace="acme/ann", messages=[one["message"] for one in SHAPES])
    assert (found.status_code, set(statuses(found))) == (200, {"stored"})


def test_what_is_rejected_is_seen_by_the_status(ann: Running) -> None:
    some = ann.post("/messages", namespace="acme/ann", messages=["kept", {"content": ""}])
    assert (some.status_code, statuses(some)) == (207, ["stored", "rejected"])
    problem = is_problem(
        ann.post("/messages", namespace="acme/ann", messages=["not kept", {}], strict=True), 422, "messages_rejected"
    )
    assert problem["errors"] == [{"at": "messages.1", "message": problem["errors"][0]["message"]}]
    assert "not kept" not in ann("GET", "/v1/memories?namespace=acme/ann&limit=1000").text


@pytest.mark.parametrize("body", [{"messages": ["whole", "half \ud83c"]}, {"messages": ["whole", {"\ud83c": 1}]}])
def test_half_a_character_is_its_message_s_alone(ann: Running, body: dict[str, Any]) -> None:
    raw = json.dumps({"namespace": "acme/ann", **body}).encode()
    found = ann("POST", "/v1/messages", content=raw, headers={"Content-Type": "application/json"})
    assert (found.status_code, statuses(found)) == (207, ["stored", "rejected"])
