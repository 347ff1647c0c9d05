"""`memsvc serve` as a process, with models that behave: run as `python -m tests.memsvc.server.program serve ...`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from memsvc import wiring
from memsvc.errors import Cancelled
from memsvc.testing import HashEmbedder, RuleModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.language import Prompt, Watch
    from memsvc_retrievers.protocols import Purpose

SLOWLY = "slowly"
"""A text with this word takes a second to embed, and a question with it is never answered."""


class SlowEmbedder(HashEmbedder):
    """Takes its time over some texts."""

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[Any]:
        if purpose == "document" and any(SLOWLY in text for text in texts):
            time.sleep(1.0)
        return super().embed(texts, purpose=purpose)


class PatientModel(RuleModel):
    """Waits for ever where it is asked slowly, and looks up now and then whether it still should, as served ones do."""

    def complete_many(self, prompts: Sequence[Prompt], *, schema: Any = None, watch: Watch | None = None) -> Any:
        while any(SLOWLY in prompt.user for prompt in prompts):
            if watch is not None and watch.cancelled():
                raise Cancelled("stopped by the caller")
            time.sleep(0.02)
        return super().complete_many(prompts, schema=schema, watch=watch)


if __name__ == "__main__":
    wiring.build_embedder = lambda settings: SlowEmbedder()  # type: ignore[assignment]
    wiring.build_language_model = lambda settings, name=None: PatientModel()  # type: ignore[assignment]
    from memsvc_cli.app import main

    main()
