"""What holds for every test: the same examples each time, how many run side by side, and their marks."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("memsvc", deadline=None, derandomize=True)
settings.load_profile("memsvc")


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one more than there are cores, since many tests wait for a process or a server; 8 at most."""
    return min(8, (os.cpu_count() or 1) + 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on PostgreSQL, wherever it asks for the server; begin with the files that take longest.

    Files go to workers whole and in this order: a slow one at the end kept one worker busy for a minute while the
    others had none left.
    """
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        asked = "postgres_uri" in getattr(item, "fixturenames", ())
        if asked or any(isinstance(one, str) and one == "postgres" for one in parameters):
            item.add_marker("postgres")
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("process")}
    items.sort(key=lambda item: item.path not in slow)
