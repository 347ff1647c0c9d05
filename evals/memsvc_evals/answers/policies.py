"""Ways to answer, by one name each: the service under its gates, and the plain methods to beat.

| policy        | who answers                                                                               |
|---------------|-------------------------------------------------------------------------------------------|
| fast          | the service, never gated                                                                  |
| filter, quality, majority, consensus, calibrated | the service under that gate; it escalates to a scan    |
| scan          | the service, always by reading the whole log                                              |
| hypergraph    | the service, always by a working memory that grows                                        |
| full-context  | one call over the whole conversation, as far as the model's room holds the newest of it   |
| rag           | one call over the chunk of about 500 tokens that is nearest to the question               |
| none          | one call over the question alone, told to guess                                           |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_retrievers.choices import Deliberation
    from memsvc_retrievers.choices import Policy as Gate

Baseline = Literal["full-context", "rag", "none"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a question is asked: of the service under a gate, or of a baseline."""

    name: str
    gate: Gate = "never"
    deliberation: Deliberation = "scan"
    baseline: Baseline | None = None

    @property
    def gated(self) -> bool:
        """Whether a gate decides which process answers."""
        return self.baseline is None and self.gate not in ("never", "always")


POLICIES = {
    policy.name: policy
    for policy in (
        Policy("fast"),
        Policy("filter", "filter"),
        Policy("quality", "quality"),
        Policy("majority", "majority"),
        Policy("consensus", "consensus"),
        Policy("calibrated", "calibrated"),
        Policy("scan", "always"),
        Policy("hypergraph", "always", "hypergraph"),
        Policy("full-context", baseline="full-context"),
        Policy("rag", baseline="rag"),
        Policy("none", baseline="none"),
    )
}


def chosen(names: Sequence[str]) -> tuple[Policy, ...]:
    """The policies of these names, each once, in the order given.

    Raises:
        MeasurementError: there is none of such a name, or none came.
    """
    unknown = [name for name in names if name not in POLICIES]
    if unknown or not names:
        came = f"no policy is named {unknown[0]!r}" if unknown else "no policy came"
        raise MeasurementError(f"{came}; there are {', '.join(POLICIES)}")
    return tuple(POLICIES[name] for name in dict.fromkeys(names))
