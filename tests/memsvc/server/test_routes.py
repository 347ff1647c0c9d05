"""The route table: complete, documented by examples that work, and checked without exception."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route

from memsvc import Memory, to_dict
from memsvc.contract.table import Row
from memsvc.errors import NotFound
from memsvc.mcp import mounting
from memsvc.server.app import build_app
from memsvc.server.routes import ALL
from memsvc.server.routing import Verb, VerbRoute
from memsvc.service.access import open_door
from memsvc.testing import RuleModel
from memsvc_store.keys import PERMISSIONS
from memsvc_store.values.document import Value, adapter, dump
from tests.memsvc.server.examples import BY_NAME, NAMESPACE, Examples
from tests.memsvc.server.served import ANN, fresh, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from memsvc_store.keys import Permission
    from tests.memsvc.server.served import Running

NO_ROUTE = {"open", "close", "language_model", "ask_stream", "count_tokens"}
"""`ask` streams where it is asked to; the others are of a process's own memory."""

LAST = ("delete", "forget")
"""What takes away what the others' examples speak of."""


@pytest.fixture(scope="module")
def full() -> Iterator[tuple[Running, Examples]]:
    model = RuleModel({"reflect": lambda _: {"experience": "Ask for a quiet table."}})
    with fresh(model) as memory, served(memory) as running:
        yield running, Examples(memory)


def test_every_verb_of_memory_has_a_route() -> None:
    public = {name.rstrip("_") for name, _ in inspect.getmembers(Memory) if not name.startswith("_")}
    assert public - NO_ROUTE == {verb.name for verb in ALL}
    assert len(BY_NAME) == len(ALL)


def test_no_route_is_unchecked() -> None:
    with fresh() as memory:
        app = build_app(memory, door=open_door)
    beside = set()
    for route in app.router.routes:
        if isinstance(route, VerbRoute):
            assert route.path.startswith("/v1/")
            assert route.verb.row.permission in PERMISSIONS
            assert route.verb.scope == "one" or "call.access." in inspect.getsource(route.verb.run)
        else:
            assert isinstance(route, Route)
            beside.add(route.path)
    own_check = {mounting.PATH}  # of each tool, by the same `Access`: tests/memsvc/mcp
    assert beside - own_check == {"/livez", "/readyz", "/metrics", "/openapi.json", "/docs"}


def test_a_verb_that_names_no_namespace_cannot_be_a_route() -> None:
    verb = Verb("count_tokens", Row("GET", "/tokens", "read"), lambda call, given: None, "Read")
    with fresh() as memory:
        service = build_app(memory, door=open_door).state.service
    with pytest.raises(TypeError, match="'count_tokens' names no namespace"):
        VerbRoute(service, verb)


@pytest.mark.parametrize("name", [*(one for one in BY_NAME if one not in LAST), *LAST])
def test_its_example_works_and_answers_as_described(full: tuple[Running, Examples], name: str) -> None:
    running, examples = full
    verb = BY_NAME[name]
    found = running(**examples.request(verb))
    assert found.status_code == verb.status, found.text
    if verb.status == 204:
        assert found.content == b""
    elif name == "export":
        assert found.text.startswith('{"memsvc_export"')
    else:
        again = adapter(verb.row.gives).validate_json(found.content)
        assert dump(again) == found.content


def test_what_any_verb_gives_is_taken_by_json(full: tuple[Running, Examples]) -> None:
    memory = full[1].memory
    memory.add(ANN, namespace=NAMESPACE)
    for name in [*(one for one in BY_NAME if one not in LAST), *LAST]:
        given = full[1].arguments(BY_NAME[name])
        if name == "verify_erasure":
            del given["namespace"]  # the receipt says which
        given |= {"key": "again"} if name == "feedback" else {}
        found = getattr(memory, "import_" if name == "import" else name)(**given)
        document = to_dict(list(found) if name == "export" else found)
        assert json.loads(json.dumps(document)) == document
        if isinstance(found, Value):
            assert document == found.to_dict()
    events = to_dict(list(memory.ask_stream("Where does Ann live?", namespace=NAMESPACE)))
    assert events[-1]["answer"]["ledger"]["prompt_tokens"] > 0


class Refusing:
    """Lets nobody in, and writes down what was asked."""

    namespaces = ()
    key_id = tokens_per_day = None

    def __init__(self) -> None:
        self.asked: list[tuple[Permission, str | None]] = []

    def require(self, permission: Permission, namespace: str | None) -> None:
        self.asked.append((permission, namespace))
        raise NotFound("no such thing")

    def permit(self, permission: Permission) -> None:
        self.asked.append((permission, None))

    def within(self, permission: Permission, given: dict[str, Any]) -> dict[str, Any]:
        self.require(permission, given.get("namespace"))
        return given

    def sees(self, namespace: str) -> bool:
        return False


def test_every_route_asks_for_its_permission_in_the_namespace_of_the_request(full: tuple[Running, Examples]) -> None:
    _, examples = full
    access = Refusing()

    async def door(_: Request) -> Refusing:
        return access

    with served(examples.memory, door=door) as running:
        for verb in ALL:
            sent = examples.request(verb)
            found = running(**sent)
            if verb.scope == "seen":
                assert found.json() == {"namespaces": []}
                named = None
            else:
                assert found.status_code == 404, verb.name
                named = {**sent["params"], **sent.get("json", {})}["namespace"]
            assert access.asked == [(verb.row.permission, named)], verb.name
            access.asked.clear()


def test_another_model_takes_admin(full: tuple[Running, Examples]) -> None:
    _, examples = full

    class Reader(Refusing):
        def require(self, permission: Permission, namespace: str | None) -> None:
            if permission != "read":
                super().require(permission, namespace)

    async def door(_: Request) -> Reader:
        return Reader()

    with served(examples.memory, door=door) as running:
        body = {"namespace": NAMESPACE, "question": "Where does Ann live?"}
        assert running.post("/ask", **body).status_code == 200
        assert running.post("/ask", **body, model="local/anything").status_code == 404


def test_nothing_is_read_before_it_is_known_who_asks(full: tuple[Running, Examples]) -> None:
    async def door(_: Request) -> Refusing:
        raise NotFound("who are you?")

    with served(full[1].memory, door=door) as running:
        found = running("POST", "/v1/search", content=b"{ no JSON", headers={"Content-Type": "application/json"})
        assert (found.status_code, found.json()["detail"]) == (404, "who are you?")


def test_the_document_is_whole(ann: Running) -> None:
    found = ann("GET", "/openapi.json").json()
    operations = {
        one["operationId"]: one for operations in found["paths"].values() for one in operations.values()
    }  # fmt: skip
    assert set(operations) == set(BY_NAME)
    for name, operation in operations.items():
        assert operation["summary"]
        assert operation["tags"]
        assert operation["x-permission"] == BY_NAME[name].row.permission
        content = operation.get("requestBody", {}).get("content", {})
        assert "example" in content.get("application/json", {"example": ""})
        for parameter in operation.get("parameters", []):
            assert "example" in parameter or not parameter.get("required"), (name, parameter["name"])
    text = ann("GET", "/openapi.json").text
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in found["components"]["schemas"]


def test_the_page_shows_every_verb_and_loads_nothing_from_elsewhere(ann: Running) -> None:
    page = ann("GET", "/docs").text
    for verb in ALL:
        assert f"{verb.row.method} /v1{verb.row.path}" in page
    assert "http://" not in page
    assert "https://" not in page
