"""What became of the messages that a command stored: `add` and `import` say it alike."""

from collections.abc import Sequence
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
        _list_rejected(receipts, places)
        raise typer.Exit(1)


def _list_rejected(receipts: "Sequence[Receipt]", places: Sequence[str]) -> None:
    rejected = [(place, one.reason) for place, one in zip(places, receipts, strict=True) if one.status == "rejected"]
    for place, reason in rejected[:_SHOWN]:
        output.error(f"{place} was rejected: {reason}")
    if len(rejected) > _SHOWN:
        output.error(f"and {len(rejected) - _SHOWN:,} more were rejected; --json lists them all")
