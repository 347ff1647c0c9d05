"""graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memsvc import checks
from memsvc.checks import checked_count
from memsvc.errors import InvalidInput, NotFound
from memsvc.verbs.parts import Parts
from memsvc_retrievers.graph.values import LIMIT, NAMED, THING_KINDS
from memsvc_store.errors import shown

if TYPE_CHECKING:
    from memsvc.contract.options import Names
    from memsvc_retrievers.graph.things import Things
    from memsvc_retrievers.graph.values import Graph, ThingKind

MEMORIES = 50_000
"""Memories that one graph is made of, the latest ones: with so many it takes 3 to 6 s (benchmarks/graph_speed.py)."""


class Graphing(Parts):
    """The verb that asks the hypergraph itself."""

    def graph(
        self,
        thing: str | None = None,
        *,
        namespace: str,
        to: str | None = None,
        kinds: Names | None = None,
        limit: int = LIMIT,
    ) -> Graph:
        namespace, limit = checks.checked_namespace(namespace), checked_count("limit", limit, least=1)
        wanted = _kinds(kinds)
        if to is not None and thing is None:
            raise InvalidInput(f"to came as {shown(to)}, and thing was left out; give thing, where the path begins")
        names = [checks.checked_name(field, one) for field, one in (("thing", thing), ("to", to)) if one is not None]
        found = self.store.hyperedges(namespace, MEMORIES)

        from memsvc_retrievers.graph import joins  # NetworkX, 0.2 s
        from memsvc_retrievers.graph.things import Things

        things = Things(found.read)
        labels = [_label(things, name, namespace) for name in names]
        if not labels:
            return joins.overview(things, wanted, limit, memories=found.memories)
        if len(labels) == 1:
            return joins.neighbours(things, labels[0], wanted, limit, memories=found.memories)
        return joins.path(things, labels[0], labels[1], wanted, memories=found.memories)


def _kinds(given: object) -> tuple[ThingKind, ...]:
    """Kinds of things, each once, in their own order."""
    if given is None:
        return NAMED
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Sequence) or isinstance(names, bytes) or not names:
        raise InvalidInput(f"kinds came as {shown(given)}; give one or a list of {', '.join(THING_KINDS)}")
    for name in names:
        if name not in THING_KINDS:
            raise InvalidInput(f"kinds came with {shown(name)}; give some of {', '.join(THING_KINDS)}")
    return tuple(kind for kind in THING_KINDS if kind in names)


def _label(things: Things, name: str, namespace: str) -> str:
    label = things.find(name)
    if label is None:
        near = things.near(name)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "`graph` without a name shows what there is"
        raise NotFound(f"nothing is called {shown(name)} in namespace {namespace!r}; {hint}")
    return label
