"""Errors: every one is a problem, none says more than it should."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import errors
from memsvc.service import problems
from memsvc.testing import RuleModel
from tests.memsvc.server.served import fresh, served

if TYPE_CHECKING:
    from io import StringIO

    import httpx

    from memsvc_retrievers.language import Prompt
    from tests.memsvc.server.served import Running


def is_problem(found: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem, with all that a problem has."""
    assert found.headers["content-type"] == problems.MEDIA_TYPE
    problem = found.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert (found.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"urn:memsvc:error:{code}"
    assert problem["request_id"] == found.headers["x-request-id"]
    return dict(problem)


def test_every_class_of_the_error_tree_has_a_status() -> None:
    ours = {getattr(errors, name) for name in errors.__all__}
    assert set(problems.STATUS) == ours
    assert set(problems.RETRY_AFTER) <= ours
    assert len({problems.code_of(one) for one in ours}) == len(ours)


def test_a_class_of_somebody_else_is_what_it_descends_from() -> None:
    class Odd(errors.InvalidFilter):
        pass

    assert problems.of(Odd("no"), "1").code == "invalid_filter"


def test_what_is_not_there(ann: Running) -> None:
    is_problem(ann("GET", "/v1/nothing"), 404, "no_route")
    is_problem(ann("GET", "/"), 404, "no_route")
    found = is_problem(ann.get("/memories/none", namespace="acme/ann"), 404, "not_found")
    assert "no memory 'none'" in found["detail"]


def test_a_method_that_is_not_there_says_which_are(ann: Running) -> None:
    found = ann("PUT", "/v1/memories/x")
    is_problem(found, 405, "method_not_allowed")
    assert found.headers["allow"] == "DELETE, GET, PATCH"


@pytest.mark.parametrize(
    ("body", "where", "message"),
    [
        ({"namespace": "a"}, "body.query", "Field required"),
        ({"namespace": "a", "query": 5}, "body.query", "Input should be a valid string"),
        ({"namespace": "a", "query": "x", "top_k": "5"}, "body.top_k", "Input should be a valid integer"),
        ({"namespace": "a", "query": "x", "colour": "MARKER"}, "body.colour", "Extra inputs are not permitted"),
        (["MARKER"], "body", "Input should be a valid dictionary"),
    ],
)
def test_wrong_types_are_named_and_not_repeated(ann: Running, body: Any, where: str, message: str) -> None:
    found = is_problem(ann("POST", "/v1/search", json=body), 422, "invalid_input")
    [field] = found["errors"]
    assert field["at"] == where
    assert field["message"].startswith(message)
    assert "MARKER" not in json.dumps(found)


def test_what_the_verbs_refuse_says_why(ann: Running) -> None:
    found = is_problem(ann.post("/search", namespace="a//b", query="x"), 422, "invalid_namespace")
    assert "names joined by '/'" in found["detail"]
    found = is_problem(ann.post("/search", namespace="a", query=" "), 422, "invalid_message")
    assert found["detail"].startswith("'query' is empty; ")
    is_problem(ann.post("/search", namespace="a", query="x", since="some day"), 422, "invalid_timestamp")
    is_problem(ann.post("/search", namespace="a", query="x", kind="dream"), 422, "invalid_filter")
    is_problem(ann.get("/memories", namespace="a", limit=0), 422, "invalid_input")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "not JSON at character 1"),
        (b"{} {}", "not JSON"),
        (b'{"namespace": "a", "query": "\xff"}', "not UTF-8 at byte 29"),
        (b'{"namespace": "a", "query": "x", "top_k": NaN}', "holds NaN"),
        (b'{"namespace": "a", "query": "x", "since": -Infinity}', "holds -Infinity"),
        (b'{"namespace": "a", "query": "x", "since": 1e999}', "beyond what a float can hold"),
        (b'{"namespace": "a", "query": "x", "top_k": ' + b"9" * 5_000 + b"}", "a number that is too long"),
        (b'{"namespace": "a", "query": "\\ud800"}', "half a character"),
        (b'{"namespace": "a", "query": "x", "\\udfff": 1}', "half a character"),
        (b'{"namespace": "a", "query": ' + b"[" * 65 + b"]" * 65 + b"}", "deeper than 64"),
        (b"[" * 100_000, "deeper than 64"),
    ],
)
def test_json_that_nobody_can_use_is_refused(ann: Running, raw: bytes, said: str) -> None:
    found = ann("POST", "/v1/search", content=raw, headers={"Content-Type": "application/json"})
    assert said in is_problem(found, 422, "invalid_input")["detail"]


def test_json_of_the_allowed_depth_is_read(ann: Running) -> None:
    deep: Any = "leaf"
    for _ in range(61):
        deep = [deep]
    body = {"namespace": "a", "messages": {"content": "x", "metadata": {"deep": deep}}}
    read = is_problem(ann("POST", "/v1/messages", json=body), 422, "invalid_message")  # by the verb: what is stored
    assert read["detail"].startswith("'metadata' is nested deeper than")


def test_another_content_type_is_refused(ann: Running) -> None:
    found = ann("POST", "/v1/search", content=b"query=x", headers={"Content-Type": "text/plain"})
    assert "text/plain" in is_problem(found, 415, "unsupported_media_type")["detail"]


def test_an_id_of_the_caller_is_kept_where_it_is_sane(ann: Running) -> None:
    assert ann("GET", "/livez", headers={"X-Request-ID": "job-7.a"}).headers["x-request-id"] == "job-7.a"
    made = {ann("GET", "/livez", headers={"X-Request-ID": bad}).headers["x-request-id"] for bad in ("a b", "x" * 65)}
    assert all(len(one) == 32 for one in made)
    assert len(made) == 2


def test_without_a_language_model_it_says_what_to_set() -> None:
    from memsvc import Memory, Settings
    from memsvc.testing import HashEmbedder

    with Memory.open(":memory:", embedder=HashEmbedder(), settings=Settings.load()) as memory, served(memory) as one:
        one.post("/messages", namespace="a", messages="I moved to Oslo.")
        found = is_problem(one.post("/extract", namespace="a"), 501, "settings_error")
        assert "MEMSVC_MODEL" in found["detail"]


def test_a_fault_of_ours_leaks_nothing(log: StringIO) -> None:
    def broken(_: Prompt) -> str:
        raise RuntimeError("MARKER and the innards of the service")

    with fresh(RuleModel({"draft": broken})) as memory, served(memory) as one:
        one.post("/messages", namespace="a", messages="I moved to Oslo.")
        found = one.post("/ask", namespace="a", question="Who moved to Oslo?")
        problem = is_problem(found, 500, "internal_error")
        assert "MARKER" not in found.text
        assert "Traceback" not in found.text
    line = next(json.loads(line) for line in log.getvalue().splitlines() if "a request failed" in line)
    assert line["request_id"] == problem["request_id"]
    assert line["error"].startswith("RuntimeError at ")
    assert "test_problems.broken" in line["error"]
    assert "MARKER" not in log.getvalue()


def test_a_model_that_fails_is_the_service_s_trouble_and_its_words_stay_here(log: StringIO) -> None:
    def away(_: Prompt) -> str:
        raise errors.ModelUnavailable("MARKER: http://10.0.0.7 is down")

    with fresh(RuleModel({"draft": away})) as memory, served(memory) as one:
        one.post("/messages", namespace="a", messages="I moved to Oslo.")
        found = one.post("/ask", namespace="a", question="Who moved to Oslo?")
        is_problem(found, 503, "model_unavailable")
        assert found.headers["retry-after"] == "10"
        assert "MARKER" not in found.text
    assert "model_unavailable: ModelUnavailable" in log.getvalue()
    assert "MARKER" not in log.getvalue()


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/memories", {"sesion_id": "mon"}, "'sesion_id'; did you mean 'session_id'"),
        ("/export", {"sesion_id": "mon"}, "'sesion_id'; did you mean 'session_id'"),
        ("/stats", {"x": "1"}, "'x'; known: namespace"),
        ("/namespaces", {"x": "1"}, "it takes none"),
    ],
)
def test_a_query_parameter_that_goes_unheard_is_refused(
    ann: Running, path: str, query: dict[str, str], says: str
) -> None:
    """It would give more than was asked for: `?sesion_id=mon` gave everything."""
    given = {} if path == "/namespaces" else {"namespace": "acme/ann"}
    found = is_problem(ann.get(path, **given, **query), 422, "invalid_input")
    assert says in found["detail"]
