"""eval learning offpolicy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memsvc import Memory
from memsvc.testing import HashEmbedder

if TYPE_CHECKING:
    from tests.cli.conftest import Shell


@pytest.fixture
def explored(shell: Shell) -> Shell:
    """Forty choices of two of three episodes, drawn by chance and rewarded."""
    with Memory.open(shell.db, embedder=HashEmbedder()) as memory:
        for word in ("shop", "bar", "zoo"):
            memory.add_episode(f"List the users of the {word}", "t", namespace="agent", reward=1)
        for seed in range(40):
            given = memory.search_episodes("List users", namespace="agent", top_k=2, epsilon=1.0, seed=seed)
            memory.feedback(str(given.trace_id), 1.0 if seed % 2 else -1.0)
    return shell


def test_offpolicy_judges_weights_by_the_log_of_a_namespace(explored: Shell) -> None:
    ran = explored("eval", "learning", "offpolicy", "-n", "agent", "--weight", "0")
    assert ran.code == 0
    first, head, logged, similar = ran.out.splitlines()
    assert first == "40 rewarded choices, 40 of them drawn with chance"
    assert head.split("\t") == ["lambda", "mean reward", "from", "to", "worth choices"]
    assert logged.startswith("as logged\t+0.000\t-0.")
    assert similar.startswith("0\t")
    document = explored("eval", "learning", "offpolicy", "-n", "agent", "--json").document
    assert [one["weight"] for one in document["report"]["weights"]] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_offpolicy_refuses_a_log_without_chance(explored: Shell) -> None:
    with Memory.open(explored.db, embedder=HashEmbedder()) as memory:
        memory.add_episode("List", "t", namespace="bob", reward=1)
        memory.feedback(str(memory.search_episodes("List", namespace="bob").trace_id), 1.0)
    refused = explored("eval", "learning", "offpolicy", "-n", "bob").error
    assert "1 rewarded choices of episodes came, 0 of them drawn with chance" in refused
