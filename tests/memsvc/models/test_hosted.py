"""The hosted models of docs/models.md: names and variables as LiteLLM itself resolves them, without a network."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from memsvc.models.language.border import Request, Server, load
from memsvc.models.language.failures import Failure

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "models.md").read_text().partition("## Hosted models")[2]
ROWS = [
    (provider, name, re.findall(r"`(\w+)`", variables))
    for provider, name, variables in re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (`[^|]+`) \|", PAGE, re.M)
]


@pytest.fixture
def litellm(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in list(os.environ):
        if re.search(r"_API_KEY$|^AWS_|^AZURE_|^GOOGLE_|^VERTEX", name):
            monkeypatch.delenv(name)
    return load()


def test_the_page_has_the_providers_that_users_look_for() -> None:
    assert {"openai", "anthropic", "azure", "bedrock"} <= {provider for provider, _, _ in ROWS}


@pytest.mark.parametrize(("provider", "name", "variables"), ROWS, ids=[provider for provider, _, _ in ROWS])
def test_a_name_resolves_to_its_provider_and_wants_these_variables(
    litellm: Any, monkeypatch: pytest.MonkeyPatch, provider: str, name: str, variables: list[str]
) -> None:
    assert litellm.get_llm_provider(Server(name)._arguments(Request((), 1, 0.0))["model"])[1] == provider
    assert not litellm.validate_environment(name)["keys_in_environment"]
    for variable in variables:
        monkeypatch.setenv(variable, "x")
    assert litellm.validate_environment(name) == {"keys_in_environment": True, "missing_keys": []}


@pytest.mark.parametrize("name", ["openai/x", "anthropic/x", "azure/x", "mistral/x"])
def test_a_key_of_the_environment_is_not_sent_to_an_address_of_ones_own(name: str) -> None:
    arguments = Server(name, api_base="http://127.0.0.1:9")._arguments(Request((), 1, 0.0))
    assert arguments["api_key"] == "none"
    assert Server(name)._arguments(Request((), 1, 0.0))["api_key"] is None
    assert Server(name, "http://127.0.0.1:9", "mine")._arguments(Request((), 1, 0.0))["api_key"] == "mine"


async def _asked(name: str) -> object:
    return await Server(name, timeout=5.0).ask(Request(({"role": "user", "content": "?"},), 1, 0.0))


@pytest.mark.parametrize("name", ["openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5"])
def test_without_a_key_it_is_the_key_that_is_missed(litellm: Any, name: str) -> None:
    import asyncio

    failure = asyncio.run(_asked(name))
    assert isinstance(failure, Failure)
    assert failure.kind == "closed"
    assert "key" in failure.what.lower()
