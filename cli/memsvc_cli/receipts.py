"""What became of the messages that a command stored: `add` and `import` say it alike."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from memsvc_cli import output

if TYPE_CHECKING:
    from memsvc import Receipt

_STATUSES = ("stored", "duplicate", "echo", "rejected")
_SHOWN = 20
"""Rejected messages that are listed; with --json all of them are."""


def report(namespace: str, receipts: "Sequence[Receipt]", places: Sequence[str], *, json: bool) -> None:
    """Say what became of the messages; exits with 1 if one was rejected.

    Args:
        places: where each message stands in its file, for those that were rejected.
    """
    tally = {status: sum(receipt.status == status for receipt in receipts) for status in _STATUSES}
    if json:
        output.document({"namespace": namespace, **tally, "receipts": receipts})
    elif len(receipts) == 1:
        [one] = receipts
        of = f"of {one.echo_of}" if one.echo_of else ""
        output.line(" ".join(part for part in (one.status, one.id, of) if part))
    else:
        output.line(", ".join(f"{number:,} {status}" for status, number in tally.items() if number) or "no messages")
    if tally["rejected"]:
        list_rejected({place: one.reason for place, one in zip(places, receipts, strict=True) if _is_rejected(one)})
        raise typer.Exit(1)


def list_rejected(reasons: "Mapping[str, str | None]") -> None:
    """Say of each message that was rejected why, by its place; of many the first ones."""
    for place, reason in list(reasons.items())[:_SHOWN]:
        output.error(f"{place} was rejected: {reason}")
    if len(reasons) > _SHOWN:
        output.error(f"and {len(reasons) - _SHOWN:,} more were rejected; --json lists them all")


def _is_rejected(receipt: "Receipt") -> bool:
    return receipt.status == "rejected"
