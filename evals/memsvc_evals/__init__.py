"""How we know: data sets, scores, the plain methods to beat, and speed against the raw parts.

This door is lazy: importing it costs nothing until a name is used. Nothing here prints.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memsvc_evals.bench import run_bench
    from memsvc_evals.dataset import Conversation, Dataset, Note, Question, Turn
    from memsvc_evals.demo import Demo, run_demo
    from memsvc_evals.errors import DatasetError, MeasurementError
    from memsvc_evals.locomo import load_locomo
    from memsvc_evals.measurement import Measurement
    from memsvc_evals.realtalk import load_realtalk
    from memsvc_evals.report import bench_table, tables
    from memsvc_evals.results import Outcome, Result
    from memsvc_evals.runner import evaluate
    from memsvc_evals.workbench import Sizes

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
    "load_locomo",
    "load_realtalk",
    "run_bench",
    "run_demo",
    "tables",
]

_HOMES = {
    "Conversation": "dataset",
    "Dataset": "dataset",
    "DatasetError": "errors",
    "Demo": "demo",
    "Measurement": "measurement",
    "MeasurementError": "errors",
    "Note": "dataset",
    "Outcome": "results",
    "Question": "dataset",
    "Result": "results",
    "Sizes": "workbench",
    "Turn": "dataset",
    "bench_table": "report",
    "evaluate": "runner",
    "load_locomo": "locomo",
    "load_realtalk": "realtalk",
    "run_bench": "bench",
    "run_demo": "demo",
    "tables": "report",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"memsvc_evals.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'memsvc_evals' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
