"""What an answer is worth: text measures, statistics over questions and runs, rescoring of anybody's predictions.

Texts and numbers in, numbers out: nothing here asks a memory or a model.
"""

from memsvc_evals.scoring.rescore import MEASURES, Rescored, rescore
from memsvc_evals.scoring.statistics import (
    Abstention,
    Interval,
    Paired,
    abstention,
    bootstrap,
    differences,
    interval,
    paired,
    student,
    wilson,
)
from memsvc_evals.scoring.text import ADVERSARIAL, GROUPS, abstained, group_name, text_scores

__all__ = [
    "ADVERSARIAL",
    "GROUPS",
    "MEASURES",
    "Abstention",
    "Interval",
    "Paired",
    "Rescored",
    "abstained",
    "abstention",
    "bootstrap",
    "differences",
    "group_name",
    "interval",
    "paired",
    "rescore",
    "student",
    "text_scores",
    "wilson",
]
