from __future__ import annotations

import pytest

from memsvc_evals.scoring.tokens import word_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        ("7 may 2023", "7 may 2023"),
        ("oslo.", "oslo ."),
        ("she moved to oslo. she likes it.", "she moved to oslo . she likes it ."),
        ("dr. smith met mr. jones.", "dr. smith met mr. jones ."),  # abbreviations keep their full stop
        ("at 5 p.m. in washington d.c. today", "at 5 p.m. in washington d.c. today"),
        ("it was in 2019. it rained.", "it was in 2019. it rained ."),  # a number before a small letter ends nothing
        ("she was ill. he was not.", "she was ill. he was not ."),  # Illinois
        ("don't stop, it's 3,000 dogs' toys!", "do n't stop , it 's 3,000 dogs ' toys !"),
        ("we cannot... go (now)", "we can not ... go ( now )"),
        ('he said "yes"', "he said `` yes ''"),
        ("self-care & yoga; 50%", "self-care & yoga ; 50 %"),
        ("café “au lait”", "café “ au lait ”"),
    ],
)
def test_tokens_are_nltks(text: str, tokens: str) -> None:
    assert word_tokens(text) == tuple(tokens.split())
