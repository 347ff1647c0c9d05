"""An answer against the gold one, by the measures that papers print. Pure functions on texts, all between 0 and 1.

`f1` is LoCoMo's own, with its rule for each category (Maharana et al. 2024). `f1_set` and `bleu1` are those of A-Mem
and mem0, which many later papers print under the same names: no number of one can be set beside one of the other.

Names of categories are those of LoCoMo's own statistics (1 multi-hop, 282 questions; 4 single-hop, 841). Scripts that
descend from mem0's call category 1 "single-hop", 3 "multi-hop" and 4 "open-domain": their numbers are right, their
names are not.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from memsvc_evals import extra
from memsvc_evals.datasets.dialogues import LOCOMO_CATEGORIES, REALTALK_CATEGORIES
from memsvc_evals.datasets.values import score_groups
from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from nltk.stem.porter import PorterStemmer
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

MULTI_HOP, TEMPORAL, OPEN_DOMAIN, SINGLE_HOP, ADVERSARIAL = LOCOMO_CATEGORIES
GROUPS = score_groups(LOCOMO_CATEGORIES, **{"1-4": (MULTI_HOP, TEMPORAL, OPEN_DOMAIN, SINGLE_HOP)})
"""Group -> the categories in it."""

_NUMBERS = {
    name: number for names in (REALTALK_CATEGORIES, LOCOMO_CATEGORIES) for number, name in names.items()
}  # REALTALK calls category 3 "commonsense"

ABSTENTIONS = ("no information available", "not mentioned")
"""An answer that holds one of these, in whatever case, says that there is none."""

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the|and)\b")
_STOPS = str.maketrans(dict.fromkeys(".,!?", " "))

_TITLES = "adm col dr gen jr lt maj messrs mr mrs ms ph.d prof rep reps sen sr m.b.a"
_TIMES = "jan feb aug sep sept oct nov dec tues wed fri a.m p.m yr"
_PLACES = (
    "ala ariz calif colo conn ct d.c fla ga ill kan ky l.a mich minn n.c n.d n.h n.j n.m n.y nev okla ore pa r.i s.c "
    "tenn u.k u.n u.s u.s.a u.s.s.r va vt w.va wash wis ave ft st sw"
)
_FIRMS = "bros b.v cie co corp cos inc l.p ltd n.v s.a s.p.a chg mg ok vs"
_LETTERS = "c d e f g h k l m n p r s t v w"
_INITIALS = (
    "a.a a.c a.d a.g a.h a.m.e a.s a.t b.f c.i.t c.o.m.b c.v d.h d.w e.f e.h e.l e.m f.g f.j g.d g.f g.k h.c h.f h.m "
    "i.m.s j.b j.c j.j j.k j.p j.r l.f m.d.c m.j p.a.m r.a r.h r.j r.k r.t s.a.y s.g s.s t.j w.c w.r w.w"
)
_SPACED_DOTS = ". . "
ABBREVIATIONS = frozenset(" ".join((_TITLES, _TIMES, _PLACES, _FIRMS, _LETTERS, _INITIALS)).split()) | {_SPACED_DOTS}


def category_of(value: object) -> int | None:
    """The category that a number, its digits or a name says; None if it says none.

    `2`, `2.0`, `"2"`, `"temporal"`, `"Single Hop"` and `"single_hop"` are understood.
    """
    if isinstance(value, str):
        text = value.strip().lower()
        named = _NUMBERS.get(text.replace("_", "-").replace(" ", "-"))
        return named or next((number for number in LOCOMO_CATEGORIES if text == str(number)), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return next((number for number in LOCOMO_CATEGORIES if value == number), None)


def group_name(group: str) -> str:
    """A group's number with its name, since numbers alone and names alone are both read wrongly."""
    name = LOCOMO_CATEGORIES.get(int(group)) if group.isdigit() else None
    return group if name is None else f"{group} {name}"


def text_scores(prediction: str, gold: str | None, category: int | None = None) -> dict[str, float]:
    """Every text measure of one answer: `f1`, and `f1_set`, `bleu1` and `em` where there is a gold answer.

    Raises:
        MeasurementError: as `f1`.
    """
    scores = {"f1": f1(prediction, gold, category)}
    if gold is not None:
        scores |= {
            "f1_set": f1_set(prediction, gold),
            "bleu1": bleu1(prediction, gold),
            "em": exact_match(prediction, gold),
        }
    return scores


def f1(prediction: str, gold: str | None, category: int | None = None) -> float:
    """LoCoMo's F1 of stemmed words, counted as often as they occur, by the rule of the category.

    - 1: both are split at commas; the mean over gold's parts of the best F1 that a part of the prediction reaches
    - 3: gold ends at its first semicolon
    - 5: 1 if the prediction abstains, else 0; there is no gold
    - 2, 4, or none: plain

    Raises:
        MeasurementError: no category of LoCoMo, or no gold where one is needed.
    """
    if category is not None and category not in GROUPS["all"]:
        raise MeasurementError(f"category {category!r} came; wanted one of {list(GROUPS['all'])}, or None")
    if category == ADVERSARIAL:
        return float(abstained(prediction))
    if gold is None:
        raise MeasurementError(
            f"a question of category {category} came without a gold answer; only those of 5 have none"
        )
    if category == MULTI_HOP:
        return _f1_by_parts(prediction, gold)
    return _f1(_stems(prediction), _stems(gold.split(";")[0] if category == OPEN_DOMAIN else gold))


def f1_set(prediction: str, gold: str) -> float:
    """F1 of two sets of lower-cased words, with a space for each of `. , ! ?`; no stemming, no rules."""
    said, wanted = (set(text.lower().translate(_STOPS).split()) for text in (prediction, gold))
    return _harmonic(len(said & wanted), len(said), len(wanted))


def bleu1(prediction: str, gold: str) -> float:
    """BLEU with weights (1, 0, 0, 0): the precision of single tokens times the penalty for a short answer.

    exp(min(0, 1 - |gold| / |prediction|)) · |prediction ∩ gold| / |prediction|, over lower-cased tokens.
    """
    extra.require(*extra.SCORING)
    from nltk.translate.bleu_score import sentence_bleu

    # The orders that weigh nothing are left out: papers smooth them (method1), which can't change the product.
    return float(sentence_bleu([word_tokens(gold.lower())], word_tokens(prediction.lower()), weights=(1.0,)))


def exact_match(prediction: str, gold: str) -> float:
    """1 if both are the same after `normalize`, else 0, as SQuAD's; where nothing is left of them, 0.

    mem0's `exact_match` normalises the case alone: it is above this one only for texts of articles and signs.
    """
    said = normalize(prediction)
    return float(bool(said) and said == normalize(gold))


def abstained(prediction: str) -> bool:
    """Whether the prediction says that the conversation has no answer."""
    return any(phrase in prediction.lower() for phrase in ABSTENTIONS)


def normalize(text: str) -> str:
    """LoCoMo's: small letters, no ASCII punctuation, no "a", "an", "the" and "and", single spaces.

    What punctuation joins stays joined: "dairy-free" becomes "dairyfree".
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _f1_by_parts(prediction: str, gold: str) -> float:
    said = [_stems(part) for part in prediction.split(",")]
    best = [max(_f1(part, wanted) for part in said) for wanted in map(_stems, gold.split(","))]
    return math.fsum(best) / len(best)


def _f1(said: Counter[str], wanted: Counter[str]) -> float:
    return _harmonic((said & wanted).total(), said.total(), wanted.total())


def _harmonic(same: int, said: int, wanted: int) -> float:
    """The harmonic mean of precision and recall; 0 where nothing is shared, two empty texts included."""
    if not same:
        return 0.0
    precision, recall = same / said, same / wanted
    return 2 * precision * recall / (precision + recall)


def _stems(text: str) -> Counter[str]:
    return Counter(map(_stem, normalize(text).split()))


@lru_cache(maxsize=4_096)  # a text takes 0.1 ms, and a gold answer comes once a policy and run
def word_tokens(text: str) -> tuple[str, ...]:
    """The tokens of nltk's `word_tokenize` for a lower-cased text, without the model that it would download.

    It cuts a text into sentences with the English Punkt model and each sentence into words. Sentences matter for one
    thing: a full stop is a token of its own only at a sentence's end. In a lower-cased text Punkt's decision rests on
    its list of abbreviations alone: its sentence starters need a capital letter, its collocations only undo breaks that
    are not made before a small letter, and its table of spellings could matter only after a number or an initial,
    before a word that its corpus has in small letters at a sentence's start and never capitalised. So that is where a
    token could differ, and `ABBREVIATIONS` is what the model knows.
    """
    sentences, words = _tokenizers()
    return tuple(token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence))


@cache
def _tokenizers() -> tuple[PunktSentenceTokenizer, NLTKWordTokenizer]:
    extra.require(*extra.SCORING)
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    parameters = PunktParameters()
    parameters.abbrev_types = set(ABBREVIATIONS)
    return PunktSentenceTokenizer(parameters), NLTKWordTokenizer()


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


@cache
def _stemmer() -> PorterStemmer:
    extra.require(*extra.SCORING)
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()
