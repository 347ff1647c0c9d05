"""feedback and what it moves."""

from __future__ import annotations

from memsvc.verbs.parts import Parts


class Learning(Parts):
    """The verbs of learning."""
