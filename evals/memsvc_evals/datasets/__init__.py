"""Conversations of other people with their questions, checked value by value, and what was left out of them.

`values` is what loaders make; `parts` and `reading` are the rules by which they read. No numbers library is needed.
"""

from memsvc_evals.datasets.beam import load_beam
from memsvc_evals.datasets.dialogues import LOCOMO_CATEGORIES, REALTALK_CATEGORIES, load_locomo, load_realtalk
from memsvc_evals.datasets.values import Conversation, Dataset, Note, Question, Turn

__all__ = [
    "LOCOMO_CATEGORIES",
    "REALTALK_CATEGORIES",
    "Conversation",
    "Dataset",
    "Note",
    "Question",
    "Turn",
    "load_beam",
    "load_locomo",
    "load_realtalk",
]
