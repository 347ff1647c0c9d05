"""namespaces, stats, verify, reindex, count_tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc import checks
from memsvc.verbs.parts import Parts
from memsvc_store.values.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable


class Care(Parts):
    """The verbs that look after a database."""

    def namespaces(self) -> list[str]:
        return self.store.namespaces()

    def stats(self, *, namespace: str) -> dict[str, int]:
        return self.store.counts(checks.checked_namespace(namespace))

    def verify(self, *, namespace: str | None = None) -> list[str]:
        names = self._namespaces(namespace)
        problems = self.store.database.integrity_problems() + self.store.erasure.problems()
        return problems + [problem for name in names for problem in self.store.verify(name)]

    def reindex(self, *, namespace: str, progress: Callable[[int], None] | None = None) -> int:
        namespace = checks.checked_namespace(namespace)
        self._reembedder.run(namespace, progress)
        return self.store.reindex(namespace)

    def count_tokens(self, text: str) -> int:
        return count_tokens(text)
