"""The one place where implementations are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc.settings import default_database
from memsvc_store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memsvc.settings import Settings
    from memsvc_retrievers.protocols import Embedder

BUNDLED = "minilm"


def build_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name; nothing is loaded before its first use.

    The default runs on onnxruntime, which opens in a tenth of torch's time; on a device that is
    named, such as `cuda`, the same weights run through sentence-transformers, in the same vector space.
    """
    on_cpu = settings.device in (None, "cpu")
    if settings.embedder == BUNDLED and on_cpu:
        from memsvc.models.embedding.bundled import bundled_embedder

        return bundled_embedder(cache_dir=settings.cache_dir / "models")
    from memsvc.models.embedding.sentence_transformer import SentenceTransformerEmbedder

    if settings.embedder == BUNDLED:
        from memsvc.models.embedding.bundled import BUNDLED_NAME, bundled_path

        return SentenceTransformerEmbedder(bundled_path(), device=settings.device, name=BUNDLED_NAME)
    return SentenceTransformerEmbedder(settings.embedder, device=settings.device)


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
