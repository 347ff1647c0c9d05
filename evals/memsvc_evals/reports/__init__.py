"""Reports on a run directory: `report.md`, `report.html`, a page a question, and two runs compared."""

from memsvc_evals.reports.comparing import Comparison, compare_runs
from memsvc_evals.reports.writing import Written, write_report

__all__ = ["Comparison", "Written", "compare_runs", "write_report"]
