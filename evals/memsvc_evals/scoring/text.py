"""An answer against the gold one, by the measures that papers print. Pure functions on texts, all between 0 and 1.

`f1` is LoCoMo's own, with its rule for each category (Maharana et al. 2024). `f1_set` and `bleu1` are those of A-Mem
and mem0, which many later papers print under the same names: no number of one can be set beside one of the other.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from memsvc_evals import extra
from memsvc_evals.errors import MeasurementError
from memsvc_evals.scoring.categories import ADVERSARIAL, GROUPS, MULTI_HOP, OPEN_DOMAIN
from memsvc_evals.scoring.tokens import word_tokens

if TYPE_CHECKING:
    from nltk.stem.porter import PorterStemmer

ABSTENTIONS = ("no information available", "not mentioned")
"""An answer that holds one of these, in whatever case, says that there is none."""

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the|and)\b")
_STOPS = str.maketrans(dict.fromkeys(".,!?", " "))


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


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


@cache
def _stemmer() -> PorterStemmer:
    extra.require(*extra.SCORING)
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()
