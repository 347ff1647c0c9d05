"""The embedder, loaded before anybody asks."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from memsvc.errors import MemsvcError
from memsvc.models.embedding.checked import CheckedEmbedder

if TYPE_CHECKING:
    from memsvc_retrievers.protocols import Embedder

logger = logging.getLogger(__name__)


class Warmup:
    """Loads the embedder in the background, so that the first request does not pay for it (0.3 to 9 s)."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = CheckedEmbedder(embedder)
        self._thread = threading.Thread(target=self._load, name="memsvc-warmup", daemon=True)
        self.reason: str | None = "the embedder is being loaded"

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def join(self) -> None:
        """Wait for what is being loaded."""
        if self._thread.is_alive():
            self._thread.join()

    def _load(self) -> None:
        began = time.perf_counter()
        try:
            self._embedder.embed(["ready"], purpose="query")
        except MemsvcError as error:
            self.reason = f"the embedder cannot be loaded ({type(error).__name__}); the service's log says why"
            logger.error("the embedder cannot be loaded: %s", str(error))  # whole: it was given nobody's words
            return
        self.reason = None
        logger.info("the embedder is ready after %.1f s", time.perf_counter() - began)
