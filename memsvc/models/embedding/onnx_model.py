"""A model in onnxruntime: its session, its tokenizer, and what one call of it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc.errors import EmbedderError, MissingDependency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """What embeds: a graph that takes token ids, and the tokenizer that makes them.

    The graph gives either a vector a text or one a token; of the latter the mean is taken over the real tokens, as
    all-MiniLM-L6-v2 and its kin were trained.
    """

    name: str
    dimension: int
    max_tokens: int
    pad_id: int
    tokenizer: Any
    session: Any

    def vectors(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """One vector a row of token ids, float32 `(len(rows), dimension)`, not normalised.

        Raises:
            EmbedderError: onnxruntime failed.
        """
        ids = np.full((len(rows), max(map(len, rows))), self.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {one.name for one in self.session.get_inputs()}
        try:
            (found,) = self.session.run(None, {name: array for name, array in given.items() if name in wanted})
        except Exception as error:
            raise EmbedderError(
                f"{self.name} failed on {ids.shape} tokens ({type(error).__name__}: {error}): "
                "if memory is short, embed fewer texts at a time."
            ) from error
        return found if found.ndim == 2 else _mean(found, mask)


def _mean(tokens: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean over each row's real tokens of `(rows, tokens, dimension)`."""
    weights = mask.astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    mean: NDArray[np.float32] = (weights[:, None, :] @ tokens)[:, 0]
    return mean


def open_session(graph: Path, *, threads: int | None = None, optimised: bool) -> Any:
    """An onnxruntime session on the CPU; the one border where its errors while opening become ours.

    Args:
        graph: the model's file.
        threads: cores for one call; all of them when None.
        optimised: whether the graph was optimised when it was written, so that opening it need not.

    Raises:
        MissingDependency: onnxruntime is not installed.
        EmbedderError: the file is no graph that it can run.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing(error) from error
    options = onnxruntime.SessionOptions()
    # Constants are folded, which turns int8 weights into floats once; its further levels gained nothing measurable.
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_DISABLE_ALL if optimised else levels.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    # Spinning threads take the core that another process needs: one query p50 10 ms against 6 ms on
    # two shared cores. Prepacking stays on: without it a session opens 45 ms sooner, and each query
    # then costs 11 ms instead of 5.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EmbedderError(f"{graph}: {type(error).__name__}: {error}") from error


def open_tokenizer(make: Callable[[Any], Any], what: Path) -> Any:
    """A tokenizer that neither pads nor cuts; the one border where the library's errors become ours.

    Args:
        make: given the library `tokenizers`, makes one.
        what: the file that it is made of.

    Raises:
        MissingDependency: tokenizers is not installed.
        EmbedderError: the file is no tokenizer.
    """
    try:
        import tokenizers
    except ImportError as error:
        raise missing(error) from error
    try:
        tokenizer = make(tokenizers)
    except Exception as error:
        raise EmbedderError(f"{what}: {type(error).__name__}: {error}") from error
    tokenizer.no_padding()  # a file may ask for 128 tokens, always: 5 times the work for a short turn
    tokenizer.no_truncation()
    return tokenizer


def missing(error: ImportError) -> MissingDependency:
    """The package that embedding needs, and what brings it."""
    return MissingDependency(f"Embedding needs {error.name}: pip install 'memsvc[cpu]' (or 'memsvc[gpu]').")
