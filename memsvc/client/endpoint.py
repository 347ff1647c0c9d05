"""Which service a client talks to, and how patiently."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from memsvc.errors import MissingDependency, SettingsError
from memsvc.version import version
from memsvc_store.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 30.0
LONG_TIMEOUT = 3600.0
RETRIES = 3

SILENCE = 60.0
"""Seconds without a sign of life after which an `ask` is given up: a service gives one every 15 s."""

CONNECT = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service's address without a slash at its end, the key for it, and how long to wait for it.

    `timeout`: seconds for an answer; `long_timeout`: for one that takes going through a namespace or asking a model.
    `retries`: how often a request that failed is sent again, where that is safe.
    """

    url: str
    api_key: str | None = field(repr=False)
    timeout: float = TIMEOUT
    long_timeout: float = LONG_TIMEOUT
    retries: int = RETRIES

    @classmethod
    def of(cls, url: str | None, api_key: str | None, timeout: float, long_timeout: float, retries: int) -> Endpoint:
        """The one that is named, or else the settings' one.

        Raises:
            SettingsError: none is named, or its address or key cannot be one.
        """
        if url is None or api_key is None:
            from memsvc.settings import Settings  # 0.06 s, most of it pydantic-settings

            settings = Settings.load(url=url)
            url = url or settings.url
            if api_key is None and settings.api_key is not None:
                api_key = settings.api_key.get_secret_value()
        if timeout <= 0 or long_timeout <= 0 or retries < 0:
            raise SettingsError(
                f"timeout {timeout}, long_timeout {long_timeout} and retries {retries} came; "
                "give seconds above 0, and 0 or more retries"
            )
        return cls(_address(url), _token(api_key), timeout, long_timeout, retries)

    def headers(self) -> dict[str, str]:
        """What every request says."""
        own = {"User-Agent": f"memsvc/{version()}"}
        return own if self.api_key is None else own | {"Authorization": f"Bearer {self.api_key}"}

    def seconds(self, *, slow: bool, streamed: bool) -> float:
        """How long the service may say nothing."""
        if slow:
            return max(self.timeout, self.long_timeout)
        return max(self.timeout, SILENCE) if streamed else self.timeout


@contextmanager
def needed() -> Iterator[None]:
    """The border around importing what a client needs beyond a base install.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise MissingDependency(
            f"a client of the service needs httpx and tenacity (missing: {error.name}): pip install 'memsvc[client]'"
        ) from error


def _address(url: str | None) -> str:
    if url is None:
        raise SettingsError("no service is named; give its address, or set MEMSVC_URL, such as http://127.0.0.1:8321")
    plain = url.strip().rstrip("/").removesuffix("/v1")
    try:
        parts = urlsplit(plain)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and not (parts.query or parts.username or parts.port == 0)
    except ValueError:  # a port that is no number
        usable = False
    if not usable or not plain.isprintable() or " " in plain:
        raise SettingsError(f"the service's address came as {shown(url)}; give one such as http://127.0.0.1:8321")
    return plain


def _token(key: str | None) -> str | None:
    """The key as a header can carry it. The message does not show it."""
    if key is None:
        return None
    plain = key.strip()
    if not plain or not plain.isascii() or not plain.isprintable() or " " in plain:
        raise SettingsError("the key cannot be one; give the token that `memsvc keys create` printed, msk_...")
    return plain
