"""Reports on a run directory: `report.md`, `report.html`, a page a question, and two runs compared.

This door is lazy: importing it costs nothing until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memsvc_evals.reports.comparing import Comparison, compare_runs
    from memsvc_evals.reports.writing import Written, write_report

__all__ = ["Comparison", "Written", "compare_runs", "write_report"]

_HOMES = {"Comparison": "comparing", "Written": "writing", "compare_runs": "comparing", "write_report": "writing"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"memsvc_evals.reports.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'memsvc_evals.reports' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
