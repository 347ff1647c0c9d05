"""The fake keeps every law of the real ones."""

from __future__ import annotations

import pytest

from memsvc.errors import InvalidInput, ModelUnavailable
from memsvc.testing import RuleModel
from memsvc_retrievers.language import LanguageModel, Prompt

from .language_model_laws import Replies, Scripted, ScriptedModelLaws


def scripted_model(replies: Replies) -> LanguageModel:
    def reply(prompt: Prompt) -> str:
        said = replies[prompt.user]
        if said is None:
            raise ModelUnavailable(f"{prompt.purpose}: no answer")
        return said

    return RuleModel(dict.fromkeys(("draft", "gate", "extract"), reply))


class TestRuleModel(ScriptedModelLaws):
    @pytest.fixture
    def model(self) -> LanguageModel:
        return RuleModel({"draft": lambda _: "yes"}, default=lambda _: "no")

    @pytest.fixture
    def scripted(self) -> Scripted:
        return scripted_model


def test_a_purpose_without_a_rule_is_an_error_of_the_test() -> None:
    with pytest.raises(InvalidInput, match="poem"):
        RuleModel().complete_many([Prompt("", "", "poem")])
