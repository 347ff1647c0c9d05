"""Client: the verbs of `Memory`, done by a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from memsvc.client import answers
from memsvc.client.answers import Events, Lines
from memsvc.client.endpoint import LONG_TIMEOUT, RETRIES, TIMEOUT, Endpoint, needed
from memsvc.client.routes import arguments, request
from memsvc.client.slicing import rejections, slices
from memsvc.contract.derived import done
from memsvc.contract.receipts import Receipts, accepted
from memsvc.contract.table import VERBS
from memsvc.contract.verbs import Verbs
from memsvc.errors import MessagesRejected
from memsvc_store.values.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from memsvc.asking.answer import Answer, Event

Given = dict[str, Any]


def _sent(client: Client, name: str, given: Given) -> Any:
    """Send the verb's request and decode the answer."""
    row = VERBS[name]
    content = client._transport.send(request(name, given))
    return None if row.gives is None else row.unwrapped(answers.decoded(row.gives, content))


def _added(client: Client, name: str, given: Given) -> Any:
    """A long list goes in slices. After an error, those before are stored; the same call with a key adds the rest."""
    parts, receipts = slices(given), Receipts()
    for part in parts:
        try:
            receipts += _sent(client, name, part)
        except MessagesRejected as error:
            if len(parts) == 1:
                raise
            receipts += rejections(part, error.reasons)
    accepted(receipts, strict=False)
    return receipts


def _streamed(client: Client, name: str, given: Given) -> Iterator[Event]:
    return client._transport.stream(request(name, given), Events())


def _asked(client: Client, name: str, given: Given) -> Answer:
    """The last of the events: a service that streams shows that it lives, however long an answer takes."""
    tell = given.pop("on_event", None)
    answer = None
    for event in _streamed(client, name, given):
        if tell is not None:
            tell(event)
        answer = event.answer
    assert answer is not None, "`Events` sees to it that the last one has the answer"
    return answer


def _exported(client: Client, name: str, given: Given) -> Iterator[str]:
    return client._transport.stream(request(name, given), Lines())


def _imported(client: Client, name: str, given: Given) -> Any:
    lines, row = given.pop("lines"), VERBS[name]
    return row.unwrapped(answers.decoded(row.gives, client._transport.upload(request(name, given), lines)))


_OTHERWISE: Mapping[str, Callable[[Client, str, Given], Any]] = {
    "add": _added,
    "ask": _asked,
    "ask_stream": _streamed,
    "export": _exported,
    "import_": _imported,
}
"""Verbs that are more than one request and its answer."""


@done
class Client(Verbs):
    """A memory that a service keeps. Safe to share between threads.

    Its verbs, their parameters, values and errors are those of `Memory`; beside them come `AccessError` and
    `ServiceError`. A request that failed is sent again where that is safe: `add`, `add_episode` and `feedback` carry
    an idempotency key, which is made here if none is given, so that whatever happens on the way they count once.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = TIMEOUT,
        long_timeout: float = LONG_TIMEOUT,
        retries: int = RETRIES,
    ) -> None:
        """A client of the service at `url`. Nothing is sent yet.

        Args:
            url: such as http://127.0.0.1:8321; by default the setting `url` (MEMSVC_URL).
            api_key: `msk_...`; by default the setting `api_key` (MEMSVC_API_KEY), if there is one.
            timeout: seconds for an answer.
            long_timeout: seconds for verbs that go through a whole namespace or wait for a model, such as `extract`.
            retries: how often a request that failed is sent again.

        Raises:
            SettingsError: no service is named, or its address or key cannot be one.
            MissingDependency: httpx or tenacity is not installed.
        """
        with needed():
            from memsvc.client.transport import Transport
        self._endpoint = Endpoint.of(url, api_key, timeout, long_timeout, retries)
        self._transport = Transport(self._endpoint)

    @property
    def url(self) -> str:
        """The service's address."""
        return self._endpoint.url

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def count_tokens(self, text: str) -> int:
        """How many tokens a text counts for in a budget; worked out here."""
        return count_tokens(text)

    def _do(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        how = _OTHERWISE.get(name, _sent)
        return how(self, name, arguments(name, args, options))
