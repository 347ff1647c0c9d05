"""Bytes that came inside a message, in base64: they stay in the raw log, and look-ups see a reference to them.

An image of 1 MB would otherwise be in the text that is embedded, in every hit and in memory.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

LEAST = 512
"""Characters from which a text without a space counts as base64: a long key or token has fewer."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_=\r\n-]+\Z")
_DATA_URI = re.compile(r"data:([\w.+/-]*)[^,]{0,200};base64,")


def described(text: str) -> str | None:
    """What is said in the place of inline bytes; None where a text holds none."""
    uri = _DATA_URI.match(text)
    if uri is not None:
        return ", ".join(filter(None, (uri[1], reference(text[uri.end() :]))))
    return reference(text) if len(text) >= LEAST and _BASE64.match(text) else None


def reference(encoded: str) -> str:
    """Bytes in base64 by their number, and the beginning of a digest of what came, which tells two apart."""
    count = len(encoded.rstrip("=\r\n")) * 3 // 4
    return f"{count:,} bytes, #{hashlib.sha256(encoded.encode(errors='replace')).hexdigest()[:12]}"


def compact(value: Any) -> Any:
    """A JSON value with a description in the place of each text that is inline bytes."""
    if isinstance(value, str):
        said = described(value)
        return value if said is None else f"[{said}]"
    if isinstance(value, dict):
        return {name: compact(one) for name, one in value.items()}
    return [compact(one) for one in value] if isinstance(value, list) else value
