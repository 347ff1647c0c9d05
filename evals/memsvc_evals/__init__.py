"""How we know: data sets, scores, the plain methods to beat, and speed against the raw parts.

This door is lazy: importing it costs nothing until a name is used. Nothing here prints.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memsvc_evals.datasets import (
        Conversation,
        Dataset,
        Note,
        Question,
        Turn,
        load_beam,
        load_locomo,
        load_realtalk,
    )
    from memsvc_evals.demo import Demo, run_demo
    from memsvc_evals.errors import DatasetError, MeasurementError
    from memsvc_evals.retrieval.results import Outcome, Result
    from memsvc_evals.retrieval.runner import evaluate
    from memsvc_evals.retrieval.tables import bench_table, tables
    from memsvc_evals.speed import Measurement, Sizes, run_bench

__all__ = [
    "Conversation",
    "Dataset",
    "DatasetError",
    "Demo",
    "Measurement",
    "MeasurementError",
    "Note",
    "Outcome",
    "Question",
    "Result",
    "Sizes",
    "Turn",
    "bench_table",
    "evaluate",
    "load_beam",
    "load_locomo",
    "load_realtalk",
    "run_bench",
    "run_demo",
    "tables",
]

_HOMES = {
    "Conversation": "datasets",
    "Dataset": "datasets",
    "DatasetError": "errors",
    "Demo": "demo",
    "Measurement": "speed",
    "MeasurementError": "errors",
    "Note": "datasets",
    "Outcome": "retrieval.results",
    "Question": "datasets",
    "Result": "retrieval.results",
    "Sizes": "speed",
    "Turn": "datasets",
    "bench_table": "retrieval.tables",
    "evaluate": "retrieval.runner",
    "load_beam": "datasets",
    "load_locomo": "datasets",
    "load_realtalk": "datasets",
    "run_bench": "speed",
    "run_demo": "demo",
    "tables": "retrieval.tables",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"memsvc_evals.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'memsvc_evals' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
