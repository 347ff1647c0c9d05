from __future__ import annotations

import pickle

import numpy as np
import pytest

from memsvc.errors import MemsvcError
from memsvc.testing import HashEmbedder
from memsvc_evals import MeasurementError
from memsvc_evals.learning.memories import Ahead, Clock, ahead, opened


def test_epochs_are_more_than_a_window_apart() -> None:
    clock = Clock()
    with opened(HashEmbedder(), clock) as memory:
        began = clock.now
        clock.attempt()
        assert clock.now > began
        clock.epoch()
        assert (clock.now - began).total_seconds() >= 3600 * memory.settings.feedback_window


def test_the_users_settings_do_not_change_a_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSVC_ALPHA", "0.9")
    monkeypatch.setenv("MEMSVC_HOT_MEMORIES", "1")
    with opened(HashEmbedder(), Clock(), feedback_cap=None) as memory:
        assert (memory.settings.alpha, memory.settings.hot_memories) == (0.3, None)
        assert memory.settings.feedback_cap is None


def test_what_is_stored_has_the_clocks_time() -> None:
    clock = Clock()
    with opened(HashEmbedder(), clock) as memory:
        clock.epoch()
        memory.add_episode("Mend the net", "Knot it.", namespace="a", success=True)
        [hit] = memory.search_episodes("Mend the net", namespace="a").hits
        assert hit.episode.happened_at == clock.now


def test_recorded_vectors_are_given_again_without_the_model() -> None:
    noted = Ahead(HashEmbedder())
    made = noted.embed(["a goat", "a sheep"])
    sealed = pickle.loads(pickle.dumps(noted.sealed()))
    assert np.array_equal(sealed.embed(["a sheep", "a goat"]), made[::-1])
    assert (sealed.model, sealed.dimension) == (HashEmbedder().model, 64)
    assert sealed.embed([]).shape == (0, 64)
    both = ahead(HashEmbedder(), ["a goat"])
    assert np.array_equal(both.embed(["a goat"], purpose="query"), both.embed(["a goat"]))


def test_a_text_that_was_never_embedded_is_a_fault() -> None:
    noted = Ahead(HashEmbedder())
    noted.embed(["a goat"])
    sealed = noted.sealed()
    with pytest.raises(MeasurementError, match="'a goat' was not embedded ahead as a query"):
        sealed.embed(["a goat"], purpose="query")
    with opened(sealed, Clock()) as memory, pytest.raises(MemsvcError, match="a cow"):
        memory.add("a cow", namespace="a")
