"""A language model made of several: each prompt goes to the model of its role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_retrievers.choices import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel

    from memsvc_retrievers.choices import ModelRole
    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch


class RoutedModel:
    """Several language models as one, by the purposes of prompts. Implements `LanguageModel`.

    Args:
        default: completes what no other one is set for, and gives its name.
        by_role: the others.
    """

    def __init__(self, default: LanguageModel, by_role: Mapping[ModelRole, LanguageModel]) -> None:
        self._default, self._by_role = default, dict(by_role)

    @property
    def name(self) -> str:
        """The default one's; the ledger's lines name the model that was called."""
        return self._default.name

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """One completion a prompt, in order: those of one model are one batch, and the batches follow each other."""
        places: dict[int, list[int]] = {}
        models = [self._model(prompt) for prompt in prompts]
        for place, model in enumerate(models):
            places.setdefault(id(model), []).append(place)
        done: dict[int, Completion] = {}
        for mine in places.values():
            batch = [prompts[place] for place in mine]
            done |= zip(mine, models[mine[0]].complete_many(batch, schema=schema, watch=watch), strict=True)
        return [done[place] for place in range(len(prompts))]

    def _model(self, prompt: Prompt) -> LanguageModel:
        role = ROLES.get(prompt.purpose)
        return self._default if role is None else self._by_role.get(role, self._default)
