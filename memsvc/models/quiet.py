"""Keeps what model libraries say of themselves from our users: warnings at an import, progress bars, advice in logs.

Errors are not touched: they are raised, and translated where the library is called.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TALKATIVE = ("transformers", "sentence_transformers", "huggingface_hub", "torch")


@contextmanager
def no_warnings() -> Iterator[None]:
    """While a library is imported or set up: its warnings are for its makers, and change with each release."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def loading() -> Iterator[None]:
    """While a model loads: no progress bar, and of logs only errors. The caller's own choices hold again after."""
    with no_warnings():
        from transformers.utils import logging as bars
    shown = bars.is_progress_bar_enabled()
    levels = {name: logging.getLogger(name).level for name in _TALKATIVE}
    bars.disable_progress_bar()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if shown:
            bars.enable_progress_bar()
