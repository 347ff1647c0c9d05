"""A model server of another make: `transformers serve`, which takes `response_format` and heeds it not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from urllib.request import urlopen

import pytest

from memsvc.errors import InvalidReply
from memsvc.models.language.served import LiteLLMModel

from .language_model_laws import AnyModelLaws, Rating, prompt

STARTING = 180.0  # seconds; 10 to 22 on a quiet machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("transformers", "torch", "fastapi", "uvicorn")),
        reason="needs what `transformers serve` needs",
    ),
]


@pytest.fixture(scope="session")
def served_tiny_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiteLLMModel]:
    """The tiny model behind a server of its own."""
    port = _free_port()
    log = tmp_path_factory.mktemp("transformers-serve") / "log"
    program = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-c", program, "serve", str(tiny_model), "--host", "127.0.0.1", "--port", str(port)],
            stdout=out,
            stderr=out,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        ) as process,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, log)
            yield LiteLLMModel(f"openai/{tiny_model}", api_base=f"http://127.0.0.1:{port}/v1", repairs=1, concurrency=2)
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + STARTING
    while monotonic() < until and process.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            sleep(0.1)
    pytest.fail(f"transformers serve did not start:\n{log.read_text(errors='replace')[-2000:]}")


class TestTransformersServe(AnyModelLaws):
    @pytest.fixture
    def model(self, served_tiny_model: LiteLLMModel) -> LiteLLMModel:
        return served_tiny_model


def test_a_completion_is_counted_by_the_server(served_tiny_model: LiteLLMModel) -> None:
    [completion] = served_tiny_model.complete_many([prompt("Where does Ann live?", max_tokens=12)])
    assert completion.text
    assert completion.call.prompt_tokens > 10
    assert 1 <= completion.call.completion_tokens <= 12
    assert (completion.call.cost, completion.call.retries) == (0.0, 0)


def test_a_constraint_that_is_not_heeded_ends_in_a_visible_error(served_tiny_model: LiteLLMModel) -> None:
    done = served_tiny_model.complete_many([prompt("Rate it.", purpose="rate")] * 2, schema=Rating)
    for completion in done:
        with pytest.raises(InvalidReply, match="rate: the reply of openai/"):
            completion.value(Rating)
        assert completion.call.repairs == 1
