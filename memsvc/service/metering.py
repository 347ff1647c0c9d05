"""The language model as the service uses it: every call is counted, and every batch is a span."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from memsvc.service.metrics import Metrics
    from memsvc.service.telemetry import Tracing
    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch


class MeteredModel:
    """A language model whose calls are counted. Implements `LanguageModel`."""

    def __init__(self, inner: LanguageModel, metrics: Metrics, tracing: Tracing) -> None:
        self._inner, self._metrics, self._tracing = inner, metrics, tracing

    @property
    def name(self) -> str:
        """The inner one's."""
        return self._inner.name

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """As the inner one."""
        if not prompts:
            return []
        with self._tracing.batch(prompts[0].purpose, self.name, len(prompts)):
            completions = self._inner.complete_many(prompts, schema=schema, watch=watch)
        for completion in completions:
            self._metrics.called(completion.call)
        return completions
