"""The models of this process: one for each name and device."""

from __future__ import annotations

import atexit
import threading
from functools import partial
from typing import TYPE_CHECKING

from memsvc.models.local.batcher import Batcher

if TYPE_CHECKING:
    from memsvc.models.local.engine import Engine

_batchers: dict[tuple[str, str | None], Batcher] = {}
_lock = threading.Lock()


def batcher(name: str, device: str | None = None) -> Batcher:
    """The model's batcher, the same one until `unload`; its first request loads the model."""
    with _lock:
        key = (name, device)
        if key not in _batchers:
            _batchers[key] = Batcher(partial(_load, name, device), name=name)
        return _batchers[key]


def unload() -> None:
    """Ends what is under way and frees every model; the next request loads anew."""
    with _lock:
        closing = list(_batchers.values())
        _batchers.clear()
    for each in closing:
        each.close()


def _load(name: str, device: str | None) -> Engine:
    from memsvc.models.local.loading import load

    return load(name, device=device)


# A thread that is inside torch while the interpreter goes aborts the process ("terminate called without an active
# exception", five times of five).
atexit.register(unload)
