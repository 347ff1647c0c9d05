"""The one place where implementations are chosen."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from memsvc.settings import default_database
from memsvc_store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memsvc.settings import Settings
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder

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
    from memsvc.models.language.served import LiteLLMModel
    from memsvc.models.local.provider import register

    in_process = name.startswith(IN_PROCESS)
    return LiteLLMModel(
        name,
        api_base=settings.model_url,
        api_key=None if settings.model_key is None else settings.model_key.get_secret_value(),
        timeout=FOR_EVER if in_process else settings.model_timeout,
        retries=settings.model_retries,
        concurrency=None if in_process else settings.model_concurrency,
        options=_options(settings, name),
        register=register if in_process else None,
    )


def _options(settings: Settings, name: str) -> dict[str, Any]:
    """What this kind of model wants to be told beside the prompt."""
    if name.startswith(OLLAMA):
        return {"num_ctx": settings.model_context}
    return {"device": settings.device} if name.startswith(IN_PROCESS) and settings.device else {}


class LanguageModels:
    """The language models in use: the default one, and others by name. Each is built once."""

    def __init__(self, settings: Settings, default: LanguageModel | None = None) -> None:
        self._settings = settings
        self._built: dict[str | None, LanguageModel | None] = {} if default is None else {None: default}
        self._lock = threading.Lock()

    def get(self, name: str | None = None) -> LanguageModel | None:
        """The model of that name; without one the default, None where there is none."""
        with self._lock:
            if name not in self._built:
                self._built[name] = build_language_model(self._settings, name)
            return self._built[name]


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
