"""Speed, always as a ratio to the raw parts in the same run: `bench` runs what `speeds` and `overhead` measure."""

from memsvc_evals.speed.bench import MEASUREMENTS, run_bench
from memsvc_evals.speed.workbench import Measurement, Race, Sizes

__all__ = ["MEASUREMENTS", "Measurement", "Race", "Sizes", "run_bench"]
