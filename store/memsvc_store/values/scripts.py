"""What Unicode says about texts in any script: one form for all spellings of a text, and the patterns of its words.

Python's `re` knows neither marks nor scripts, so the classes are made of `unicodedata` when a text first needs them.
The package `regex` knows both, weighs 3.6 MB, and finds the words of English in twice the time.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_EAST_ASIAN = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
)
_SOUTH_EAST_ASIAN = (  # Thai, Lao, Burmese, Khmer: with marks on their letters
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u109a-\u109d\u1780-\u17d3"
)
UNSPACED = _EAST_ASIAN + _SOUTH_EAST_ASIAN
"""Characters of scripts without spaces between words, for a class of `re`."""

_EMOJI = (
    "[\U0001f1e6-\U0001f1ff]{2}|"  # a flag
    "[\u2300-\u23ff\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\U0001f000-\U0001f0ff\U0001f18e\U0001f191-\U0001f19a\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"
)
_WIDE_PUNCTUATION = re.compile(
    "[\u3000-\u3003\u3008-\u301f\uff01-\uff06\uff08-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+"
)
_JOINERS = "\u00ad\u200c\u200d\u2060"
_IGNORED = re.compile(f"[{_JOINERS}\u20e3\u2120\u2122\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]+")
"""What words are the same without: soft hyphens, joiners, ™ and ℠, the form and the skin of an emoji."""

_STACK = 30
"""Marks that any language puts on one letter, at most (UAX #15, section 13); what has more is ornament."""

_LONG_STACK = 1_000
"""Python's normalisation takes time with the square of a stack: 16 s for 100,000 marks, 0.2 s for 100 of these."""

_LEAST = _STACK - 6
"""Marks of a stack from which it is looked at: composed, a letter has taken up to three of its marks into itself."""

_MAY_STACK = re.compile(
    "[^\0-\u02ff\u0370-\u0482\u048a-\u0590\u2000-\u20cf\u2100-\u2cee\u3100-\ua66e\uac00-\ufb1d\ufe30-\uffff]"
    f"{{{_LEAST}}}"
)
"""Where a stack may be: a quick test, for text in Latin, Greek, Cyrillic, Chinese and Korean."""


class Patterns(NamedTuple):
    """What takes Unicode's tables. All but `stack` are for folded text, `run` for text as it was written as well.

    `word`: a run of letters, digits and marks; one character where a script has no spaces; an emoji. `run`: the same,
    but whole what stands between two spaces. `pair`: two characters of a script without spaces. `stack`: a letter and
    what may be too many marks.
    """

    word: re.Pattern[str]
    run: re.Pattern[str]
    pair: re.Pattern[str]
    stack: re.Pattern[str]


@cache
def patterns() -> Patterns:
    """Made at the first text that needs them: 25 ms."""
    there = list(map(chr, range(0x300, 0x1F000)))  # what marks there are beyond is ignored
    marks = f"[{_class(one for one in there if unicodedata.category(one)[0] == 'M')}{_JOINERS}]"
    moving = f"[{_class(one for one in there if unicodedata.combining(one))}]"
    character = f"[{_EAST_ASIAN}]|[{_SOUTH_EAST_ASIAN}]{marks}*"
    spaced = rf"{_EMOJI}|(?:[^\W_{UNSPACED}]+{marks}*)+"
    pair = f"[{_EAST_ASIAN}]{{2}}|(?:[{_SOUTH_EAST_ASIAN}]{marks}*){{2}}"
    return Patterns(
        re.compile(rf"[0-9a-z]++(?![^\0-\x7f])|{character}|{spaced}"),  # the first of these is there for its speed
        re.compile(f"(?:{character})+|{spaced}"),
        re.compile(f"(?=({pair}))(?:{character})"),
        re.compile(f"(?s:.)?{moving}{{{_LEAST},}}"),
    )


def composed(text: str) -> str:
    """A text in Unicode's form NFC, without ornament."""
    return text if text.isascii() else unicodedata.normalize("NFC", _plain(text))


def named(name: str) -> str:
    """A name of anything in the form in which it is stored and asked for: NFC, with every mark."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def folded(text: str) -> str:
    """What texts are compared by: NFKC in lower case, without ornament and ignored characters (NFKC_Casefold)."""
    return text.lower() if text.isascii() else folded_letters(_IGNORED.sub("", _plain(text)))


def folded_letters(text: str) -> str:
    """`folded` for a text that has no stacked marks and nothing to be ignored."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def folded_words(text: str) -> str:
    """`folded`, with full-width punctuation blank: NFKC takes 100 ns a character where there is any."""
    return folded(_WIDE_PUNCTUATION.sub(" ", text))


def _class(characters: Iterable[str]) -> str:
    """Characters, ascending, as the inside of a class of `re`: `a-d` for four neighbours."""
    spans: list[list[str]] = []
    for one in characters:
        if spans and ord(spans[-1][1]) + 1 == ord(one):
            spans[-1][1] = one
        else:
            spans.append([one, one])
    return "".join(f"{first}-{last}" for first, last in spans)


def _plain(text: str) -> str:
    """A text whose letters lose their marks where they have more than `_STACK`, composed or not."""
    return patterns().stack.sub(_unstacked, text) if _MAY_STACK.search(text) else text


def _unstacked(stack: re.Match[str]) -> str:
    whole = stack[0]
    if len(whole) <= _LONG_STACK and sum(map(bool, map(unicodedata.combining, _decomposed(whole)))) <= _STACK:
        return whole
    return "".join(one for one in _decomposed(whole[0]) if not unicodedata.combining(one))


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)
