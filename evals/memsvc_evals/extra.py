"""What evaluations need beyond a base install: the extra `evals`."""

from __future__ import annotations

from importlib.util import find_spec

from memsvc.errors import MissingDependency

SCORING = ("nltk", "scipy")


def require(*packages: str) -> None:
    """Check, before work begins, that its end will find its packages.

    Raises:
        MissingDependency: one of them is not installed.
    """
    for package in packages:
        try:
            there = find_spec(package) is not None
        except ValueError:  # a module that was put aside
            there = False
        if not there:
            raise MissingDependency(f"this evaluation needs {package}: pip install 'memsvc[evals]'")
