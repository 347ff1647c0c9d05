"""The doctor: what works, what is not set up, what fails, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memsvc import Memory, Settings, wiring
from memsvc.doctor import Check, examine
from memsvc.errors import EmbedderError, InvalidReply, ModelUnavailable
from memsvc.testing import HashEmbedder, RuleModel
from memsvc_retrievers.language import Prompt
from tests.memsvc.models.model_server import ModelServer, says

pytestmark = pytest.mark.slow


def examined(path: Path, **parts: Any) -> dict[str, Check]:
    parts.setdefault("embedder", HashEmbedder())
    found = list(examine(Settings.load(database=str(path)), **parts))
    assert [check.part for check in found] == ["database", "embedder", "model", "gpu"]
    return {check.part: check for check in found}


def test_all_is_well(memory: Memory, path: Path) -> None:
    memory.add("hello", namespace="ann")
    found = examined(path, language_model=RuleModel({"doctor": lambda _: {"sum": 5}}))
    assert [check.status for check in found.values()][:3] == ["ok", "ok", "ok"]
    assert str(path) in found["database"].found
    assert "hash-v1-64, 64 dimensions" in found["embedder"].found
    assert found["model"].found.startswith("rules replied in")
    assert "takes 2 + 3" not in found["model"].found


def test_what_is_not_set_up_is_off_and_not_failed(path: Path) -> None:
    found = examined(path)
    assert (found["database"].status, found["database"].advice) == ("off", "the first write makes it")
    assert found["model"].status == "off"
    assert "MEMSVC_MODEL" in found["model"].advice
    assert not path.exists()  # looking makes nothing


def test_a_model_that_cannot_add_is_told(path: Path) -> None:
    assert (
        "takes 2 + 3 for 6" in examined(path, language_model=RuleModel({"doctor": lambda _: {"sum": 6}}))["model"].found
    )


@pytest.mark.parametrize("error", [ModelUnavailable("no answer; start it"), InvalidReply("no JSON; try another model")])
def test_a_model_that_fails_says_why_and_what_to_do(path: Path, error: Exception) -> None:
    def fail(prompt: Prompt) -> None:
        raise error

    model = examined(path, language_model=RuleModel({"doctor": fail}))["model"]
    assert model.status == "failed"
    assert f"{model.found}; {model.advice}" == str(error)


def test_a_server_that_hangs_is_asked_once_and_not_for_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsvc.doctor.PATIENCE", 3.0)  # the first call of a process imports for a second
    with ModelServer(default=says("late", latency=60)) as server:
        settings = Settings.load(database=str(path), model="openai/scripted", model_url=server.url)
        [model] = [check for check in examine(settings, embedder=HashEmbedder()) if check.part == "model"]
        assert (model.status, len(server.seen.requests)) == ("failed", 1)
    assert "no answer within 3 s" in model.found


def test_an_address_that_is_none_fails_the_check(path: Path) -> None:
    settings = Settings.load(database=str(path), model="openai/scripted", model_url="notaurl")
    [model] = [check for check in examine(settings, embedder=HashEmbedder()) if check.part == "model"]
    assert (model.status, model.found) == ("failed", "the model's address came as 'notaurl'")
    assert "MEMSVC_MODEL_URL" in model.advice


def test_a_foreign_or_broken_database_fails_and_the_other_checks_go_on(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)
    found = examined(path)
    assert found["database"].status == "failed"
    assert found["embedder"].status == "ok"


def test_an_embedder_that_fails_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Settings) -> HashEmbedder:
        raise EmbedderError("no weights; install memsvc[offline]")

    monkeypatch.setattr(wiring, "build_embedder", broken)
    found = examined(path, embedder=None)["embedder"]
    assert (found.status, found.found, found.advice) == ("failed", "no weights", "install memsvc[offline]")


def test_in_memory(path: Path) -> None:
    assert examined(Path(":memory:"))["database"].status == "ok"
