"""The hypergraph of one namespace: nodes, and one hyperedge a memory that joins any number of them.

Nodes are speakers, addressees, named things, key phrases, sessions and days. Row `i` of the shard
is hyperedge `i` here.
"""

from __future__ import annotations

import math
from sys import intern
from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.projections.incidence import Arrays, Incidence
from memsvc_store.values.memories import Node
from memsvc_store.values.nodes import ROLES, called

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

HUB = 0.1
"""Share of all memories from which a node says nothing any more: a walk does not step on it."""

MIN_CALLS = 3
MIN_SHARE = 0.8
"""Calls, and the share of them that comes from the other one, from which a name is that of one of two speakers."""


class Hypergraph:
    """Which memories join which nodes."""

    def __init__(self) -> None:
        self._edges: Incidence[Node] = Incidence()
        self._of_kind: dict[str, list[Node]] = {}
        self._live = 0

    def __len__(self) -> int:
        """Hyperedges, removed ones included."""
        return len(self._edges)

    def add(self, nodes: Iterable[Node]) -> None:
        """Append one hyperedge."""
        nodes = list(nodes)
        self._note(node for node in nodes if self._edges.code(node) is None)
        self._edges.add(dict.fromkeys(nodes, 1))
        self._live += 1

    def remove(self, row: int) -> None:
        """Take a hyperedge away."""
        self._edges.remove(row)
        self._live -= 1

    @property
    def incidence(self) -> Incidence[Node]:
        """Which rows join which nodes."""
        return self._edges

    def members(self, node: Node) -> NDArray[np.int32]:
        """The rows whose hyperedge joins the node, ascending, removed ones included."""
        code = self._edges.code(node)
        return np.empty(0, np.int32) if code is None else self._edges.rows(code)

    def nodes(self, row: int) -> list[Node]:
        """The nodes that one hyperedge joins; none for a removed one."""
        return [self._edges.name(code) for code in self._edges.held(row)]

    def of_kind(self, kind: str) -> list[Node]:
        """Every node of one kind, also those that no memory joins any more."""
        return self._of_kind.get(kind, [])

    def walk(self, start: Mapping[Node, float]) -> NDArray[np.float32]:
        """One step of a weighted walk, from nodes to the memories that join them.

            reach(m) = sum over nodes v in m of  w(v) * start(v)
            w(v)     = ln(N / |v|) / ln(N)

        where |v| is the number of memories that join v and N that of all: rare nodes carry more
        than common ones, and a node that more than `HUB` of all memories join carries nothing.

        Returns:
            What reached each row, shape `(rows,)`; removed rows too.
        """
        reached = np.zeros(len(self), np.float32)
        for node, weight in start.items():
            code = self._edges.code(node)
            degree = 0 if code is None else self._edges.degree(code)
            if code is not None and 1 <= degree <= max(2, HUB * self._live):
                reached[self._edges.rows(code)] += weight * math.log(self._live / degree) / math.log(max(self._live, 2))
        return reached

    def pack(self) -> tuple[list[Node], Arrays]:
        """(nodes, members), for a snapshot."""
        return self._edges.names(), self._edges.pack()

    @classmethod
    def unpack(cls, nodes: Iterable[Sequence[str]], members: Arrays, alive: NDArray[np.bool_]) -> Hypergraph:
        """What `pack` was called on."""
        self = cls()
        self._edges = Incidence.unpack((Node(intern(kind), name) for kind, name in nodes), members, alive)
        self._note(self._edges.names())
        self._live = int(np.count_nonzero(alive))
        return self

    def _note(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self._of_kind.setdefault(node.kind, []).append(node)


def names_of_speakers(
    speakers: Sequence[str], speaker_of: NDArray[np.int32], alive: NDArray[np.bool_], graph: Hypergraph
) -> dict[str, str]:
    """By which folded words the speakers of a namespace are named -> the speaker's name as it was written.

    A speaker is named by the words of its own name, unless two speakers share the word; `user` and its like name
    nobody. Where just two speak to each other, a speaker is also named by what the other one calls it: "Hey Kate",
    three times and hardly ever from anybody else, names the one who is tagged "user" or goes by a nickname.

    Args:
        speakers: names by number.
        speaker_of: the number of each row's speaker.
        alive: which rows count.
        graph: the hyperedges of the rows.
    """
    owners: dict[str, set[int]] = {}
    speaking = set(np.unique(speaker_of[alive]).tolist())
    for number in speaking:
        for word in called(speakers[number]):
            owners.setdefault(word, set()).add(number)
    named = {word: min(numbers) for word, numbers in owners.items() if len(numbers) == 1}
    if len(speaking) == 2:
        greeted = _greeted(speaking, speaker_of, alive, graph)
        named |= {name: number for name, number in greeted.items() if name not in owners and name not in ROLES}
    return {word: speakers[number] for word, number in named.items()}


def _greeted(
    speaking: set[int], speaker_of: NDArray[np.int32], alive: NDArray[np.bool_], graph: Hypergraph
) -> dict[str, int]:
    """What each of two speakers is called by the other."""
    greeted = {}
    for node in graph.of_kind("addressee"):
        rows = graph.members(node)
        callers = np.bincount(speaker_of[rows[alive[rows]]], minlength=1)
        most = int(callers.argmax())
        if callers[most] >= MIN_CALLS and callers[most] >= MIN_SHARE * callers.sum():
            greeted[node.name] = min(speaking - {most})
    return greeted
