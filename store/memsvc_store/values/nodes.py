"""Which nodes a memory joins: rules without a model, the same for what is stored and what is asked.

- speaker: who said it.
- thing: a named thing, i.e. a run of capitalised words ("New York", "Oslo"). One capitalised word at
  the head of a sentence counts only when it is not an everyday word.
- addressee: a name that somebody is called by ("Hey Kate", "Thanks, Tom").
- phrase: two neighbouring content words, stemmed ("pottery class", "surf lesson").
- session and day: when and where it was said, the day in its author's own time.
- intent: what episodes of much the same intent share, each one of them; `episodes.py` has the rule.

Names are folded (`scripts.folded`), so that "oslo" meets "Oslo", and "Zoë" in one form of Unicode that in the other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memsvc_store.values.memories import Node
from memsvc_store.values.scripts import composed, folded
from memsvc_store.values.text import STOP_WORDS, runs, stems, words

if TYPE_CHECKING:
    from datetime import date

INTENT = "intent"

_CLAUSE = re.compile(r"[.!?;:,\n()\[\]\"“”。！？，、；：（）「」『』《》؟؛،।॥։።、]+")
_ADDRESS = re.compile(
    r"\b(?:[Hh]ey|[Hh]i|[Hh]ello|[Dd]ear|[Tt]hanks|[Tt]hank you|[Mm]orning|[Ee]vening|[Bb]ye|[Nn]ight),? ([^\W\d_]+)"
)
_LETTER = re.compile(r"[^\W\d_]")
ROLES = frozenset("user assistant tool system developer function agent human ai model".split())
"""Words that say which part somebody plays, and are nobody's name: "the user table" is not about the user."""

_POSSESSIVE = re.compile(r"['’]s$")
_OPENERS = frozenset(
    "hey hi hello thanks thank wow yeah yes yep no nope ok okay oh ah hmm well sure sounds glad good great nice cool "
    "awesome amazing congrats congratulations absolutely definitely exactly totally really maybe perhaps please sorry "
    "let lets keep take have hope got been last next today tomorrow yesterday tonight hahaha haha lol omg wait guess "
    "anyway also still even any some all one two three more most many much my our speaking talk looking going gonna "
    "doing being having getting making seeing love loved photo image".split()
)


def hyperedge(text: str, speaker: str, session_id: str, day: date) -> tuple[Node, ...]:
    """The nodes of one memory, each once, in a stable order."""
    nodes = [Node("speaker", folded(speaker)), Node("session", session_id), Node("day", day.isoformat())]
    return tuple(dict.fromkeys([*nodes, *mentions(text)]))


def mentions(text: str) -> list[Node]:
    """Addressees, named things and key phrases of a text, in order."""
    text = composed(text)
    found = [Node("addressee", name) for name in addressees(text)]
    found += [Node("thing", name) for name in named_things(text)]
    return list(dict.fromkeys(found + [Node("phrase", phrase) for phrase in key_phrases(text)]))


def addressees(text: str) -> list[str]:
    """Names that a greeting or thanks is followed by, folded."""
    greeted = [name for name in _ADDRESS.findall(text) if name[0].isupper() and len(name) > 1]
    return [name for name in dict.fromkeys(map(folded, greeted)) if name not in STOP_WORDS | _OPENERS]


def named_things(text: str) -> list[str]:
    """Runs of capitalised words, folded; an everyday word at the head of a clause is none."""
    names = []
    for clause in _CLAUSE.split(text):
        run: list[str] = []
        for index, token in enumerate(clause.split()):
            name = _POSSESSIVE.sub("", token.strip("'’-&*_~"))
            plain = folded(name)
            everyday = plain in STOP_WORDS or "'" in plain or "’" in plain or (index == 0 and plain in _OPENERS)
            if name[:1].isupper() and not everyday:
                run.append(plain)
            elif run:
                names.append(" ".join(run))
                run = []
        if run:
            names.append(" ".join(run))
    return list(dict.fromkeys(names))


def called(speaker: str) -> list[str]:
    """The words that a speaker may be called by, folded: at least two characters, one of them a letter, and no role.

    The whole name is one of them where it has a part that is no such word, as in "user_42" and "agent-7".
    """
    parts = runs(speaker)
    found = [one for one in parts if len(one) > 1 and _LETTER.search(one) and one not in STOP_WORDS | ROLES]
    whole = folded(speaker.strip())
    if len(found) < len(parts) > 1 and len(whole.split()) == 1 and _LETTER.search(whole):
        found.append(whole)
    return list(dict.fromkeys(found))


def key_phrases(text: str) -> list[str]:
    """Pairs of neighbouring content words, stemmed, in order."""
    pairs = []
    for clause in _CLAUSE.split(text):
        tokens = words(clause)
        content = [(place, word) for place, word in enumerate(tokens) if word not in STOP_WORDS and len(word) > 2]
        heads = stems(word for _, word in content)
        for (left, _), (right, _), one, two in zip(content, content[1:], heads, heads[1:], strict=False):
            if right - left <= 2:
                pairs.append(f"{one} {two}")
    return list(dict.fromkeys(pairs))
