"""What of a text is shown in a drawing: names and memories are what somebody once said."""

from __future__ import annotations

import re

_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def plain(text: str) -> str:
    """The text with a mark for whatever could not be written, or would turn the direction of what follows."""
    return _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
