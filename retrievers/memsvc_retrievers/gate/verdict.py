"""What the gate said of a fast answer."""

from __future__ import annotations

from dataclasses import dataclass

from memsvc_store.values.document import Value


@dataclass(frozen=True, slots=True)
class Reason:
    """What the gate found in one respect."""

    dimension: str
    passed: bool
    why: str


@dataclass(frozen=True, slots=True)
class Verdict(Value):
    """What the gate said of the fast answer: whether it escalates, and why."""

    policy: str
    escalate: bool
    reasons: tuple[Reason, ...] = ()
