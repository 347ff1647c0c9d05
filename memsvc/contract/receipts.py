"""What `add` gives: a receipt each, and those of them that were rejected; or an error that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc.errors import MessagesRejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.values.drafts import Receipt

_TOLD = 3


class Receipts(list["Receipt"]):
    """What became of each message, in the order given."""

    @property
    def rejected(self) -> Receipts:
        """Those of messages that were not stored; each says why."""
        return Receipts(one for one in self if one.status == "rejected")


def accepted(receipts: Sequence[Receipt], *, strict: bool) -> None:
    """Nothing, unless every message was rejected, or `strict` and any was.

    Raises:
        MessagesRejected: that; it names each and says why.
    """
    reasons = {place: one.reason or "" for place, one in enumerate(receipts) if one.status == "rejected"}
    if reasons and (strict or len(reasons) == len(receipts)):
        raise MessagesRejected(_told(reasons, len(receipts)), reasons)


def _told(reasons: dict[int, str], count: int) -> str:
    first = "; ".join(f"messages[{place}]: {reason}" for place, reason in list(reasons.items())[:_TOLD])
    more = f"; and {len(reasons) - _TOLD:,} more" if len(reasons) > _TOLD else ""
    what = "the message was" if count == 1 else f"{len(reasons):,} of {count:,} messages were"
    return f"{what} rejected, and nothing was stored: {first}{more}"
