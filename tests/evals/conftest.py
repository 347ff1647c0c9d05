from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memsvc_evals import load_locomo

if TYPE_CHECKING:
    from memsvc_evals import Dataset

EXAMPLES = Path(__file__).parents[2] / "examples" / "conversations.json"


@pytest.fixture(scope="session")
def examples() -> Dataset:
    return load_locomo(EXAMPLES)
