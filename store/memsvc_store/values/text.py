"""From text to what the word index and the hypergraph hold: pure functions, no model.

Words are compared in one form of Unicode and in lower case (`scripts.folded`), so that composed and decomposed letters,
full-width and half-width ones meet. A word is a run of letters, digits and the marks that stand on them, in any script.
Scripts that put no space between words (Chinese, Japanese, Thai, ...) give one word a character, with its marks; the
word index holds their pairs as well. An emoji is a word.

Stems are Porter's (PyStemmer), which changes nothing in words outside a-z. The stop list is English and short: other
languages keep all their words, which BM25 weighs by how rare they are.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from memsvc_store.values.scripts import UNSPACED, composed, folded_letters, folded_words, patterns

if TYPE_CHECKING:
    from collections.abc import Iterable

_LATIN = (
    r"\0-\x08\x0e-\x1b!-\x7f\xa1-\xa7\xa9-\xac\xae\xb0-\xb3\xb5-\xb7\xb9-\u012f\u0131-\u0148\u014a-\u017e"
    r"\u2010-\u2016\u2018-\u2027"
)
"""Characters that folding leaves free of marks, and ignores none of, for a class of `re`."""

_STRETCH = re.compile(rf"((?:[{_LATIN}]*+(?:\s+|\Z))++)|(\S+)")
"""What is Latin up to white space, or what is not: most of a text with an emoji is read as fast as one without."""

_LATIN_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_APOSTROPHE = re.compile(r"['’](?:s|re|ve|ll|d|m|t)?\b")
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+|[^\w\s]|_")

_QUESTION_MARKS = tuple("?？؟⸮⁇⁈⁉՞፧꘏")
"""Of Latin, Chinese and Japanese, Arabic, Armenian, Ethiopic and Vai."""

_GREEK_QUESTION = re.compile(r"(?<=[\u0370-\u03ff\u1f00-\u1fff]);")
"""A semicolon after a letter of Greek, in composed text."""

W_CHARACTER = 0.3
"""A character says little where the pairs that it is part of are looked for as well: with 1.0, Chinese questions find
2.4 points less of their evidence among the first 10 (docs/log.md)."""

STOP_WORDS = frozenset(
    "a an the and or but if of at by for with about to from in on off out over up down is are was were be been being "
    "am do does did doing done have has had having will would can could should shall may might must i me my mine we us "
    "our ours you your yours he him his she her hers it its they them their theirs this that these those there here "
    "what when where which who whom whose why how as so than then too very just not no nor s t d ll m o re ve don "
    "didn doesn isn wasn aren".split()
)

_local = threading.local()


def words(text: str) -> list[str]:
    """The words of a text, folded, in order, with stop words; one a character where a script has no spaces."""
    return [word for seen, pattern in _stretches(text) for word in pattern.findall(seen)]


def runs(text: str) -> list[str]:
    """As `words`, but whole what stands between two spaces where a script has none."""
    return re.findall(run_pattern(text), _APOSTROPHE.sub(" ", folded_words(text)))


def run_pattern(text: str) -> str:
    """The pattern of one of the `runs` of a text, folded or as it was written."""
    return _LATIN_WORD.pattern if text.isascii() else patterns().run.pattern


def unspaced(run: str) -> bool:
    """Whether a run is of a script without spaces between words."""
    return _UNSPACED.match(run) is not None


def terms(text: str) -> list[str]:
    """What the word index holds of a text, with repeats: stems without stop words, then, of scripts without spaces
    between words, two characters each that stand side by side.
    """
    stretches = _stretches(text)
    found = [word for seen, pattern in stretches for word in pattern.findall(seen) if word not in STOP_WORDS]
    without = [seen for seen, pattern in stretches if pattern is not _LATIN_WORD and _UNSPACED.search(seen)]
    return stems(found) + [pair for seen in without for pair in patterns().pair.findall(seen)]


def weight(term: str) -> float:
    """What a term counts in the word index: `W_CHARACTER` where it is a single character of a script without spaces."""
    return W_CHARACTER if len(term) == 1 and unspaced(term) else 1.0


def stems(tokens: Iterable[str]) -> list[str]:
    """Porter stems of words. A stemmer is not safe to share between threads: one each."""
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        import Stemmer

        stemmer = _local.stemmer = Stemmer.Stemmer("porter", 10_000)  # words that are kept: 2 MB a thread
    return list(stemmer.stemWords(tokens))


def asks(text: str) -> tuple[bool, bool]:
    """(holds a question, ends with one); what stands in brackets at the end, such as a caption, is passed over."""
    if ";" in text or "\u037e" in text:
        text = composed(text)
    said = text.rstrip()
    opened = said.rfind("[")  # no pattern: `\s*\[[^\[\]]*\]$` took 17 s of 100,000 blanks
    if opened >= 0 and said.find("]", opened) == len(said) - 1:
        said = said[:opened].rstrip()
    if text.isascii():
        return "?" in text, said.endswith("?")
    greek = _GREEK_QUESTION.search(text) is not None
    ends = _GREEK_QUESTION.match(said, len(said) - 1) if said.endswith(";") else said.endswith(_QUESTION_MARKS)
    return greek or any(mark in text for mark in _QUESTION_MARKS), bool(ends)


def count_tokens(text: str) -> int:
    """Words and punctuation marks: a count that needs no model. Models' own counts run 10-30 % higher."""
    return len(_TOKEN.findall(text))


def _stretches(text: str) -> list[tuple[str, re.Pattern[str]]]:
    """A text in stretches, folded, each with the pattern of its words."""
    if text.isascii():
        return [(_APOSTROPHE.sub(" ", text.lower()), _LATIN_WORD)]
    return [
        (_APOSTROPHE.sub(" ", folded_letters(latin)), _LATIN_WORD)
        if latin
        else (_APOSTROPHE.sub(" ", folded_words(other)), patterns().word)
        for latin, other in _STRETCH.findall(text)
    ]
