"""Agent memory: write conversations, ask later, learn from what helped.

This door is lazy: importing it costs nothing until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memsvc.asking.answer import Answer, Event
    from memsvc.async_memory import AsyncMemory
    from memsvc.client.async_client import AsyncClient
    from memsvc.client.client import Client
    from memsvc.contract.receipts import Receipts
    from memsvc.episodes.found import Episodes
    from memsvc.errors import (
        AccessError,
        Cancelled,
        DatabaseBusy,
        DatabaseError,
        DatabaseForeign,
        DatabaseMissing,
        DatabaseTooNew,
        DatabaseUnreadable,
        EmbedderError,
        Forbidden,
        InvalidFilter,
        InvalidInput,
        InvalidMessage,
        InvalidNamespace,
        InvalidReply,
        InvalidTimestamp,
        InvalidVector,
        MemsvcError,
        MessagesRejected,
        MissingDependency,
        ModelError,
        ModelInaccessible,
        ModelRefused,
        ModelUnavailable,
        NotFound,
        QuotaExhausted,
        RateLimited,
        ServiceError,
        ServiceForeign,
        ServiceTimeout,
        ServiceUnavailable,
        SettingsError,
        StorageFull,
        TooLarge,
        Unauthorized,
    )
    from memsvc.memory import Memory
    from memsvc.settings import Settings
    from memsvc_retrievers.gate.verdict import Verdict
    from memsvc_retrievers.graph.values import Graph
    from memsvc_retrievers.ledger import Ledger
    from memsvc_retrievers.passages import Evidence
    from memsvc_store.values.document import to_dict
    from memsvc_store.values.drafts import Receipt
    from memsvc_store.values.erasure_receipts import Erasure
    from memsvc_store.values.hits import Hit
    from memsvc_store.values.jobs import Job
    from memsvc_store.values.learned import FeedbackReceipt, Utility
    from memsvc_store.values.memories import Change

__all__ = [
    "AccessError",
    "Answer",
    "AsyncClient",
    "AsyncMemory",
    "Cancelled",
    "Change",
    "Client",
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseForeign",
    "DatabaseMissing",
    "DatabaseTooNew",
    "DatabaseUnreadable",
    "EmbedderError",
    "Episodes",
    "Erasure",
    "Event",
    "Evidence",
    "FeedbackReceipt",
    "Forbidden",
    "Graph",
    "Hit",
    "InvalidFilter",
    "InvalidInput",
    "InvalidMessage",
    "InvalidNamespace",
    "InvalidReply",
    "InvalidTimestamp",
    "InvalidVector",
    "Job",
    "Ledger",
    "Memory",
    "MemsvcError",
    "MessagesRejected",
    "MissingDependency",
    "ModelError",
    "ModelInaccessible",
    "ModelRefused",
    "ModelUnavailable",
    "NotFound",
    "QuotaExhausted",
    "RateLimited",
    "Receipt",
    "Receipts",
    "ServiceError",
    "ServiceForeign",
    "ServiceTimeout",
    "ServiceUnavailable",
    "Settings",
    "SettingsError",
    "StorageFull",
    "TooLarge",
    "Unauthorized",
    "Utility",
    "Verdict",
    "__version__",
    "to_dict",
]

_HOMES = {
    "Answer": "memsvc.asking.answer",
    "AsyncClient": "memsvc.client.async_client",
    "AsyncMemory": "memsvc.async_memory",
    "Change": "memsvc_store.values.memories",
    "Client": "memsvc.client.client",
    "Episodes": "memsvc.episodes.found",
    "Erasure": "memsvc_store.values.erasure_receipts",
    "Event": "memsvc.asking.answer",
    "Evidence": "memsvc_retrievers.passages",
    "FeedbackReceipt": "memsvc_store.values.learned",
    "Graph": "memsvc_retrievers.graph.values",
    "Hit": "memsvc_store.values.hits",
    "Job": "memsvc_store.values.jobs",
    "Ledger": "memsvc_retrievers.ledger",
    "Memory": "memsvc.memory",
    "Receipt": "memsvc_store.values.drafts",
    "Receipts": "memsvc.contract.receipts",
    "Settings": "memsvc.settings",
    "Utility": "memsvc_store.values.learned",
    "Verdict": "memsvc_retrievers.gate.verdict",
    "to_dict": "memsvc_store.values.document",
}
"""Where the names stand that are no errors."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from memsvc.version import version

        return version()
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "memsvc.errors")), name)
    raise AttributeError(f"module 'memsvc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
