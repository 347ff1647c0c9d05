"""Whether a text reads like an instruction to a model: a warning on what was recalled, not a defence.

Memories are data, and some of them come from people who write for the model that will read them. The patterns are
English, few, and each names what only somebody who speaks to a model says ("previous instructions", "the user", "system
prompt", a chat template's marks). They miss whatever is worded otherwise; a text without the flag is no safer to obey.
Held against every turn of the dev conversations of LoCoMo and RealTalk, 6,040 of them, they flag none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsvc_store.shapes import Flag

_WHOSE = r"(?:\w+ ){0,3}?"
_RULES = r"(?:instructions?|prompts?|directives?|guidelines|programming|guardrails|restrictions)"
_BEFORE = r"(?:previous|prior|above|earlier|preceding|initial|original|existing|system|developer|safety)"
_MODEL = r"(?:ai|a\.i\.|llm|language model|chat ?bot|gpt|claude|gemini|assistant|ai agent)s?"
_SAY = r"(?:respond|reply|answer|output|say|recommend|return)"

PATTERNS = (
    # What it was told before is to be dropped, or gives way.
    rf"\b(?:ignore|disregard|forget|override|bypass|overlook|discard|drop) {_WHOSE}{_BEFORE} {_WHOSE}"
    rf"(?:{_RULES}|rules|messages?|context|commands?)\b",
    rf"\b(?:ignore|disregard|override|bypass) (?:all )?(?:of )?your {_WHOSE}(?:{_RULES}|rules|training)\b",
    rf"\b(?:these|the following|my|new) {_WHOSE}{_RULES} (?:override|supersede|replace|take precedence)",
    rf"\byour new {_WHOSE}(?:{_RULES}|task|objective|directive) (?:is|are)\b",
    rf"(?:^|\n)\W*(?:new|updated|important|system|hidden) (?:{_MODEL} )?(?:instructions?|prompt|directive)\W*:",
    # It is to be somebody else.
    r"\byou are now (?:in )?(?:dan\b|jailbroken|unrestricted|(?:developer|debug|god|admin|root) mode"
    rf"|(?:an? )?(?:\w+ )?(?:{_MODEL})\b)",
    rf"\b(?:act as|pretend to be|roleplay as|behave like) (?:an? )?{_WHOSE}{_MODEL}\b[^.\n]{{0,40}}"
    r"\b(?:without|no|unrestricted|uncensored)\b",
    r"\b(?:enable|enter|activate|switch to) (?:developer|debug|god|jailbreak|dan|unrestricted) mode\b",
    r"\bdo anything now\b",
    # It is to tell what it was told.
    rf"\b(?:reveal|print|repeat|show|output|display|leak|disclose|recite|tell me) {_WHOSE}"
    r"(?:system|developer|hidden|initial) (?:prompt|message|instructions?)\b",
    # It is spoken to as a model, or told how to treat its user.
    rf"(?:^|[\n.!?(\[] *)(?:attention|note to|message to|dear|hey|to) {_WHOSE}{_MODEL}\b\W{{0,3}}(?:[:,]|reading|processing)",
    rf"\b(?:any|all|every|the|an) {_MODEL} (?:reading|processing|summari[sz]ing|that reads?|who reads?) (?:this|the)\b",
    rf"\bif you are an? {_WHOSE}{_MODEL}\b",
    r"\b(?:do not|don't|never) (?:tell|mention|inform|reveal|disclose|show|warn|alert)\b[^.\n]{0,30} the user\b",
    r"\bwithout (?:telling|informing|asking|notifying|alerting) the user\b",
    rf"\b(?:whenever|when|if|next time) the user (?:asks|mentions|says|wants|requests)\b[^.\n]{{0,80}}\b{_SAY}\b",
    rf"\b(?:from now on|whenever you are asked|in all future (?:replies|responses|answers))\b[^.\n]{{0,60}}"
    rf"\b(?:you (?:must|will|should|are to)|always|only) (?:only |always |never )?{_SAY}\b",
    # It is to give something away.
    r"\b(?:send|forward|post|upload|exfiltrate|transmit|leak) {whose}(?:conversation|chat history|api keys?|credentials"
    r"|passwords?|memories|system prompt|user data|user's)\b[^\n]{{0,60}}(?:https?://|www\.|@)".format(whose=_WHOSE),
    # The marks of a chat template or of a fenced prompt.
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\|>|\[/?INST\]|<</?SYS>>"
    r"|</?(?:system|system_prompt|system-prompt|instructions)>",
    r"(?:^|\n)\W*(?:begin|start|end) (?:of )?(?:system|hidden|new) (?:prompt|instructions?|message)\b",
    r"(?:^|\n)#{1,4} ?(?:system|instruction)s? ?(?:prompt)?:",
    r"(?:^|\n) ?(?:system|developer|assistant) ?(?:message|prompt|override)? ?: ?(?:you |ignore|disregard|new |the user|all )",
)

_HINTS = (
    "instruction", "prompt", "guideline", "the user", "you are now", "mode", "do anything now", "if you are a", "directive",
    "programming", "your rules", "your training", "guardrail", "restriction", "rules", "context", "commands", "messages",
    "your new", "attention", "note to", "message to", "dear ", "hey ", "to ", "reading", "processing", "summari",
    "from now on", "whenever", "in all future", "send", "forward", "post", "upload", "exfil", "transmit", "leak", "<|",
    "inst]", "sys>", "system", "developer", "assistant",
)  # fmt: skip
