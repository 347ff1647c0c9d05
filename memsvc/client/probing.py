"""What a service says of itself and of a key, for whoever asks whether it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from memsvc.client import answers
from memsvc.client.endpoint import Endpoint, needed
from memsvc.client.routes import Request, request
from memsvc.contract import wire
from memsvc.contract.table import JSON

if TYPE_CHECKING:
    from memsvc.settings import Settings


@dataclass(frozen=True, slots=True)
class Probed:
    """A service that answered: where it is, its version, and the namespaces that the key sees, if it may read."""

    url: str
    version: str
    namespaces: tuple[str, ...]


class _Info(BaseModel):
    version: str


class _Document(BaseModel):
    """What we read of an OpenAPI document."""

    info: _Info


def probe(settings: Settings, seconds: float) -> Probed:
    """Ask the service of the settings, once, with the settings' key.

    Args:
        seconds: how long it may take for each of two answers.

    Raises:
        SettingsError: its address or key cannot be one.
        ServiceError: it is not reached in time, or is no memsvc.
        AccessError: it does not know the key, or the key may not read.
        MissingDependency: httpx or tenacity is not installed.
    """
    with needed():
        from memsvc.client.transport import Transport
    key = None if settings.api_key is None else settings.api_key.get_secret_value()
    endpoint = Endpoint.of(settings.url, key, seconds, seconds, 0)
    transport = Transport(endpoint)
    try:
        described = transport.send(Request("GET", "/openapi.json", (), None, JSON, repeatable=True, slow=False))
        seen = transport.send(request("namespaces", {}))
    finally:
        transport.close()
    version = answers.decoded(_Document, described).info.version
    return Probed(endpoint.url, version, answers.decoded(wire.Namespaces, seen).namespaces)
