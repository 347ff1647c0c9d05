"""A name that is neither a folder nor in the cache: one error, soon, and no hub that is asked in vain."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from memsvc.errors import EmbedderError, MemsvcError
from memsvc.models import hub
from memsvc.models.embedding.sentence_transformer import SentenceTransformerEmbedder
from memsvc.models.local.loading import load as load_local
from memsvc.models.local.shapes import ModelUnusable

pytestmark = pytest.mark.slow

NAME = "memsvc/no-such-model"


class Hub:
    """A hub that notes who asks: it answers 404, or nothing at all."""

    def __init__(self, *, silent: bool) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(f"{self.command} {self.path}")
                self.send_response(404)
                self.end_headers()

            do_HEAD = do_GET  # noqa: N815 - the server looks for it

            def log_message(self, *_: object) -> None:
                pass

        if silent:
            self._listening = socket.create_server(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
            self.close = self._listening.close
        else:
            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_port}"

            def close() -> None:
                server.shutdown()
                server.server_close()

            self.close = close


def embed(name: str) -> object:
    return SentenceTransformerEmbedder(name).embed(["hello"])


LOADERS = [pytest.param(embed, EmbedderError, id="embedder"), pytest.param(load_local, ModelUnusable, id="local")]
BothLoaders = pytest.mark.parametrize(("load", "error"), LOADERS)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets where the hub is; its cache on this machine is empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    return lambda url: monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)


@pytest.fixture
def answering() -> Iterator[Hub]:
    with closing(Hub(silent=False)) as found:
        yield found


@pytest.fixture
def silent() -> Iterator[Hub]:
    with closing(Hub(silent=True)) as found:
        yield found


@BothLoaders
def test_offline_nobody_is_asked(
    at: Callable[[str], None], answering: Hub, monkeypatch: pytest.MonkeyPatch,
    load: Callable[[str], object], error: type[MemsvcError],
) -> None:  # fmt: skip
    at(answering.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(error, match=rf"no model '{NAME}'.*not in the model hub's cache.*HF_HUB_OFFLINE"):
        load(NAME)
    assert answering.asked == []


@BothLoaders
def test_a_hub_that_says_nothing_is_given_up_after_a_moment(
    at: Callable[[str], None], silent: Hub, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    load: Callable[[str], object], error: type[MemsvcError],
) -> None:  # fmt: skip
    at(silent.url)
    monkeypatch.setattr(hub, "PATIENCE", 0.2)
    started = time.monotonic()
    with pytest.raises(error, match=rf"nothing answers at {silent.url} .*check"):
        load(NAME)
    assert time.monotonic() - started < 10, "its own client tries for a minute"
    assert capfd.readouterr().err == ""


@BothLoaders
def test_a_hub_that_cannot_be_reached_is_asked_once(
    at: Callable[[str], None], silent: Hub, capfd: pytest.CaptureFixture[str],
    load: Callable[[str], object], error: type[MemsvcError],
) -> None:  # fmt: skip
    at(silent.url)
    silent.close()
    with pytest.raises(error, match=r"nothing answers .*refused"):
        load(NAME)
    assert capfd.readouterr().err == ""


def test_a_hub_that_answers_is_asked_for_the_name_and_told_nothing_else(answering: Hub, tmp_path: Path) -> None:
    """In a process of its own: the libraries copy the hub's address when they are imported."""
    program = f"""if True:
        from memsvc.errors import MemsvcError
        from memsvc.models.embedding.sentence_transformer import SentenceTransformerEmbedder
        from memsvc.models.local.loading import load
        for fails in (lambda: SentenceTransformerEmbedder({NAME!r}).embed(["hello"]), lambda: load({NAME!r})):
            try:
                fails()
            except MemsvcError as error:
                print(str(error).partition(" (")[0])
    """
    told = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    told |= {"HF_ENDPOINT": answering.url, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=told, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"The model {NAME!r} cannot be loaded",
        f"The model {NAME!r} was not found",
    ]
    assert any(NAME in line for line in answering.asked)
    assert not [line for line in answering.asked if NAME not in line and line != "HEAD /"], "nothing else is told"


def test_what_is_cached_is_loaded_without_asking(
    at: Callable[[str], None], answering: Hub, tiny_model: Path, tmp_path: Path
) -> None:
    at(answering.url)
    repository = tmp_path / "hub" / "models--memsvc--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (repository / "snapshots").mkdir()
    (repository / "snapshots" / ("0" * 40)).symlink_to(tiny_model)
    assert load_local("memsvc/tiny", device="cpu").name == "memsvc/tiny"
    assert answering.asked == []


def test_a_download_that_was_broken_off_is_gone_on_with(at: Callable[[str], None], answering: Hub) -> None:
    tries: list[bool] = []

    def load(local: bool) -> str:
        tries.append(local)
        if local:
            raise OSError("a part is missing")
        return "whole"

    at(answering.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "_is_cached", lambda _: True)
        assert hub.loaded(NAME, load) == "whole"
    assert tries == [True, False]


def test_a_name_that_no_hub_would_take_is_told_like_any_other(at: Callable[[str], None], silent: Hub) -> None:
    at(silent.url)
    silent.close()
    with pytest.raises(EmbedderError, match=r"no model './not here/at all'"):
        embed("./not here/at all")
