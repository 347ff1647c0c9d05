"""Several language models as one, and how they are set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Memory, Settings
from memsvc.errors import InvalidInput, SettingsError
from memsvc.models import FunctionModel
from memsvc.models.language.routed import RoutedModel
from memsvc.testing import HashEmbedder, RuleModel
from memsvc.wiring import LanguageModels, build_language_model, build_role_model
from memsvc_retrievers.choices import MODEL_ROLES, ROLES

from .language_model_laws import Replies, Scripted, ScriptedModelLaws, prompt
from .test_functions import said

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_retrievers.language import LanguageModel


def routed(replies: Replies) -> LanguageModel:
    def answer(asked: str) -> str:
        return said(replies, asked)

    return RoutedModel(FunctionModel(answer, name="mine"), {"gate": FunctionModel(answer, name="small")})


class TestRoutedModel(ScriptedModelLaws):
    """Two functions."""

    @pytest.fixture
    def model(self) -> LanguageModel:
        return routed({})

    @pytest.fixture
    def scripted(self) -> Scripted:
        return routed


def test_each_prompt_goes_to_the_model_of_its_role() -> None:
    purposes = ["draft", "gate", "answer", "vote", "something new", "filter"]
    completions = routed({}).complete_many([prompt("?", purpose=one) for one in purposes])
    assert [(one.call.purpose, one.call.model) for one in completions] == [
        ("draft", "mine"), ("gate", "small"), ("answer", "mine"), ("vote", "small"), ("something new", "mine"),
        ("filter", "small"),
    ]  # fmt: skip
    assert set(ROLES.values()) == set(MODEL_ROLES)


class Named(RuleModel):
    """A rule model with a name of its own."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._called = name

    @property
    def name(self) -> str:
        return self._called


def test_the_ledger_says_which_model_did_what(tmp_path: Path) -> None:
    models: Any = {"default": Named("large"), "gate": Named("small"), "deliberate": Named("reader")}
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder(), language_model=models) as memory:
        memory.add(["I moved to Oslo.", "My sister lives in Bergen."], namespace="ann")
        answer = memory.ask("Where did I move?", namespace="ann", gate="quality")
        assert [(one.purpose, one.model) for one in answer.ledger.calls] == [("draft", "large"), ("gate", "small")]
        slow = memory.ask("Where did I move?", namespace="ann", gate="always", deliberation="scan")
        used = {one.purpose: one.model for one in slow.ledger.calls}
        assert used == {"extract": "reader", "answer": "large"}


def test_extraction_alone_may_have_a_model(tmp_path: Path) -> None:
    small = Named("small")
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder(), language_model={"extract": small}) as memory:
        memory.add("I moved to Oslo only last week.", namespace="ann")
        assert memory.extract(namespace="ann").done == 1
        assert memory.ask("Where did I move?", namespace="ann").process == "extractive"
        assert small.prompts
        with pytest.raises(SettingsError, match="no language model is configured, and reflection"):
            memory.reflect(namespace="ann")
    with (
        Memory.open(tmp_path / "a.db", embedder=HashEmbedder(), language_model={"gate": small}) as memory,
        pytest.raises(SettingsError, match="set for gate, and none for the rest of `ask`"),
    ):
        memory.ask("Where did I move?", namespace="ann")


def test_names_are_models_too(tmp_path: Path) -> None:
    given: Any = {"default": "ollama/large", "gate": "ollama/small"}
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder(), language_model=given) as memory:
        assert memory.language_model is not None
        assert memory.language_model.name == "ollama/large"
        gate = build_role_model(memory.settings, "gate")
        assert gate is not None
        assert gate.name == "ollama/small"
    for wrong, says in (({"gait": Named("x")}, "give one of default, draft"), ({"gate": " "}, "give a model's name")):
        with pytest.raises(InvalidInput, match=says):
            Memory.open(tmp_path / "a.db", embedder=HashEmbedder(), language_model=wrong)  # type: ignore[arg-type]


def test_a_key_goes_to_its_own_server_alone() -> None:
    roles = {
        "gate": "hosted_vllm/small",
        "draft": "openai/x",
        "extract": {"name": "hosted_vllm/y", "url": "http://b/v1"},
    }
    settings = Settings.load(model="hosted_vllm/large", model_url="http://a/v1", model_key="secret", models=roles)
    built: Any = {role: build_role_model(settings, role) for role in ("gate", "draft", "extract", "reflect")}  # type: ignore[arg-type]
    servers = {role: (one._server.api_base, one._server.api_key) for role, one in built.items() if one is not None}
    assert servers == {"gate": ("http://a/v1", "secret"), "draft": (None, None), "extract": ("http://b/v1", None)}


def test_models_are_built_once() -> None:
    models = LanguageModels(Settings.load(model="ollama/large"), {"gate": Named("small")})
    assert models.get() is models.get()
    assert isinstance(models.get(), RoutedModel)
    assert models.get("ollama/other") is models.get("ollama/other")
    assert models.of("gate") is models.of("gate")
    assert models.of("extract") is models.of("draft")  # the default, whose requests under way are bounded together
    plain = LanguageModels(Settings.load(model="ollama/large"))
    assert plain.get() is plain.of("extract")
    assert build_language_model(Settings.load()) is None
