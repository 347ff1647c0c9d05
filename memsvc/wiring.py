"""The one place where implementations are chosen."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from memsvc import checks
from memsvc.errors import SettingsError
from memsvc.settings import HOW_TO_SET, ServedModel, default_database
from memsvc_retrievers.choices import MODEL_ROLES
from memsvc_store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memsvc.settings import Settings
    from memsvc_retrievers.choices import ModelRole
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder

DEFAULT = "default"
"""Among models by role: the one for all that has none of its own."""

IN_PROCESS = "local/"
"""Models of this name run in this process, and want a batch whole."""
FOR_EVER = 86_400.0
"""Seconds for a model in this process: it has to be loaded, and its batches wait for each other. There is no network
that could hang, and LiteLLM takes None for ten minutes."""
OLLAMA = ("ollama/", "ollama_chat/")


def build_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name; nothing is loaded before its first use.

    The default runs on onnxruntime, which opens in a tenth of torch's time. On a device that is named, such as `cuda`,
    both of its names mean the official weights through sentence-transformers, in the vector space of `minilm-fp32`.
    """
    from memsvc.models.embedding import minilm
    from memsvc.models.embedding.sentence_transformer import SentenceTransformerEmbedder

    if settings.embedder not in (minilm.INT8, minilm.FP32):
        return SentenceTransformerEmbedder(settings.embedder, device=settings.device)
    if settings.device not in (None, "cpu"):
        return SentenceTransformerEmbedder(minilm.fp32_folder(), device=settings.device, name=minilm.FP32_NAME)
    if settings.embedder == minilm.FP32:
        return minilm.fp32_embedder(cache_dir=settings.cache_dir / "models")
    return minilm.int8_embedder()


def checked(embedder: Embedder, settings: Settings, *, batching: bool) -> Embedder:
    """The embedder with its vectors checked; `batching`: called with what several threads ask for at once."""
    from memsvc.models.embedding.batching import BatchingEmbedder
    from memsvc.models.embedding.checked import CheckedEmbedder

    one = CheckedEmbedder(embedder)
    if not batching:
        return one
    return BatchingEmbedder(one, window=settings.batch_window_ms / 1000, size=settings.batch_size)


def build_language_model(settings: Settings, name: str | None = None) -> LanguageModel | None:
    """The language model of that name, or the one that the settings name; None if they name none."""
    name = name or settings.model
    if name is None:
        return None
    return _served(settings, ServedModel(name=name, url=settings.model_url, key=settings.model_key))


def build_role_model(settings: Settings, role: ModelRole) -> LanguageModel | None:
    """The model that the settings name for a role; None if they name none.

    A bare name of the same provider as `model` is another model at the same server, with the same key; of another
    provider it is at that one's own address, and is sent no key but that of its own variable.
    """
    own = settings.models.of(role)
    if own is None:
        return None
    if own.url is None and own.key is None and _provider(own.name) == _provider(settings.model or ""):
        own = own.model_copy(update={"url": settings.model_url, "key": settings.model_key})
    return _served(settings, own)


def _provider(name: str) -> str:
    return name.partition("/")[0]


def _served(settings: Settings, served: ServedModel) -> LanguageModel:
    from memsvc.models.language.served import LiteLLMModel
    from memsvc.models.local.provider import register

    in_process = served.name.startswith(IN_PROCESS)
    return LiteLLMModel(
        served.name,
        api_base=served.url,
        api_key=None if served.key is None else served.key.get_secret_value(),
        timeout=FOR_EVER if in_process else settings.model_timeout,
        retries=settings.model_retries,
        concurrency=None if in_process else settings.model_concurrency,
        options=_options(settings, served.name),
        register=register if in_process else None,
    )


def _options(settings: Settings, name: str) -> dict[str, Any]:
    """What this kind of model wants to be told beside the prompt."""
    if name.startswith(OLLAMA):
        return {"num_ctx": settings.model_context}
    return {"device": settings.device} if name.startswith(IN_PROCESS) and settings.device else {}


def given_models(
    settings: Settings, given: LanguageModel | str | Mapping[str, LanguageModel | str] | None
) -> tuple[Settings, dict[str, LanguageModel]]:
    """What was given as language models: the settings with the names among them, and the objects by role.

    Raises:
        InvalidInput: an unknown role, an empty name, or something that is no model.
    """
    by_role = given if isinstance(given, Mapping) else {} if given is None else {DEFAULT: given}
    objects: dict[str, LanguageModel] = {}
    for role, model in by_role.items():
        checks.checked_choice("the role of a language model", role, (DEFAULT, *MODEL_ROLES))
        if not isinstance(model, str):
            objects[role] = checks.checked_language_model("language_model", model)
        elif role == DEFAULT:
            settings = settings.model_copy(update={"model": checks.checked_model("language_model", model)})
        else:
            named = {role: checks.checked_model("language_model", model)}
            settings = settings.model_copy(update={"models": settings.models.model_copy(update=named)})
    return settings, objects


class LanguageModels:
    """The language models in use: one for all work, others by role, and any by name. Each is built once.

    Args:
        given: by role, models that win over the settings' ones; that of `default` does all other work.
    """

    def __init__(self, settings: Settings, given: Mapping[str, LanguageModel] | None = None) -> None:
        self._settings, self._given = settings, dict(given or {})
        self._built: dict[str, LanguageModel | None] = {}
        self._lock = threading.RLock()
        self.around: Callable[[LanguageModel], LanguageModel] = lambda model: model

    def surround(self, wrap: Callable[[LanguageModel], LanguageModel]) -> None:
        """Put something around every model, and around what stands around it already."""
        inner = self.around
        self.around = lambda model: wrap(inner(model))

    def get(self, name: str | None = None) -> LanguageModel | None:
        """The model of that name; without one those that are set, as one model, None where there is no default.

        Raises:
            SettingsError: a model is set for a part of `ask`, and none for the rest of it.
        """
        build = self._by_role if name is None else partial(build_language_model, self._settings, name)
        found = self._once("all" if name is None else f"name {name}", build)
        return None if found is None else self.around(found)

    def of(self, role: ModelRole) -> LanguageModel | None:
        """The model that does the work of a role: its own, or else the default; None where there is neither."""
        found = self._own(role) or self._default()
        return None if found is None else self.around(found)

    def _by_role(self) -> LanguageModel | None:
        from memsvc.models.language.routed import RoutedModel

        default = self._default()
        own = {role: model for role in MODEL_ROLES if (model := self._own(role)) is not None}
        if default is None and (lonely := sorted(own.keys() - {"extract", "reflect"})):
            raise SettingsError(f"a model is set for {', '.join(lonely)}, and none for the rest of `ask`; {HOW_TO_SET}")
        return default if default is None or not own else RoutedModel(default, own)

    def _default(self) -> LanguageModel | None:
        return self._once(DEFAULT, lambda: self._given.get(DEFAULT) or build_language_model(self._settings))

    def _own(self, role: ModelRole) -> LanguageModel | None:
        return self._once(role, lambda: self._given.get(role) or build_role_model(self._settings, role))

    def _once(self, key: str, build: Callable[[], LanguageModel | None]) -> LanguageModel | None:
        """What was built under this key: each model bounds its own requests under way."""
        with self._lock:
            if key not in self._built:
                self._built[key] = build()
            return self._built[key]


def build_store(settings: Settings, embedder: Embedder, *, create: bool, now: Callable[[], datetime]) -> Store:
    """The store that the settings name, for the vectors of this embedder.

    Only the default database gets its folder made: anywhere else a missing folder is a typing error.
    """
    if create and settings.database == str(default_database()):
        default_database().parent.mkdir(parents=True, exist_ok=True)
    return Store(
        settings.database,
        space=embedder,
        create=create,
        exact_limit=settings.exact_limit,
        shard_bytes=settings.shard_bytes,
        snapshot_rows=settings.snapshot_rows,
        now=now,
    )
