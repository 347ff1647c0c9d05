"""namespaces, stats, verify, reindex, count_tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc import ingest
from memsvc.verbs.parts import Parts
from memsvc_store.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable


class Care(Parts):
    """The verbs that look after a database."""

    def namespaces(self) -> list[str]:
        """Every namespace of this database, sorted."""
        return self.store.namespaces()

    def stats(self, *, namespace: str) -> dict[str, int]:
        """Counts of a namespace: sessions, messages, memories, retired, vectors, stale (without a
        vector of the model in use), version (writes so far).

        Raises:
            NotFound: no such namespace.
        """
        return self.store.counts(ingest.checked_namespace(namespace))

    def verify(self, *, namespace: str | None = None) -> list[str]:
        """Check the database, every hash, and the projections against the rows; one sentence a problem."""
        names = self._namespaces(namespace)
        problems = self.store.database.integrity_problems() + self.store.erasure.problems()
        return problems + [problem for name in names for problem in self.store.verify(name)]

    def reindex(self, *, namespace: str, progress: Callable[[int], None] | None = None) -> int:
        """Embed what the model in use has not embedded yet and build the projections anew.

        Args:
            progress: called with the number of texts embedded by each step.

        Returns:
            How many memories the projections hold.
        """
        namespace = ingest.checked_namespace(namespace)
        self._reembedder.run(namespace, progress)
        return self.store.reindex(namespace)

    def count_tokens(self, text: str) -> int:
        """How many tokens a text counts for in a budget: its words and punctuation marks."""
        return count_tokens(text)
