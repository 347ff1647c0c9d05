"""What a client needs beyond a base install."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from memsvc.errors import MissingDependency

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def needed() -> Iterator[None]:
    """The border around importing it.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise MissingDependency(
            f"a client of the service needs httpx and tenacity (missing: {error.name}): pip install 'memsvc[client]'"
        ) from error
