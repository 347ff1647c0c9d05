"""forget, verify_erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc import forgetting, ingest
from memsvc.verbs.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from memsvc_store.receipts import Erasure


class Erasing(Parts):
    """The verbs of erasure with proof."""

    def forget(
        self,
        *,
        namespace: str,
        session_id: str | None = None,
        memory_id: str | None = None,
        source: str | None = None,
    ) -> Erasure:
        """Erase for good, from every table, file and snapshot, and have a signed receipt that says so.

        Other than `delete` it leaves nothing behind: not the raw message, its history, or its id. So the same text may
        be added again. It ends with the database's files rewritten, which takes as long as copying them does.

        Args:
            namespace: all of it goes, and its name, if nothing else is given.
            session_id: this session's messages and episodes.
            memory_id: this message, fact or episode, deleted ones too.
            source: what was added under this source: messages and episodes whose metadata has `source` equal to it,
                and those added under the `key` of this name (whose own key is `source`, or begins with `source/`).

        With a message go all facts that rest on it, also those that rest on others as well; what these say is worked
        through again. With a memory go the traces that may hold a word of it, and its part of what was learned.

        Raises:
            NotFound: nothing of it is there. What was erased before leaves nothing to be found.
            DatabaseBusy: the rows are gone; somebody kept the files from being rewritten. Forget the same again.
            InvalidInput: more than one of session_id, memory_id and source.
        """
        target = forgetting.target(session_id=session_id, memory_id=memory_id, source=source)
        receipt = self.store.erasure.forget(ingest.checked_namespace(namespace), target)
        if receipt.what != "namespace":
            self._wake(receipt.namespace)
        return receipt

    def verify_erasure(self, receipt: Erasure | Mapping[str, Any]) -> bool:
        """Whether this database issued a receipt of `forget`, and it says what it said then.

        Args:
            receipt: as `forget` gave it, or as the JSON document of it.

        Raises:
            InvalidInput: it is no receipt.
        """
        return self.store.erasure.verify(forgetting.receipt(receipt))
