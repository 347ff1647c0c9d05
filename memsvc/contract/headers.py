"""What headers of HTTP say, to whoever sent a request: to a service or to a model's server."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the `Retry-After` header asks for, given as seconds or as a date; None without one."""
    asked = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    if asked is None:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", asked):
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())
