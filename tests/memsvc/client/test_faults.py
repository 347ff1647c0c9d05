"""What a client makes of services that fail, lose answers, dawdle, refuse, or are no services of memsvc."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import AsyncClient, Client
from memsvc.client.endpoint import Endpoint
from memsvc.errors import (
    Forbidden,
    InvalidInput,
    ModelRefused,
    NotFound,
    RateLimited,
    ServiceError,
    ServiceForeign,
    ServiceTimeout,
    ServiceUnavailable,
    SettingsError,
    TooLarge,
    Unauthorized,
)
from memsvc.service.access import build_door
from memsvc.service.keys import Keys
from memsvc.testing import RuleModel
from tests.memsvc.client.between import between, passed_on
from tests.memsvc.client.faces import Blocking
from tests.memsvc.server.served import ANN, fresh, served, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memsvc_retrievers.language import Prompt
    from tests.memsvc.client.between import Asked

    Clients = Callable[..., Any]

pytestmark = pytest.mark.process

HERE = "acme/ann"


@pytest.fixture(params=["client", "async_client"])
def client(request: pytest.FixtureRequest) -> Iterator[Clients]:
    """Makes clients of a service."""
    with ExitStack() as stack:

        def made(url: str, **options: Any) -> Any:
            if request.param == "client":
                return stack.enter_context(Client(url, **options))
            one = Blocking(lambda: AsyncClient(url, **options))
            stack.callback(one.close)
            return one

        yield made


def problem(code: str, status: int) -> bytes:
    return json.dumps({"type": "x", "title": "x", "status": status, "code": code, "detail": f"It is {code}."}).encode()


class Scripted:
    """Answers in this order, the last one again and again."""

    def __init__(self, *answers: Callable[[Asked], None]) -> None:
        self._answers = list(answers)

    def __call__(self, asked: Asked) -> None:
        (self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])(asked)


@contextmanager
def losing(answers: int) -> Iterator[tuple[Any, str, list[Asked]]]:
    """A memory, the address of a service that does everything, and loses its first answers, and what it was asked."""
    with fresh() as memory, served(memory) as running:
        url = str(running.client.base_url)
        lost = [lambda asked: passed_on(url, asked, lose=True)] * answers
        with between(Scripted(*lost, lambda asked: passed_on(url, asked))) as server:
            yield memory, server.url, server.asked


def test_an_add_whose_answer_was_lost_stores_once(client: Clients) -> None:
    with losing(2) as (memory, url, asked):
        one = client(url)
        [receipt] = one.add("I moved to Oslo.", namespace=HERE)
        assert (receipt.status, len(asked)) == ("duplicate", 3)
        assert memory.stats(namespace=HERE)["messages"] == 1
        assert memory.list(namespace=HERE)[0].id == receipt.id
        assert len({json.loads(each.body)["key"] for each in asked}) == 1
        assert one.add("I moved to Oslo.", namespace=HERE)[0].status == "stored"  # somebody says it once more


def test_an_episode_and_a_feedback_whose_answers_were_lost_count_once(client: Clients) -> None:
    with losing(1) as (memory, url, _):
        assert client(url).add_episode("x", "y", namespace=HERE, reward=1.0).status == "duplicate"
        assert memory.stats(namespace=HERE)["memories"] == 1
    with losing(1) as (memory, url, asked):
        memory.add(ANN, namespace=HERE)
        trace_id = memory.search("Oslo", namespace=HERE, trace=True, top_k=1).trace_id
        receipt = client(url).feedback(trace_id, 1.0, namespace=HERE)
        assert (receipt.status, len(receipt.moves), len(asked)) == ("duplicate", 1, 2)
        assert memory.top_utilities(namespace=HERE)[0][1].visits == 1


def test_a_key_of_the_callers_own_is_left_as_it_is(client: Clients) -> None:
    with losing(0) as (_, url, asked):
        client(url).add("x", namespace=HERE, key="mine")
        assert json.loads(asked[0].body)["key"] == "mine"


def test_what_is_not_safe_to_repeat_is_sent_once(client: Clients) -> None:
    with losing(1) as (memory, url, asked):
        memory.add(ANN, namespace=HERE)
        memory_id = memory.list(namespace=HERE)[0].id
        with pytest.raises(ServiceUnavailable, match="broke off"):
            client(url).delete(memory_id, namespace=HERE)
        assert len(asked) == 1


def test_reads_are_sent_again_and_again_and_then_it_is_said(client: Clients) -> None:
    with between(lambda asked: None) as server:
        with pytest.raises(ServiceUnavailable, match="broke off"):
            client(server.url, retries=2).search("x", namespace=HERE)
        assert len(server.asked) == 3


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_that_says_the_service_is_away_is_asked_again(client: Clients, status: int) -> None:
    away = Scripted(
        lambda asked: asked.reply(status, b"<html>", "text/html"), lambda asked: asked.reply(200, b'{"namespaces": []}')
    )
    with between(away) as server:
        assert client(server.url).namespaces() == []
    with (
        between(lambda asked: asked.reply(status, b"<html>", "text/html")) as server,
        pytest.raises(ServiceUnavailable, match=str(status)),
    ):
        client(server.url, retries=0).namespaces()


def test_who_is_told_to_wait_waits_also_with_what_is_not_safe_to_repeat(client: Clients) -> None:
    limited = Scripted(
        lambda asked: asked.reply(429, problem("rate_limited", 429), "application/problem+json", Retry_After="0"),
        lambda asked: asked.reply(204),
    )
    with between(limited) as server:
        client(server.url).delete("x", namespace=HERE)
        assert len(server.asked) == 2


def test_who_is_told_to_wait_for_long_is_told_so(client: Clients) -> None:
    body = problem("rate_limited", 429)
    with between(lambda asked: asked.reply(429, body, "application/problem+json", Retry_After="3600")) as server:
        with pytest.raises(RateLimited) as caught:
            client(server.url).namespaces()
        assert (caught.value.retry_after, len(server.asked)) == (3600, 1)


def test_a_models_failure_is_not_asked_again(client: Clients) -> None:
    body = problem("model_refused", 502)
    with between(lambda asked: asked.reply(502, body, "application/problem+json")) as server:
        with pytest.raises(ModelRefused, match="It is model_refused"):
            client(server.url).ask("x", namespace=HERE)
        assert len(server.asked) == 1


def test_a_slow_service_is_a_timeout_and_not_asked_again(client: Clients) -> None:
    go = threading.Event()
    with between(lambda asked: asked.reply(204) if not go.wait(30) else None) as server:
        with pytest.raises(ServiceTimeout, match="longer timeout"):
            client(server.url, timeout=0.2).get("x", namespace=HERE)
        go.set()
        assert len(server.asked) == 1
    assert issubclass(ServiceTimeout, TimeoutError)


def test_slow_verbs_are_given_longer() -> None:
    patient = Endpoint("http://x", None, timeout=5, long_timeout=600)
    assert patient.seconds(slow=False, streamed=False) == 5
    assert patient.seconds(slow=True, streamed=False) == 600
    assert patient.seconds(slow=False, streamed=True) == 60  # four signs of life of a service


def test_nobody_there(client: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        client(f"http://127.0.0.1:{port}", retries=1).add("x", namespace=HERE)


@pytest.mark.parametrize(
    ("status", "content", "kind", "expected", "words"),
    [
        (200, b"<html>", "text/html", ServiceForeign, "text/html"),
        (200, b"{}", "application/json", ServiceForeign, "cannot be read"),
        (200, b"[1", "application/json", ServiceForeign, "cannot be read"),
        (302, b"", "text/html", ServiceForeign, "redirect to http://other"),
        (404, b'{"detail": "Not Found"}', "application/json", ServiceForeign, "404"),
        (401, b"", "", ServiceForeign, "401"),
        (413, b"", "text/html", TooLarge, "413"),
        (429, b"", "text/html", RateLimited, "429"),
        (500, problem("internal_error", 500), "application/problem+json", ServiceError, "internal_error"),
        (418, problem("teapot", 418), "application/problem+json", ServiceError, "teapot"),
        (400, b"{}", "application/problem+json", ServiceForeign, "cannot be read"),
    ],
)
def test_strange_answers(
    client: Clients, status: int, content: bytes, kind: str, expected: type[Exception], words: str
) -> None:
    with between(lambda asked: asked.reply(status, content, kind, Location="http://other/")) as server:
        with pytest.raises(expected, match=words) as caught:
            client(server.url, retries=0).namespaces()
        assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("verb", "kind", "content", "expected"),
    [
        ("ask", "text/event-stream", b"event: drafted\ndata: {}\n\n", ServiceForeign),
        ("ask", "text/event-stream", b": ping\n\n", ServiceUnavailable),
        ("ask", "application/json", b"{}", ServiceForeign),
        ("ask", "text/event-stream", b"event: error\ndata: " + problem("invalid_reply", 502) + b"\n\n", Exception),
        ("export", "application/x-ndjson", b"\xff\n", ServiceForeign),
    ],
)
def test_strange_streams(client: Clients, verb: str, kind: str, content: bytes, expected: type[Exception]) -> None:
    with between(lambda asked: asked.reply(200, content, kind)) as server:
        one = client(server.url)
        with pytest.raises(expected):
            one.ask("x", namespace=HERE) if verb == "ask" else list(one.export(namespace=HERE))


def test_an_export_that_breaks_off_is_no_export(client: Clients) -> None:
    def half(asked: Asked) -> None:
        asked.reply(200, b'{"memsvc_export": 3}\n', "application/x-ndjson", Content_Length="1000")

    with between(half) as server:
        lines = client(server.url).export(namespace=HERE)
        assert next(lines) == '{"memsvc_export": 3}'
        with pytest.raises(ServiceUnavailable, match="broke off"):
            next(lines)


def test_keys_are_sent_and_errors_of_access_come_back(client: Clients) -> None:
    with fresh() as memory:
        token = Keys(memory.store.database).create(namespaces=["acme/*"], allow=["read"]).token
        memory.add(ANN, namespace=HERE)
        memory.add(ANN, namespace="other/ann")
        with served(memory, door=build_door(memory, no_auth=False)) as running:
            url = str(running.client.base_url)
            one = client(f"{url}v1/" if url.endswith("/") else f"{url}/v1/", api_key=token)
            assert one.namespaces() == [HERE]
            with pytest.raises(Forbidden, match="permission 'write'"):
                one.add("x", namespace=HERE)
            with pytest.raises(NotFound):
                one.stats(namespace="other/ann")
            with pytest.raises(Unauthorized):
                client(url).namespaces()
            with pytest.raises(Unauthorized):
                client(url, api_key=token[:-1] + ("a" if token[-1] != "a" else "b")).namespaces()
            assert token not in repr(one) + repr(Endpoint.of(url, token, 1, 1, 0))


def test_leaving_a_stream_early_cancels_the_work(client: Clients) -> None:
    begun, go = threading.Event(), threading.Event()

    def draft(_: Prompt) -> Any:
        begun.set()
        assert go.wait(30)
        return {"thoughts": "", "answer": "Oslo.", "sources": [1]}

    with fresh(RuleModel({"draft": draft})) as memory, served(memory) as running:
        memory.add(ANN, namespace=HERE)
        events = client(str(running.client.base_url)).ask_stream("Where did Ann move?", namespace=HERE)
        assert next(events).stage == "retrieved"
        assert begun.wait(10)
        events.close()
        until(lambda: running.service.asks.stopping == 1 or len(running.service.asks) == 0)
        go.set()
        until(lambda: len(running.service.asks) == 0)


def test_callbacks_and_models_stay_here(client: Clients) -> None:
    one = client("http://127.0.0.1:9")
    for verb, name in (
        ("extract", "on_event"),
        ("extract", "on_queued"),
        ("reflect", "on_event"),
        ("reindex", "progress"),
    ):
        with pytest.raises(InvalidInput, match=name):
            getattr(one, verb)(namespace=HERE, **{name: print})
    with pytest.raises(InvalidInput, match="namespace"):
        one.feedback("trace", 1.0)


def test_a_closed_client_says_so() -> None:
    with Client("http://127.0.0.1:9") as one:
        pass
    with pytest.raises(ServiceError, match="closed"):
        one.namespaces()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8321",
        "ftp://x",
        "http://",
        "http://x:port",
        "http://x/?a=1",
        "http://user:secret@x",
        "http://a b",
    ],
)
def test_what_cannot_be_an_address(url: str) -> None:
    with pytest.raises(SettingsError, match="address"):
        Client(url)


@pytest.mark.parametrize("key", ["", "two words", "schl\u00fcssel", "a\nb"])
def test_what_cannot_be_a_key(key: str) -> None:
    with pytest.raises(SettingsError, match="key") as caught:
        Client("http://x", api_key=key)
    assert not key or key not in str(caught.value)


def test_address_and_key_come_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="MEMSVC_URL"):
        Client()
    monkeypatch.setenv("MEMSVC_URL", "http://here:1/")
    monkeypatch.setenv("MEMSVC_API_KEY", "msk_a_b")
    with Client() as one, Client("http://there", api_key="own") as other:
        assert (one.url, one._endpoint.headers()["Authorization"]) == ("http://here:1", "Bearer msk_a_b")
        assert (other.url, other._endpoint.headers()["Authorization"]) == ("http://there", "Bearer own")
    with pytest.raises(SettingsError, match="timeout"):
        Client(timeout=0)


def test_threads_share_a_client() -> None:
    with fresh() as memory, served(memory) as running, Client(str(running.client.base_url)) as one:
        threads = [
            threading.Thread(target=lambda name=f"acme/{number}": one.add(["a", "b"], namespace=name))
            for number in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [memory.stats(namespace=name)["messages"] for name in memory.namespaces()] == [2] * 16


def test_a_client_needs_nothing_of_the_server() -> None:
    program = (
        "import sys; sys.modules |= {name: None for name in ('fastapi', 'starlette', 'uvicorn', 'prometheus_client')}\n"
        "from memsvc import Client\n"
        "Client('https://x').close()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_httpx_it_is_said_what_to_install() -> None:
    program = (
        "import sys; sys.modules['httpx'] = None\n"
        "from memsvc import Client\n"
        "from memsvc.errors import MissingDependency\n"
        "try: Client('http://x')\n"
        "except MissingDependency as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "memsvc[client]" in done.stdout
