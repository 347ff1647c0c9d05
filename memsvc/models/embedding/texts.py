"""What every embedder does around its model: checks texts, cuts the long ones, pools, normalises.

A model reads a limited number of tokens (256 for all-MiniLM-L6-v2) and drops the rest in silence.
Here a longer text becomes consecutive windows of about equal length, and its vector is the
normalised mean of theirs. Equal lengths, so that a tail of three words does not weigh as much as
the 250 before it. Cuts fall between words, so that a window's text has the same tokens alone as in
its place. Stops at `MAX_WINDOWS`: beyond it (4,064 tokens, about 3,000 English words) a text is
represented by its beginning; whoever stores longer texts should split them first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsvc.errors import EmbedderError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_WINDOWS = 16


def checked(texts: Sequence[str]) -> list[str]:
    """The texts as a list, lone surrogates replaced by `?` (tokenizers cannot take them).

    Raises:
        InvalidInput: one string instead of a list of strings, or an item that is no string.
    """
    if isinstance(texts, str):
        raise InvalidInput(f"embed() takes a list of texts, and got one string ({texts[:40]!r}): pass [text].")
    for text in texts:
        if not isinstance(text, str):
            raise InvalidInput(f"embed() takes strings, and got {type(text).__name__}: convert it with str() first.")
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def spans(
    offsets: Sequence[tuple[int, int]], words: Sequence[int | None], *, size: int, most: int = MAX_WINDOWS
) -> list[tuple[int, int]]:
    """Where to cut a text: (start, end) characters of at most `most` windows of at most `size` tokens.

    Args:
        offsets: each token's (start, end) in the text, without special tokens.
        words: the word each token belongs to; a cut inside a word happens only when the word alone
            is longer than a window.
        size: tokens in a window, special tokens not counted; at least 1.
        most: windows at most; what follows them is left out.
    """
    total = min(len(offsets), size * most)
    if total == 0:
        return []
    even = -(-total // -(-total // size))  # ceil(total / number of windows)
    found: list[tuple[int, int]] = []
    start = 0
    while start < total and len(found) < most:
        left = most - len(found)
        # Cuts that backed off to a word's start leave more for the rest: then take full windows.
        end = min(start + (even if total - start <= even * left else size), total)
        end = _word_start(words, start, end) if end < len(words) else end
        found.append((offsets[start][0], offsets[end - 1][1]))
        start = end
    return found


def _word_start(words: Sequence[int | None], start: int, end: int) -> int:
    """The last position at or before `end` where a word begins, or `end` when there is none."""
    cut = end
    while cut > start and words[cut] is not None and words[cut] == words[cut - 1]:
        cut -= 1
    return cut if cut > start else end


def pooled(vectors: NDArray[np.float32], counts: Sequence[int]) -> NDArray[np.float32]:
    """Each text's normalised mean over its windows.

    Args:
        vectors: `(sum(counts), dimension)`, the windows of the first text, then of the second, ...
        counts: how many windows each text has, at least 1.
    """
    if all(count == 1 for count in counts):
        return vectors
    starts = np.cumsum([0, *counts[:-1]])
    sums = np.add.reduceat(vectors, starts, axis=0, dtype=np.float64)
    return unit(np.asarray(sums / np.asarray(counts)[:, None]), model="the mean of a long text's windows")


def unit(vectors: NDArray[np.floating], *, model: str) -> NDArray[np.float32]:
    """The rows scaled to length 1, as float32.

    Raises:
        EmbedderError: a row that is not finite, or has no direction.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64, copy=False), axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(lengths[:, 0]) | (lengths[:, 0] == 0.0))
    if bad.size:
        raise EmbedderError(
            f"{model} gave no usable vector for text {int(bad[0])} of {len(vectors)} (length {lengths[bad[0], 0]}, "
            "wanted a finite one above 0): its weights may be damaged; install the model again or choose another."
        )
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)
