"""What the hypergraph says of things, worked out with NetworkX: neighbours, paths, what is central, communities.

Two things are tied by the memories that join both; how many these are is the tie's weight. Everything is a function of
`Things` alone: the same memories give the same graph, to the last digit.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from memsvc_retrievers.graph.values import CONSIDERED, Community, Graph, Thing, Tie

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.graph.things import Things
    from memsvc_retrievers.graph.values import ThingKind

MENTIONS = 3
"""Memories that are named along a tie, the latest ones."""

_STRONGEST, _AMONG = 3, 2
"""Ties of each thing that an overview shows, and those that each neighbour keeps to the others: all are a hairball."""

_CHUNK = 8_192
"""Rows that are multiplied at a time: 10 MB."""


def overview(things: Things, kinds: Sequence[ThingKind], limit: int, *, memories: int) -> Graph:
    """The things with the highest weighted degree (Barrat et al. 2004, eq. 2), and the communities they are in.

        s(i) = sum over j of  weight(i, j)

    That is one pass over the ties, where betweenness takes one for each thing. Communities are Louvain's (Blondel et
    al. 2008), on weights, with a fixed seed. Both are of the `CONSIDERED` most mentioned things; `limit` are shown.
    """
    known = things.of_kinds(kinds)
    labels = known[:CONSIDERED]
    weights = shared(things, labels)
    graph = _graph(weights)
    strength = [int(degree) for _, degree in graph.degree(weight="weight")]
    order = sorted(range(len(labels)), key=lambda i: (-strength[i], -len(things.rows[labels[i]]), labels[i]))[:limit]
    community = _numbered(graph, order)
    nodes = [_thing(things, labels[i], strength[i], community.get(i)) for i in order]
    ties = _ties(things, [(labels[i], labels[j]) for i, j in _backbone(weights, order, _STRONGEST)])
    return Graph(
        "overview", None, None, tuple(kinds), tuple(nodes), ties, _communities(nodes),
        things=len(known), considered=len(labels), memories=memories, read=len(things.joined),
    )  # fmt: skip


def neighbours(things: Things, centre: str, kinds: Sequence[ThingKind], limit: int, *, memories: int) -> Graph:
    """What a thing is joined to, by the number of memories that join both; communities are those without it.

    Of more than `CONSIDERED` that are shown, the first ones are compared with each other.
    """
    wanted = frozenset(kinds)
    counts = Counter(label for row in things.rows[centre] for label in things.joined[row])
    known = sorted(
        (label for label in counts if label != centre and things.kind(label) in wanted),
        key=lambda label: (-counts[label], label),
    )
    labels = [centre, *known[:limit]]
    weights = shared(things, labels[:CONSIDERED])
    graph = _graph(weights)
    graph.remove_node(0)
    order = list(graph)
    community = _numbered(graph, order)
    strength = [sum(counts[label] for label in labels[1:]), *weights.sum(axis=0).tolist()[1:]]
    strength += [counts[label] for label in labels[CONSIDERED:]]
    nodes = [_thing(things, label, strength[i], community.get(i)) for i, label in enumerate(labels)]
    among = [(labels[i], labels[j]) for i, j in _backbone(weights, order, _AMONG)]
    return Graph(
        "neighbours", nodes[0].name, None, tuple(kinds), tuple(nodes),
        _ties(things, [*((centre, label) for label in labels[1:]), *among]), _communities(nodes),
        things=len(known), considered=len(known), memories=memories, read=len(things.joined),
    )  # fmt: skip


def path(things: Things, start: str, end: str, kinds: Sequence[ThingKind], *, memories: int) -> Graph:
    """The path of the fewest steps from one thing to another; its ends may be of any kind.

    Of several, the one whose things are in the fewest memories, summed up: a rare thing says more of the two than one
    that is joined to everything. Dijkstra's algorithm on the graph of things and memories, where to enter a thing `v`
    costs `C + |v|`: |v| memories join it, and C is more than all of these can sum up to.
    """
    wanted = frozenset(kinds)
    known = {label for label in things.rows if things.kind(label) in wanted}
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from((start, end))
    for row, labels in enumerate(things.joined):
        graph.add_edges_from((row, label) for label in labels if label in known or label in (start, end))
    step = 1 + sum(len(rows) for rows in things.rows.values())

    def cost(_: object, entered: Any, __: object) -> int:
        return step + len(things.rows[entered]) if isinstance(entered, str) else 0

    try:
        way = [one for one in nx.dijkstra_path(graph, start, end, weight=cost) if isinstance(one, str)]
    except nx.NetworkXNoPath:
        way = []
    ties = _ties(things, list(pairwise(way)))
    weights = [0, *(tie.weight for tie in ties), 0]
    nodes = [_thing(things, label, weights[i] + weights[i + 1], None) for i, label in enumerate(way)]
    return Graph(
        "path", things.spelled(start), things.spelled(end), tuple(kinds), tuple(nodes), ties, (),
        things=len(known), considered=len(known), memories=memories, read=len(things.joined),
    )  # fmt: skip


def shared(things: Things, labels: Sequence[str]) -> NDArray[np.int64]:
    """How many memories join each pair of things, shape (labels, labels); 0 on the diagonal.

    With the incidence matrix B (rows x labels, 1 where a memory joins a thing) it is B'B, a few rows at a time: no
    memory can make it slow by naming a thousand things, as it would where its pairs are counted.
    """
    rows = [np.asarray(things.rows[label]) for label in labels]
    found = np.zeros((len(labels), len(labels)), np.float64)
    for start in range(0, len(things.joined), _CHUNK):
        incidence = np.zeros((_CHUNK, len(labels)), np.float32)
        for column, one in enumerate(rows):
            low, high = np.searchsorted(one, (start, start + _CHUNK))
            incidence[one[low:high] - start, column] = 1
        found += incidence.T @ incidence
    np.fill_diagonal(found, 0)
    return found.astype(np.int64)


def _graph(weights: NDArray[np.int64]) -> nx.Graph[Any]:
    """With numbers as nodes: Louvain goes over sets of them, and sets of strings have another order in each process."""
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(range(len(weights)))
    for i, j in np.argwhere(np.triu(weights)).tolist():
        graph.add_edge(i, j, weight=int(weights[i, j]))
    return graph


def _numbered(graph: nx.Graph[Any], order: Sequence[int]) -> dict[int, int]:
    """Node -> the number of its community, from 1, in the order in which they first appear; loners have none."""
    if not graph.number_of_edges():
        return {}
    found = nx.community.louvain_communities(graph, weight="weight", seed=0)
    home = {node: at for at, members in enumerate(found) if len(members) > 1 for node in members}
    numbers: dict[int, int] = {}
    for node in order:
        if node in home:
            numbers.setdefault(home[node], len(numbers) + 1)
    return {node: numbers[home[node]] for node in order if node in home}


def _backbone(weights: NDArray[np.int64], order: Sequence[int], most: int) -> list[tuple[int, int]]:
    """The strongest ties of each node, the strongest first; of a pair the one that is earlier in `order` first."""
    place = {node: at for at, node in enumerate(order)}
    kept = set()
    for node in order:
        strongest = sorted((-int(weights[node, other]), place[other], other) for other in order if weights[node, other])
        kept |= {(min(place[node], at), max(place[node], at)) for _, at, _ in strongest[:most]}
    ranked = sorted(kept, key=lambda pair: (-int(weights[order[pair[0]], order[pair[1]]]), pair))
    return [(order[one], order[other]) for one, other in ranked]


def _ties(things: Things, pairs: Iterable[tuple[str, str]]) -> tuple[Tie, ...]:
    rows: dict[str, frozenset[int]] = {}
    found = []
    for pair in pairs:
        one, other = (rows.setdefault(label, frozenset(things.rows[label])) for label in pair)
        both = sorted(one & other)
        mentions = tuple(things.mention(row) for row in both[: -MENTIONS - 1 : -1])
        found.append(Tie(things.spelled(pair[0]), things.spelled(pair[1]), len(both), mentions))
    return tuple(found)


def _thing(things: Things, label: str, strength: int, community: int | None) -> Thing:
    return Thing(things.spelled(label), things.kind(label), len(things.rows[label]), int(strength), community)


def _communities(nodes: Iterable[Thing]) -> tuple[Community, ...]:
    members: dict[int, list[str]] = {}
    for node in nodes:
        if node.community is not None:
            members.setdefault(node.community, []).append(node.name)
    return tuple(Community(number, tuple(names)) for number, names in sorted(members.items()))
