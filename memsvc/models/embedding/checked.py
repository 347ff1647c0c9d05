"""An embedder that can be trusted: any other, with its errors translated and its vectors checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsvc.errors import EmbedderError, MemsvcError
from memsvc_store.projections.vectors import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Embedder, Purpose


class Wrapped:
    """What stands around another embedder, in its vector space."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner

    @property
    def model(self) -> str:
        """The inner one's vector space."""
        return self._inner.model

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._inner.dimension


class CheckedEmbedder(Wrapped):
    """The border to an embedder, which may be a stranger's. Implements `Embedder`."""

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """What the inner one gives, if it is of use.

        Raises:
            EmbedderError: it failed, or gave another number of vectors.
            InvalidVector: they have another dimension, or values that are not finite.
        """
        try:
            vectors = np.asarray(self._inner.embed(texts, purpose=purpose), np.float32)
        except MemsvcError:
            raise
        except Exception as error:
            raise EmbedderError(f"the embedder failed on {len(texts)} texts: {error!r}; nothing was stored") from error
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EmbedderError(
                f"the embedder gave an array of shape {vectors.shape} for {len(texts)} texts; it owes one row each"
            )
        return checked(vectors, self.dimension)
