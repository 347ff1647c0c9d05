"""Whether a text reads like an instruction to a model: a warning on what was recalled, not a defence.

Memories are data, and some of them come from people who write for the model that will read them. The patterns are
English and few, and each names what hardly anybody says to a person ("previous instructions", "the user", "system
prompt", the marks of a chat template). They miss what is worded otherwise: a text without the flag is no safer to obey.
Of the 6,040 turns of the dev conversations of LoCoMo and RealTalk they flag none, in 6 us each.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsvc_store.values.hits import Flag

_SOME = r"(?:[\w'-]+ ){0,3}?"
_RULES = r"(?:instructions?|prompts?|directives?|guidelines|programming|guardrails)"
_BEFORE = r"(?:previous|prior|above|earlier|preceding|initial|original|existing|system|developer|safety)"
_DROP = r"\b(?:ignore|disregard|forget|override|bypass|discard|do not follow|stop following)"
_MODEL = r"(?:ai|llm|language model|chat-?bot|gpt|claude|gemini|assistant)s?"
_MODELS = (" ai", "llm", "language model", "bot", "gpt", "claude", "gemini", "assistant")
_SAY = r"(?:respond|reply|answer|output|say|recommend)"

PATTERNS: tuple[tuple[tuple[str, ...], str], ...] = (
    # What it was told is to be dropped.
    (("instruction", "prompt", "directive", "guideline", "programming", "guardrail"),
     rf"{_DROP} (?:{_SOME}{_BEFORE} {_SOME}|(?:all |any )?(?:of )?your {_SOME}){_RULES}\b"),
    (("rules", "messages", "commands", "context"),
     rf"{_DROP} {_SOME}(?:previous|prior|above|preceding|system|developer) (?:rules|messages|commands|context)\b"),
    (("instruction", "directive"),
     r"\b(?:instructions?|directives?) (?:override|supersede|replace|take precedence over) "),
    (("your new",), rf"\byour new {_SOME}(?:instructions?|directives?|objective) (?:is|are)\b"),
    (("instruction", "directive"),
     r"(?:^|\n)[^\w\n]{0,8}(?:new|updated|system|hidden) (?:system |hidden )?(?:instructions?|directives?)\W{0,4}:"),
    # It is to be somebody else.
    (("you are now", "you're now"),
     r"\byou(?: are|'re) now (?:dan\b|jailbroken|unrestricted|uncensored|in (?:\w+ )?mode\b"
     rf"|(?:an? |the )?{_SOME}{_MODEL}\b)"),
    (("act as", "pretend", "roleplay"),
     rf"\b(?:act as|pretend (?:to be|you are)|roleplay as) (?:an? )?{_SOME}{_MODEL}\b[^.\n]{{0,40}}"
     r"\b(?:(?:without|no) (?:any )?(?:restrictions|rules|limits|filters|ethics)|unrestricted|uncensored)\b"),
    ((" mode",), r"\b(?:enable|enter|activate|switch to) (?:developer|debug|god|jailbreak|dan|unrestricted) mode\b"),
    (("anything now",), r"\bdo anything now\b"),
    # It is to tell what it was told.
    (("system", "developer", "hidden", "initial"),
     rf"\b(?:reveal|print|repeat|show|output|display|leak|disclose|recite|tell me) {_SOME}"
     r"(?:system|developer|hidden|initial) (?:prompt|message|instructions?)\b"),
    # It is spoken to as a model, or told how to treat its user.
    (_MODELS, rf"\b(?:attention|note to|message to|important for) (?:all |any |the |every )?{_MODEL}\b"),
    (_MODELS,
     rf"\b{_MODEL} (?:agents? |models? )?(?:reading|processing|summari[sz]ing|(?:that|who) reads?) th(?:is|ese)\b"),
    (_MODELS, rf"\bif you(?: are|'re) an? {_SOME}{_MODEL}\b"),
    (("the user",),
     r"\b(?:do not|don't|never) (?:tell|mention|inform|reveal|disclose|show|warn|alert)\b[^.\n]{0,40}\bthe user\b"),
    (("the user",), r"\bwithout (?:telling|informing|asking|notifying|alerting) the user\b"),
    (("the user",),
     rf"\b(?:whenever|when|if|next time) the user (?:asks|mentions|says|wants|requests)\b[^\n]{{0,80}}\b{_SAY}\b"),
    (("from now on",), r"\bfrom now on\b[^.\n]{0,20}"
     rf"\byou (?:must|will|should|are to) (?:always |only )?{_SAY}\b"),
    (("in all future",), rf"\bin all future (?:replies|responses|answers)\b[^.\n]{{0,20}}{_SAY}\b"),
    # It is to give something away.
    (("://", "www.", "@"),
     rf"\b(?:send|forward|post|upload|exfiltrate|transmit) {_SOME}(?:conversations?|chat history|api keys?|credentials"
     r"|passwords?|memories|user data)\b[^\n]{0,60}(?:https?://|www\.|@)"),
    # The marks of a chat template, or of a prompt.
    (("<|", "inst]", "sys>"), r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\|>"
     r"|\[/?inst\]|<</?sys>>"),
    (("system", "instructions>"), r"</?(?:system|system[_-]prompt|instructions)>"),
    (("system", "instruction"),
     r"(?:^|\n)(?:#{1,4}|-{2,5}|={2,5})\s?(?:begin |new )?(?:system|instructions?)(?: prompt| message)?\b"),
    (("system", "developer"),
     r"(?:^|\n)[^\w\n]{0,8}(?:system|developer)(?: (?:message|prompt|note|override|notice))?\s?:"),
)  # fmt: skip
"""(literals of which one must occur in the text, pattern), both for texts in lower case; a blank stands for up to three
white spaces. Every repetition is bounded, so that no text takes time out of proportion to its length."""

_BY_HINT = [
    (hint, [pattern for hints, pattern in PATTERNS if hint in hints])
    for hint in dict.fromkeys(hint for hints, _ in PATTERNS for hint in hints)
]
"""Looking for a literal takes 40 ns, for a pattern 10 us: most texts are done with after the literals."""


def flags(text: str) -> tuple[Flag, ...]:
    """What to warn of in a text."""
    plain = text.lower()
    for hint, patterns in _BY_HINT:
        if hint in plain and any(_compiled(pattern).search(plain) for pattern in patterns):
            return ("instruction-like",)
    return ()


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """When it is first needed: compiling them all takes a cold search 10 ms."""
    return re.compile(pattern.replace(" ", r"\s{1,3}"))
