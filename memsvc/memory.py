"""Memory: the verbs, put together; each stands in `memsvc/verbs/` and reads as the steps it takes."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Self

from memsvc import checks, wiring
from memsvc.errors import InvalidInput, SettingsError
from memsvc.settings import HOW_TO_SET, Settings
from memsvc.verbs.care import Care
from memsvc.verbs.erasing import Erasing
from memsvc.verbs.graphing import Graphing
from memsvc.verbs.improving import Improving
from memsvc.verbs.learning import Learning
from memsvc.verbs.moving import Moving
from memsvc.verbs.reading import Reading
from memsvc.verbs.writing import Writing
from memsvc_store.values import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder


class Memory(Writing, Reading, Graphing, Moving, Improving, Learning, Erasing, Care):
    """An agent's memory in one database. Safe to share between threads."""

    @classmethod
    def open(
        cls,
        database: str | Path | None = None,
        *,
        embedder: Embedder | str | None = None,
        language_model: LanguageModel | str | Mapping[str, LanguageModel | str] | None = None,
        settings: Settings | None = None,
        create: bool = True,
        batching: bool = False,
        now: Callable[[], datetime] = clock.now,
    ) -> Self:
        """Open, and create if need be, a memory.

        Args:
            database: a file, a SQLAlchemy URL, or `:memory:`; by default what the settings say.
            embedder: a name as the setting `embedder` takes it, or an embedder of your own; by default what the
                settings name.
            language_model: a name as LiteLLM has it, such as `ollama/qwen3:8b`, or a model of your own, such as a
                `memsvc.models.FunctionModel`; or several, by what they do: `draft`, `answer`, `gate`, `deliberate`,
                `extract`, `reflect`, and `default` for the rest. By default what the settings name, if they name one.
            settings: by default read from `MEMSVC_*` and `memsvc.toml`.
            create: with False, a database that is not there is an error.
            batching: join what several threads embed at the same time into one call of the embedder
                (`batch_window_ms`, `batch_size`); of use where many threads share it, as in the service.
            now: the clock, for tests and replays; it gives aware datetimes.

        Raises:
            SettingsError, DatabaseError, MissingDependency: each says what to do.
        """
        settings = settings or Settings.load()
        if database is not None:
            settings = settings.model_copy(update={"database": str(database)})
        if isinstance(embedder, str):
            named = checks.checked_model("embedder", embedder)
            settings, embedder = settings.model_copy(update={"embedder": named}), None
        if isinstance(embedder, FunctionType):
            raise InvalidInput(
                "the embedder came as a function; wrap it: memsvc.models.FunctionEmbedder(fn, model=...)"
            )
        settings, given = wiring.given_models(settings, language_model)
        models = wiring.LanguageModels(settings, given)
        if settings.extraction == "background" and models.of("extract") is None:
            raise SettingsError(f"extraction is 'background' and no language model is configured; {HOW_TO_SET}")
        embedder = embedder or wiring.build_embedder(settings)
        store = wiring.build_store(settings, embedder, create=create, now=now)
        memory = cls(settings, embedder, store, now, models, batching=batching)
        if settings.extraction == "background":
            memory._extraction.start()
        if settings.hot_memories is not None:  # it may be smaller than when the last process closed
            for namespace in store.namespaces():
                memory._keep_budget(namespace)
        return memory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
