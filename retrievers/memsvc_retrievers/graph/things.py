"""The things of a namespace: the nodes of its hyperedges, put together as a person would.

One name is one thing, whether it speaks, is spoken to or is spoken of; "Ann" is "Ann Smith" where only one speaker is
called so, as in look-ups. Names meet regardless of case. A thing goes by its label: the name in lower case, or kind and
name (`day:2026-03-02`) where it is none of a person, a place or the like.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import TYPE_CHECKING

from memsvc_retrievers.graph.values import Mention
from memsvc_store.values.nodes import called, key_phrases
from memsvc_store.values.scripts import composed, folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memsvc_retrievers.graph.values import ThingKind
    from memsvc_store.sql.listing import Hyperedge
    from memsvc_store.values.memories import Node

TEXT = 160
"""Characters of a memory that are quoted."""

_NAMES = ("speaker", "addressee", "thing")
_OTHERS: tuple[ThingKind, ...] = ("phrase", "session", "day")
_LETTERS = re.compile(r"[^\W\d_]+")
_INSIDE = re.compile(r"(?<=[\w,;:)'’”\"] )[^\W\d_]+")  # not the first word of a sentence
_CALENDAR = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays sundays".split()
)
_RARE = 2
_COMPARED = 5_000
"""Names that a misspelling is compared with, the most mentioned: 20 ms."""
_SPELLINGS = 20
"""Memories that are searched for how a name is spelled."""


class Things:
    """Which things each memory joins. Row `i` is the `i`-th hyperedge."""

    def __init__(self, hyperedges: Sequence[Hyperedge]) -> None:
        self._hyperedges = hyperedges
        self._aliases = _aliases({folded(one.speaker) for one in hyperedges})
        self._kinds: dict[str, ThingKind] = {}
        self.joined = [self._labels(one.nodes[:]) for one in hyperedges]
        """By row: labels, each once."""
        self.rows: dict[str, list[int]] = {}
        """By label: rows, ascending."""
        for row, labels in enumerate(self.joined):
            for label in labels:
                self.rows.setdefault(label, []).append(row)
        self._kinds.update(dict.fromkeys(self._ordinary(), "word"))

    def kind(self, label: str) -> ThingKind:
        """What a thing is."""
        return self._kinds[label]

    def of_kinds(self, kinds: Iterable[ThingKind]) -> list[str]:
        """The labels of things of these kinds, the most mentioned first."""
        wanted = frozenset(kinds)
        found = (label for label, kind in self._kinds.items() if kind in wanted)
        return sorted(found, key=lambda label: (-len(self.rows[label]), label))

    def find(self, name: str) -> str | None:
        """The label of what is called so, of any kind; None where nothing is."""
        plain = " ".join(name.split())
        given, _, rest = plain.partition(":")
        kinds, bare = ((given,), rest.strip()) if given in _OTHERS else (_OTHERS, plain)
        label = folded(plain)
        candidates = [label, self._aliases.get(label, label), folded(name)]
        for kind in kinds:
            names = key_phrases(bare)[:1] if kind == "phrase" else [bare]
            candidates += [f"{kind}:{one}" for one in names]
        return next((label for label in candidates if label in self.rows), None)

    def near(self, name: str) -> list[str]:
        """Up to three things whose names are spelled much like this one, as they are spelled."""
        known = self.of_kinds(("person", "thing", "word"))[:_COMPARED]
        return [self.spelled(label) for label in difflib.get_close_matches(folded(name).strip(), known, 3, 0.6)]

    def spelled(self, label: str) -> str:
        """A thing's name as its first memories spell it."""
        if self._kinds[label] in _OTHERS:
            return label
        rows = [self._hyperedges[row] for row in self.rows[label][:_SPELLINGS]]
        pattern = re.compile(rf"(?<!\w){re.escape(label)}(?!\w)", re.IGNORECASE)
        written = [one.speaker for one in rows]
        written += [found.group() for one in rows for found in pattern.finditer(composed(one.text))]
        same = [one for one in written if folded(one) == label]
        return next((one for one in same if one != label), label)

    def mention(self, row: int) -> Mention:
        """A memory, with its text in one line, cut short."""
        one = self._hyperedges[row]
        text = " ".join(one.text.split())
        return Mention(one.id, text if one.whole and len(text) <= TEXT else f"{text[: TEXT - 1].rstrip()}…")

    def _labels(self, nodes: Iterable[Node]) -> tuple[str, ...]:
        """What a memory joins; notes the kinds. A name that speaks or is spoken to is a person's wherever it stands."""
        found: dict[str, None] = {}
        for kind, name in nodes:
            if kind in _NAMES:
                label = self._aliases.get(name, name)
                if kind != "thing":
                    self._kinds[label] = "person"
                else:
                    self._kinds.setdefault(label, "thing")
            elif kind in _OTHERS:
                label = f"{kind}:{name}"
                self._kinds[label] = kind
            else:
                continue  # the intent of an episode is a number, and of use to nobody
            found[label] = None
        return tuple(found)

    def _ordinary(self) -> set[str]:
        """Those of the things that are ordinary words with the capital of a sentence's head, weekdays or months.

        "Built" is one where the namespace writes "built" in as many memories, or where one or two memories begin a
        sentence with it and none has it inside of one.
        """
        names = {label for label, kind in self._kinds.items() if kind == "thing" and " " not in label}
        small: Counter[str] = Counter()
        heads: Counter[str] = Counter()
        inside: set[str] = set()
        for one in self._hyperedges:
            text = composed(one.text)
            tokens = set(_LETTERS.findall(text))
            small.update(names & tokens)
            capital = {label for token in tokens if (label := folded(token)) != token and label in names}
            within = {folded(token) for token in _INSIDE.findall(text) if token[0].isupper()}
            inside |= capital & within
            heads.update(capital - within)
        found = names & _CALENDAR
        for name in names - inside:
            if heads[name] == len(self.rows[name]) <= _RARE:
                found.add(name)
        return found | {name for name in names if small[name] >= len(self.rows[name])}


def _aliases(speakers: set[str]) -> dict[str, str]:
    """A word of just one speaker's name -> that name, as `names_of_speakers` has it for questions."""
    owners: dict[str, set[str]] = {}
    for speaker in speakers:
        for word in called(speaker):
            owners.setdefault(word, set()).add(speaker)
    return {word: min(named) for word, named in owners.items() if len(named) == 1 and word not in speakers}
