"""What a fit leaves behind: plain numbers, for clients too. NumPy is imported by whoever computes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_store.errors import InvalidInput
from memsvc_store.values.document import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogisticModel:
    """A fitted model. `centre`, `scale` and `weights` have one entry a feature."""

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def probability(self, features: Values) -> Values:
        """How likely each row is a positive; `features` of shape `(n, features)`, the result `(n,)`.

        Raises:
            InvalidInput: another number of features than it was fitted to.
        """
        if features.ndim != 2 or features.shape[1] != len(self.weights):
            raise InvalidInput(f"features of shape {features.shape} came; this model has {len(self.weights)} features")
        import numpy as np

        standard = (features - np.array(self.centre)) / np.array(self.scale)
        return sigmoid(standard @ np.array(self.weights) + self.intercept)


@dataclass(frozen=True, slots=True)
class Calibration(Value):
    """A gate that was fitted, and what is to be expected of it.

    Escalate where the risk is above `threshold`. `escalation_rate` is expected over all questions, the forced ones
    included. Of the known outcomes, `caught` and `missed` count failures that would and would not have been escalated,
    `spared` and `wasted` good answers that would not and would: each judged by a model that was fitted without it.
    """

    model: LogisticModel
    threshold: float
    budget: float
    escalation_rate: float
    outcomes: int
    caught: int
    missed: int
    spared: int
    wasted: int


def sigmoid(logits: Values) -> Values:
    """1 / (1 + exp(-logits)), without an overflow for large ones."""
    import numpy as np

    return np.asarray(np.exp(-np.logaddexp(0.0, -logits)), np.float64)
