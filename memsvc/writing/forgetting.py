"""What `forget` is asked to erase, checked, and receipts in the forms that callers hand over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc import checks
from memsvc.errors import InvalidInput
from memsvc_store.values.erasure_receipts import Erasure, Target, from_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def target(*, session_id: str | None, memory_id: str | None, source: str | None, expired: bool) -> Target:
    """What to erase; the whole namespace where nothing is named.

    Raises:
        InvalidInput: more than one came, or one that names nothing.
    """
    named = [
        Target("session", None if session_id is None else checks.checked_name("session_id", session_id)),
        Target("memory", None if memory_id is None else checks.checked_id(memory_id)),
        Target("source", None if source is None else checks.checked_name("source", source)),
    ]
    chosen = [one for one in named if one.name is not None]
    chosen += [Target("expired")] if checks.checked_choice("expired", expired, (False, True)) else []
    if len(chosen) > 1:
        raise InvalidInput(
            f"{' and '.join(one.what for one in chosen)} came; give one of session_id, memory_id, source and expired, "
            "or none of them for the whole namespace"
        )
    return chosen[0] if chosen else Target("namespace")


def receipt(given: Erasure | Mapping[str, Any]) -> Erasure:
    """A receipt, as `forget` gave it or as the JSON document of it.

    Raises:
        InvalidInput: it is none.
    """
    return given if isinstance(given, Erasure) else from_document(given)
