"""Which memsvc this is."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    """The installed version; `0+unknown` in a checkout that was never installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("memsvc")
    except PackageNotFoundError:
        return "0+unknown"
