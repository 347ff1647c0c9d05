"""Speed of the service against the raw parts that it is made of, on this machine and in the same run.

What is measured stands in `speeds` and `overhead`. Medians are compared. Texts are made up (`chatter`); the embedder is
the one in use.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from memsvc_evals.errors import MeasurementError
from memsvc_evals.progress import Count
from memsvc_evals.speed import overhead, speeds
from memsvc_evals.speed.workbench import FULL, QUICK, Measurement, Sizes, Workbench

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc_evals.progress import Progress
    from memsvc_retrievers.protocols import Embedder

Method = Callable[[Workbench], tuple[Measurement, ...]]

MEASUREMENTS: dict[str, Method] = {
    "add": speeds.measure_add,
    "search": speeds.measure_search,
    "cold": speeds.measure_cold,
    "namespaces": speeds.measure_namespaces,
    "approximate": speeds.measure_approximate,
    "ask": overhead.measure_ask,
    "fan_out": overhead.measure_fan_out,
    "learning": speeds.measure_learning,
    "harness": overhead.measure_harness,
}
"""What `run_bench` takes, in this order. Another one is another line here and in `_steps`."""


def run_bench(
    *,
    quick: bool = False,
    sizes: Sizes | None = None,
    only: Sequence[str] | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> tuple[Measurement, ...]:
    """Take the measurements in a temporary folder.

    Args:
        quick: smaller sizes, for a look; `sizes` states them one by one.
        only: names from `MEASUREMENTS`; all of them by default.
        embedder: by default the one that the settings name, which `cold` always uses.
        progress: called as `(measurement, done, total)`, in steps of that measurement's own.

    Raises:
        MeasurementError: an unknown name, or a command that failed.
        MemsvcError: what the service raises.
    """
    chosen = tuple(MEASUREMENTS) if only is None else tuple(only)
    for name in chosen:
        if name not in MEASUREMENTS:
            raise MeasurementError(f"no measurement is named {name!r}; there are {', '.join(MEASUREMENTS)}")
    sizes = sizes or (QUICK if quick else FULL)
    count = Count(progress, _steps(sizes))
    found: list[Measurement] = []
    for name in chosen:
        with TemporaryDirectory(prefix="memsvc-bench-") as folder:
            found += MEASUREMENTS[name](Workbench(Path(folder), sizes, embedder, count))
    return tuple(found)


def _steps(sizes: Sizes) -> Mapping[str, int]:
    spread = 2 * sizes.home + (sizes.namespaces + 1) * sizes.per_namespace
    return {
        "add": sizes.batches,
        "search": sizes.memories + sizes.queries,
        "cold": sizes.cold_memories + sizes.cold_runs,
        "namespaces": spread + sizes.queries,
        "approximate": sizes.memories + sizes.queries,
        "ask": sizes.log + sizes.queries + 1,
        "fan_out": sizes.log + sizes.deliberations + 1,
        "learning": sizes.home + 2 * sizes.queries + 1,
        "harness": overhead.steps(sizes.log, sizes.queries),
    }
