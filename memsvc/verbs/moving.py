"""export, import_."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from memsvc import checks
from memsvc.contract.receipts import Receipts
from memsvc.verbs.parts import Parts
from memsvc.writing import transfer
from memsvc_store.values.drafts import Draft, EpisodeDraft, Fact, Receipt
from memsvc_store.writing.writes import draft_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from memsvc.contract.options import Filters

_IMPORT_BATCH = 256


class Moving(Parts):
    """The verbs that move a namespace."""

    def export(self, *, namespace: str, **filters: Unpack[Filters]) -> Iterator[str]:
        namespace, wanted = checks.checked_namespace(namespace), self._listed(filters)
        self.store.version(namespace)
        return transfer.write(namespace, self.store.export(namespace, wanted))

    def import_(self, lines: Iterable[str], *, namespace: str) -> Receipts:
        namespace = checks.checked_namespace(namespace)
        receipts = Receipts()
        ids: dict[str, str] = {}
        items = transfer.read(lines, self.settings.max_text_chars, self.settings.max_trajectory_chars, ids)
        for batch in transfer.batches(items, _IMPORT_BATCH):
            receipts += self._import(namespace, batch, ids)
        self._wake(namespace)
        return receipts

    def _import(self, namespace: str, batch: Sequence[transfer.Item], ids: dict[str, str]) -> list[Receipt]:
        """Store one batch of an export, all of one kind, but what has expired since it was written."""
        now = self._now()
        over = [item.expires_at is not None and item.expires_at <= now for item in batch]
        fresh = [item for item, passed in zip(batch, over, strict=True) if not passed]
        written = iter(self._import_fresh(namespace, fresh, ids))
        expired = Receipt("rejected", None, "it has expired since it was exported")
        return [expired if passed else next(written) for passed in over]

    def _import_fresh(self, namespace: str, batch: Sequence[transfer.Item], ids: dict[str, str]) -> list[Receipt]:
        """Store one batch; `ids` gathers what its messages are called here."""
        drafts = [item for item in batch if isinstance(item, Draft)]
        drafts = [replace(one, echo_of=ids.get(one.echo_of or "", one.echo_of)) for one in drafts]
        receipts = self._store(namespace, drafts, moved=True)
        ids |= {draft_id(draft): receipt.id for draft, receipt in zip(drafts, receipts, strict=True) if receipt.id}
        facts = [transfer.moved(item, ids) for item in batch if isinstance(item, Fact)]
        vectors = self._vectors(namespace, [fact.text for fact in facts])
        receipts += self.store.add_facts(namespace, [replace(one, vector=vectors.get(one.text)) for one in facts])
        episodes = [item for item in batch if isinstance(item, EpisodeDraft)]
        vectors = self._vectors(namespace, [one.memory_text for one in episodes])
        found = [replace(one, vector=vectors.get(one.memory_text)) for one in episodes]
        return receipts + self.store.add_episodes(namespace, found)
