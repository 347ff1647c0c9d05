"""LifelongAgentBench's database tasks as an environment, and an agent without a language model that works in it.

`tasks` reads and rewards them, and `database` runs statements in SQLite; `reading`, `tail`, `statement` and `adapting`
are the agent's skill, and `study` is its decisions and what is measured.
"""

from memsvc_evals.learning.llb.study import Plan, run_llb
from memsvc_evals.learning.llb.tasks import load_tasks

__all__ = ["Plan", "load_tasks", "run_llb"]
