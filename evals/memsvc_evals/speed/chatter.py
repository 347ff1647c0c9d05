"""Made-up chatter for the benchmark: short turns of about 10 to 27 words and questions about them.

The same seed gives the same texts. No two turns are equal, since the service embeds a text once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

SPEAKERS = ("Ines", "Tobias", "Wren", "Kofi", "Marit", "Dario", "Leila", "Anton")
WARM_UP = "Who sold the blue kayak near the harbour?"
SESSION = 20  # turns
_BEGAN = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)

_OPENERS = (
    "By the way,", "Honestly,", "Guess what:", "Oh, before I forget,", "You were right,", "Quick update:", "So,",
    "As I said,", "Funny story:", "Just so you know,", "After all that,", "Well,",
)  # fmt: skip
_PEOPLE = (
    "my sister", "our neighbour", "the plumber", "my old flatmate", "Grandpa", "the coach", "my boss", "our landlord",
    "the vet", "my cousin", "the new intern", "my piano teacher", "the dentist", "our daughter", "the electrician",
)  # fmt: skip
_ACTIONS = (
    "fixed", "sold", "borrowed", "repainted", "found", "ordered", "lost", "returned", "photographed", "cleaned",
    "inherited", "rebuilt", "dropped", "packed", "measured", "wrapped up", "tested", "insured",
)  # fmt: skip
_THINGS = (
    "the blue kayak", "a second-hand cello", "the garden shed", "two theatre tickets", "the espresso machine",
    "an antique globe", "the bread starter", "a carbon road bike", "the winter tyres", "a box of tomato seedlings",
    "the camping stove", "a telescope", "the wedding album", "three jars of honey", "the leaking radiator",
    "a leather armchair", "the spare house key", "a chess clock", "the beehive frames", "an upright piano",
    "the solar charger", "a roll of wallpaper", "the fishing licence", "a box of old letters",
)  # fmt: skip
_PLACES = (
    "in Ljubljana", "near the harbour", "at the flea market", "on the island of Gozo", "behind the library",
    "at the allotment", "in Valparaíso", "down by the canal", "at the repair café", "in the mountains above Chur",
    "outside Galway", "at my parents' place", "on the night train", "in the old brewery", "next to the bakery",
)  # fmt: skip
_TIMES = (
    "last Tuesday", "two weeks ago", "on Saturday morning", "the day before yesterday", "late in October",
    "right after breakfast", "during the storm", "on my birthday", "over the long weekend", "back in spring",
    "an hour before the concert", "at half past six",
)  # fmt: skip
_TAILS = (
    "and it cost {number} euros, which felt like a lot", "so now we have to wait another {number} days",
    "and {number} people came to help", "but it took {number} attempts before anything worked",
    "and I wrote it down on page {number} of the notebook", "which means bus {number} is our only way home",
    "and the receipt for {number} crowns is in the drawer", "so room {number} is free again until further notice",
)  # fmt: skip
_QUESTIONS = (
    "Who {action} {thing}?", "Where was {thing} that {person} {action}?", "When did {person} deal with {thing}?",
    "What happened to {thing} {place}?", "What did {person} do {place} {time}?", "What became of {thing} {time}?",
)  # fmt: skip


def messages(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """So many messages as `Memory.add` takes them, no two with the same text, twenty to a session."""
    random, texts = Random(seed), dict[str, None]()
    while len(texts) < count:
        texts[_turn(random)] = None
    return [
        {
            "role": "user",
            "name": random.choice(SPEAKERS),
            "content": text,
            "timestamp": _BEGAN + timedelta(minutes=7 * index),
            "session_id": f"s{index // SESSION}",
        }
        for index, text in enumerate(texts)
    ]


def questions(count: int, *, seed: int = 1) -> list[str]:
    """So many questions in the words of the messages."""
    random = Random(seed)
    return [random.choice(_QUESTIONS).format(**_words(random)) for _ in range(count)]


def _turn(random: Random) -> str:
    words = _words(random)
    tail = random.choice(_TAILS).format(number=random.randrange(2, 900))
    end = random.choice((f" {words['time']}", f", {tail}"))
    return f"{random.choice(_OPENERS)} {words['person']} {words['action']} {words['thing']} {words['place']}{end}."


def _words(random: Random) -> dict[str, str]:
    return {
        "person": random.choice(_PEOPLE),
        "action": random.choice(_ACTIONS),
        "thing": random.choice(_THINGS),
        "place": random.choice(_PLACES),
        "time": random.choice(_TIMES),
    }
