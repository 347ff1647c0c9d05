"""The graph of things, held against plain search on small hypergraphs."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from memsvc_retrievers.graph import joins
from memsvc_retrievers.graph.things import TEXT, Things
from memsvc_retrievers.graph.values import CONSIDERED, NAMED, THING_KINDS, Graph
from memsvc_store.sql.listing import Hyperedge
from memsvc_store.values.memories import Node
from memsvc_store.values.nodes import mentions

Edges = list[set[str]]

HYPERGRAPHS = st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=4), min_size=1, max_size=12)


def things_of(edges: Edges) -> Things:
    return Things([_edge(row, names) for row, names in enumerate(edges)])


def _edge(row: int, names: set[str]) -> Hyperedge:
    return Hyperedge(f"m{row}", "", whole=True, speaker="", nodes=[Node("thing", name) for name in sorted(names)])


def said(*lines: str, speaker: str = "Ann") -> Things:
    """Each line said by the same speaker, or `Name: line` by another."""
    found = []
    for row, line in enumerate(lines):
        who, _, text = line.rpartition(": ")
        who = who or speaker
        nodes = [Node("speaker", who.casefold()), Node("session", "S1"), Node("day", "2026-03-02"), *mentions(text)]
        found.append(Hyperedge(f"m{row}", text, whole=True, speaker=who, nodes=nodes))
    return Things(found)


def weight(edges: Edges, one: str, other: str) -> int:
    return sum({one, other} <= names for names in edges)


def degree(edges: Edges, name: str) -> int:
    return sum(name in names for names in edges)


# -- against brute force -------------------------------------------------------------------------


@given(HYPERGRAPHS)
def test_neighbours_are_all_that_share_a_memory(edges: Edges) -> None:
    things = things_of(edges)
    for centre in things.rows:
        found = joins.neighbours(things, centre, NAMED, 100, memories=len(edges))
        expected = {name: weight(edges, centre, name) for name in "abcdefgh" if name != centre}
        own = [tie for tie in found.edges if tie.source == centre]
        assert [(tie.target, tie.weight) for tie in own] == sorted(
            ((name, shared) for name, shared in expected.items() if shared), key=lambda one: (-one[1], one[0])
        )
        assert found.things == len(own) == len(found.nodes) - 1
        check(found, edges)


@given(HYPERGRAPHS, st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"))
def test_a_path_is_as_short_as_any_and_the_rarest_of_these(edges: Edges, start: str, end: str) -> None:
    things = things_of(edges)
    if not {start, end} <= set(things.rows):
        return
    found = joins.path(things, start, end, NAMED, memories=len(edges))
    way = [thing.name for thing in found.nodes]
    best = shortest(edges, start, end)
    assert bool(way) == (best is not None)
    if best is not None:
        assert (way[0], way[-1]) == (start, end)
        assert (len(way) - 1, sum(degree(edges, name) for name in way[1:])) == best
        assert [(tie.source, tie.target) for tie in found.edges] == list(pairwise(way))
    check(found, edges)


def shortest(edges: Edges, start: str, end: str) -> tuple[int, int] | None:
    """(steps, memories of what is entered, summed up) of the best of all paths that enter nothing twice."""
    found = []

    def go(way: list[str]) -> None:
        if way[-1] == end:
            found.append((len(way) - 1, sum(degree(edges, name) for name in way[1:])))
            return
        for name in "abcdefgh":
            if name not in way and weight(edges, way[-1], name):
                go([*way, name])

    go([start])
    return min(found, default=None)


@given(HYPERGRAPHS, st.integers(1, 9))
def test_an_overview_ranks_by_weighted_degree(edges: Edges, limit: int) -> None:
    things = things_of(edges)
    found = joins.overview(things, NAMED, limit, memories=len(edges))
    strength = {name: sum(weight(edges, name, other) for other in "abcdefgh" if other != name) for name in things.rows}
    order = sorted(strength, key=lambda name: (-strength[name], -degree(edges, name), name))
    assert [(thing.name, thing.strength) for thing in found.nodes] == [(name, strength[name]) for name in order[:limit]]
    assert (found.things, found.considered) == (len(strength), len(strength))
    shown = {thing.name: thing.community for thing in found.nodes}
    assert {name for one in found.communities for name in one.things} == {name for name in shown if shown[name]}
    assert [one.number for one in found.communities] == list(range(1, len(found.communities) + 1))
    check(found, edges)


def check(found: Graph, edges: Edges) -> None:
    """What holds for every view: ties are real, and name memories that do join both, the last first."""
    names = {thing.name for thing in found.nodes}
    assert len(names) == len(found.nodes)
    for tie in found.edges:
        assert {tie.source, tie.target} <= names
        assert tie.weight == weight(edges, tie.source, tie.target) > 0
        joint = [f"m{row}" for row, held in enumerate(edges) if {tie.source, tie.target} <= held]
        assert [one.id for one in tie.memories] == joint[::-1][: joins.MENTIONS]
    for thing in found.nodes:
        assert thing.memories == degree(edges, thing.name)


# -- what is a thing -----------------------------------------------------------------------------


def test_one_name_is_one_thing_however_it_stands() -> None:
    things = said("Hey Ben, is Ann Smith there?", "Ben: KIM says Ann and Kim went to Oslo.", speaker="Ann Smith")
    assert [(label, things.kind(label)) for label in things.of_kinds(NAMED)] == [
        ("ann smith", "person"), ("ben", "person"), ("kim", "thing"), ("oslo", "thing"),
    ]  # fmt: skip
    assert [things.find(name) for name in ("ANN", " ann  smith ", "Ben", "kim")] == [
        "ann smith",
        "ann smith",
        "ben",
        "kim",
    ]
    assert said("x", speaker="Ann  Smith").find("ann  smith") == "ann  smith"
    assert [things.spelled(label) for label in ("ann smith", "oslo", "kim")] == ["Ann Smith", "Oslo", "KIM"]


def test_two_speakers_who_share_a_word_stay_two() -> None:
    things = said("Ann Smith: hello", "Ann Jones: hello", "Ben: Where is Ann today?")
    assert things.find("ann") == "ann"
    assert things.of_kinds(["thing"]) == ["ann"]


def test_ordinary_words_are_no_things() -> None:
    things = said(
        "Built in Bergen on Friday.", "We built it in March.", "Sanded it all. Then to Bergen.", "Kittiwake won."
    )
    assert things.of_kinds(NAMED) == ["ann", "bergen"]
    assert set(things.of_kinds(["word"])) == {"built", "friday", "march", "sanded", "kittiwake"}
    often = said("Kittiwake won.", "Kittiwake lost.", "Kittiwake sank.")
    assert often.of_kinds(["thing"]) == ["kittiwake"]


def test_the_other_kinds_are_found_by_name_with_or_without_their_kind() -> None:
    things = said("I took a pottery class in Oslo.")
    assert things.find("2026-03-02") == things.find("day:2026-03-02") == "day:2026-03-02"
    assert things.find("S1") == things.find("session:S1") == "session:S1"
    assert things.find("s1") is None
    assert things.find("pottery classes") == things.find("phrase:pottery class") == "phrase:potteri class"
    assert [things.find(name) for name in ("Atlantis", "day:", "phrase:the", "person:ann")] == [None] * 4
    path = joins.path(things, "oslo", "session:S1", ["day"], memories=1)
    assert [thing.kind for thing in path.nodes] == ["thing", "session"]


def test_near_spellings() -> None:
    things = said("Kim and Torvald are in Skarnes.", "To Kim in Skarnes.")
    assert things.near("torwald") == ["Torvald"]
    assert things.near("xyzzy") == []


def test_a_quote_is_one_line_and_cut_short() -> None:
    things = said("Oslo\n\n is \t nice", "x" * TEXT, "y" * (TEXT + 1))
    assert [things.mention(row).text for row in range(2)] == ["Oslo is nice", "x" * TEXT]
    assert things.mention(2).text == "y" * (TEXT - 1) + "…"
    begun = Things([Hyperedge("m", "short", whole=False, speaker="Ann", nodes=[])])
    assert begun.mention(0).text == "short…"


def test_communities_are_what_hangs_together() -> None:
    groups = ("abcd", "efgh")
    edges = [set(pair) for group in groups for pair in combinations(group, 2) for _ in range(3)] + [{"d", "e"}]
    found = joins.overview(things_of(edges), NAMED, 40, memories=len(edges))
    assert sorted(sorted(one.things) for one in found.communities) == [list(group) for group in groups]
    alone = joins.overview(things_of([{"a"}, {"b"}]), NAMED, 40, memories=2)
    assert (alone.communities, [thing.community for thing in alone.nodes]) == ((), [None, None])


def test_an_overview_compares_the_most_mentioned_and_says_so() -> None:
    edges = [{f"n{number}", "hub"} for number in range(CONSIDERED + 20)] + [{"n7", "n8"}]
    found = joins.overview(things_of(edges), NAMED, 3, memories=9_999)
    assert (found.things, found.considered) == (CONSIDERED + 21, CONSIDERED)
    assert (found.memories, found.read) == (9_999, len(edges))
    assert [thing.name for thing in found.nodes] == ["hub", "n7", "n8"]


def test_more_neighbours_than_are_compared_are_shown_all_the_same() -> None:
    edges: Edges = [{f"n{number}", "hub"} for number in range(CONSIDERED + 20)] + [{"n7", "n8"}, {"n7", "hub"}]
    found = joins.neighbours(things_of(edges), "hub", NAMED, 10_000, memories=len(edges))
    assert len(found.nodes) == found.things + 1 == CONSIDERED + 21
    assert [(thing.name, thing.strength) for thing in found.nodes[:2]] == [("hub", CONSIDERED + 21), ("n7", 3)]
    assert found.nodes[-1].strength == 1
    assert found.edges[-1].weight == 1
    assert {found.edges[-1].source, found.edges[-1].target} == {"n7", "n8"}


def test_a_path_to_itself_has_no_steps_and_one_between_strangers_nothing() -> None:
    things = things_of([{"a", "b"}, {"c"}])
    same = joins.path(things, "a", "a", NAMED, memories=2)
    assert ([thing.name for thing in same.nodes], same.edges) == (["a"], ())
    none = joins.path(things, "a", "c", NAMED, memories=2)
    assert (none.thing, none.to, none.nodes, none.edges) == ("a", "c", (), ())
    assert joins.path(things, "a", "b", ["day"], memories=2).edges[0].weight == 1


def test_more_rows_than_are_multiplied_at_once() -> None:
    edges: Edges = [{"a", "b"} if row % 3 else {"a", "c"} for row in range(20_000)]
    found = joins.neighbours(things_of(edges), "a", THING_KINDS, 5, memories=len(edges))
    assert [(tie.target, tie.weight) for tie in found.edges] == [("b", 13_333), ("c", 6_667)]
    assert joins.shared(things_of(edges), ["a", "b", "c"]).tolist() == [
        [0, 13_333, 6_667],
        [13_333, 0, 0],
        [6_667, 0, 0],
    ]
