"""What the agent does with an instruction and the episodes that it was given. It knows no gold statement.

1. Of the successes, best first, it takes the first whose statement it can carry over (`adapting`), unless it has just
   been shown that this very statement failed this very instruction.
2. A success at this very instruction is taken as it stands.
3. With nothing to carry over it falls back: it asks for the columns that the instruction names, in the order and number
   that it names (`tail`), over the whole table. That solves plain listings, and nothing that filters, groups or
   changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_evals.learning.llb import tail
from memsvc_evals.learning.llb.adapting import adapt, know
from memsvc_evals.learning.llb.statement import SqlToken, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memsvc_evals.learning.llb.values import Table


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was done for a task before: `id` is the episode's, `statement` what was run."""

    id: str
    instruction: str
    table: Table
    statement: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to run, and after which episode; None if after none."""

    statement: str
    follows: str | None


def decide(instruction: str, table: Table, successes: Iterable[Attempt], failures: Sequence[Attempt]) -> Decision:
    """What to run, given what went well and what went wrong, best first."""
    avoided = {failure.statement for failure in failures if failure.instruction == instruction}
    for success in successes:
        statement = _carried(success, instruction, table)
        if statement is not None and statement not in avoided:
            return Decision(statement, success.id)
    return Decision(fallback(instruction, table), None)


def fallback(instruction: str, table: Table) -> str:
    """The columns that the instruction names last, of all rows; all columns if it names none."""
    known = know(instruction, table)
    listed = [token.value for token in known.core if token.kind == "columns"]
    longest = max(reversed(listed), key=len, default="*")
    select = SqlToken("columns", tuple(longest))
    core = (SqlToken("raw", "SELECT"), select, SqlToken("raw", "FROM"), SqlToken("table", table.name))
    return written((*core, *tail.write(known.tail, core)))


def _carried(success: Attempt, instruction: str, table: Table) -> str | None:
    if success.instruction == instruction:
        return success.statement
    old = know(success.instruction, success.table)
    return adapt(success.statement, old, know(instruction, table))
