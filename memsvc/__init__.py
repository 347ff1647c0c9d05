"""Agent memory: write conversations, ask later, learn from what helped.

This door is lazy: importing it costs nothing until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memsvc.answer import Answer
    from memsvc.async_memory import AsyncMemory
    from memsvc.client.async_client import AsyncClient
    from memsvc.client.client import Client
    from memsvc.episodes import Episodes
    from memsvc.errors import MemsvcError
    from memsvc.events import Event
    from memsvc.memory import Memory
    from memsvc.settings import Settings
    from memsvc_retrievers.gate import Verdict
    from memsvc_retrievers.ledger import Ledger
    from memsvc_retrievers.passages import Evidence
    from memsvc_store.learned import FeedbackReceipt, Utility
    from memsvc_store.receipts import Erasure
    from memsvc_store.shapes import Change, Hit, Job, Receipt

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncMemory",
    "Change",
    "Client",
    "Episodes",
    "Erasure",
    "Event",
    "Evidence",
    "FeedbackReceipt",
    "Hit",
    "Job",
    "Ledger",
    "Memory",
    "MemsvcError",
    "Receipt",
    "Settings",
    "Utility",
    "Verdict",
    "__version__",
]

_HOMES = {
    "Answer": "memsvc.answer",
    "AsyncClient": "memsvc.client.async_client",
    "AsyncMemory": "memsvc.async_memory",
    "Change": "memsvc_store.shapes",
    "Client": "memsvc.client.client",
    "Episodes": "memsvc.episodes",
    "Erasure": "memsvc_store.receipts",
    "Event": "memsvc.events",
    "Evidence": "memsvc_retrievers.passages",
    "FeedbackReceipt": "memsvc_store.learned",
    "Hit": "memsvc_store.shapes",
    "Job": "memsvc_store.shapes",
    "Ledger": "memsvc_retrievers.ledger",
    "Memory": "memsvc.memory",
    "MemsvcError": "memsvc.errors",
    "Receipt": "memsvc_store.shapes",
    "Settings": "memsvc.settings",
    "Utility": "memsvc_store.learned",
    "Verdict": "memsvc_retrievers.gate",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("memsvc")
        except PackageNotFoundError:  # a checkout that was never installed
            return "0+unknown"
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'memsvc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
