"""Where a named model's files come from: a folder, the model hub's cache on this machine, or the hub itself.

The hub is the last resort, and is asked only where it answers: its own client tries again for a minute, for each of a
model's files, and prints each try.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Model = TypeVar("Model")

PATIENCE = 3.0
"""Seconds that the hub gets to answer at all, its name's look-up included."""

log = logging.getLogger("memsvc.models")


class NoSuchModel(Exception):
    """Neither a folder nor a name that can be had; its text says why, as the end of a sentence."""


def loaded(name: str, load: Callable[[bool], Model], *, also: Sequence[str] = ()) -> Model:
    """What `load` makes of the model of this name, from the nearest place that has it.

    Args:
        name: a folder, or a name of the hub.
        load: loads it; given True, from files of this machine alone.
        also: other names of the hub that the library would look for.

    Raises:
        NoSuchModel: it is not on this machine, and the hub cannot be asked for it.
        Exception: whatever `load` raises.
    """
    if Path(name).is_dir():
        return load(True)
    if any(map(_is_cached, (name, *also))):
        try:
            return load(True)
        except OSError as error:  # a download that was broken off leaves a part
            log.info("%s is not whole in the model hub's cache: %s", name, error)
    if (obstacle := _obstacle()) is not None:
        raise NoSuchModel(f"it is no folder, it is not in the model hub's cache, and {obstacle}")
    log.info("%s is not on this machine: downloading it from the model hub, once; this may take minutes", name)
    started = time.perf_counter()
    model = load(False)
    log.info("%s was downloaded and loaded in %.0f s", name, time.perf_counter() - started)
    return model


def _is_cached(name: str) -> bool:
    """Whether the cache holds the model's description."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except HFValidationError:
        return False


def _obstacle() -> str | None:
    """Why the hub cannot be asked; None where it can."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids to ask the hub"
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    # A thread, because no time-out covers the look-up of a host's name.
    threading.Thread(target=lambda: said.put(_ask(constants.ENDPOINT)), daemon=True).start()
    try:
        return said.get(timeout=PATIENCE)
    except queue.Empty:
        return f"nothing answers at {constants.ENDPOINT} within {PATIENCE:g} s"


def _ask(endpoint: str) -> str | None:
    try:
        urlopen(Request(endpoint, method="HEAD"), timeout=PATIENCE).close()
    except HTTPError:
        return None  # it answers, if only to refuse
    except (OSError, ValueError) as error:
        return f"nothing answers at {endpoint} ({error})"
    return None
