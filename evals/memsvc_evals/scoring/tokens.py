"""Words as BLEU counts them: the tokens of nltk's `word_tokenize`, without the model that it would download.

`word_tokenize` cuts a text into sentences with the English Punkt model and each sentence into words. Sentences matter
for one thing: a full stop is a token of its own only at a sentence's end. In a lower-cased text, the only kind that is
scored, Punkt's decision rests on its list of abbreviations alone: its sentence starters need a capital letter, its
collocations only undo breaks that are not made before a small letter, and its table of spellings could matter only
after a number or an initial, before a word that its corpus has in small letters at a sentence's start and never
capitalised. So that is where a token could differ, and the list below is what the model knows.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from memsvc_evals import extra

if TYPE_CHECKING:
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

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


@lru_cache(maxsize=4_096)  # a text takes 0.1 ms, and a gold answer comes once a policy and run
def word_tokens(text: str) -> tuple[str, ...]:
    """The tokens of a lower-cased text; none of an empty one."""
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
