"""What the retrievers need from the world. Implementations live in `memsvc/models/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Purpose = Literal["document", "query"]


class Embedder(Protocol):
    """Turns texts into unit vectors. Safe to call from several threads."""

    @property
    def model(self) -> str:
        """A stable name of the vector space. Vectors are compared only within one model, so the
        name must change whenever the weights, the pooling or the normalisation do.
        """
        ...

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        ...

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """One row a text, in order: float32, shape `(len(texts), dimension)`, each of length 1.

        A single call with many texts equals many calls with one text each. `purpose` tells apart
        stored texts and questions, for models that were trained with a prompt for each.

        Raises:
            EmbedderError: the model could not be loaded or its output is not usable.
        """
        ...
