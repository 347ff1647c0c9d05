"""What every embedder promises; each implementation runs all of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memsvc.errors import InvalidInput

if TYPE_CHECKING:
    from memsvc_retrievers.protocols import Embedder

TEXTS = [
    "Caroline painted a sunrise over the lake.",
    "ok",
    "",
    "What did we have for dinner on Tuesday, the rice or the pasta? " * 2,
    "Grüße aus Köln 🙂 — und 東京 auch",
    "the painting of a sunrise",
    "\ud800 half an emoji",
    "ok",
]
TOLERANCE = 1e-5


class EmbedderLaws:
    """Inherit, and give an `embedder` fixture."""

    def test_rows_are_unit_float32_of_the_stated_dimension(self, embedder: Embedder) -> None:
        vectors = embedder.embed(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.dimension)
        assert vectors.dtype == np.float32
        assert vectors.flags.c_contiguous
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=TOLERANCE)

    def test_a_batch_equals_single_calls_in_order(self, embedder: Embedder) -> None:
        singly = np.concatenate([embedder.embed([text]) for text in TEXTS])
        np.testing.assert_allclose(embedder.embed(TEXTS), singly, atol=TOLERANCE)
        np.testing.assert_allclose(embedder.embed(TEXTS[::-1]), singly[::-1], atol=TOLERANCE)

    def test_more_texts_than_one_batch_keep_their_order(self, embedder: Embedder) -> None:
        texts = [f"note {n} {'about the garden ' * (n % 3)}" for n in range(70)]
        vectors = embedder.embed(texts)
        for at in (0, 31, 32, 69):
            np.testing.assert_allclose(vectors[at], embedder.embed([texts[at]])[0], atol=TOLERANCE)

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        vectors = embedder.embed([])
        assert vectors.shape == (0, embedder.dimension)
        assert vectors.dtype == np.float32

    def test_the_same_call_gives_the_same_vectors(self, embedder: Embedder) -> None:
        np.testing.assert_array_equal(embedder.embed(TEXTS), embedder.embed(TEXTS))

    def test_questions_live_in_the_same_space(self, embedder: Embedder) -> None:
        asked = embedder.embed(["who painted the sunrise?"], purpose="query")[0]
        near, far = embedder.embed(["She painted the sunrise.", "Invoice 4711 is overdue."])
        assert asked @ near > asked @ far

    def test_threads_agree_with_one(self, embedder: Embedder) -> None:
        alone = embedder.embed(TEXTS)
        with ThreadPoolExecutor(4) as pool:
            for vectors in pool.map(lambda _: embedder.embed(TEXTS), range(4)):
                np.testing.assert_allclose(vectors, alone, atol=TOLERANCE)

    def test_one_string_is_refused(self, embedder: Embedder) -> None:
        with pytest.raises(InvalidInput, match=r"pass \[text\]"):
            embedder.embed("one string")

    def test_the_name_is_stable_and_plain(self, embedder: Embedder) -> None:
        assert embedder.model == embedder.model
        assert embedder.model.strip()
