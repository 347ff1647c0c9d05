"""forget, verify_erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc import checks
from memsvc.verbs.parts import Parts
from memsvc.writing import forgetting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from memsvc_store.values.erasure_receipts import Erasure


class Erasing(Parts):
    """The verbs of erasure with proof."""

    def forget(
        self,
        *,
        namespace: str,
        session_id: str | None = None,
        memory_id: str | None = None,
        source: str | None = None,
        expired: bool = False,
    ) -> Erasure:
        target = forgetting.target(session_id=session_id, memory_id=memory_id, source=source, expired=expired)
        receipt = self.store.erasure.forget(checks.checked_namespace(namespace), target)
        if receipt.what != "namespace":
            self._wake(receipt.namespace)
        return receipt

    def verify_erasure(self, receipt: Erasure | Mapping[str, Any]) -> bool:
        return self.store.erasure.verify(forgetting.receipt(receipt))
