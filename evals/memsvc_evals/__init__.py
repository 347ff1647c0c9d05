"""How we know: data sets, scores, the plain methods to beat, and speed against the raw parts.

This door is lazy: importing it costs nothing until a name is used. Nothing here prints.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memsvc_evals.datasets.beam import load_beam
    from memsvc_evals.datasets.locomo import load_locomo
    from memsvc_evals.datasets.realtalk import load_realtalk
    from memsvc_evals.datasets.values import Conversation, Dataset, Note, Question, Turn
    from memsvc_evals.demo import Demo, run_demo
    from memsvc_evals.errors import DatasetError, MeasurementError
    from memsvc_evals.retrieval.results import Outcome, Result
    from memsvc_evals.retrieval.runner import evaluate
    from memsvc_evals.retrieval.tables import bench_table, tables
    from memsvc_evals.speed.bench import run_bench
    from memsvc_evals.speed.measurement import Measurement
    from memsvc_evals.speed.workbench import Sizes

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
    "Conversation": "datasets.values",
    "Dataset": "datasets.values",
    "DatasetError": "errors",
    "Demo": "demo",
    "Measurement": "speed.measurement",
    "MeasurementError": "errors",
    "Note": "datasets.values",
    "Outcome": "retrieval.results",
    "Question": "datasets.values",
    "Result": "retrieval.results",
    "Sizes": "speed.workbench",
    "Turn": "datasets.values",
    "bench_table": "retrieval.tables",
    "evaluate": "retrieval.runner",
    "load_beam": "datasets.beam",
    "load_locomo": "datasets.locomo",
    "load_realtalk": "datasets.realtalk",
    "run_bench": "speed.bench",
    "run_demo": "demo",
    "tables": "retrieval.tables",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"memsvc_evals.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'memsvc_evals' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
