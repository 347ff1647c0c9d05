"""Which constraint a server takes: tried in order, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from pydantic import BaseModel

    from memsvc.models.language.schemas import Constraint

ORDER: tuple[Constraint, ...] = ("json_schema", "json_object", "prompt")


class Negotiation:
    """What one server was found to take. No library's table is asked: for local servers they are wrong.

    What works for a schema is kept for that schema, and is where new schemas start: a server may
    take json_schema in general and fail on one schema whose grammar it cannot build.
    Not locked: all calls of a model run on one event loop.
    """

    def __init__(self) -> None:
        self.settled: Constraint | None = None
        self._of_schema: WeakKeyDictionary[type[BaseModel], Constraint] = WeakKeyDictionary()

    def steps(self, schema: type[BaseModel] | None) -> tuple[Constraint | None, ...]:
        """Constraints to try, one after the other; `(None,)` where none is wanted."""
        if schema is None:
            return (None,)
        return ORDER[ORDER.index(self._of_schema.get(schema, self.settled or ORDER[0])) :]

    def worked(self, schema: type[BaseModel] | None, constraint: Constraint | None) -> None:
        """The server answered under this constraint, and had rejected those above it. The first that worked stays."""
        if schema is None or constraint is None:
            return
        self._of_schema.setdefault(schema, constraint)
        self.settled = self.settled or constraint
